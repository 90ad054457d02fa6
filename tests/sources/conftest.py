"""A client on a scripted API."""

from __future__ import annotations

import pytest

from tests.support.api import Bench


@pytest.fixture
def bench():
    """A client whose API answers from a script."""
    bench = Bench()
    yield bench
    bench.client.close()
