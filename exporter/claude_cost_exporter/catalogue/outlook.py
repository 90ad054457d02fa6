"""Where the spend is heading: fees, burn rates, forecasts, budgets, what is normal (floor 0)."""

from __future__ import annotations

from claude_cost_exporter.catalogue.metric import ONE_SCOPE, C, Metric, S, gauge

BUDGET = ("budget", *S)

OUTLOOK: tuple[Metric, ...] = (
    gauge(
        "llm_subscription_usd_per_month",
        (*C, "plan"),
        "Configured fixed fees in USD for a whole month, of plans that are paid today. account is "
        "none where the configuration names none.",
    ),
    gauge(
        "llm_burn_rate_usd_per_day",
        (*C, "window"),
        "Metered spend in USD per day, of the last complete 1, 24, 168 or 720 hours.",
    ),
    gauge(
        "llm_forecast_spend_usd",
        (*C, "horizon", "method", "estimate"),
        "What the month will have cost at its end, or the next month will cost, in USD, "
        "subscriptions included. Eight times in ten it is between p10 and p90; run_rate_7d has "
        "only p50. Next month's range holds if nothing changes.",
    ),
    gauge(
        "llm_total_forecast_spend_usd",
        ("horizon", "method", "estimate"),
        "The same over all providers and accounts, forecast as one, once all have a history: "
        "ranges do not add up.",
    ),
    gauge(
        "llm_forecast_error_ratio",
        (*C, "horizon", "method"),
        "How wrong the method has been on this ledger: the sum of its errors over the sum of what "
        "was spent, replayed over past months (WAPE).",
    ),
    gauge(
        "llm_forecast_history_days",
        C,
        "Complete days behind the forecast, from the first one with spend on. Below 7 it is a "
        "first guess.",
    ),
    gauge(
        "llm_window_spend_usd",
        (*S, "window"),
        "Estimated spend in USD of the last 1h, 24h or 7d, the open hour included: of everything, "
        "and of the 20 workspaces and 10 models with the largest spend over all accounts. There "
        f"are none of end customers, who are known by closed UTC day only. {ONE_SCOPE}",
    ),
    gauge(
        "llm_window_spend_expected_usd",
        (*S, "window"),
        f"What the same window was expected to cost in USD. {ONE_SCOPE}",
    ),
    gauge(
        "llm_window_spend_upper_usd",
        (*S, "window"),
        f"What the same window may cost in USD and still be normal. {ONE_SCOPE}",
    ),
    gauge(
        "llm_window_anomaly_impact_usd",
        (*S, "window"),
        f"Spend of the window minus what was expected, in USD; may be negative. {ONE_SCOPE}",
    ),
    gauge(
        "llm_budget_info",
        ("budget", *S, "period", "team"),
        "Configured budgets, and the teams that are told. Always 1.",
    ),
    gauge(
        "llm_budget_limit_usd",
        (*BUDGET, "period"),
        f"What may be spent in USD in the day, week or month. {ONE_SCOPE}",
    ),
    gauge(
        "llm_budget_spent_usd",
        (*BUDGET, "period"),
        "Best known spend in USD since the period began. Budgets of everything, a provider or an "
        "account include fixed fees by day; those of end customers are of whole UTC days that were "
        f"billed. {ONE_SCOPE}",
    ),
    gauge(
        "llm_budget_recent_spend_usd",
        (*BUDGET, "period", "window"),
        "Best known spend in USD of what the budget is for, fixed fees included: window is today, "
        "or last_7_days, the seven whole days before it. Absent while today or one of the days was "
        f"not read, and for end customers. {ONE_SCOPE}",
    ),
    gauge(
        "llm_budget_used_ratio",
        (*BUDGET, "period"),
        f"Spent divided by the limit; absent when the limit is 0. {ONE_SCOPE}",
    ),
    gauge(
        "llm_budget_elapsed_ratio",
        (*BUDGET, "period"),
        f"How much of the period is over, counted in working days. {ONE_SCOPE}",
    ),
    gauge(
        "llm_budget_pace_ratio",
        (*BUDGET, "period"),
        f"Used divided by elapsed: above 1 it is spent faster than planned. {ONE_SCOPE}",
    ),
    gauge(
        "llm_budget_daily_allowance_usd",
        (*BUDGET, "period"),
        f"The limit in USD divided by the working days of the period. {ONE_SCOPE}",
    ),
    gauge(
        "llm_budget_forecast_usd",
        (*BUDGET, "period", "estimate"),
        "What the period will have cost in USD at its end; eight times in ten it is between p10 "
        f"and p90. {ONE_SCOPE}",
    ),
    gauge(
        "llm_budget_exhaustion_timestamp_seconds",
        (*BUDGET, "period"),
        "When the limit will be reached, or was; absent when it will not be in this period. "
        f"{ONE_SCOPE}",
    ),
    gauge(
        "llm_budget_window_spend_ratio",
        (*BUDGET, "window"),
        "Metered spend of the last 1h, 6h, 24h or 72h, the open hour included and hours of the "
        "month before left out, divided by the limit of the month. Only budgets of a month; a "
        f"window is absent until all of its hours were read. {ONE_SCOPE}",
    ),
    gauge(
        "llm_budget_threshold_ratio",
        ("budget", "level"),
        "Share of the limit at which alerts fire. level is soft, warn or hard.",
    ),
    gauge(
        "llm_credit_balance_usd",
        C,
        "Prepaid credit in USD: the configured top-ups, less the best known spend since.",
    ),
    gauge(
        "llm_credit_exhaustion_timestamp_seconds",
        C,
        "When the credit will be spent at the rate of the last seven days.",
    ),
    gauge(
        "llm_cache_hit_ratio",
        (*C, "workspace_id", "model"),
        "Cache reads divided by all prompt tokens of the last 24 hours.",
    ),
    gauge(
        "llm_cache_break_even_reads",
        (*C, "workspace_id", "model"),
        "How often a token must be read from the cache until writing it there has paid off, at "
        "today's prices and the last 24 hours' mix of lifetimes.",
    ),
    gauge(
        "llm_routing_whatif_usd",
        (*C, "from_model", "to_model"),
        "What the last 7 days' tokens of from_model would have cost on to_model in USD, same "
        "tokens assumed: another model may need more or fewer. Pairs are configured.",
    ),
)
