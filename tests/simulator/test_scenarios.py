"""Each scenario does what its summary says."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from claude_cost_exporter.simulator import SCENARIOS, Delivery, combine, find
from claude_cost_exporter.simulator.corrections import Restatement

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
START = datetime(2026, 11, 24, 14, 20, tzinfo=UTC)
OPEN = START.replace(minute=0)


def cost(asking, start, end, as_of=None, *, visible=False):
    """Return the true cost in USD."""
    return asking.simulator.truth(start, end, as_of, visible=visible).cost / 1e9


def tokens(asking, start, end, as_of=None, *, visible=False):
    """Return the true tokens: percentages of a handful of web searches are coarse."""
    return asking.simulator.truth(start, end, as_of, visible=visible).tokens


def at(asker, name):
    """Return an asker whose scenario begins at START."""
    return asker(name, now=START)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_every_scenario_has_traffic(asker, name):
    """Each scenario runs, spends money, and says what it is in one line."""
    asking = at(asker, name)
    assert asking.simulator.truth(OPEN - HOUR, OPEN).cost > 0
    assert asking.simulator.scenario.name == name
    assert "\n" not in asking.simulator.scenario.summary


def test_spike(asker):
    """The runaway loop costs about $80 an hour on one key, and only while it runs."""
    spike, steady = at(asker, "spike"), at(asker, "steady")
    begin = START + 10 * MINUTE
    before = (START, begin)
    assert cost(spike, *before) == cost(steady, *before)
    during = (begin, begin + 50 * MINUTE)
    assert 40 < cost(spike, *during) - cost(steady, *during) < 100
    after = (begin + 50 * MINUTE, begin + 10 * HOUR)
    assert cost(spike, *after) == cost(steady, *after)


def test_late_rows(asker):
    """Of a minute 15 % is missing until 10 more minutes have passed, across the hour's end."""
    late, steady = at(asker, "late_rows"), at(asker, "steady")
    minute = (OPEN - MINUTE, OPEN)
    whole = tokens(steady, *minute)
    assert tokens(late, *minute) == whole
    early = tokens(late, *minute, OPEN + 6 * MINUTE, visible=True)
    assert early == pytest.approx(0.85 * whole, rel=0.01)
    assert tokens(late, *minute, OPEN + 11 * MINUTE, visible=True) == early
    assert tokens(late, *minute, OPEN + 15 * MINUTE, visible=True) == whole


def test_late_rows_across_midnight(asker):
    """A day that is over grows for some minutes after midnight, then no more."""
    midnight = datetime(2026, 11, 25, tzinfo=UTC)
    asking = asker("late_rows", now=midnight + 6 * MINUTE, start=START)
    day = [midnight - 24 * HOUR, midnight, "1d"]
    early = asking.usage(*day)[0]["results"][0]["output_tokens"]
    asking.clock.advance(10 * MINUTE)
    late = asking.usage(*day)[0]["results"][0]["output_tokens"]
    asking.clock.advance(24 * HOUR)
    assert early < late == asking.usage(*day)[0]["results"][0]["output_tokens"]


def test_restatement_of_a_finished_hour(asker):
    """Ten minutes in, the hour three before falls by 5 %; others do not."""
    asking = at(asker, "restatement")
    hour = (OPEN - 3 * HOUR, OPEN - 2 * HOUR)
    when = START + 10 * MINUTE
    before = tokens(asking, *hour, when - MINUTE, visible=True)
    after = tokens(asking, *hour, when, visible=True)
    assert after == pytest.approx(0.95 * before, rel=1e-5)
    assert tokens(asking, *hour) == after
    other = (OPEN - 2 * HOUR, OPEN)
    assert tokens(asking, *other, when - MINUTE, visible=True) == tokens(asking, *other)


def test_restatement_of_the_open_hour(asker):
    """Twenty minutes in, the open hour is shown 5 % lower than a second before."""
    asking = at(asker, "restatement")
    when = START + 20 * MINUTE
    second = timedelta(seconds=1)
    before = tokens(asking, OPEN, OPEN + HOUR, when - second, visible=True)
    after = tokens(asking, OPEN, OPEN + HOUR, when, visible=True)
    assert 0.94 * before < after < 0.97 * before


