"""Ears for everything that the program says."""

from __future__ import annotations

import pytest

from tests.support.canary import Ears


@pytest.fixture(params=["logfmt", "json"])
def ears(request, capfd):
    """Listen at debug level, in each log format."""
    ears = Ears(capfd, request.param)
    yield ears
    ears.close()
