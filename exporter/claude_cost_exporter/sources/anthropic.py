"""A `type: anthropic` block: one organisation, one key, one limiter, several sources (floor 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_cost_exporter.sources.anthropic_analytics import AnthropicAnalytics
from claude_cost_exporter.sources.anthropic_claude_code import AnthropicClaudeCode
from claude_cost_exporter.sources.anthropic_config import (
    SHORTEST_POLL,
    AnthropicConfig,
    read_key,
)
from claude_cost_exporter.sources.anthropic_cost import AnthropicCost
from claude_cost_exporter.sources.anthropic_entities import AnthropicEntities, read_organization
from claude_cost_exporter.sources.anthropic_limits import AnthropicLimits
from claude_cost_exporter.sources.anthropic_probe import AnthropicProbe
from claude_cost_exporter.sources.anthropic_usage_takeover import UsageWithSuccessor
from claude_cost_exporter.sources.api_choice import ApiChoice
from claude_cost_exporter.sources.http import ApiClient
from claude_cost_exporter.sources.limiter import Limiter
from claude_cost_exporter.sources.people import People

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from threading import Event

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.records import OrganizationRecord
    from claude_cost_exporter.sources.api_choice import Api
    from claude_cost_exporter.sources.base import FieldObserver, Notebook, Source
    from claude_cost_exporter.sources.http import RequestObserver, Transport
    from claude_cost_exporter.sources.secrets import Secret

__all__ = ["AnthropicAccount", "AnthropicConfig", "read_key"]

PROVIDER = "anthropic"
UNLIMITED = 1_000_000


def _limiter(config: AnthropicConfig, clock: Clock, stop: Event) -> Limiter:
    """Return Anthropic's budget, or a wide one for a simulator that is polled faster."""
    if config.poll_interval >= SHORTEST_POLL:
        return Limiter(clock, stop)
    return Limiter(clock, stop, most=UNLIMITED, history_spacing=0.0)


class AnthropicAccount:
    """The sources of one account and what they share."""

    provider = PROVIDER

    def __init__(  # noqa: PLR0913 - the collaborators of an account
        self,
        config: AnthropicConfig,
        secret: Secret,
        *,
        clock: Clock,
        stop: Event,
        requests: RequestObserver,
        fields: FieldObserver,
        notebook: Notebook,
        transport: Transport | None = None,
    ) -> None:
        self.limiter = _limiter(config, clock, stop)
        self.client = ApiClient(
            config.base_url,
            secret,
            clock=clock,
            stop=stop,
            limiter=self.limiter,
            observer=requests,
            max_wait=config.poll_interval,
            transport=transport,
        )
        self._clock, self._fields, self._config = clock, fields, config
        people = People.known_to(notebook, shown=config.claude_code.users == "shown")
        self._always: tuple[Source, ...] = (
            AnthropicEntities(self.client, fields, people),
            UsageWithSuccessor(self.client, clock, fields, notebook),
            AnthropicLimits(self.client, clock),
        )
        if config.claude_code.users != "off":
            self._always += (AnthropicClaudeCode(self.client, clock, fields, people),)
        self._choice = ApiChoice(config.api, clock, notebook)
        self._bill: Mapping[Api, Source] = {
            "analytics": AnthropicAnalytics(self.client, clock, fields, self._choice),
            "legacy": AnthropicCost(self.client, fields, self._choice),
        }

    @property
    def sources(self) -> Sequence[Source]:
        """Return what to poll now: the bill is read from one of the two APIs."""
        return (*self._always, self._bill[self._choice.api])

    def probe(self) -> AnthropicProbe:
        """Return what asks this account's API about itself."""
        config = self._config
        claude_code = config.claude_code.users != "off"
        return AnthropicProbe(
            self.client, self._clock, self._fields, config.api, claude_code=claude_code
        )

    def whose(self, *, once: bool = False) -> OrganizationRecord:
        """Return the organisation of the key; `once`: without trying again."""
        return read_organization(self.client, once=once)
