"""GET /v1/organizations/usage_report/messages (floor 2)."""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from claude_cost_exporter.clock import DAY, HOUR, floor_hour
from claude_cost_exporter.simulator.requests import Response, bad_request, json_response
from claude_cost_exporter.simulator.traffic import NOTHING, SLOT_SECONDS, Counts, add

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.api import Simulator
    from claude_cost_exporter.simulator.requests import Request
    from claude_cost_exporter.simulator.traffic import Series

MINUTE = timedelta(minutes=1)
WIDTHS = {"1d": (DAY, 7, 31), "1h": (HOUR, 24, 168), "1m": (MINUTE, 60, 1440)}
"""Width, default limit, highest limit."""
DIMENSIONS = (
    "account_id", "api_key_id", "context_window", "inference_geo", "model", "service_account_id",
    "service_tier", "speed", "workspace_id",
)  # fmt: skip
FILTERS = {
    "workspace_ids[]": "workspace_id",
    "api_key_ids[]": "api_key_id",
    "models[]": "model",
    "service_tiers[]": "service_tier",
    "context_window[]": "context_window",
    "inference_geos[]": "inference_geo",
    "speeds[]": "speed",
}
KNOWN = {"starting_at", "ending_at", "bucket_width", "limit", "page", "group_by[]", *FILTERS}
MOST_DIMENSIONS = 5
SPEED_BETA = "fast-mode-2026-02-01"


def usage_report(simulator: Simulator, request: Request) -> Response:
    """Return one page of zero-filled buckets, oldest first."""
    width_name = request.one("bucket_width", "1d") or ""
    if width_name not in WIDTHS:
        raise bad_request(f"bucket_width: unexpected value {width_name!r}")
    width = WIDTHS[width_name][0]
    group_by = _group_by(simulator, request)
    limit = _limit(request, width_name)
    start, end = _bounds(simulator, request, width)
    first = _first_bucket(request, start)
    buckets: list[dict[str, Any]] = []
    at = first
    while at < end and len(buckets) < limit:
        buckets.append(_bucket(simulator, request, at, width, group_by))
        at += width
    rows = sum(len(bucket["results"]) for bucket in buckets)
    cap = simulator.switches.result_cap
    if cap is not None and rows > cap:
        raise bad_request(f"Too many results: {rows} rows exceed the maximum of {cap} per page.")
    more = at < end
    token = _token(request, at) if more else None
    return json_response({"data": buckets, "has_more": more, "next_page": token})


def _group_by(simulator: Simulator, request: Request) -> list[str]:
    if unknown := [name for name, _ in request.query if name not in KNOWN]:
        raise bad_request(f"{unknown[0]}: Extra inputs are not permitted")
    group_by = request.all("group_by[]")
    if unknown := [name for name in group_by if name not in DIMENSIONS]:
        raise bad_request(f"group_by[]: unexpected value {unknown[0]!r}")
    if len(group_by) > MOST_DIMENSIONS:
        raise bad_request("Cannot specify more than 5 group_by[] dimensions.")
    asks_speed = "speed" in group_by or request.all("speeds[]")
    beta = SPEED_BETA in request.headers.get("anthropic-beta", "")
    if asks_speed and (simulator.switches.refuse_speed or not beta):
        raise bad_request("group_by[]: speed requires the fast-mode beta")
    return group_by


def _limit(request: Request, width: str) -> int:
    _, default, most = WIDTHS[width]
    text = request.one("limit", str(default)) or ""
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise bad_request(f"limit: {text} is not between 1 and {most} for bucket_width {width}")
    return int(text)


def _bounds(simulator: Simulator, request: Request, width: timedelta) -> tuple[datetime, datetime]:
    start = _moment(request, "starting_at")
    if start is None:
        raise bad_request("starting_at: Field required")
    now = simulator.clock.now()
    start = _floor(start + width - timedelta(microseconds=1), width)  # "on or after"
    end = _moment(request, "ending_at") or now + width
    latest = _floor(now, width)
    if width == MINUTE or not _closed_only(simulator, width):
        latest += width
    return start, min(_floor(end, width), latest)


