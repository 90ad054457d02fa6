"""Per model and token type: cost, tokens, effective price, caching, and what routing would save."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source import variables
from grafana.source.board import Line, dashboard
from grafana.source.links import MODELS, OVERVIEW, RECONCILIATION, WORKSPACES, to_row
from grafana.source.look import COUNT, MONEY, SHARE, TIMES, TOKENS, UNIT_COST, WHEN, below
from grafana.source.panels import (
    About,
    Column,
    Key,
    Query,
    bars,
    figures,
    hourly,
    rows,
    trend,
)
from grafana.source.promql import (
    PROMPT,
    grown,
    milliseconds,
    mine,
    per_day,
    rate,
    total,
    workspaces,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import bargauge, stat, table, timeseries
    from grafana_foundation_sdk.models.dashboard import Dashboard

MODEL = 'model=~"$model"'
CHOSEN = ('workspace_id=~"$workspace"', MODEL)
CACHED = 'token_type="cache_read"'
GOOD_CACHING = below(0.1, 0.4)
COST = mine("llm_cost_usd_total", *CHOSEN)
METERED = mine("llm_cost_usd_total", *CHOSEN, 'cost_type="tokens"')
TOKEN = mine("llm_tokens_total", *CHOSEN)
PROMPTS = mine("llm_tokens_total", *CHOSEN, PROMPT)
READS = mine("llm_tokens_total", *CHOSEN, CACHED)
SAVED = mine("llm_cache_read_savings_usd_total", *CHOSEN)
PREMIUM = mine("llm_cache_write_premium_usd_total", *CHOSEN)
OPEN_WORKSPACES = to_row(MODELS, WORKSPACES, "Who uses this model", model="Model")
THIS_MODEL = to_row(MODELS, MODELS, "Only this model", model="Model")


def _share(part: str, whole: str) -> str:
    return f"{part} / ({whole} > 0)"


def _price(over: str = "", by: str = "") -> str:
    """Return USD per million tokens, in the time range or at each moment (`over`)."""
    growth = rate if over else grown
    return f"1e6 * {_share(total(growth(METERED), by), total(growth(TOKEN), by))}"


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
        figures(price, UNIT_COST, Query(_price())),
        figures(
            hits,
            SHARE,
            Query(_share(total(grown(READS)), total(grown(PROMPTS)))),
            steps=GOOD_CACHING,
        ),
        figures(saving, MONEY, Query(net), steps=((None, "red"), (0, "green"))),
    ]


def _table() -> table.Panel:
    searches = mine("llm_server_tool_requests_total", *CHOSEN)
    month = mine("llm_model_spend_usd", MODEL, 'window="month_to_date"')
    hit = _share(total(grown(READS), "model"), total(grown(PROMPTS), "model"))
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
        Column("Per million tokens", _price(by="model"), UNIT_COST),
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


def _efficiency() -> list[timeseries.Panel]:
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
    hit = _share(total(rate(READS), "model"), total(rate(PROMPTS), "model"))
    net = f"{per_day(SAVED, 'model')} - {per_day(PREMIUM, 'model')}"
    by_model = "{{model}}"
    return [
        trend(
            price,
            UNIT_COST,
            hourly(_price("now", "model"), by_model),
        ),
        trend(hits, SHARE, hourly(hit, by_model), steps=GOOD_CACHING),
        trend(
            saving,
            MONEY,
            hourly(net, by_model),
        ),
    ]


def _caching() -> table.Panel:
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


def _routing() -> table.Panel:
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
        Line(8, _efficiency(), "Price and caching"),
        Line(8, [_caching(), _routing()]),
        Line(8, _first_seen(), "New models and web search"),
        since="now-7d",
    )
