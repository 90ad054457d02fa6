"""Time buckets of the reports: range, alignment, the open bucket, pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from claude_cost_exporter.simulator.pages import next_token, read_token
from claude_cost_exporter.simulator.parameters import parse_time, required
from claude_cost_exporter.simulator.switches import BucketStart
from claude_cost_exporter.simulator.wire import bad_request

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.call import Call


class Width(NamedTuple):
    """A bucket width in seconds and how many buckets a page may hold."""

    seconds: int
    default_limit: int
    max_limit: int


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets of one page, as epoch seconds, and the token of the next page."""

    page: list[tuple[int, int]]
    next_token: str | None

    @staticmethod
    def envelope(start: int, end: int, results: list[dict[str, Any]]) -> dict[str, Any]:
        """Return one element of `data`."""
        return {"ending_at": rfc3339(end), "results": results, "starting_at": rfc3339(start)}


def read_buckets(
    call: Call, width: Width, *, open_bucket: bool, empty_is_wrong: bool = False
) -> Buckets:
    """Return the buckets that `starting_at`, `ending_at`, `limit` and `page` ask for.

    `empty_is_wrong`: a range that holds no bucket is refused as a reversed one is.
    """
    parameters = call.parameters
    start = required("starting_at", parameters.take_time("starting_at"))
    end = parameters.take_time("ending_at")
    limit = parameters.take_int("limit", width.default_limit, width.max_limit)
    token = parameters.take("page")
    first = _first_bucket(start, width, call.switches.bucket_start)
    last = _last_bucket(end, call.now, width, open_bucket=open_bucket)
    if (end is not None and end <= start) or (empty_is_wrong and last <= first):
        raise bad_request("Invalid date range: ending date must be after starting date")
    if token is not None:
        position = parse_time(read_token(token, call.request.query))
        if position is None:
            raise bad_request("page: Invalid page token.")
        first = int(position.timestamp()) // width.seconds
    stop = max(first, min(last, first + limit))
    page = [(n * width.seconds, (n + 1) * width.seconds) for n in range(first, stop)]
    if stop >= last:
        return Buckets(page, None)
    return Buckets(page, next_token(rfc3339(stop * width.seconds), call.request.query))


def _first_bucket(start: datetime, width: Width, rule: BucketStart) -> int:
    number, beyond = divmod(start.timestamp(), width.seconds)
    return int(number) + (1 if beyond and rule is BucketStart.CEIL else 0)


def _last_bucket(end: datetime | None, now: datetime, width: Width, *, open_bucket: bool) -> int:
    """Return the bucket before which the report ends: clamped to now, full buckets only."""
    horizon = int(now.timestamp() // width.seconds) + (1 if open_bucket else 0)
    return horizon if end is None else min(horizon, int(end.timestamp() // width.seconds))


@lru_cache(maxsize=4_096)
def rfc3339(second: float) -> str:
    """Return a time as the API writes it."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