def _closed_only(simulator: Simulator, width: timedelta) -> bool:
    switches = simulator.switches
    return switches.closed_days_only if width == DAY else switches.closed_hours_only


def _moment(request: Request, name: str) -> datetime | None:
    text = request.one(name)
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise bad_request(f"{name}: {text!r} is not an RFC 3339 date-time") from None


def _floor(moment: datetime, width: timedelta) -> datetime:
    seconds = int(width.total_seconds())
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, UTC)


def _first_bucket(request: Request, start: datetime) -> datetime:
    page = request.one("page")
    if page is None:
        return start
    try:
        text = base64.b64decode(page.removeprefix("page_"), validate=True).decode()
        at, mark = text.split("|")
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise bad_request("page: invalid page token") from None
    if mark != _mark(request):
        raise bad_request("page: the token belongs to a request with other parameters")
    return moment


def _token(request: Request, at: datetime) -> str:
    text = f"{at:%Y-%m-%dT%H:%M:%SZ}|{_mark(request)}"
    return "page_" + base64.b64encode(text.encode()).decode()


def _mark(request: Request) -> str:
    """Bind a token to its query, as the API does."""
    query = sorted(pair for pair in request.query if pair[0] != "page")
    return hashlib.sha256(repr(query).encode()).hexdigest()[:12]


def _bucket(
    simulator: Simulator, request: Request, at: datetime, width: timedelta, group_by: list[str]
) -> dict[str, Any]:
    rows: dict[tuple[str | None, ...], Counts] = defaultdict(lambda: NOTHING)
    filters = {FILTERS[name]: request.all(name) for name in FILTERS if request.all(name)}
    for series, counts in _usage(simulator, at, width):
        if any(counts) and all(_of(series, name) in values for name, values in filters.items()):
            key = tuple(_of(series, name) for name in group_by)
            rows[key] = add(rows[key], counts)
    speed_known = SPEED_BETA in request.headers.get("anthropic-beta", "")
    return {
        "starting_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "ending_at": f"{at + width:%Y-%m-%dT%H:%M:%SZ}",
        "results": [
            _row(dict(zip(group_by, key, strict=True)), counts, speed=speed_known)
            for key, counts in rows.items()
        ],
    }


def _usage(simulator: Simulator, at: datetime, width: timedelta) -> list[tuple[Series, Counts]]:
    truth, now = simulator.truth, simulator.clock.now()
    if at < simulator.history_start:
        return []
    if width == MINUTE:
        slot, rest = divmod(int(at.timestamp()), SLOT_SECONDS)
        counts = [] if rest else truth.slot(slot, now)  # a slot's usage is its first minute's
        return list(zip(truth.series, counts, strict=False))
    sums = [NOTHING] * len(truth.series)
    hour = floor_hour(at)
    while hour < min(at + width, now):
        sums = [add(*pair) for pair in zip(sums, truth.hour(hour, now), strict=True)]
        hour += HOUR
    return list(zip(truth.series, sums, strict=True))


def _of(series: Series, dimension: str) -> str | None:
    if dimension in ("account_id", "service_account_id"):
        return None
    value: str | None = getattr(series, dimension)
    return value


def _row(group: dict[str, str | None], counts: Counts, *, speed: bool) -> dict[str, Any]:
    row: dict[str, Any] = {name: group.get(name) for name in DIMENSIONS}
    if not speed:
        del row["speed"]
    return row | {
        "uncached_input_tokens": counts[0],
        "output_tokens": counts[1],
        "cache_read_input_tokens": counts[2],
        "cache_creation": {
            "ephemeral_5m_input_tokens": counts[3],
            "ephemeral_1h_input_tokens": counts[4],
        },
        "server_tool_use": {"web_search_requests": counts[5]},
    }
