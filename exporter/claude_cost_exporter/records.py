"""What sources produce: frozen records of usage and names (floor 0, imports nothing of ours).

Times are aware datetimes in UTC, tokens are non-negative ints, money is not here: a record is
what the provider said, the price comes later.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

NANO = 1_000_000_000
"""Nano-dollars in a dollar: the ledger's unit of money."""

NONE = "none"
"""The label of what has no model, no token type or no end customer."""

NO_API_KEY = "none"
"""The `api_key_id` of usage without a key (Console, OAuth)."""

DEFAULT_WORKSPACE = "default"
"""The `workspace_id` of the default workspace while its real id is not known."""


class TokenType(StrEnum):
    """The five disjoint kinds of tokens, in the order of every tuple of counts."""

    INPUT = "input"
    OUTPUT = "output"
    CACHE_READ = "cache_read"
    CACHE_WRITE_5M = "cache_write_5m"
    CACHE_WRITE_1H = "cache_write_1h"


class Tokens(NamedTuple):
    """Token counts by type; the fields follow `TokenType` and do not overlap."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0

    @property
    def total(self) -> int:
        """Return all tokens of the five types."""
        return sum(self)


class Dimensions(NamedTuple):
    """What one usage row is about. An empty string: this query set does not know it.

    `model` is the provider's raw id; `model_label` makes the metric label of it.
    """

    model: str
    service_tier: str
    context_window: str
    inference_geo: str
    speed: str
    workspace_id: str = ""
    api_key_id: str = ""


class UsageRecord(NamedTuple):
    """Tokens of one bucket and one combination of dimensions.

    `query_set` names the query it came from, for example `probe` or `attribution/nospeed`; the
    part before the slash is its role, and one role counts every hour exactly once.
    """

    query_set: str
    hour: datetime
    dimensions: Dimensions
    tokens: Tokens
    web_searches: int = 0

    @property
    def role(self) -> str:
        """Return `probe` or `attribution`."""
        return self.query_set.partition("/")[0]


PROBE = "probe"
ATTRIBUTION = "attribution"


USAGE_SOURCE = "usage"
"""The source whose rows feed counters, estimates and what is known of every hour."""
BILL = "bill"
"""The role of what is charged by price; it knows the account's exact total."""
BILL_WHO = "bill_who"
"""The role of what is charged by workspace and key."""
BILL_CUSTOMER = "bill_customer"
"""The role of what is charged by end customer."""


class BillDimensions(NamedTuple):
    """What one line of a bill is about. An empty string: this query set does not know it."""

    model: str = ""
    cost_type: str = ""
    token_type: str = ""
    service_tier: str = ""
    context_window: str = ""
    inference_geo: str = ""
    speed: str = ""
    workspace_id: str = ""
    api_key_id: str = ""
    product: str = ""
    end_customer: str = ""


class BillRecord(NamedTuple):
    """What the provider charges for one UTC day and one combination of dimensions.

    `query_set` names the query, for example `bill/legacy`; the part before the slash is its
    role, and one role holds every day exactly once. Amounts are nano-USD.
    """

    query_set: str
    day: date
    dimensions: BillDimensions
    amount: int
    list_amount: int | None = None
    """Before discounts, where the provider says so."""

    @property
    def role(self) -> str:
        """Return `bill`, `bill_who` or `bill_customer`."""
        return self.query_set.partition("/")[0]


CLAUDE_CODE = "claude_code"
"""The source of `CodingDay`."""


class CodingCounts(NamedTuple):
    """What somebody did with Claude Code."""

    sessions: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    commits: int = 0
    pull_requests: int = 0
    edits_accepted: int = 0
    edits_rejected: int = 0


class CodingUse(NamedTuple):
    """Tokens of Claude Code, and what they cost by its own estimate in nano-USD.

    It does not say for how long a cache was written.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cost: int = 0


class CodingRecord(NamedTuple):
    """What one user did with Claude Code in one place; `models` are metric labels."""

    user: str
    customer_type: str
    """`api`, or `subscription`: what the latter used is not billed by the token."""
    counts: CodingCounts
    models: Mapping[str, CodingUse]


class CodingDay(NamedTuple):
    """One UTC day of Claude Code, read completely. Rows of one user add up."""

    day: date
    rows: tuple[CodingRecord, ...]


class SpendLimit(NamedTuple):
    """A cap of the provider's on spend, in nano-USD. The scope `account` needs no id."""

    scope_type: str
    scope: str
    period: str
    amount: int


class RateLimit(NamedTuple):
    """A cap of the provider's on a rate; an empty workspace is the whole organisation."""

    workspace_id: str
    models: str
    limiter: str
    value: int


class LimitsRecord(NamedTuple):
    """The provider's caps: all on spend, and those on rates of the workspaces that were read."""

    spend: tuple[SpendLimit, ...]
    rates: tuple[RateLimit, ...]
    workspaces: frozenset[str]


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open stretch of UTC time, aligned to full hours.

    Among records it says how much of what was asked for has been read, if not all of it.
    """

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class OrganizationRecord:
    """Who the key belongs to."""

    organization_id: str
    name: str


@dataclass(frozen=True, slots=True)
class WorkspaceRecord:
    """A workspace and its name. `is_default` marks the one that reports call null."""

    workspace_id: str
    name: str
    status: str = "active"
    team: str = ""
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class ApiKeyRecord:
    """An API key and its name; `workspace_id` is empty for the default workspace."""

    api_key_id: str
    name: str
    workspace_id: str
    status: str


Record = (
    Window
    | UsageRecord
    | BillRecord
    | CodingDay
    | LimitsRecord
    | OrganizationRecord
    | WorkspaceRecord
    | ApiKeyRecord
)

MAX_LABEL_LENGTH = 200

_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def label_value(text: str) -> str:
    r"""Return text that is safe in a label: no control characters, at most 200 characters.

    A longer text keeps its start and gets a hash, so that two long ids stay two.

    >>> label_value("a\x1b[31mb")
    'a[31mb'
    """
    is_plain = text.isascii() and text.isprintable()
    clean = text if is_plain else _UNPRINTABLE.sub("", text)
    if len(clean) <= MAX_LABEL_LENGTH:
        return clean
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
    return f"{clean[: MAX_LABEL_LENGTH - len(digest) - 1]}~{digest}"


_PROVIDER_PREFIX = re.compile(r"^(?:[a-z]{2,6}\.)?anthropic[./]|^(?:models|publishers)/.*/")
_SUFFIXES = re.compile(r"(?:\[1m\]|@\d{8}|@default|-v\d+(?::\d+)?|-\d{8})+$")


def model_label(model: str) -> str:
    """Return the `model` label of a raw id: no prefix, no date, no `[1m]`, by rule.

    >>> model_label("us.anthropic.claude-sonnet-4-20250514-v1:0")
    'claude-sonnet-4'
    """
    return _SUFFIXES.sub("", _PROVIDER_PREFIX.sub("", model)) or model
