"""Pollers whose source is scripted."""

from __future__ import annotations

import pytest

from tests.support.polling import Polling


@pytest.fixture
def polling(tmp_path):
    """Make pollings on one ledger file, and close it in the end."""
    made = []

    def make(**options):
        made.append(Polling(tmp_path, **options))
        return made[-1]

    yield make
    for one in made:
        one.ledger.close()
