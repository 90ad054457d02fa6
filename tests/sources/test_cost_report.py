"""The legacy cost report: its shape, its days, its money, and the traps that others fell into."""

from __future__ import annotations

from datetime import date

import pytest

from claude_cost_exporter.errors import BadRequestError, PaginationError, ParseError
from claude_cost_exporter.records import NANO, BillDimensions, BillRecord, Window
from claude_cost_exporter.sources.anthropic_cost import PATH, AnthropicCost
from claude_cost_exporter.sources.api_choice import ApiChoice
from tests.support.api import Book, answer, refused
from tests.support.bill import CostReport, beside_tokens, bucket, day, line, page

CENT = NANO // 100
INVALID_RANGE = "Invalid date range: ending date must be after starting date"


@pytest.fixture
def report(bench):
    """A cost report without lines, and the source that reads it."""
    bench.report = CostReport()

    def ask(request):
        return bench.report(request)

    bench.api.will(ask)
    bench.source = AnthropicCost(
        bench.client, bench.observed, ApiChoice("legacy", bench.clock, Book())
    )
    return bench


def fetch(bench, first=1, end=2):
    return list(bench.source.fetch(Window(day(first), day(end))))


def read(bench, *lines):
    """Return the records of one day with the given lines."""
    bench.report.lines = {1: lines}
    return fetch(bench)


def test_the_documented_shape_becomes_records(report):
    """Every field of the documented body is understood; money and names are exactly as given."""
    tokens = line(
        "123.78912",
        context_window="200k-1M",
        description="Claude Sonnet 4 Usage - Input Tokens",
        model="claude-opus-4-6",
        service_tier="batch",
        inference_geo="us",
    )
    records = read(report, tokens, beside_tokens("web_search", "40.5", workspace_id=None))
    assert records == [
        BillRecord(
            "bill/legacy",
            date(2026, 11, 1),
            BillDimensions(
                model="claude-opus-4-6",
                cost_type="tokens",
                token_type="input",
                service_tier="batch",
                context_window="200k-1M",
                inference_geo="us",
                workspace_id="wrkspc_a",
            ),
            1_237_891_200,
        ),
        BillRecord(
            "bill/legacy",
            date(2026, 11, 1),
            BillDimensions(cost_type="web_search", workspace_id="default"),
            405_000_000,
        ),
    ]
    assert report.observed.fields == []


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("uncached_input_tokens", "input"),
        ("output_tokens", "output"),
        ("cache_read_input_tokens", "cache_read"),
        ("cache_creation.ephemeral_5m_input_tokens", "cache_write_5m"),
        ("cache_creation.ephemeral_1h_input_tokens", "cache_write_1h"),
    ],
)
def test_g6_token_types_are_dotted_strings(report, theirs, ours):
    """G6: both lifetimes of cache writes have a name of their own and are never merged."""
    (record,) = read(report, line(token_type=theirs))
    assert record.dimensions.token_type == ours


def test_a_new_kind_of_tokens_keeps_its_name_and_its_money(report):
    """A token type of tomorrow is billed under its own name, and noted."""
    (record,) = read(report, line("7", token_type="thinking_tokens"))
    assert (record.dimensions.token_type, record.amount) == ("thinking_tokens", 7 * CENT)
    assert "unknown to this version: thinking_tokens" in report.source.notes()[-1]


@pytest.mark.parametrize("cost_type", ["web_search", "code_execution", "session_usage", "new"])
def test_what_is_beside_tokens_has_its_type_only(report, cost_type):
    """Web searches, code execution and sessions have neither a model nor a token type."""
    (record,) = read(report, beside_tokens(cost_type, "5"))
    assert record.dimensions == BillDimensions(cost_type=cost_type, workspace_id="wrkspc_a")


def test_g1_only_closed_days_are_asked_for(report):
    """G1: a request ends at the last midnight, and without a closed day there is none."""
    fetch(report, 1, 3)
    query = dict(report.api.queries()[0])
    assert (query["starting_at"], query["ending_at"]) == (
        "2026-11-01T00:00:00Z",
        "2026-11-03T00:00:00Z",
    )
    assert fetch(report, 3, 3) == []
    assert len(report.api.requests) == 1


def test_g1_the_refusal_means_that_nothing_has_closed(report):
    """G1: should the exact 400 happen all the same, nothing was read, and nothing has failed."""
    report.api.script.clear()
    report.api.will(refused(400, INVALID_RANGE, x_should_retry="false"))
    assert fetch(report, 2, 3) == [Window(day(2), day(2))]
    assert len(report.api.requests) == 1


def test_another_refusal_is_an_error(report):
    """A 400 that says something else is not mistaken for an open day."""
    report.api.script.clear()
    report.api.will(refused(400, "limit: Input should be less than or equal to 31"))
    with pytest.raises(BadRequestError, match="less than or equal to 31"):
        fetch(report)


def test_g4_every_bound_is_a_midnight(report):
    """G4: bounds are aligned to days, so that no reading of the docs can shift a bucket."""
    fetch(report, -40, 3)
    bounds = [value for query in report.api.queries() for name, value in query if "_at" in name]
    assert bounds
    assert all(value.endswith("T00:00:00Z") for value in bounds)


def test_g5_cents_are_not_dollars(report):
    """G5: "123.45" is $1.2345, not $123.45."""
    assert read(report, line("123.45"))[0].amount == 1_234_500_000


