"""Every target of every dashboard, asked of a real Prometheus with two months in it.

Each target is asked as Grafana would ask it when the dashboard opens.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from claude_cost_exporter.records import NANO
from tests.e2e.two_months import ELSEWHERE, MAY_BE_EMPTY, answer, two_months
from tests.support.dashboards import boards, targets

BOARDS = boards()
MOST_SERIES = 120


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Everything, once all of it has happened."""
    with two_months(tmp_path_factory.mktemp("dashboards")) as stack:
        yield stack


def figure(stack, uid, title):
    """Return the first number of a panel."""
    board = BOARDS[uid]
    panel, target = next(one for one in targets(board) if one[0]["title"] == title)
    (series,) = answer(stack.server, panel, target, board, time.time())
    return series.value


@pytest.mark.parametrize("uid", sorted(BOARDS))
def test_every_target_has_an_answer(stack, uid):
    """No error, not empty, and not more series than a person can look at."""
    board = BOARDS[uid]
    answers = {}
    for panel, target in targets(board):
        found = answer(stack.server, panel, target, board, time.time())
        assert len(found) <= MOST_SERIES, (panel["title"], target["refId"])
        answers.setdefault(panel["title"], []).append(bool(found))
    if uid != ELSEWHERE:
        empty = {title for title, there in answers.items() if not all(there)}
        assert empty - MAY_BE_EMPTY.keys() == set()


def test_the_figures_of_the_overview_are_the_truth(stack):
    """Today and this month are what the organisation has used, fees by day added.

    What was used in the last minutes is not in the API yet.
    """
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    midnight = now.replace(hour=0, minute=0)
    month = midnight.replace(day=1)
    metered = stack.simulator.truth(month, now, now, visible=True).cost / NANO
    days = (month + timedelta(days=32)).replace(day=1) - month
    fees = 150 * ((now - month) / days)

    assert figure(stack, "llm-cost-overview", "This month") == pytest.approx(
        metered + fees, rel=0.01
    )


def test_the_past_is_the_truth(stack):
    """The cost of the last seven days is what was used in them, past and live ones together."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    used = stack.simulator.truth(now - timedelta(days=7), now, now, visible=True).cost / NANO

    title = "Metered cost in this time range"
    assert figure(stack, "llm-cost-models", title) == pytest.approx(used, rel=0.01)
