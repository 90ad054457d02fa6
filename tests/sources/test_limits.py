"""The provider's own limits: what is read of them, whose turn it is, and what may not be read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.errors import BadRequestError, ForbiddenError, ParseError, ServerError
from claude_cost_exporter.records import NANO, LimitsRecord, RateLimit, SpendLimit, Window
from claude_cost_exporter.sources.anthropic_limits import (
    RATE_LIMITS,
    SPEND_LIMITS,
    AnthropicLimits,
)
from tests.support.api import NOW, answer, refused

WORKSPACES = "/v1/organizations/workspaces"
ORGANIZATION = "/v1/organizations/me"
WINDOW = Window(NOW, NOW + HOUR)
UNSUPPORTED = answer(
    400,
    {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "Not for this type of organization.",
            "details": {"error_code": "organization_type_not_supported"},
        },
    },
)


def cap(scope, amount="900000", **changes):
    return {
        "type": "spend_limit",
        "id": "spl_01",
        "scope": scope,
        "amount": amount,
        "currency": "USD",
        "period": "monthly",
        "is_enabled": True,
        **changes,
    }


def rates(models=("claude-opus-5",), kind="model_group", group=None, **limits):
    group = {"group": group} if group else {"group_type": kind}
    values = [{"type": name, "value": value} for name, value in limits.items()]
    return {"type": "rate_limit", "id": "rl_01", "models": models, "limits": values, **group}


def page(*data, next_page=None):
    return answer(body={"data": list(data), "next_page": next_page})


class Organisation:
    """Answers by path; `pages` may be changed between reads."""

    def __init__(self, bench, **pages) -> None:
        self.bench = bench
        self.pages = {
            SPEND_LIMITS: page(),
            RATE_LIMITS: page(rates(requests_per_minute=4000)),
            WORKSPACES: self.workspaces(),
            ORGANIZATION: answer(body={"id": "org_a"}),
        }
        bench.api.will(lambda request: self.pages.get(request.url.path, page()))
        self.source = AnthropicLimits(bench.client, bench.clock)

    def workspaces(self, *ids):
        data = [{"id": one, "name": one} for one in ids]
        return answer(body={"data": data, "has_more": False, "last_id": ids[-1] if ids else None})

    def read(self, **later) -> LimitsRecord:
        self.bench.clock.advance(timedelta(**later))
        (record,) = self.source.fetch(WINDOW)
        return record

    def paths(self):
        """Return the paths that were asked for since the last call."""
        asked = [request.url.path for request in self.bench.api.requests]
        self.bench.api.requests.clear()
        return asked


@pytest.fixture
def organisation(bench):
    """An organisation with one rate and nothing else."""
    return Organisation(bench)


def test_spend_limits_are_read_to_the_cent(organisation):
    """Whole cents as text are nano-dollars; the organisation's limit is the account's."""
    organisation.pages[SPEND_LIMITS] = page(
        cap({"type": "organization"}, "900001"),
        cap({"type": "workspace", "workspace_id": "wrkspc_a"}, "150000", period="daily"),
        cap({"type": "usage_tier"}, "20000000"),
        cap({"type": "something_new", "new_id": "n_1"}, "1"),
    )
    assert organisation.read().spend == (
        SpendLimit("account", "", "monthly", 9000 * NANO + NANO // 100),
        SpendLimit("workspace", "wrkspc_a", "daily", 1500 * NANO),
        SpendLimit("usage_tier", "", "monthly", 200_000 * NANO),
        SpendLimit("something_new", "n_1", "monthly", NANO // 100),
    )
    request = next(r for r in organisation.bench.api.requests if r.url.path == SPEND_LIMITS)
    assert request.headers["anthropic-beta"] == "spend-limit-reads-2026-09-26"
    assert ("scope_type[]", "user") not in request.url.params.multi_items()


@pytest.mark.parametrize("changes", [{"is_enabled": False}, {"amount": None}, {"currency": "EUR"}])
def test_what_limits_nothing_in_usd_is_absent(organisation, changes):
    """A limit that is switched off, empty or in another currency is no limit in USD."""
    organisation.pages[SPEND_LIMITS] = page(cap({"type": "organization"}, **changes))
    assert organisation.read().spend == ()
    assert ("EUR" in "".join(organisation.source.notes())) == ("currency" in changes)


def test_an_odd_amount_is_refused(organisation):
    """An amount that is no number of cents names its place."""
    organisation.pages[SPEND_LIMITS] = page(cap({"type": "organization"}, "a lot"))
    with pytest.raises(ParseError, match=r"spend_limits: .*at `\$\.data\[0\]\.amount`"):
        organisation.read()


def test_rates_of_both_versions_are_read(organisation):
    """A group says what it is in two ways; models are labels, and other groups are their kind."""
    dated = ("claude-opus-4-5", "claude-opus-4-5-20251101", "claude-haiku-4-5")
    organisation.pages[RATE_LIMITS] = page(
        rates(dated, requests_per_minute=4000, output_tokens_per_minute=800_000),
        rates(None, "batch", enqueued_batch_requests=500_000),
        rates(None, group={"id": "g", "type": "files"}, requests_per_minute=10, unset=None),
    )
    assert organisation.read().rates == (
        RateLimit("", "claude-haiku-4-5,claude-opus-4-5", "requests_per_minute", 4000),
        RateLimit("", "claude-haiku-4-5,claude-opus-4-5", "output_tokens_per_minute", 800_000),
        RateLimit("", "batch", "enqueued_batch_requests", 500_000),
        RateLimit("", "files", "requests_per_minute", 10),
    )


def test_lists_are_followed_to_their_end(organisation):
    """A list without has_more goes on as long as it names a next page."""
    first = page(rates(requests_per_minute=1), next_page="two")
    second = page(rates(("claude-haiku-5",), requests_per_minute=2))
    organisation.bench.api.script.clear()
    organisation.bench.api.will(page(), first, second, organisation.workspaces())
    assert [rate.value for rate in organisation.read().rates] == [1, 2]
    assert organisation.bench.api.queries()[2] == [("page", "two")]


def test_workspaces_take_turns(organisation):
    """Ten workspaces a read, each of them once a day, the list of them once a day."""
    ids = [f"wrkspc_{n:02}" for n in range(23)]
    organisation.pages[WORKSPACES] = organisation.workspaces(*ids)
    turns = [organisation.read(hours=1).workspaces - {""} for _ in range(24)]
    assert [len(turn) for turn in turns] == [10, 10, 3] + [0] * 21
    assert sorted(one for turn in turns for one in turn) == ids
    asked = organisation.paths()
    assert asked.count(WORKSPACES) == 1
    assert asked.count(RATE_LIMITS) == asked.count(SPEND_LIMITS) == 24
    assert len(organisation.read(hours=1).workspaces) == 11
    assert organisation.paths().count(WORKSPACES) == 1


def test_a_failed_turn_is_taken_again(organisation):
    """When a workspace cannot be read now, its turn is not over."""
    organisation.pages[WORKSPACES] = organisation.workspaces("wrkspc_a", "wrkspc_b")
    path = f"{WORKSPACES}/wrkspc_b/rate_limits"
    organisation.pages[path] = refused(500, x_should_retry="false")
    with pytest.raises(ServerError):
        organisation.read()
    organisation.pages[path] = page(rates(requests_per_minute=7))
    record = organisation.read(hours=1)
    assert record.workspaces == {"", "wrkspc_a", "wrkspc_b"}
    assert record.rates[-1] == RateLimit("wrkspc_b", "claude-opus-5", "requests_per_minute", 7)


def test_too_many_workspaces_are_noted(organisation):
    """A hundred workspaces are read, and it is said how many are not."""
    organisation.pages[WORKSPACES] = organisation.workspaces(*(f"wrkspc_{n}" for n in range(103)))
    read = set()
    for _ in range(12):
        read |= organisation.read(hours=1).workspaces
    assert len(read - {""}) == 100
    assert any("3 workspaces" in note for note in organisation.source.notes())


def test_odd_workspaces_cannot_leave_their_path(organisation):
    """Whatever a workspace is called, it stays one segment of a path, and one label value."""
    organisation.pages[WORKSPACES] = organisation.workspaces("../../v1/messages?a=b#c\n")
    organisation.read()
    (asked,) = [
        request.url.raw_path.decode()
        for request in organisation.bench.api.requests
        if request.url.path.startswith(f"{WORKSPACES}/")
    ]
    assert asked == f"{WORKSPACES}/..%2F..%2Fv1%2Fmessages%3Fa%3Db%23c%0A/rate_limits"


REFUSALS = {
    "forbidden": refused(403),
    "not found": refused(404),
    "gone": refused(410),
    "unsupported": UNSUPPORTED,
    "no such beta": refused(400, "anthropic-beta: Unexpected value."),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=list(REFUSALS))
def test_what_may_not_be_read_is_noted_and_absent(organisation, refusal, capsys):
    """A key without the right is no failure: a note and one log line say what is missing."""
    organisation.pages |= {SPEND_LIMITS: refusal, RATE_LIMITS: refusal}
    for _ in range(3):
        record = organisation.read(hours=1)
        assert record == LimitsRecord((), (), frozenset({""}))
    spend, rate = organisation.source.notes()
    assert spend.startswith(f"spend limits cannot be read and are absent: {SPEND_LIMITS}: HTTP 4")
    assert rate.startswith(f"rate limits cannot be read and are absent: {RATE_LIMITS}: HTTP 4")
    assert capsys.readouterr().out.count("cannot be read") == 2
    asked = organisation.paths()
    assert asked.count(ORGANIZATION) in {0, 3}
    assert set(asked) - {ORGANIZATION} == {SPEND_LIMITS, RATE_LIMITS}


def test_a_refused_key_is_a_failure(organisation):
    """Where the key may not even say whose it is, caps are not merely absent."""
    organisation.pages |= dict.fromkeys((SPEND_LIMITS, RATE_LIMITS, ORGANIZATION), refused(403))
    with pytest.raises(ForbiddenError, match=ORGANIZATION):
        organisation.read()
    assert organisation.source.notes() == ()


def test_one_list_does_not_hide_the_other(organisation):
    """Rates are read where spend limits may not be; the note goes when they may."""
    organisation.pages[SPEND_LIMITS] = refused(403)
    assert len(organisation.read().rates) == 1
    assert len(organisation.source.notes()) == 1
    organisation.pages[SPEND_LIMITS] = page(cap({"type": "organization"}))
    assert len(organisation.read(hours=1).spend) == 1
    assert organisation.source.notes() == ()


def test_a_workspace_that_is_gone_limits_nothing(organisation):
    """A workspace that was archived in between has no limits; the others are read."""
    organisation.pages[WORKSPACES] = organisation.workspaces("wrkspc_a", "wrkspc_b")
    organisation.pages[f"{WORKSPACES}/wrkspc_a/rate_limits"] = refused(404)
    organisation.pages[f"{WORKSPACES}/wrkspc_b/rate_limits"] = page(rates(requests_per_minute=7))
    record = organisation.read()
    assert [rate.workspace_id for rate in record.rates] == ["", "wrkspc_b"]


def test_any_other_refusal_is_a_failure(organisation):
    """A 400 that is about the request is a defect of ours, and not hidden in a note."""
    organisation.pages[SPEND_LIMITS] = refused(400, "scope_type: unknown")
    with pytest.raises(BadRequestError, match="unknown"):
        organisation.read()
    assert organisation.source.notes() == ()


def test_one_endpoint_label_for_all_workspaces(organisation):
    """The exporter's own metrics do not get a series for each workspace."""
    endpoints = []
    organisation.bench.observed.request_finished = lambda endpoint, *_: endpoints.append(endpoint)
    organisation.pages[WORKSPACES] = organisation.workspaces("wrkspc_a", "wrkspc_b")
    organisation.read()
    assert endpoints.count("/v1/organizations/workspaces/{id}/rate_limits") == 2
    assert not any("wrkspc" in endpoint for endpoint in endpoints)


def test_there_is_no_history(organisation):
    """Limits are as they are now."""
    assert organisation.source.history_chunk is None
    assert organisation.source.history_from(NOW - DAY) == NOW - DAY
