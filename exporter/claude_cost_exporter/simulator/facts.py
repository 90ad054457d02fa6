"""The dimensions of the analytics API and what a series is in each of them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from claude_cost_exporter.simulator.ratecard import SERVICES

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.corrections import Series
    from claude_cost_exporter.simulator.organisation import Organisation

Fact = str | None | tuple[str, str]
Facts = tuple[Fact, ...]
"""One value for each of `DIMENSIONS`; `actor` is its type and its id."""

DIMENSIONS = (
    "actor",
    "actor_type",
    "agent_id",
    "api_key_id",
    "claude_tag_category",
    "claude_tag_user_id",
    "context_window",
    "deployment_id",
    "environment_id",
    "inference_geo",
    "model",
    "organization_id",
    "product",
    "rbac_group_id",
    "service_tier",
    "session_id",
    "slack_channel_id",
    "speed",
    "user_profile_id",
    "workspace_id",
)
API_ACTOR = "api_actor"
USER_ACTOR = "user_actor"

FILTERS: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "actor_ids": ("actor", None),
    "actor_types": (
        "actor_type",
        (USER_ACTOR, "service_account_actor", "federated_actor", API_ACTOR),
    ),
    "agent_ids": ("agent_id", None),
    "api_key_ids": ("api_key_id", None),
    "claude_tag_categories": ("claude_tag_category", None),
    "claude_tag_user_ids": ("claude_tag_user_id", None),
    "context_windows": ("context_window", ("0-200k", "200k-1M")),
    "deployment_ids": ("deployment_id", None),
    "environment_ids": ("environment_id", None),
    "inference_geos": ("inference_geo", ("global", "us")),
    "models": ("model", None),
    "organization_ids": ("organization_id", None),
    "products": (
        "product",
        (
            *("chat", "chat_cowork_unified", "claude_code", "claude_console", "claude_design"),
            *("claude_in_chrome", "claude_tag", "cowork", "managed_agents_api"),
            *("message_batches_api", "messages_api", "office_agent"),
        ),
    ),
    "rbac_group_ids": ("rbac_group_id", None),
    "service_tiers": (
        "service_tier",
        ("standard", "batch", "priority", "priority_on_demand", "flex", "flex_discount"),
    ),
    "session_ids": ("session_id", None),
    "slack_channel_ids": ("slack_channel_id", None),
    "speeds": ("speed", ("standard", "fast")),
    "user_profile_ids": ("user_profile_id", None),
    "workspace_ids": ("workspace_id", None),
}
"""Filter parameter -> its dimension and its values, if they are known."""


@lru_cache(maxsize=32_768)
def facts_of(series: Series, default_workspace_id: str) -> Facts:
    """Return a series in every dimension; null where the legacy report says `not_available`."""
    is_service = series.model in SERVICES
    user = series.account_id
    actor = (USER_ACTOR, user) if user else (API_ACTOR, series.api_key_id or "")
    geo = None if series.inference_geo == "not_available" else series.inference_geo
    known: dict[str, Fact] = {
        "actor": actor,
        "actor_type": actor[0],
        "agent_id": series.agent_id,
        "api_key_id": series.api_key_id,
        "context_window": None if is_service else series.context_window,
        "inference_geo": None if is_service else geo,
        "model": None if is_service else series.model,
        "product": series.product,
        "service_tier": None if is_service else series.service_tier,
        "speed": None if is_service else series.speed,
        "user_profile_id": series.user_profile_id,
        "workspace_id": series.workspace_id or default_workspace_id,
    }
    return tuple(known.get(name) for name in DIMENSIONS)


def shown(fact: Fact, organisation: Organisation) -> object:
    """Return a fact as the API writes it: an actor is an object."""
    if not isinstance(fact, tuple):
        return fact
    kind, its_id = fact
    if kind == API_ACTOR:
        return {"type": kind, "api_key_id": its_id}
    return {
        "type": kind,
        "user_id": its_id,
        "email_address": organisation.console_user_email,
        "name": organisation.console_user_name,
        "deleted": False,
    }
