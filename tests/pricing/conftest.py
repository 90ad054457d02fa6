"""What the price tests share."""

from __future__ import annotations

import pytest

from claude_cost_exporter.pricing.book import PriceBook


@pytest.fixture(scope="session")
def book():
    """Return the packaged prices, without overrides."""
    return PriceBook.packaged()
