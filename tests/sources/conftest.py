"""Clients on a scripted API, sources that read it, and a simulated organisation."""

from __future__ import annotations

import pytest

from claude_cost_exporter.sources.anthropic_analytics import AnthropicAnalytics
from claude_cost_exporter.sources.api_choice import ApiChoice
from tests.support.api import Bench, Book
from tests.support.bill import AnalyticsCost
from tests.support.reading import Reading
from tests.support.simulated import Simulated


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


@pytest.fixture
def simulated(tmp_path):
    """A steady organisation, polled every five simulated minutes."""
    simulated = Simulated(tmp_path)
    yield simulated
    simulated.close()


@pytest.fixture
def reading():
    """Make readings, and close their clients in the end."""
    made = []

    def make(*used, **options):
        made.append(Reading(*used, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