def test_restatement_to_nothing(asker):
    """A flow restated by -100 % disappears from the report of that hour."""
    gone = Restatement(MINUTE, percent=-100, hours_back=1, flows=("support",))
    asking = asker(replace(SCENARIOS["steady"], corrections=(gone,)), now=START)
    query = (OPEN - HOUR, OPEN, "1h", ("model",))
    haiku = "claude-haiku-4-5-20251001"
    assert haiku in {row["model"] for row in asking.usage(*query)[0]["results"]}
    asking.clock.advance(MINUTE)
    assert haiku not in {row["model"] for row in asking.usage(*query)[0]["results"]}


def test_restatement_upwards(asker):
    """39 hours in, a finished hour rises by 5 %."""
    asking = at(asker, "restatement")
    when = START + 39 * HOUR + 10 * MINUTE
    hour = when.replace(minute=0) - 2 * HOUR
    before = tokens(asking, hour, hour + HOUR, when - MINUTE, visible=True)
    assert tokens(asking, hour, hour + HOUR) == pytest.approx(1.05 * before, rel=1e-5)


def test_closed_day(asker):
    """52 hours in, 24 finished hours fall by 5 %."""
    asking = at(asker, "closed_day")
    when = START + 52 * HOUR
    first = when.replace(minute=0) - 28 * HOUR
    before = tokens(asking, first, first + 24 * HOUR, when - MINUTE, visible=True)
    assert tokens(asking, first, first + 24 * HOUR) == pytest.approx(0.95 * before, rel=1e-5)


def test_outage(asker):
    """For two hours every request fails, by 503 or by a reset; before and after none does."""
    asking = at(asker, "outage")
    asking.get("me")
    asking.clock.advance(HOUR)
    answers = [asking.send("me") for _ in range(20)]
    assert {answer.status for answer in answers} == {503}
    assert {answer.delivery for answer in answers} == {Delivery.WHOLE, Delivery.DROPPED}
    asking.clock.advance(2 * HOUR)
    asking.get("me")


def test_storm_429(asker):
    """Most requests of the storm are 429, with and without retry-after, some resets stale."""
    asking = at(asker, "storm_429")
    asking.get("me")
    asking.clock.advance(5 * MINUTE)
    answers = [asking.send("me") for _ in range(60)]
    limited = [answer for answer in answers if answer.status == 429]
    assert 35 < len(limited) < 60
    assert {answer.header("retry-after") for answer in limited} == {None, "2"}
    resets = {answer.header("anthropic-ratelimit-requests-reset") for answer in limited}
    assert resets == {None, "2026-11-24T14:24:00Z"}
    assert json.loads(limited[0].body)["error"]["type"] == "rate_limit_error"
    asking.clock.advance(4 * MINUTE)
    asking.get("me")


def test_new_model(asker):
    """A model that was never seen begins with about $40 in its first minute, then goes on."""
    asking = at(asker, "new_model")
    history = asking.simulator.truth(START - 80 * 24 * HOUR, START + 30 * MINUTE)
    assert "claude-fable-5-1" not in history.cost_by_model()
    first = asking.simulator.truth(START + 30 * MINUTE, START + 31 * MINUTE).cost_by_model()
    assert 25e9 < first["claude-fable-5-1"] < 60e9
    later = asking.simulator.truth(START + 2 * HOUR, START + 3 * HOUR)
    assert 0 < later.cost_by_model()["claude-fable-5-1"] < 5e9


def test_what_nobody_can_price(asker):
    """The unknown model and Priority Tier have tokens and no cost."""
    asking = at(asker, "new_model")
    truth = asking.simulator.truth(START + 2 * HOUR, START + 3 * HOUR)
    unpriced = {(s.model, s.service_tier) for s, v in truth.by_series.items() if not v.priced}
    assert unpriced == {("claude-nova-1", "standard"), ("claude-sonnet-5-5", "priority")}


