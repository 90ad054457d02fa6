"""Health of sources: which generation of an API each reads."""

from __future__ import annotations

from datetime import UTC, datetime

from claude_cost_exporter.snapshot import Snapshot, SourceState
from claude_cost_exporter.views.health import sources

NOW = datetime(2026, 11, 10, 15, 0, tzinfo=UTC)


def test_the_api_of_a_source_is_shown():
    """A source with a choice of APIs has one info series; one without has none."""
    states = (
        SourceState("anthropic", "acme", "entities"),
        SourceState("anthropic", "acme", "usage", api="legacy"),
        SourceState("anthropic", "acme", "analytics", api="analytics"),
    )
    found = [s for s in sources(Snapshot(NOW, sources=states), NOW) if "api_info" in s.metric]
    assert [(sample.labels, sample.value) for sample in found] == [
        (("anthropic", "acme", "usage", "legacy"), 1.0),
        (("anthropic", "acme", "analytics", "analytics"), 1.0),
    ]
