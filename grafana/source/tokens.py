"""The counters of models and tokens that are chosen, and what follows from them."""

from __future__ import annotations

from grafana.source.links import MODELS, WORKSPACES, to_row
from grafana.source.look import below
from grafana.source.promql import PROMPT, grown, mine, rate, total

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


def share(part: str, whole: str) -> str:
    """Return a part of a whole, and nothing of nothing."""
    return f"{part} / ({whole} > 0)"


def price_of(over: str = "", by: str = "") -> str:
    """Return USD per million tokens, in the time range or at each moment (`over`)."""
    growth = rate if over else grown
    return f"1e6 * {share(total(growth(METERED), by), total(growth(TOKEN), by))}"
