"""What billed days agree about, when some of them do not."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_cost_exporter.pricing.estimate import LEAST_DAYS, RECENT_DAYS, estimate
from claude_cost_exporter.pricing.evidence import Point

FIRST = date(2026, 10, 1)


def points(ratios):
    """Return one day for each ratio, in percent."""
    return [
        Point(FIRST + timedelta(days=n), percent * 10**7, Decimal(10**9))
        for n, percent in enumerate(ratios)
    ]


@pytest.mark.parametrize(
    ("ratios", "value", "since"),
    [
        ([85] * 5, 85, None),
        ([85, 85, 85, 85, 70, 70, 70], 85, None),  # three new days are no majority of the week
        ([85, 85, 85, 70, 70, 70, 70], 70, 3),
        ([85, 70, 70, 85, 85, 85, 85], 85, None),  # two days in a row are noise
        ([70, 70, 70, 85, 85, 85, 85], 85, 3),
        ([70, 70, 70, 85, 85, 85, 85, 60, 60, 60], 85, 3),
    ],
)
def test_the_newest_week_decides(ratios, value, since):
    """The majority of the newest days has the number, and it begins after days with others."""
    found = estimate(points(ratios))

    assert found.value == Decimal(value) / 100
    assert found.since == (None if since is None else FIRST + timedelta(days=since))


@given(st.lists(st.sampled_from([60, 70, 85, 100]), max_size=20))
def test_whatever_days_say_there_is_an_answer(ratios):
    """A number is one that most of the newest days have, and its first day has it too."""
    found = estimate(days := points(ratios))

    recent = ratios[-RECENT_DAYS:]
    if found is None:
        counts = [recent.count(one) for one in set(recent)]
        assert all(count < LEAST_DAYS or 2 * count <= len(recent) for count in counts)
        return
    assert 2 * recent.count(int(100 * found.value)) > len(recent)
    if found.since is not None:
        assert next(point.ratio for point in days if point.day == found.since) == found.value