def test_reattribution(asker):
    """Spend of past hours moves to another workspace and key; the organisation's stays."""
    asking = at(asker, "reattribution")
    hours = (OPEN - 2 * HOUR, OPEN)
    when = START + 15 * MINUTE
    before = asking.simulator.truth(*hours, when - MINUTE, visible=True)
    after = asking.simulator.truth(*hours, when, visible=True)
    assert before.cost == after.cost
    assert before.cost_by_model() == after.cost_by_model()
    support = "apikey_01SupT4hPn7WcVj9MqGxRf6"
    evals = "apikey_01EvaR9mWq5XbJf2TcKnGy7"
    haiku = "claude-haiku-4-5"
    old = ("wrkspc_01Prod7HsNf3VbGmKe9XcJa", support, haiku)
    new = ("wrkspc_01Rsch2MxTq6WpDzRu5YhBv", evals, haiku)
    assert before.cost_by_api_key()[old] == after.cost_by_api_key()[new]
    assert old not in after.cost_by_api_key()


def test_partial_reattribution(asker):
    """A part of a key's spend can move, also to the default workspace without a key."""
    asking = at(asker, "reattribution")
    when = START + 30 * HOUR
    hours = (when.replace(minute=0) - 4 * HOUR, when.replace(minute=0))
    before = asking.simulator.truth(*hours, when - MINUTE, visible=True)
    after = asking.simulator.truth(*hours, when, visible=True)
    assert before.cost == after.cost
    checkout = "apikey_01ChkQ8vLm2RtXw5NzYbKd3"
    kept = {k: v for k, v in after.cost_by_api_key().items() if k[1] == checkout}
    was = {k: v for k, v in before.cost_by_api_key().items() if k[1] == checkout}
    assert sum(kept.values()) == pytest.approx(0.75 * sum(was.values()), rel=1e-4)


def test_huge(asker):
    """Nearly a thousand keys show up in a day's report, in one page."""
    asking = at(asker, "huge")
    day = datetime(2026, 11, 23, tzinfo=UTC)
    (bucket,) = asking.usage(day, day + 24 * HOUR, "1d", ("workspace_id", "api_key_id"))
    assert len({row["api_key_id"] for row in bucket["results"]}) > 990


def test_hostile(asker):
    """Names and ids hold what JSON allows: escape codes, markup, newlines, quotes, 10 kB."""
    asking = at(asker, "hostile")
    keys = asking.get("api_keys")["data"]
    names = "".join(key["name"] for key in keys)
    for piece in ("\x1b[31m", "<script>", "\n", '"', "\\", "@example.com", "\u202e", "x" * 10_000):
        assert piece in names
    ids = "".join(key["id"] for key in keys)
    assert '"' in ids
    assert "\n" in ids
    hour = asking.usage(OPEN - HOUR, OPEN, "1h", ("api_key_id", "model"))
    assert any("<b>" in row["model"] for row in hour[0]["results"])
    assert {row["api_key_id"] for row in hour[0]["results"]} - {None} <= {k["id"] for k in keys}


def test_all(asker):
    """`all` has the late rows, corrections, disturbances and flows of its parts."""
    everything = SCENARIOS["all"]
    for name in ("spike", "late_rows", "restatement", "outage", "storm_429", "new_model"):
        part = SCENARIOS[name]
        assert set(part.corrections) <= set(everything.corrections)
        assert set(part.disturbances) <= set(everything.disturbances)
        assert set(part.flows) <= set(everything.flows)
        assert part.late_percent <= everything.late_percent


def test_several_names():
    """Names joined by commas are one scenario; an unknown one is named with the known."""
    both = find("late_rows, hostile")
    assert both.late_percent == 15
    assert both.organisation == SCENARIOS["hostile"].organisation
    with pytest.raises(ValueError, match=r"'nope' is unknown; known are: steady, spike"):
        find("steady,nope")


def test_combining_does_not_double_traffic():
    """Flows that two parts share run once."""
    twice = combine("twice", "", SCENARIOS["steady"], SCENARIOS["steady"])
    assert twice.flows == SCENARIOS["steady"].flows
