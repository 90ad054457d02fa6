"""Usage rows as JSON lines, priced one by one and exactly (floor 1).

A row has the field names of the usage report, and besides them `date` and, for a single request,
`prompt_tokens`. It may sum up many requests.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from claude_cost_exporter.errors import PriceError
from claude_cost_exporter.pricing.book import PriceBook
from claude_cost_exporter.pricing.exact import exactly, plain
from claude_cost_exporter.records import Dimensions, Tokens, TokenType

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Text = Annotated[str, Meta(min_length=1)]

NOT_PRICED = frozenset(
    {
        "account_id",
        "api_key_id",
        "ending_at",
        "output_tokens_details",
        "server_tool_use.web_fetch_requests",
        "service_account_id",
        "starting_at",
        "workspace_id",
    }
)
"""Documented fields of a usage row that have no influence on its price."""

_COUNTED = re.compile(r"tokens?$|_requests?$")
"""A field that is not known, but counts something that may cost money."""

_PATH = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>\$[^`]*)`)?$", re.DOTALL)


class CacheCreation(Struct, frozen=True):
    """Tokens written to the cache, by how long they stay there."""

    ephemeral_5m_input_tokens: Count = 0
    ephemeral_1h_input_tokens: Count = 0


class ServerToolUse(Struct, frozen=True):
    """Requests of server tools that are billed by the request."""

    web_search_requests: Count = 0


class Row(Struct, frozen=True, kw_only=True):
    """One line. A dimension that is missing or null is the ordinary one."""

    date: date
    model: Text
    service_tier: str | None = None
    context_window: str | None = None
    inference_geo: str | None = None
    speed: str | None = None
    prompt_tokens: Count | None = None
    uncached_input_tokens: Count = 0
    output_tokens: Count = 0
    cache_read_input_tokens: Count = 0
    cache_creation: CacheCreation | None = None
    server_tool_use: ServerToolUse | None = None

    @property
    def dimensions(self) -> Dimensions:
        """Return what the row is about. A prompt's length decides its context window."""
        ordinary_window = "0-200k" if self.prompt_tokens is None else ""
        return Dimensions(
            model=self.model,
            service_tier="standard" if self.service_tier is None else self.service_tier,
            context_window=ordinary_window if self.context_window is None else self.context_window,
            inference_geo="global" if self.inference_geo is None else self.inference_geo,
            speed="standard" if self.speed is None else self.speed,
        )

    @property
    def tokens(self) -> Tokens:
        """Return the five disjoint counts."""
        written = self.cache_creation or CacheCreation()
        return Tokens(
            input=self.uncached_input_tokens,
            output=self.output_tokens,
            cache_read=self.cache_read_input_tokens,
            cache_write_5m=written.ephemeral_5m_input_tokens,
            cache_write_1h=written.ephemeral_1h_input_tokens,
        )

    @property
    def web_searches(self) -> int:
        """Return the number of billed searches."""
        return self.server_tool_use.web_search_requests if self.server_tool_use else 0


class PricedRow(Struct, frozen=True):
    """The answer: exact decimals as strings.

    `cost_usd` is null when there is no price, and `reason` says why; the components then hold
    what does have one. With a cost, `reason` is null, or `lower_bound` where the price depends on
    the prompt length of each request and the row does not tell it.
    """

    cost_usd: str | None
    reason: str | None
    components: dict[str, str]


def price_lines(
    book: PriceBook, name: str, lines: Iterable[bytes], warn: Callable[[str], None]
) -> Iterator[str]:
    """Yield one JSON line per row; `name` is the file's. Blank lines are skipped."""
    count = 0
    for number, line in enumerate(lines, start=1):
        if line.strip():
            count += 1
            row = parse_row(line, f"{name}, line {number}", warn)
            yield msgspec.json.encode(price_row(book, row)).decode()
    if not count:
        warn(f"{name} holds no rows")


def parse_row(line: bytes, place: str, warn: Callable[[str], None]) -> Row:
    """Return the row of one JSON line; PriceError names the place, the path and the value."""
    try:
        content = msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        raise PriceError(f"{place}: this is not JSON: {error}") from error
    try:
        row = msgspec.convert(content, Row)
    except msgspec.ValidationError as error:
        match = _PATH.match(str(error))
        what, path = (match["what"], match["path"] or "$") if match else (str(error), "$")
        found = msgspec.json.encode(_value_at(content, path)).decode()
        raise PriceError(f"{place}: {path} is {_shortened(found)}. {what}") from error
    for path in unknown_fields(content):
        if _COUNTED.search(path):
            raise PriceError(
                f"{place}: $.{path} is not a field of the usage report, and leaving it out could "
                "make the row too cheap; rename or remove it"
            )
        warn(f"{place}: $.{path} is not a field of the usage report and was ignored")
    return row


def unknown_fields(content: object, prefix: str = "") -> Iterator[str]:
    """Yield the paths of fields that are neither read nor known to be without influence."""
    nested = {"cache_creation": CacheCreation, "server_tool_use": ServerToolUse}
    known = nested[prefix[:-1]] if prefix else Row
    if not isinstance(content, dict):
        return
    for name, value in content.items():
        path = f"{prefix}{name}"
        if not prefix and name in nested:
            yield from unknown_fields(value, f"{name}.")
        elif name not in known.__struct_fields__ and path not in NOT_PRICED:
            yield path


def price_row(book: PriceBook, row: Row, account: str = "") -> PricedRow:
    """Return what a row costs, to the last decimal."""
    quote = book.quote(account, row.dimensions, row.date, row.prompt_tokens)
    with exactly():
        searches = row.web_searches * quote.per_web_search
        rates = quote.rates or (None,) * len(TokenType)
        parts: dict[str, Decimal] = {
            token_type.value: (tokens * rate).scaleb(-6)
            for token_type, tokens, rate in zip(TokenType, row.tokens, rates, strict=True)
            if rate is not None
        }
        missing = any(t for t, rate in zip(row.tokens, rates, strict=True) if rate is None)
        if quote.rates is None or missing:
            return PricedRow(None, quote.reason, {"web_search": plain(searches)})
        parts["web_search"] = searches
        total = sum(parts.values(), Decimal(0))
    reason = "lower_bound" if quote.ambiguous and row.tokens.total else None
    return PricedRow(plain(total), reason, {name: plain(cost) for name, cost in parts.items()})


def _value_at(content: object, path: str) -> object:
    """Return what stands at a path like `$.cache_creation.ephemeral_5m_input_tokens`."""
    for name in path.split(".")[1:]:
        content = content.get(name) if isinstance(content, dict) else None
    return content


def _shortened(text: str, limit: int = 80) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"
