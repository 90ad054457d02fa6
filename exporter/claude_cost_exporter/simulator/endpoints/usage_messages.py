"""GET /v1/organizations/usage_report/messages, the legacy usage report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claude_cost_exporter.simulator.buckets import Buckets, Width, read_buckets
from claude_cost_exporter.simulator.corrections import Series, plus
from claude_cost_exporter.simulator.switches import OpenBucket, SpeedGrouping, Switches
from claude_cost_exporter.simulator.traffic import Knowledge, Moment, epoch
from claude_cost_exporter.simulator.wire import bad_request

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.call import Answer, Call
    from claude_cost_exporter.simulator.corrections import Counts

FAST_MODE = "fast-mode-2026-02-01"
MAX_GROUPS = 5
WIDTHS = {
    "1m": Width(60, default_limit=60, max_limit=1_440),
    "1h": Width(3_600, default_limit=24, max_limit=168),
    "1d": Width(86_400, default_limit=7, max_limit=31),
}
FILTERS: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "account_id": ("account_ids", None),
    "api_key_id": ("api_key_ids", None),
    "context_window": ("context_window", ("0-200k", "200k-1M")),
    "inference_geo": ("inference_geos", ("global", "us", "not_available")),
    "model": ("models", None),
    "service_account_id": ("service_account_ids", None),
    "service_tier": (
        "service_tiers",
        ("standard", "batch", "priority", "priority_on_demand", "flex", "flex_discount"),
    ),
    "speed": ("speeds", ("standard", "fast")),
    "workspace_id": ("workspace_ids", None),
}
"""Dimension -> its filter parameter and that parameter's values; `context_window[]` is singular."""


@dataclass(frozen=True, slots=True)
class Query:
    """What one request asks for."""

    buckets: Buckets
    group_by: frozenset[str]
    filters: tuple[tuple[int, frozenset[str | None]], ...]
    """Position in `Series` -> accepted values."""
    with_speed: bool


def answer(call: Call) -> Answer:
    """Return one page of zero-filled buckets, oldest first."""
    query = _read(call)
    moment = Moment(Knowledge.VISIBLE, epoch(call.now))
    data = []
    rows = 0
    for start, end in query.buckets.page:
        groups = _grouped(call, query, start, end, moment)
        rows += len(groups)
        results = [_row(series, counts, query) for series, counts in groups.items()]
        data.append(query.buckets.envelope(start, end, results))
    cap = call.switches.max_rows_per_page
    if cap is not None and rows > cap:
        raise bad_request(
            f"The request would return {rows} results, more than {cap}. Lower the limit."
        )
    return {
        "data": data,
        "has_more": query.buckets.next_token is not None,
        "next_page": query.buckets.next_token,
    }


def _read(call: Call) -> Query:
    parameters = call.parameters
    group_by = parameters.take_list("group_by", FILTERS)
    if len(group_by) > MAX_GROUPS:
        raise bad_request("Cannot specify more than 5 group_by[] dimensions.")
    filters = []
    for dimension, (name, allowed) in FILTERS.items():
        values = parameters.take_list(name, allowed)
        if values:
            filters.append((Series._fields.index(dimension), _accepted(call, dimension, values)))
            _check_speed(call, dimension, f"{name}[]")
    for dimension in group_by:
        _check_speed(call, dimension, "group_by[]")
    width = parameters.take_choice("bucket_width", WIDTHS, "1d")
    buckets = read_buckets(call, WIDTHS[width], open_bucket=_serves_open(call.switches, width))
    parameters.finish()
    return Query(buckets, frozenset(group_by), tuple(filters), call.has_beta(FAST_MODE))


def _accepted(call: Call, dimension: str, values: list[str]) -> frozenset[str | None]:
    """Return filter values; the default workspace's id means its null. Not documented."""
    default = call.organisation.default_workspace_id
    if dimension == "workspace_id" and default in values:
        return frozenset((*values, None))
    return frozenset(values)


def _check_speed(call: Call, dimension: str, name: str) -> None:
    switch = call.switches.speed
    if dimension != "speed" or switch is SpeedGrouping.ALWAYS:
        return
    if switch is SpeedGrouping.REFUSED or not call.has_beta(FAST_MODE):
        raise bad_request(f"{name}: 'speed' requires the beta header {FAST_MODE}.")


def _serves_open(switches: Switches, width: str) -> bool:
    if width == "1m":
        return True
    switch = switches.open_hour if width == "1h" else switches.open_day
    return switch is OpenBucket.PARTIAL


def _grouped(
    call: Call, query: Query, start: int, end: int, moment: Moment
) -> dict[Series, Counts]:
    """Return usage with everything that is not grouped by set to null."""
    groups: dict[Series, Counts] = {}
    positions = [Series._fields.index(field) for field in query.group_by]
    nothing = [None] * len(Series._fields)
    for series, counts in call.traffic.usage(start // 60, end // 60, moment).items():
        if all(series[position] in accepted for position, accepted in query.filters):
            values: list[Any] = nothing.copy()
            for position in positions:
                values[position] = series[position]
            group = Series._make(values)
            old = groups.get(group)
            groups[group] = plus(old, counts) if old else counts
    return groups


def _row(series: Series, counts: Counts, query: Query) -> Answer:
    uncached, output, cache_read, write_5m, write_1h, searches, _requests = counts
    row: Answer = {
        "account_id": series.account_id,
        "api_key_id": series.api_key_id,
        "cache_creation": {
            "ephemeral_1h_input_tokens": write_1h,
            "ephemeral_5m_input_tokens": write_5m,
        },
        "cache_read_input_tokens": cache_read,
        "context_window": series.context_window,
        "inference_geo": series.inference_geo,
        "model": series.model,
        "output_tokens": output,
        "server_tool_use": {"web_search_requests": searches},
        "service_account_id": series.service_account_id,
        "service_tier": series.service_tier,
        "uncached_input_tokens": uncached,
        "workspace_id": series.workspace_id,
    }
    if query.with_speed:
        row["speed"] = series.speed
    return row
