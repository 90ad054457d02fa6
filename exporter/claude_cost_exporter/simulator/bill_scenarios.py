"""Scenarios in which the bill differs from usage at list prices, or is slow to tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from claude_cost_exporter.simulator import ratecard
from claude_cost_exporter.simulator.flows import ACME_FLOWS, FLAT, NIGHTLY, OFFICE, Flow
from claude_cost_exporter.simulator.scenario import STEADY
from claude_cost_exporter.simulator.terms import BillRestatement, Terms


def _days(count: float) -> timedelta:
    return timedelta(days=count)


DISCOUNT = replace(
    STEADY,
    name="discount",
    summary="A contract discount of 15 % on all tokens.",
    terms=Terms(discount_percent=15),
)
UNKNOWN_MODEL = replace(
    STEADY,
    name="unknown_model",
    summary="30 h in, a model begins that is billed but on no price list.",
    flows=(
        *ACME_FLOWS,
        Flow(
            "unknown-model",
            "research",
            "notebooks",
            ratecard.UNLISTED,
            (120_000, 40_000, 900_000, 30_000, 9_000, 0),
            begins=timedelta(hours=30),
        ),
    ),
)
PRIORITY = replace(
    STEADY,
    name="priority",
    summary="Checkout also uses Priority Tier, which is paid by commitment and never billed.",
    flows=(
        *ACME_FLOWS,
        Flow(
            "priority-commitment",
            "production",
            "checkout",
            ratecard.SONNET,
            (600_000, 130_000, 3_000_000, 150_000, 0, 0),
            tier="priority",
        ),
    ),
)
BLOCKED = replace(
    STEADY,
    name="blocked",
    summary="Support escalations are sometimes refused: tokens in usage, nothing on the bill.",
    flows=(
        *ACME_FLOWS,
        Flow(
            "blocked",
            "production",
            "support",
            ratecard.OPUS,
            (40_000, 0, 90_000, 3_000, 0, 0),
            geo="us",
            odds=70,
            blocked=True,
        ),
    ),
)
CODE_EXECUTION = replace(
    STEADY,
    name="code_execution",
    summary="Containers run code, beyond the free hours of the month.",
    services=(
        Flow(
            "containers",
            "research",
            "evals",
            ratecard.service(ratecard.CODE_EXECUTION),
            (0, 0, 0, 0, 0, 14 * ratecard.UNITS_PER_HOUR),
            OFFICE,
            product=None,
        ),
    ),
)
_AGENT = "agent_01TriageWq7ZnXk3LdHv"
SESSIONS = replace(
    STEADY,
    name="sessions",
    summary="Managed agents: their tokens, and $0.08 for each hour of a running session.",
    flows=(
        *ACME_FLOWS,
        Flow(
            "agents",
            "production",
            "support",
            ratecard.SONNET,
            (200_000, 60_000, 2_500_000, 90_000, 10_000, 8),
            product="managed_agents_api",
            agent=_AGENT,
        ),
    ),
    services=(
        Flow(
            "agent-sessions",
            "production",
            "support",
            ratecard.service(ratecard.SESSION_USAGE),
            (0, 0, 0, 0, 0, 6 * ratecard.UNITS_PER_HOUR),
            product="managed_agents_api",
            agent=_AGENT,
        ),
    ),
)
PRICE_CHANGE = replace(
    STEADY,
    name="price_change",
    summary="Much cached reading with Sonnet 5.5, whose cache reads halve on 2026-10-07 (UTC).",
    flows=(
        *ACME_FLOWS,
        Flow(
            "cached-reading",
            "research",
            "notebooks",
            ratecard.SONNET_55_ONLY,
            (20_000, 9_000, 30_000_000, 300_000, 0, 0),
            FLAT,
        ),
    ),
)
LATE_BILL = replace(
    STEADY,
    name="late_bill",
    summary="A tenth of each day's charges is billed three days after the day.",
    terms=Terms(late_percent=10, late_by=_days(3)),
)
HALF_LANDED = replace(
    STEADY,
    name="half_landed",
    summary="Half of each day's charges is billed 30 h after the day.",
    terms=Terms(late_percent=50, late_by=timedelta(hours=30)),
)
RESTATED_BILL = replace(
    STEADY,
    name="restated_bill",
    summary="Billed days change again: -4 %, +3 %, and once all of Haiku is credited.",
    terms=Terms(
        restatements=(
            BillRestatement(_days(5), percent=-4, days_back=3, days=2),
            BillRestatement(_days(12.3), percent=3, days_back=6),
            BillRestatement(
                _days(20), percent=-100, days_back=15, models=("claude-haiku-4-5-20251001",)
            ),
            BillRestatement(_days(47), percent=-4, days_back=25, days=3),
        )
    ),
)
CUSTOMERS = replace(
    STEADY,
    name="customers",
    summary="Thirty more end customers, each with a user profile of its own.",
    flows=(
        *ACME_FLOWS,
        *(
            Flow(
                f"customer-{n}",
                "production",
                "checkout",
                ratecard.HAIKU,
                (30_000 * (n + 1), 7_000 * (n + 1), 90_000, 4_000, 0, n % 3),
                NIGHTLY if n % 7 == 0 else FLAT,
                user_profile=f"uprof_01Customer{n:014d}",
            )
            for n in range(30)
        ),
    ),
)
PARTS = (
    *(DISCOUNT, UNKNOWN_MODEL, PRIORITY, BLOCKED, CODE_EXECUTION),
    *(SESSIONS, PRICE_CHANGE, LATE_BILL, RESTATED_BILL),
)
"""Everything that a quarter has to show; the two others would hide it."""
