"""analytics/cost: its shape, its three queries, and its traps."""

from __future__ import annotations

from datetime import date

import pytest

from claude_cost_exporter.errors import PaginationError, ParseError
from claude_cost_exporter.records import NANO, BillDimensions, BillRecord, Window
from claude_cost_exporter.sources.anthropic_analytics import PATH, QUERIES
from tests.support.api import answer, refused
from tests.support.bill import PRICE, AnalyticsCost, day, fetch, page, row

CENT = NANO // 100
BILL, WHO, CUSTOMER = QUERIES


def test_the_documented_shape_becomes_records(analytics):
    """Every field of the documented body is understood, before and after discounts."""
    analytics.report = AnalyticsCost(
        price=[
            row(1, "41280.000000", listed="51600.000000", **PRICE),
            row(1, "8.000000", cost_type="session_usage"),
        ],
        who=[
            row(
                1,
                "41280.000000",
                listed="51600.000000",
                workspace_id="wrkspc_a",
                api_key_id="apikey_a",
                model="claude-opus-5-5",
                service_tier="standard",
                product="messages_api",
                cost_type="tokens",
            )
        ],
        customer=[row(1, "41288", user_profile_id="uprof_a")],
        refreshed=day(3),
    )
    first = date(2026, 11, 1)
    tokens = BillDimensions(
        model="claude-opus-5-5",
        cost_type="tokens",
        token_type="output",
        service_tier="standard",
        context_window="0-200k",
        inference_geo="us",
        speed="fast",
    )
    sessions = BillDimensions(
        cost_type="session_usage",
        service_tier="standard",
        inference_geo="not_available",
        speed="standard",
    )
    who = BillDimensions(
        model="claude-opus-5-5",
        cost_type="tokens",
        service_tier="standard",
        workspace_id="wrkspc_a",
        api_key_id="apikey_a",
        product="messages_api",
    )
    customer = BillDimensions(end_customer="uprof_a")
    paid, listed = 412_800_000_000, 516_000_000_000
    assert fetch(analytics) == (
        Window(day(1), day(2)),
        [
            BillRecord(BILL, first, tokens, paid, listed),
            BillRecord(BILL, first, sessions, 80_000_000, 80_000_000),
            BillRecord(WHO, first, who, paid, listed),
            BillRecord(CUSTOMER, first, customer, 412_880_000_000, 412_880_000_000),
        ],
    )
    assert analytics.observed.fields == []


def test_the_sample_rows_of_the_library_have_no_unknown_field(analytics):
    """All dimensions that the SDK types list are known, actors included."""
    actor = {"type": "api_actor", "api_key_id": "apikey_a"}
    analytics.report = AnalyticsCost(price=[row(1, actor=actor, actor_type="api_actor", **PRICE)])
    fetch(analytics)
    assert analytics.observed.fields == []


def test_a_row_of_tomorrow_is_tolerated_and_told_once(analytics):
    """Unknown fields are counted once, rows keep their money."""
    analytics.report = AnalyticsCost(price=[row(1, galaxy="m31", **PRICE)])
    assert len(fetch(analytics)[1]) == len(fetch(analytics)[1]) == 1
    assert analytics.observed.fields == [("analytics", "data[].group.galaxy")]


def test_g8_no_query_has_more_than_five_dimensions(analytics):
    """G8: each query groups by at most five dimensions, cost and token types not counted."""
    fetch(analytics)
    assert len(analytics.api.requests) == 3
    for query in analytics.api.queries():
        grouped = [value for name, value in query if name == "group_by[]"]
        assert 1 <= len(set(grouped) - {"cost_type", "token_type"}) <= 5


def test_rows_are_asked_for_in_order_of_time(analytics):
    """The default order is by amount and the default limit 20; neither is left to the default."""
    fetch(analytics)
    for request, query in zip(analytics.api.requests, analytics.api.queries(), strict=True):
        asked = dict(query)
        assert (asked["order_by"], asked["order"], asked["limit"]) == ("time", "asc", "1000")
        assert asked["time_bucket_width"] == "1d"
        assert request.headers["anthropic-beta"] == "analytics-usage-cost-2026-08-24"


