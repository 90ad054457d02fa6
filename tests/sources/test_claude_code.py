"""The Claude Code report: what is asked, what is read of a row, and what users are called."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.errors import ForbiddenError, NotFoundError, ParseError
from claude_cost_exporter.records import CodingCounts, CodingUse, Window
from claude_cost_exporter.sources.anthropic_claude_code import PATH, AnthropicClaudeCode
from claude_cost_exporter.sources.people import People
from tests.support.api import Book, answer, refused
from tests.support.coding import CANARY, api_page, api_row

MIDNIGHT = datetime(2026, 11, 3, tzinfo=UTC)
TODAY = MIDNIGHT.date()
SALT = bytes(range(32))


def source_of(bench, *, shown=False):
    return AnthropicClaudeCode(bench.client, bench.clock, bench.observed, People(SALT, shown))


def fetch(bench, *pages, shown=False, days=1):
    """Read the last `days` days from a script."""
    bench.api.will(*(page if isinstance(page, tuple) else answer(body=page) for page in pages))
    window = Window(MIDNIGHT - (days - 1) * DAY, MIDNIGHT + DAY)
    return list(source_of(bench, shown=shown).fetch(window))


def test_a_row_is_read_to_the_last_field(bench):
    """Every documented number arrives; decisions of all tools, also unknown ones, add up."""
    (day,) = fetch(bench, api_page(api_row(TODAY)), shown=True)
    (row,) = day.rows
    assert day.day == TODAY
    assert (row.user, row.customer_type) == (CANARY, "api")
    assert row.counts == CodingCounts(5, 1543, 892, 12, 2, 55, 6)
    assert row.models == {"claude-opus-5": CodingUse(100_000, 35_000, 10_000, 5_000, 1_410_000_000)}


@pytest.mark.parametrize(
    ("amount", "nano"),
    [
        ("141", 1_410_000_000),
        ("0", 0),
        ("0.1", 1_000_000),
        ("0.30000000000000004", 3_000_000),
        ("12.3456789", 123_456_789),
        ("8999999.9999999", 89_999_999_999_999),
        ("0.00000005", 0),
        ("0.00000015", 2),
        ("1e-7", 1),
        ('"186"', 1_860_000_000),
    ],
)
def test_cents_are_exact(bench, amount, nano):
    """The number is taken digit by digit from the text, never through a float; it is cents."""
    body = json.dumps(api_page(api_row(TODAY, amount="@"))).replace('"@"', amount).encode()
    (day,) = fetch(bench, answer(body=body))
    assert day.rows[0].models["claude-opus-5"].cost == nano


@pytest.mark.parametrize(
    "amount", ["-1", '"NaN"', '"Infinity"', "1e400", "100000001", "true", '""']
)
def test_what_is_no_money_is_refused(bench, amount):
    """An amount that cannot be one names its place; nothing of the day counts."""
    body = json.dumps(api_page(api_row(TODAY, amount="@"))).replace('"@"', amount).encode()
    with pytest.raises(ParseError, match=r"data\[.*model_breakdown\[.*estimated_cost\.amount"):
        fetch(bench, answer(body=body))


def test_another_currency_is_refused(bench):
    """What is not USD cannot be shown as USD."""
    row = api_row(TODAY)
    row["model_breakdown"][0]["estimated_cost"]["currency"] = "EUR"
    with pytest.raises(ParseError, match=r"estimated_cost\.currency"):
        fetch(bench, api_page(row))


def test_one_request_chain_a_day(bench):
    """Each UTC day is asked for by its date, pages keep their parameters, and empty days count."""
    second = api_row(TODAY - DAY, email="b@acme.example")
    days = fetch(
        bench,
        api_page(),
        api_page(api_row(TODAY - DAY), next_page="page_2"),
        api_page(second),
        api_page(api_row(TODAY)),
        days=3,
    )
    assert [(day.day, len(day.rows)) for day in days] == [
        (date(2026, 11, 1), 0),
        (date(2026, 11, 2), 2),
        (date(2026, 11, 3), 1),
    ]
    assert {request.url.path for request in bench.api.requests} == {PATH}
    assert bench.api.queries() == [
        [("starting_at", "2026-11-01"), ("limit", "1000")],
        [("starting_at", "2026-11-02"), ("limit", "1000")],
        [("starting_at", "2026-11-02"), ("limit", "1000"), ("page", "page_2")],
        [("starting_at", "2026-11-03"), ("limit", "1000")],
    ]


def test_a_row_of_another_day_is_refused(bench):
    """An answer that is about another day than the one asked for is not filed under it."""
    with pytest.raises(ParseError, match=r"\$\.data\[1\]\.date is 2026-11-02, expected 2026-11-03"):
        fetch(bench, api_page(api_row(TODAY), api_row(TODAY - DAY)))


@pytest.mark.parametrize(("status", "kind"), [(403, ForbiddenError), (404, NotFoundError)])
def test_a_refusal_says_how_to_do_without(bench, status, kind):
    """Who may not read the report learns how to switch it off."""
    with pytest.raises(kind, match=r"HTTP 40.*; claude_code: \{users: off\} in the configuration"):
        fetch(bench, refused(status))


def test_history_ends_after_31_days(bench):
    """However long a history is configured, a day older than 31 is not asked for; it is noted."""
    source = source_of(bench)
    assert source.history_from(MIDNIGHT - 90 * DAY) == MIDNIGHT - 31 * DAY
    assert source.history_from(MIDNIGHT - 7 * DAY) == MIDNIGHT - 7 * DAY
    assert source.history_chunk == timedelta(days=1)
    assert any("31 days back" in note for note in source.notes())


def test_what_is_new_is_tolerated_and_counted_once(bench):
    """Unknown fields, missing optional ones and null tools break nothing."""
    row = api_row(TODAY, is_remote=True, subscription_type=None, a_new_field={CANARY: 1})
    bare = api_row(TODAY)
    for name in ("tool_actions", "terminal_type", "organization_id"):
        del bare[name]
    (day,) = fetch(bench, api_page(row, row, bare))
    assert [one.counts.edits_accepted for one in day.rows] == [55, 55, 0]
    assert bench.observed.fields == [("claude_code", "data[].a_new_field")]


def test_models_of_one_label_add_up(bench):
    """A dated and an undated id of the same model are one model."""
    row = api_row(TODAY, model="claude-opus-4-5-20251101", amount=100)
    row["model_breakdown"] += api_row(TODAY, model="claude-opus-4-5", amount=50)["model_breakdown"]
    (day,) = fetch(bench, api_page(row))
    assert day.rows[0].models == {
        "claude-opus-4-5": CodingUse(200_000, 70_000, 20_000, 10_000, 1_500_000_000)
    }


def users(bench, *rows, **options):
    (day,) = fetch(bench, api_page(*rows), **options)
    return [row.user for row in day.rows]


def test_users_are_hashed(bench):
    """The hash is the same for the same person, however the address is written, and only then."""
    found = users(
        bench,
        api_row(TODAY),
        api_row(TODAY, email=CANARY.upper() + " ", terminal_type="ghostty"),
        api_row(TODAY, email="other.person@acme.example"),
        api_row(TODAY, key="ci-review"),
        api_row(TODAY, key=CANARY),
    )
    assert found[0] == found[1]
    assert len({user[-16:] for user in found}) == 4
    assert [re.sub("[0-9a-f]{16}$", "HASH", user) for user in found] == [
        *("user_HASH", "user_HASH", "user_HASH", "api_key_HASH", "api_key_HASH")
    ]


def test_the_hash_needs_the_salt():
    """With another salt the same name has another hash; the salt is made once and kept."""
    book = Book()
    first = People.known_to(book, shown=False)
    again = People.known_to(book, shown=False)
    other = People.known_to(Book(), shown=False)
    assert first.call("user", CANARY) == again.call("user", CANARY)
    assert first.call("user", CANARY) != other.call("user", CANARY)
    assert len(first.salt) == 32
    assert first.salt.hex() not in repr(first)


HOSTILE = {
    "a new line": ("a\nb@acme.example", "ab@acme.example"),
    "a quote": ('"}x{a="@acme.example', '"}x{a="@acme.example'),
    "escapes": ("\x1b[31mred@acme.example", "[31mred@acme.example"),
    "only controls": ("\u202e\x00", "none"),
    "the rest": ("other", "other"),
}


@pytest.mark.parametrize(("email", "label"), HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_names_are_labels(bench, email, label):
    """A shown name cannot break a line or a terminal; a hashed one is a hash."""
    assert users(bench, api_row(TODAY, email=email), shown=True) == [label]
    bench.api.script.clear()
    (hashed,) = users(bench, api_row(TODAY, email=email))
    assert re.fullmatch(r"user_[0-9a-f]{16}", hashed)


def test_long_names_stay_two(bench):
    """Two names that differ at the end only are two labels of bounded length."""
    long = "x" * 5000
    found = users(bench, *(api_row(TODAY, email=long + end) for end in "ab"), shown=True)
    assert len(set(found)) == 2
    assert max(map(len, found)) <= 200


def test_who_has_no_name_is_none(bench):
    """An actor of a kind that is not known yet, or without a name, is `none`."""
    new = api_row(TODAY, actor={"type": "robot_actor", "robot_id": "r2"})
    assert users(bench, new, api_row(TODAY, email=None), api_row(TODAY, key="")) == ["none"] * 3


def test_a_key_is_no_person(bench):
    """A key whose name is somebody's address is not taken for that person."""
    assert users(bench, api_row(TODAY), api_row(TODAY, key=CANARY), shown=True) == [
        CANARY,
        f"api_key:{CANARY}",
    ]


def truncated():
    return json.dumps(api_page({"actor": {"email_address": CANARY}, **api_row(TODAY)}))[:150]


def edited(**changes):
    return json.dumps(api_page(api_row(TODAY, **changes)))


BROKEN = {
    "truncated": truncated,
    "a second document": lambda: edited() + "{}",
    "an address for a date": lambda: edited(date=CANARY),
    "an address for metrics": lambda: edited(core_metrics=CANARY),
    "an address for a flag": lambda: edited(is_remote=CANARY),
    "an address for cents": lambda: edited(amount=CANARY),
    "an address for a tool's count": lambda: edited(tool_actions={CANARY: {"accepted": CANARY}}),
    "a time without a zone": lambda: edited(date="2026-11-03T00:00:00"),
    "another day": lambda: edited().replace("2026-11-03", "2026-11-04"),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=list(BROKEN))
def test_errors_tell_no_names(bench, capsys, body):
    """Whatever is wrong with an answer, what is said of it holds nobody's address."""
    with pytest.raises(ParseError) as caught:
        fetch(bench, answer(body=body().encode()))
    assert "canary" not in str(caught.value) + "".join(capsys.readouterr())