def test_g7_tiers_windows_and_regions_stay_apart(report):
    """G7: batch, long context and US inference are rows of their own, never one standard row."""
    lines = [line(), line(service_tier="batch"), line(context_window="200k-1M"),
             line(inference_geo="us"), line(inference_geo=None)]  # fmt: skip
    assert len({record.dimensions for record in read(report, *lines)}) == len(lines)
    assert ("group_by[]", "workspace_id") in report.api.queries()[0]
    assert ("group_by[]", "description") in report.api.queries()[0]


def test_the_description_is_no_key(report):
    """Two rows that differ in their description only are about one thing; both count."""
    lines = [line("1", description="Claude Opus 5 Usage"), line("2", description=None)]
    records = read(report, *lines)
    assert len({record.dimensions for record in records}) == 1
    assert sum(record.amount for record in records) == 3 * CENT


def test_g9_every_day_is_read_over_all_pages(report):
    """G9: 45 days come whole, page after page, and all pages ask the same."""
    report.report.lines = {number: [line(str(number + 50))] for number in range(-43, 2)}
    records = fetch(report, -43, 2)
    assert [record.amount for record in records] == [(n + 50) * CENT for n in range(-43, 2)]
    first, *rest = report.api.queries()
    assert len(rest) == 6
    assert all(query[:-1] == first for query in rest)


def test_g9_endless_pages_are_an_error(report):
    """G9: a cap on pages ends in an error, never in a bill that was cut short."""
    numbers = iter(range(10_000))

    def endless(request):
        return answer(200, page(next_page=f"page_{next(numbers)}"))

    report.api.script.clear()
    report.api.will(endless)
    with pytest.raises(PaginationError, match="more than 1000 pages"):
        fetch(report)


def test_g14_more_without_a_token_is_an_error(report):
    """G14: has_more with a null next_page is no end."""
    report.report.edit = lambda document: document | {"has_more": True}
    with pytest.raises(PaginationError, match="next_page is null"):
        read(report, line())


def test_g14_a_stray_token_is_not_followed(report):
    """G14: a next_page on the last page is left alone."""
    report.report.edit = lambda document: document | {"next_page": "page_stray"}
    assert len(read(report, line())) == 1
    assert len(report.api.requests) == 1


def test_g16_the_default_workspace_is_billed(report):
    """G16: rows of the null workspace count under its name."""
    (record,) = read(report, line("9", workspace_id=None))
    assert (record.dimensions.workspace_id, record.amount) == ("default", 9 * CENT)


def test_a_day_that_is_missing_is_an_error(report):
    """Empty days are listed too, so a hole in the answer is a mistake and not a free day."""
    report.report.edit = lambda document: document | {"data": document["data"][:1]}
    with pytest.raises(ParseError, match="the bucket of 2026-11-02T00:00:00Z is missing"):
        fetch(report, 1, 4)


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ([bucket(1), bucket(1)], r"\$\.data\[1\]\.starting_at is 2026-11-01T00:00:00Z, twice"),
        ([bucket(5)], r"\$\.data\[0\]\.starting_at is 2026-11-05T00:00:00Z, twice or outside"),
        ([bucket(1) | {"ending_at": "2026-11-03T00:00:00Z"}], r"\$\.data\[0\] is from .* bucket"),
        ([bucket(1) | {"starting_at": "2026-11-01T01:00:00Z"}], r"\$\.data\[0\] is from"),
        ([bucket(1) | {"starting_at": "2026-11-01T00:00:00"}], r"starting_at"),
    ],
)
def test_a_bucket_that_was_not_asked_for_is_an_error(report, data, where):
    """Days that come twice, from outside, or are no days would count wrongly."""
    report.report.edit = lambda document: page(*data)
    with pytest.raises(ParseError, match=where):
        fetch(report)


@pytest.mark.parametrize(
    ("field", "value"),
    [("amount", "NaN"), ("amount", 12.5), ("amount", None), ("currency", "EUR"),
     ("currency", None), ("model", 4), ("workspace_id", ["a"])],
)  # fmt: skip
def test_a_mistyped_field_names_its_path(report, field, value):
    """A row that is not as documented is refused with its JSON path, with the whole page."""
    with pytest.raises(ParseError, match=rf"{PATH}.*\$\.data\[0\]\.results\[1\]\.{field}"):
        read(report, line(), line(**{field: value}))


@pytest.mark.parametrize("field", ["amount", "currency"])
def test_a_missing_amount_is_not_zero(report, field):
    """Money that is not there is a parse error."""
    broken = line()
    del broken[field]
    with pytest.raises(ParseError, match=f"missing required field `{field}`"):
        read(report, broken)


def test_credits_are_negative_amounts(report):
    """A negative amount is a credit, and is kept."""
    assert read(report, line("-250.5"))[0].amount == -2_505_000_000


def test_unknown_fields_are_counted_once(report):
    """A field of tomorrow is tolerated and told once, however often it comes."""
    for _ in range(3):
        assert len(read(report, line(list_amount="1"), line(list_amount="1"))) == 2
    assert report.observed.fields == [("cost", "data[].results[].list_amount")]


def test_an_empty_day_is_a_day(report):
    """Days without a line are complete, and cost nothing."""
    assert fetch(report, -5, 2) == []
    assert len(report.api.requests) == 1