def test_g9_all_pages_are_read(analytics):
    """G9: rows go on over pages, also over an empty one in between."""
    pages = {
        None: page(row(1, "1", **PRICE), next_page="page_a"),
        "page_a": page(next_page="page_b"),
        "page_b": page(row(1, "2", **PRICE)),
    }

    def serve(request):
        query = dict(request.url.params.multi_items())
        document = pages[query.get("page")] if query["group_by[]"] == "token_type" else page()
        return answer(200, document)

    analytics.api.script.clear()
    analytics.api.will(serve)
    assert [record.amount for record in fetch(analytics)[1]] == [CENT, 2 * CENT]


def test_g14_pages_that_contradict_themselves_are_an_error(analytics):
    """G14: has_more with a null next_page is no end; a stray next_page is not followed."""
    analytics.report.edit = lambda document: document | {"next_page": "page_stray"}
    fetch(analytics)
    assert len(analytics.api.requests) == 3
    analytics.report.edit = lambda document: document | {"has_more": True}
    with pytest.raises(PaginationError, match="next_page is null"):
        fetch(analytics)


def test_g5_cents_are_not_dollars(analytics):
    """G5: "41280.000000" is $412.80 here, too."""
    analytics.report = AnalyticsCost(price=[row(1, "41280.000000", **PRICE)])
    assert fetch(analytics)[1][0].amount == 412_800_000_000


def test_g7_dimensions_that_are_not_asked_for_stay_unknown(analytics):
    """G7: what a query does not group by is not taken for standard or for a default."""
    analytics.report = AnalyticsCost(customer=[row(1, user_profile_id="uprof_a")])
    (record,) = fetch(analytics)[1]
    assert set(record.dimensions._replace(end_customer="")) == {""}


def test_nulls_that_were_asked_for_mean_what_the_usage_report_says(analytics):
    """Without region, key, or workspace a row joins the usage rows that have none either."""
    analytics.report = AnalyticsCost(
        price=[row(1, **{**PRICE, "inference_geo": None, "speed": None})], who=[row(1)]
    )
    price, who = (record.dimensions for record in fetch(analytics)[1])
    assert (price.inference_geo, price.speed) == ("not_available", "standard")
    assert (who.workspace_id, who.api_key_id, who.product) == ("default", "none", "")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"starting_at": "2026-11-04T00:00:00Z"}, r"\$\.data\[1\]\.starting_at is .* outside"),
        ({"starting_at": "2026-11-01T06:00:00Z"}, r"\$\.data\[1\] is from"),
        ({"ending_at": "2026-11-03T00:00:00Z"}, r"\$\.data\[1\] is from"),
        ({"cost": {"amount": 1.5, "currency": "USD"}}, r"\$\.data\[1\]\.cost\.amount"),
        ({"cost": {"amount": "inf", "currency": "USD"}}, r"\$\.data\[1\]\.cost\.amount"),
        ({"cost": {"amount": "1", "currency": "GBP"}}, r"\$\.data\[1\]\.cost\.currency"),
        ({"cost": {"currency": "USD"}}, r"`amount` - at `\$\.data\[1\]\.cost`"),
        ({"group": None}, r"\$\.data\[1\]\.group"),
    ],
)
def test_a_wrong_row_names_its_path(analytics, changes, where):
    """A row about another time or without exact money is refused with its JSON path."""
    analytics.report = AnalyticsCost(price=[row(1, **PRICE), row(1, **PRICE) | changes])
    with pytest.raises(ParseError, match=rf"{PATH}.*{where}"):
        fetch(analytics)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_without_end_customers_the_rest_of_the_bill_is_read(analytics, status):
    """A refusal of user_profile_id alone costs the end customers, with a note, and no more."""
    report = AnalyticsCost(
        price=[row(1, "70", **PRICE)],
        who=[row(1, "70", workspace_id="wrkspc_a")],
        customer=[row(1, "70", user_profile_id="uprof_1")],
    )

    def ask(request):
        is_refused = request.url.params["group_by[]"] == "user_profile_id"
        return refused(status, "Unknown dimension.") if is_refused else report(request)

    analytics.report = ask
    _, records = fetch(analytics)
    assert [record.query_set for record in records] == [BILL, WHO]
    assert analytics.source.query_sets == (BILL, WHO)
    assert "end customers cannot be read" in analytics.source.notes()[-1]
    assert analytics.source.api == "analytics"
    analytics.report = report
    _, records = fetch(analytics)
    assert [record.query_set for record in records] == [BILL, WHO, CUSTOMER]
    assert analytics.source.query_sets == (BILL, WHO, CUSTOMER)
    assert "end customers" not in "".join(analytics.source.notes())
