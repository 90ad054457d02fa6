"""GET /v1/organizations/cost_report, the legacy cost report: closed days, cents, no keys."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.simulator.bill import TOKEN_TYPES, Group, cost_report_reading
from claude_cost_exporter.simulator.buckets import Width, read_buckets
from claude_cost_exporter.simulator.money import cents_text, trimmed
from claude_cost_exporter.simulator.ratecard import CODE_EXECUTION, SESSION_USAGE
from claude_cost_exporter.simulator.switches import OpenBucket
from claude_cost_exporter.simulator.traffic import DAY_MINUTES
from claude_cost_exporter.simulator.truth import TOKENS, WEB_SEARCH, label_of

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.bill import Sums
    from claude_cost_exporter.simulator.call import Answer, Call
    from claude_cost_exporter.simulator.corrections import Series
    from claude_cost_exporter.simulator.switches import Switches

DAYS = Width(86_400, default_limit=7, max_limit=31)
MISLEADING = "Claude Sonnet 4"
"""What the official sample calls Opus 4.6."""
GROUPS = ("workspace_id", "description")
WORDS = dict(
    zip(
        TOKEN_TYPES,
        (
            "Input Tokens",
            "Output Tokens",
            "Cache Read Tokens",
            "Cache Write Tokens (5m)",
            "Cache Write Tokens (1h)",
        ),
        strict=True,
    )
)
DESCRIPTIONS = {
    WEB_SEARCH: "Web Search Usage",
    CODE_EXECUTION: "Code Execution Usage",
    SESSION_USAGE: "Managed Agents Session Usage",
}
"""Only the words for code execution and for two kinds of tokens are documented."""


class Owner(NamedTuple):
    """What rows are told apart by. Fast mode is in no field: its rows look like others twice."""

    workspace_id: str | None
    model: str
    service_tier: str
    context_window: str
    inference_geo: str
    speed: str


def _owner(series: Series) -> Owner:
    return Owner(series.workspace_id, *series[4:9])


OWNERS = Group("owners", _owner)


def answer(call: Call) -> Answer:
    """Return one page of zero-filled days, oldest first."""
    call.parameters.take_choice("bucket_width", ("1d",), "1d")
    group_by = frozenset(call.parameters.take_list("group_by", GROUPS))
    buckets = read_buckets(
        call,
        DAYS,
        open_bucket=call.switches.open_cost_day is OpenBucket.PARTIAL,
        empty_is_wrong=True,
    )
    call.parameters.finish()
    data = [
        buckets.envelope(start, end, _day(call, group_by, start)) for start, end in buckets.page
    ]
    return {
        "data": data,
        "has_more": buckets.next_token is not None,
        "next_page": buckets.next_token,
    }


def _day(call: Call, group_by: frozenset[str], start: int) -> list[Answer]:
    """Return the rows of a day; those of settled days are kept, for they are asked for hourly."""
    switches = call.switches
    reading = cost_report_reading(call.now, switches)
    first, end = start // 60, start // 60 + DAY_MINUTES
    written = (switches.cent_decimals, switches.undated_cost_models)
    return call.bill.kept(
        ("cost_report", group_by, *written, switches.misleading_descriptions),
        first // DAY_MINUTES,
        reading,
        lambda: _results(call.bill.sums(first, end, reading, OWNERS), group_by, switches),
    )


def _results(sums: Sums[Owner], group_by: frozenset[str], switches: Switches) -> list[Answer]:
    by_workspace = "workspace_id" in group_by
    amounts: Counter[tuple[Owner, str, str | None]] = Counter()
    for (owner, cost_type, token_type), (_, amount) in sums.items():
        who = owner if by_workspace else owner._replace(workspace_id=None)
        if token_type is None:
            who = Owner(who.workspace_id, "", "", "", "", "")
        amounts[who, cost_type, token_type] += amount
    if "description" in group_by:
        return [
            _row(owner.workspace_id, amount, switches)
            | _details(owner, cost_type, token_type, switches)
            for (owner, cost_type, token_type), amount in amounts.items()
        ]
    totals: Counter[str | None] = Counter()
    for (owner, _, _), amount in amounts.items():
        totals[owner.workspace_id] += amount
    return [_row(workspace, amount, switches) for workspace, amount in totals.items()]


def _row(workspace_id: str | None, femto: int, switches: Switches) -> Answer:
    exact = cents_text(femto, switches.cent_decimals)
    return {
        "amount": trimmed(exact),
        "context_window": None,
        "cost_type": None,
        "currency": "USD",
        "description": None,
        "inference_geo": None,
        "model": None,
        "service_tier": None,
        "token_type": None,
        "workspace_id": workspace_id,
    }


def _details(owner: Owner, cost_type: str, token_type: str | None, switches: Switches) -> Answer:
    """Return the fields of a row that are filled when grouping by description."""
    if token_type is None:
        return {"cost_type": cost_type, "description": DESCRIPTIONS[cost_type]}
    return {
        "context_window": owner.context_window,
        "cost_type": TOKENS,
        "description": _description(owner.model, token_type, switches),
        "inference_geo": owner.inference_geo,
        "model": label_of(owner.model) if switches.undated_cost_models else owner.model,
        "service_tier": owner.service_tier,
        "token_type": token_type,
    }


def _description(model: str, token_type: str, switches: Switches) -> str:
    name = MISLEADING if switches.misleading_descriptions else _spoken(model)
    return f"{name} Usage - {WORDS[token_type]}"


def _spoken(model: str) -> str:
    """Return the name of a model.

    >>> _spoken("claude-haiku-4-5-20251001")
    'Claude Haiku 4.5'
    """
    maker, line, *version = label_of(model).split("-")
    return f"{maker} {line}".title() + " " + ".".join(version)
