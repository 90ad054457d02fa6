"""A client on a scripted API, and a source that reads it."""

from __future__ import annotations

import pytest

from claude_cost_exporter.sources.anthropic_analytics import AnthropicAnalytics
from claude_cost_exporter.sources.api_choice import ApiChoice
from tests.support.api import Bench, Book
from tests.support.bill import AnalyticsCost


@pytest.fixture
def bench():
    """A client whose API answers from a script."""
    bench = Bench()
    yield bench
    bench.client.close()


@pytest.fixture
def analytics(bench):
    """An analytics API without rows, and the source that reads it, on 3 November."""
    bench.report = AnalyticsCost()

    def ask(request):
        return bench.report(request)

    bench.api.will(ask)
    bench.source = AnthropicAnalytics(
        bench.client, bench.clock, bench.observed, ApiChoice("auto", bench.clock, Book())
    )
    return bench
