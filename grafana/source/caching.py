"""What caching saves, and what other models would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source.links import MODELS, OVERVIEW, RECONCILIATION, WORKSPACES
from grafana.source.look import MONEY, SHARE, TIMES, UNIT_COST
from grafana.source.panels import About, hourly, trend
from grafana.source.promql import grown, mine, per_day, rate, total, workspaces
from grafana.source.tables import Column, Key, rows
from grafana.source.tokens import (
    CHOSEN,
    GOOD_CACHING,
    PREMIUM,
    PROMPTS,
    READS,
    SAVED,
    THIS_MODEL,
    price_of,
    share,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import table, timeseries


def efficiency() -> list[timeseries.Panel]:
    """Return what a token costs and how much caching takes off, over time."""
    price = About(
        "Effective price by model, per million tokens",
        "Moves with the mix of token types. A step on one day in all workspaces is a price; in "
        "one workspace it is a changed prompt.",
        RECONCILIATION,
        8,
    )
    hits = About(
        "Cache hit ratio by model",
        "A sudden fall is most often a changed prompt prefix, such as a timestamp in its first "
        "lines.",
        MODELS,
        8,
    )
    saving = About(
        "Net saving by caching, per day",
        "Below 0, caching costs more than it saves: see which workspace in the table below.",
        MODELS,
        8,
    )
    hit = share(total(rate(READS), "model"), total(rate(PROMPTS), "model"))
    net = f"{per_day(SAVED, 'model')} - {per_day(PREMIUM, 'model')}"
    by_model = "{{model}}"
    return [
        trend(
            price,
            UNIT_COST,
            hourly(price_of("now", "model"), by_model),
        ),
        trend(hits, SHARE, hourly(hit, by_model), steps=GOOD_CACHING),
        trend(
            saving,
            MONEY,
            hourly(net, by_model),
        ),
    ]


def caching() -> table.Panel:
    """Return whether caching pays, by workspace and model."""
    by = "provider, account, workspace_id, model"
    hits = total(mine("llm_cache_hit_ratio", *CHOSEN), by)
    reads = total(mine("llm_cache_break_even_reads", *CHOSEN), by)
    saved, premium = (f"{total(grown(one), by)} and on ({by}) {hits}" for one in (SAVED, PREMIUM))
    return rows(
        About(
            "Caching by workspace and model",
            "Hit ratio of the last 24 hours. Break-even is how often a written token must be read "
            "until writing it has paid off: with fewer reads, do not cache.",
            WORKSPACES,
            14,
        ),
        {"workspace_name": Key("Workspace"), "model": Key("Model", (THIS_MODEL,))},
        Column("Cache hits", workspaces(hits), SHARE, GOOD_CACHING),
        Column("Break-even reads", reads, TIMES),
        Column("Saved by reads", saved, MONEY),
        Column("Paid for writes", premium, MONEY),
        empty="no prompt of the last 24 hours used a cache",
    )


def routing() -> table.Panel:
    """Return what the same tokens would have cost elsewhere."""
    by = "from_model, to_model"
    other = total(mine("llm_routing_whatif_usd", 'from_model=~"$model"'), by)
    week = 'scope_type="model", window="7d"'
    spent = f'label_replace(max by (scope) (llm_window_spend_usd{{{week}}}), "from_model", "$1", '
    spent += '"scope", "(.*)")'
    now = f"0 * {other} + on (from_model) group_left () max by (from_model) ({spent})"
    return rows(
        About(
            "Routing: the last 7 days on another model",
            "What the same tokens would have cost. Another model may need more or fewer tokens, "
            "so try it on a part of the traffic first. Pairs are configured (routing_whatif).",
            OVERVIEW,
            10,
        ),
        {"from_model": Key("Used"), "to_model": Key("Instead")},
        Column("Would have cost", other, MONEY),
        Column("Cost, all accounts", now, MONEY),
        empty="no pair is configured: set routing_whatif",
    )
