"""Per model and token type: cost, tokens, effective price, caching, and what routing would save."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source import variables
from grafana.source.board import Line, dashboard
from grafana.source.caching import caching, efficiency, routing
from grafana.source.links import MODELS, OVERVIEW, RECONCILIATION, WORKSPACES
from grafana.source.look import COUNT, MONEY, NOT_NEGATIVE, SHARE, TOKENS, UNIT_COST, WHEN
from grafana.source.panels import About, Query, bars, figures, hourly, trend
from grafana.source.promql import (
    grown,
    milliseconds,
    mine,
    per_day,
    total,
)
from grafana.source.tables import Column, Key, rows
from grafana.source.tokens import (
    CHOSEN,
    COST,
    GOOD_CACHING,
    MODEL,
    OPEN_WORKSPACES,
    PREMIUM,
    PROMPTS,
    READS,
    SAVED,
    THIS_MODEL,
    TOKEN,
    price_of,
    share,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
    from grafana_foundation_sdk.models.dashboard import Dashboard


def _figures() -> list[stat.Panel]:
    spent = About(
        "Metered cost in this time range",
        "Estimated cost of the selected models and workspaces, from the counters. Counters begin "
        "when the exporter does; months are on the overview.",
        OVERVIEW,
        5,
    )
    used = About(
        "Tokens used",
        "All five token types together. Cost per token is the next figure.",
        WORKSPACES,
        4,
    )
    price = About(
        "Price per million tokens",
        "Cost divided by tokens, everything mixed. It falls with caching, batches and smaller "
        "models; when it rises without a change of yours, see Reconciliation.",
        RECONCILIATION,
        5,
    )
    hits = About(
        "Cache hit ratio",
        "Share of prompt tokens read from the cache. Below 40 % with long shared prompts, caching "
        "is worth a look: a read costs about a tenth of plain input.",
        MODELS,
        5,
    )
    saving = About(
        "Net saving by caching",
        "What cache reads saved, less what cache writes cost above plain input. Negative: caches "
        "are written and hardly read, so switch them off there.",
        MODELS,
        5,
    )
    net = f"{total(grown(SAVED))} - {total(grown(PREMIUM))}"
    return [
        figures(spent, MONEY, Query(total(grown(COST)))),
        figures(used, TOKENS, Query(total(grown(TOKEN)))),
        figures(price, UNIT_COST, Query(price_of())),
        figures(
            hits,
            SHARE,
            Query(share(total(grown(READS)), total(grown(PROMPTS)))),
            steps=GOOD_CACHING,
        ),
        figures(saving, MONEY, Query(net), steps=NOT_NEGATIVE),
    ]


def _table() -> table.Panel:
    searches = mine("llm_server_tool_requests_total", *CHOSEN)
    month = mine("llm_model_spend_usd", MODEL, 'window="month_to_date"')
    hit = share(total(grown(READS), "model"), total(grown(PROMPTS), "model"))
    return rows(
        About(
            "Models in this time range",
            "Sort by any column. A dear model with many tokens and a low hit ratio is where "
            "caching or a smaller model pays first. This month is best known spend, of all "
            "workspaces. Click a model to look at it alone.",
            RECONCILIATION,
            24,
        ),
        {"model": Key("Model", (THIS_MODEL, OPEN_WORKSPACES))},
        Column("Cost", total(grown(COST), "model"), MONEY, bar=True),
        Column("Tokens", total(grown(TOKEN), "model"), TOKENS),
        Column("Per million tokens", price_of(by="model"), UNIT_COST),
        Column("Cache hits", hit, SHARE, GOOD_CACHING),
        Column("Saved by reads", total(grown(SAVED), "model"), MONEY),
        Column("Paid for writes", total(grown(PREMIUM), "model"), MONEY),
        Column("Web searches", total(grown(searches), "model"), COUNT),
        Column("This month", total(month, "model"), MONEY),
    )


def _trends() -> list[timeseries.Panel]:
    cost = About(
        "Cost by model, per day",
        "A step up with unchanged tokens beside it is a dearer model or price.",
        WORKSPACES,
    )
    tokens = About(
        "Tokens by model, per day",
        "Compare with the cost beside it: tokens are work, cost is work times price.",
        WORKSPACES,
    )
    return [
        trend(
            cost,
            MONEY,
            hourly(per_day(COST, "model"), "{{model}}"),
            stacked=True,
        ),
        trend(
            tokens,
            TOKENS,
            hourly(per_day(TOKEN, "model"), "{{model}}"),
            stacked=True,
        ),
    ]


def _types() -> list[timeseries.Panel | bargauge.Panel]:
    cost = About(
        "Cost by token type, per day",
        "Output is the dearest token: shorter answers save most where it dominates.",
        OVERVIEW,
        9,
    )
    tokens = About(
        "Tokens by token type, per day",
        "The five types do not overlap. Growing cache_write without growing cache_read: prompts "
        "change too early to be reused.",
        OVERVIEW,
        9,
    )
    tier = About(
        "Cost by service tier and speed",
        "What does not need an answer at once is half as dear in batches; fast mode is dearer.",
        RECONCILIATION,
        6,
    )
    by_tier = total(grown(COST), "service_tier, speed")
    by_type = "{{token_type}}"
    return [
        trend(
            cost,
            MONEY,
            hourly(per_day(COST, "token_type"), by_type),
            stacked=True,
        ),
        trend(
            tokens,
            TOKENS,
            hourly(per_day(TOKEN, "token_type"), by_type),
            stacked=True,
        ),
        bars(tier, MONEY, Query(by_tier, "{{service_tier}}, {{speed}}")),
    ]


def _first_seen() -> list[table.Panel | timeseries.Panel]:
    seen = f"min by (account, model) ({mine('llm_model_first_seen_timestamp_seconds', MODEL)})"
    searches = mine("llm_server_tool_requests_total", *CHOSEN)
    new = About(
        "When models were first used",
        "A model that nobody announced is a changed default somewhere: ask who switched.",
        WORKSPACES,
    )
    tools = About(
        "Web searches, per day",
        "Each search costs a fixed price on top of its tokens. Limit max_uses where it grows.",
        WORKSPACES,
    )
    return [
        rows(
            new,
            {"account": Key("Account"), "model": Key("Model", (OPEN_WORKSPACES,))},
            Column("First used", milliseconds(seen), WHEN),
            empty="known once the history is loaded",
        ),
        trend(
            tools,
            COUNT,
            hourly(per_day(searches, "model"), "{{model}}"),
            stacked=True,
            empty="no web search",
        ),
    ]


def build() -> Dashboard:
    """Return the dashboard about models and tokens."""
    return dashboard(
        MODELS,
        "Which model and which kind of token costs what, and what caching and routing save.",
        [
            variables.provider(),
            variables.account(),
            variables.workspace(),
            variables.models(),
        ],
        Line(4, _figures()),
        Line(8, [_table()]),
        Line(9, _trends()),
        Line(9, _types()),
        Line(8, efficiency(), "Price and caching"),
        Line(8, [caching(), routing()]),
        Line(8, _first_seen(), "New models and web search"),
        since="now-7d",
    )
