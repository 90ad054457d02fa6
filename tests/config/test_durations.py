"""Durations in Prometheus' form, and where the ledger is without a configuration."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_cost_exporter.config.durations import format_duration, parse_duration
from claude_cost_exporter.config.places import default_ledger_url


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60s", 60), ("15m", 900), ("1h30m", 5400), ("90d", 7_776_000), ("2w", 1_209_600), ("0s", 0)],
)
def test_durations_are_read_and_written(text, seconds):
    """What a person writes is read exactly; it is written in the largest units that fit."""
    assert parse_duration(text) == timedelta(seconds=seconds)
    assert format_duration(timedelta(seconds=seconds)) == {"60s": "1m"}.get(text, text)


@given(st.integers(min_value=0, max_value=10**12))
def test_a_written_duration_means_the_same(milliseconds):
    """Every duration is read back as it was, to the millisecond."""
    duration = timedelta(milliseconds=milliseconds)

    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize("text", ["", "5", "s", "1h 5m", "1.5h", "-1h", "5S", "٣s", "1y", "1h\n"])
def test_other_forms_are_refused(text):
    """Nothing is guessed: a number needs a unit, and the sentence shows the form."""
    with pytest.raises(ValueError, match="is not a duration; write 60s, 15m, 1h30m or 90d"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("environment", "path"),
    [
        ({"HOME": "/home/x"}, "/home/x/.local/state/claude-cost-exporter/ledger.db"),
        ({"HOME": "/home/x", "XDG_STATE_HOME": "/s"}, "/s/claude-cost-exporter/ledger.db"),
        ({}, ".local/state/claude-cost-exporter/ledger.db"),
    ],
)
def test_the_ledger_is_kept_in_the_state_folder(environment, path):
    """Without ledger.url it is where programs keep their state."""
    assert default_ledger_url(environment) == f"sqlite:///{path}"
