"""GET /v1/organizations/usage_report/claude_code: one day of Claude Code by developer."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING

from claude_cost_exporter.simulator.buckets import rfc3339
from claude_cost_exporter.simulator.corrections import NOTHING, Counts, minus, plus, scaled
from claude_cost_exporter.simulator.pages import by_token
from claude_cost_exporter.simulator.ratecard import rates_of
from claude_cost_exporter.simulator.traffic import DAY_MINUTES, Knowledge, Moment, epoch
from claude_cost_exporter.simulator.wire import bad_request

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.call import Answer, Call
    from claude_cost_exporter.simulator.developers import Developer

PRODUCT = "claude_code"
DELAY = timedelta(hours=1)
NANO_PER_CENT = 10_000_000
SESSION_TOKENS = 40_000
"""What a session puts out; it writes 100 to 355 lines."""
TOOLS = ("edit_tool", "multi_edit_tool", "notebook_edit_tool", "write_tool")

Figures = tuple[Counts, int]
"""Tokens and their nano-USD at list price."""
ByModel = dict[str, Figures]


def answer(call: Call) -> Answer:
    """Return one page of one UTC day's rows."""
    day = _day(call.parameters.take("starting_at"))
    page = by_token(_rows(call, day), call.parameters, call.request.query)
    return page | {"has_more": page["next_page"] is not None}


def _day(text: str | None) -> date:
    if text is None:
        raise bad_request("starting_at: Field required")
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass  # the answer is the same as for any other text
    raise bad_request(f"starting_at: Input should be a date as YYYY-MM-DD, not {text!r}")


def _rows(call: Call, day: date) -> list[Answer]:
    """Return a row for each developer with any usage; nothing is younger than an hour."""
    usage = _usage(call, day)
    organisation = call.organisation
    weights = [
        developer.share * (128 + draw)
        for developer, draw in zip(
            organisation.developers, _draws(call, day, "shares"), strict=False
        )
    ]
    ends = (0, *accumulate(weights))
    rows = []
    for number, developer in enumerate(organisation.developers):
        part = {m: _part(f, ends[number], ends[number + 1], ends[-1]) for m, f in usage.items()}
        part = {model: figures for model, figures in part.items() if figures[0] != NOTHING}
        if part:
            rows.append(_row(call, day, developer, part))
    return rows


def _usage(call: Call, day: date) -> ByModel:
    start = (day - date(1970, 1, 1)).days * DAY_MINUTES
    moment = Moment(Knowledge.HAPPENED, epoch(call.now - DELAY))
    by_model: ByModel = {}
    for series, counts in call.traffic.usage(start, start + DAY_MINUTES, moment).items():
        if series.product == PRODUCT:
            model, tier, _, geo, speed = series[4:9]
            rates = rates_of(model, tier, geo, speed, day) or (0,) * 5
            nano = sum(n * rate for n, rate in zip(counts, rates, strict=False))
            tokens, cost = by_model.get(model, (NOTHING, 0))
            by_model[model] = (plus(tokens, counts), cost + nano)
    return by_model


def _part(figures: Figures, begin: int, end: int, whole: int) -> Figures:
    """Return the share of `[begin, end)`; all shares add up to the whole."""
    counts, nano = figures
    tokens = minus(scaled(counts, end, whole), scaled(counts, begin, whole))
    return tokens, nano * end // whole - nano * begin // whole


def _row(call: Call, day: date, developer: Developer, part: ByModel) -> Answer:
    who = f"{developer.email}/{developer.terminal}/{developer.is_remote}"
    busy = _draws(call, day, who)
    output = sum(counts[1] for counts, _ in part.values())
    sessions = 1 + output // SESSION_TOKENS
    lines = output * (100 + busy[0]) // SESSION_TOKENS
    commits = sessions * busy[2] // 128
    return {
        "date": rfc3339(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()),
        "actor": _actor(developer),
        "organization_id": call.organisation.id,
        "customer_type": "api",
        "terminal_type": developer.terminal,
        "is_remote": developer.is_remote,
        "core_metrics": {
            "num_sessions": sessions,
            "lines_of_code": {"added": lines, "removed": lines * busy[1] // 512},
            "commits_by_claude_code": commits,
            "pull_requests_by_claude_code": commits * busy[3] // 512,
        },
        "tool_actions": {
            tool: {"accepted": lines * busy[4 + n] // 2_000, "rejected": busy[8 + n] // 64}
            for n, tool in enumerate(TOOLS)
        },
        "model_breakdown": [_breakdown(model, *figures) for model, figures in part.items()],
    }


def _actor(developer: Developer) -> Answer:
    if developer.email is None:
        return {"type": "api_actor", "api_key_name": developer.api_key_name}
    return {"type": "user_actor", "email_address": developer.email}


def _breakdown(model: str, counts: Counts, nano: int) -> Answer:
    uncached, output, cache_read, write_5m, write_1h, *_ = counts
    cents = (nano + NANO_PER_CENT // 2) // NANO_PER_CENT
    return {
        "model": model,
        "tokens": {
            "input": uncached,
            "output": output,
            "cache_read": cache_read,
            "cache_creation": write_5m + write_1h,
        },
        "estimated_cost": {"currency": "USD", "amount": cents},
    }


def _draws(call: Call, day: date, what: str) -> bytes:
    """Return 32 random bytes that belong to a day and a thing."""
    return blake2b(f"{call.organisation.id}/{day}/{what}".encode(), digest_size=32).digest()
