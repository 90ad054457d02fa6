"""Whether the exporter itself is well: sources, errors, freshness, API calls, ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source import trust, variables
from grafana.source.board import Line, dashboard
from grafana.source.links import HEALTH, OVERVIEW, RECONCILIATION
from grafana.source.look import (
    A_MINUTE,
    BAD,
    BYTES,
    COUNT,
    DAY,
    DURATION,
    GOOD,
    NEUTRAL,
    SECONDS,
    WHEN,
    Steps,
    above,
    words,
)
from grafana.source.panels import About, Query, figures, trend
from grafana.source.process import ledger_and_memory, limits, own
from grafana.source.promql import grown, milliseconds, mine, one, or_zero, rate, total
from grafana.source.tables import Column, Key, rows

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, table, timeseries
    from grafana_foundation_sdk.models.dashboard import Dashboard

BY_SOURCE = "account, source"
UP: Steps = ((None, BAD), (1, GOOD))
REQUEST_BUDGET = 6
"""Requests a minute that the exporter allows itself at most."""


def _figures() -> list[stat.Panel]:
    running = About(
        "Exporter",
        "The version that runs and since when. A short time since the start, again and again, "
        "means that it crashes: see its log.",
        OVERVIEW,
        8,
    )
    lost = About(
        "State",
        "Ledger lost: the file was damaged and moved aside, so counters began anew. Catching up: "
        "increase() over the gap holds all of its spend, and alerts that read it wait.",
        RECONCILIATION,
        5,
    )
    requests = About(
        "Calls a minute",
        "Over the last ten minutes, without the first load of history. It stays below 6 by "
        "itself; near it, raise poll_interval.",
        HEALTH,
        4,
    )
    dropped = About(
        "Capped series",
        "Label sets that are counted under other, permanently. Raise series_cap before more "
        "arrive, if Prometheus can take them.",
        HEALTH,
        3,
    )
    ledger = About(
        "Ledger",
        "Size of the file. Rows are kept for ever, by day after 100 days; back it up.",
        HEALTH,
        4,
    )
    beyond = "sum(max by (family) (claude_cost_exporter_series_dropped_total))"
    build_info = "max by (version) (claude_cost_exporter_build_info)"
    mine_only = "on (instance, job) claude_cost_exporter_build_info"
    started = f"max(process_start_time_seconds and {mine_only})"
    catching = f"max({one(mine('llm_source_catching_up'))})"
    said = words({"0": ("no", GOOD), "1": ("yes", BAD)})
    return [
        figures(
            running,
            COUNT,
            Query(build_info, "{{version}}", mappings=words({"1": ("runs", GOOD)}), steps=UP),
            Query(milliseconds(started), "started", WHEN, NEUTRAL),
            empty="no exporter",
        ),
        figures(
            lost,
            COUNT,
            Query("max(llm_ledger_state_lost)", "ledger lost", mappings=said),
            Query(catching, "catching up", mappings=said),
            steps=above(1),
        ),
        figures(
            requests,
            A_MINUTE,
            Query(f"max({own('api_requests_per_minute')})"),
            steps=above(5, REQUEST_BUDGET),
        ),
        figures(
            dropped,
            COUNT,
            Query(or_zero(beyond, "claude_cost_exporter_build_info")),
            steps=above(1),
        ),
        figures(ledger, BYTES, Query("max(claude_cost_exporter_ledger_size_bytes)")),
    ]


def _sources() -> table.Panel:
    by = f"provider, {BY_SOURCE}"

    def of(metric: str) -> str:
        return f"max by ({by}) ({mine(metric)})"

    api = f"max by ({by}, api) ({mine('llm_source_api_info')})"
    up = f"{of('llm_source_up')} * on ({by}) group_left (api) {api}"
    up += f" or on ({by}) {of('llm_source_up')}"
    failed = f"sum by ({BY_SOURCE}) ({grown(own('poll_failures_total'))})"
    return rows(
        About(
            "Sources",
            "One row for each thing that is polled. A failing source keeps its last values: see "
            "its kind of error below. unauthorized or forbidden means that the key was revoked or "
            "may not read it; a watermark of the bill is up to a day old.",
            HEALTH,
            24,
        ),
        {
            "account": Key("Account"),
            "source": Key("Source"),
            "api": Key("API"),
            "provider": Key("Provider"),
        },
        Column("Up", up, COUNT, UP),
        Column("Last success", _when("llm_source_last_success_timestamp_seconds", by), WHEN),
        Column("Read up to", _when("llm_source_data_watermark_timestamp_seconds", by), WHEN),
        Column("History since", _when("llm_source_history_start_timestamp_seconds", by), WHEN),
        Column("Failed polls", failed, COUNT, above(1, 10)),
        sort="Source",
        empty="no source is polled",
    )


def _when(metric: str, by: str) -> str:
    return milliseconds(f"max by ({by}) ({mine(metric)})")


def _freshness() -> list[timeseries.Panel]:
    age = About(
        "Age of the data by source",
        "A sawtooth is normal: usage within minutes, bills within a day. A line that only climbs "
        "is a source that stopped; after an hour of it, usage raises an alert.",
        RECONCILIATION,
    )
    failures = About(
        "Failed polls by kind, per minute",
        "rate_limited and server_error pass by themselves; unauthorized needs a new key; "
        "unexpected answers need a newer exporter.",
        HEALTH,
    )
    watermark = f"max by ({BY_SOURCE}) ({mine('llm_source_data_watermark_timestamp_seconds')})"
    failed = f"{total(rate(own('poll_failures_total')), 'source, kind')} * 60"
    return [
        trend(
            age,
            DURATION,
            Query(f"time() - {watermark}", "{{account}} {{source}}"),
            steps=above(trust.STALE, 2 * DAY),
        ),
        trend(
            failures,
            A_MINUTE,
            Query(failed, "{{source}}: {{kind}}"),
            empty="no poll has failed",
        ),
    ]


def _api() -> list[timeseries.Panel]:
    requests = About(
        "Requests by status, per minute",
        "429 is the provider's rate limit and is waited for; many of them: another program uses "
        "the same organisation's Admin API. error is a request without an answer.",
        HEALTH,
        8,
    )
    slow = About(
        "Nine of ten requests are faster than",
        "A slow endpoint makes data older. Above 20 s, look at the provider's status page.",
        HEALTH,
        8,
    )
    polls = About(
        "Polls, and how long they take",
        "Mean duration, retries included, by source. Longer than poll_interval means that data "
        "fall behind.",
        HEALTH,
        8,
    )
    by_status = f"{total(rate(own('api_requests_total')), 'status')} * 60"
    buckets = total(rate(own("api_request_duration_seconds_bucket")), "le, endpoint")
    mean = (
        f"{total(rate(own('poll_duration_seconds_sum')), 'source')}"
        f" / ({total(rate(own('poll_duration_seconds_count')), 'source')} > 0)"
    )
    return [
        trend(requests, A_MINUTE, Query(by_status, "{{status}}"), stacked=True),
        trend(
            slow,
            SECONDS,
            Query(f"histogram_quantile(0.9, {buckets})", "{{endpoint}}"),
            steps=above(5, 20),
        ),
        trend(polls, SECONDS, Query(mean, "{{source}}"), steps=above(10, 60)),
    ]


def build() -> Dashboard:
    """Return the dashboard about the exporter itself."""
    return dashboard(
        HEALTH,
        "Whether the exporter is well: sources, errors, freshness, API calls, ledger.",
        [variables.provider(), variables.account()],
        Line(4, _figures()),
        Line(8, [_sources()]),
        Line(9, _freshness()),
        Line(8, _api(), "Calls to the provider"),
        Line(8, ledger_and_memory(), "Ledger and process"),
        Line(7, limits()),
        since="now-24h",
    )
