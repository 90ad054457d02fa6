"""The ledger's tables (floor 2). Times are epoch seconds, money is nano-USD, both integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    select,
)

from claude_cost_exporter.records import BillDimensions, CodingCounts, CodingUse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Select

metadata = MetaData()


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _account() -> Column[int]:
    return Column("account_id", ForeignKey("accounts.id"), nullable=False)


facts = Table(
    "facts",
    metadata,
    Column("name", String(256), primary_key=True),
    Column("value", Text, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    _id(),
    Column("name", String(64), nullable=False, unique=True),
    Column("provider", String(64), nullable=False),
    Column("organization_id", String(256), nullable=False, default=""),
    Column("organization_name", Text, nullable=False, default=""),
    Column("default_workspace_id", String(256)),
    Column("real_default_id", String(256)),
    Column("first_hour", BigInteger),  # H0: counters count rows from here on
    Column("counting_since", BigInteger),
    Column("first_bill_day", Integer),  # counters of billed amounts count days from here on
)

progress = Table(
    "progress",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("last_success", BigInteger),
    Column("covered_from", BigInteger),
    Column("covered_to", BigInteger),
    Column("history_target", BigInteger),
    Column("catching_up_until", BigInteger),
)

price_books = Table(
    "price_books",
    metadata,
    _id(),
    Column("accepted_at", BigInteger),
    Column("document", Text, nullable=False),
)

rates = Table(
    "rates",
    metadata,
    _id(),
    Column("input", BigInteger),  # null: no price
    Column("output", BigInteger),
    Column("cache_read", BigInteger),
    Column("cache_write_5m", BigInteger),
    Column("cache_write_1h", BigInteger),
    Column("web_search", BigInteger, nullable=False),
    Column("origin", String(32), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("ambiguous", Boolean, nullable=False),
)

series = Table(
    "series",
    metadata,
    _id(),
    _account(),
    Column("role", String(32), nullable=False),
    Column("query_set", String(64), nullable=False),
    Column("model", String(256), nullable=False),
    Column("service_tier", String(64), nullable=False),
    Column("context_window", String(64), nullable=False),
    Column("inference_geo", String(64), nullable=False),
    Column("speed", String(64), nullable=False),
    Column("workspace_id", String(256), nullable=False),
    Column("api_key_id", String(256), nullable=False),
    Column("last_hour", BigInteger, nullable=False),  # newest bucket with usage
    UniqueConstraint(
        "account_id",
        "query_set",
        "model",
        "service_tier",
        "context_window",
        "inference_geo",
        "speed",
        "workspace_id",
        "api_key_id",
    ),
)

usage = Table(
    "usage",
    metadata,
    Column("bucket_start", BigInteger, primary_key=True),
    Column("series_id", ForeignKey("series.id"), primary_key=True),
    Column("bucket_seconds", Integer, primary_key=True),
    Column("input", BigInteger, nullable=False),
    Column("output", BigInteger, nullable=False),
    Column("cache_read", BigInteger, nullable=False),
    Column("cache_write_5m", BigInteger, nullable=False),
    Column("cache_write_1h", BigInteger, nullable=False),
    Column("web_searches", BigInteger, nullable=False),
    Column("rate_id", ForeignKey("rates.id"), nullable=False),
    Column("cost", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

scopes = Table(
    "scopes",
    metadata,
    _id(),
    _account(),
    Column("kind", String(32), nullable=False),
    Column("member", String(256), nullable=False),
    Column("first_hour", BigInteger),
    Column("redirect_id", Integer),  # beyond the cap: counted under this scope for ever
    UniqueConstraint("account_id", "kind", "member"),
)


def _sums(name: str, time_column: str) -> Table:
    return Table(
        name,
        metadata,
        Column("scope_id", ForeignKey("scopes.id"), primary_key=True),
        Column(time_column, BigInteger, primary_key=True),
        Column("cost", BigInteger, nullable=False),  # estimated
        Column("spend", BigInteger, nullable=False),  # best known: billed where a bill is in force
        Column("tokens", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


hours = _sums("hours", "hour")
days = _sums("days", "day")  # day: proleptic ordinal of the calendar day in the time zone

bill_series = Table(
    "bill_series",
    metadata,
    _id(),
    _account(),
    Column("query_set", String(64), nullable=False),
    *(Column(name, String(256), nullable=False) for name in BillDimensions._fields),
    UniqueConstraint("account_id", "query_set", *BillDimensions._fields),
)

bill = Table(
    "bill",
    metadata,
    Column("day", Integer, primary_key=True),  # proleptic ordinal of the UTC day
    Column("series_id", ForeignKey("bill_series.id"), primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("list_amount", BigInteger),
    Column("settled_amount", BigInteger),  # in force for the first time
    sqlite_with_rowid=False,
)

bill_days = Table(
    "bill_days",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("query_set", String(64), primary_key=True),  # each API has its own; one is in force
    Column("unchanged_since", BigInteger, nullable=False),  # first read of what it says now
    Column("billed_at", BigInteger),  # null: not in force
    sqlite_with_rowid=False,
)

coding_days = Table(
    "coding_days",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("day", Integer, primary_key=True),  # proleptic ordinal of the UTC day
    Column("read_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

coding_activity = Table(
    "coding_activity",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("user_id", ForeignKey("scopes.id"), primary_key=True),
    Column("customer_type", String(256), primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in CodingCounts._fields),
    sqlite_with_rowid=False,
)

coding_use = Table(
    "coding_use",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("user_id", ForeignKey("scopes.id"), primary_key=True),
    Column("customer_type", String(256), primary_key=True),
    Column("model_id", ForeignKey("scopes.id"), primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in CodingUse._fields),
    sqlite_with_rowid=False,
)

spend_limits = Table(
    "spend_limits",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("scope_type", String(256), primary_key=True),
    Column("scope", String(256), primary_key=True),
    Column("period", String(256), primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("read_at", BigInteger, nullable=False),
)

rate_limits = Table(
    "rate_limits",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("workspace_id", String(256), primary_key=True),
    Column("models", String(256), primary_key=True),
    Column("limiter", String(256), primary_key=True),
    Column("value", BigInteger, nullable=False),
    Column("read_at", BigInteger, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    _id(),
    Column("family", String(128), nullable=False),
    Column("labels", Text, nullable=False),  # JSON list of label values
    Column("total", BigInteger, nullable=False),
    Column("exposed", BigInteger, nullable=False),  # high-water mark
    Column("redirect_id", Integer),
    UniqueConstraint("family", "labels"),
)

workspaces = Table(
    "workspaces",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("workspace_id", String(256), primary_key=True),
    Column("name", Text, nullable=False),
    Column("status", String(64), nullable=False),
    Column("team", Text, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("api_key_id", String(256), primary_key=True),
    Column("name", Text, nullable=False),
    Column("workspace_id", String(256), nullable=False),
    Column("status", String(64), nullable=False),
)


def series_of(accounts: Iterable[int], role: str | None = None) -> Select[tuple[int]]:
    """Return the query of the ids of series whose rows are wanted, for `series_id.in_(...)`.

    SQLite then reads the rows of a time once. Where rows are joined with series it may do so
    for each series, of which a large organisation has ten thousand.
    """
    query = select(series.c.id).where(series.c.account_id.in_(accounts))
    return query if role is None else query.where(series.c.role == role)
