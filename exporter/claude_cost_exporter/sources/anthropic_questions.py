"""The questions that `probe` asks about an Anthropic key, and what a refusal means (floor 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from claude_cost_exporter.errors import BadRequestError
from claude_cost_exporter.records import label_value
from claude_cost_exporter.sources import anthropic_analytics as analytics
from claude_cost_exporter.sources import anthropic_claude_code as claude_code
from claude_cost_exporter.sources import anthropic_cost as cost
from claude_cost_exporter.sources import anthropic_limits as limits
from claude_cost_exporter.sources.anthropic_entities import API_KEYS, ORGANIZATION, WORKSPACES
from claude_cost_exporter.sources.anthropic_usage_report import PATH
from claude_cost_exporter.sources.findings import Finding, Verdict
from claude_cost_exporter.sources.refusals import is_unserved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from claude_cost_exporter.errors import SourceError


class Question(NamedTuple):
    """What is asked, and what its refusal means."""

    name: str
    endpoint: str
    otherwise: str = ""
    """How it goes when the API refuses the request; empty: it does not."""
    is_refusal: Callable[[SourceError], bool] = lambda error: isinstance(error, BadRequestError)
    """Whether the sources go on after an error."""

    def finding(
        self,
        verdict: Verdict,
        sentence: str,
        status: int | None = None,
        fields: Iterable[str] = (),
        names: Iterable[str] = (),
    ) -> Finding:
        """Return the finding that answers this question."""
        if verdict is Verdict.NO and self.otherwise:
            sentence = f"{sentence}; {self.otherwise}"
        return Finding(
            self.name,
            self.endpoint,
            not self.otherwise,
            verdict,
            sentence,
            status,
            tuple(sorted(fields)),
            tuple(map(label_value, names)),
        )


class Answer(NamedTuple):
    """What an answer holds, without what it says."""

    sentence: str
    fields: Iterable[str] = ()
    names: Iterable[str] = ()
    verdict: Verdict = Verdict.YES


ORGANISATION = Question("organisation", ORGANIZATION)
LIST_WORKSPACES = Question("workspaces", WORKSPACES)
DEFAULT = Question(
    "default workspace", WORKSPACES, "its usage is shown under the workspace_id default"
)
LIST_KEYS = Question("API keys", API_KEYS)
BY_SPEED = Question(
    "usage by speed",
    PATH,
    "fast-mode usage is priced as standard, so cost is a lower bound",
)
BY_PRICE = Question("usage by price", PATH)
BY_WHO = Question("usage by workspace and key", PATH)
OPEN_HOUR = Question("open hour at 1h", PATH, "the open hour is read at 1m")
BY_MINUTE = Question("usage by minute", PATH)
BILL = Question("bill from analytics", analytics.PATH, is_refusal=is_unserved)
LEGACY_BILL = Question("bill from the cost report", cost.PATH)
CLAUDE_CODE_USERS = Question(
    "Claude Code",
    claude_code.PATH,
    f"its metrics are absent and its source stays down; {claude_code.WITHOUT}",
    is_refusal=is_unserved,
)
SPEND_CAPS = Question(
    "spend limits", limits.SPEND_LIMITS, "their metrics are absent", is_refusal=is_unserved
)
RATE_CAPS = Question(
    "rate limits", limits.RATE_LIMITS, "their metrics are absent", is_refusal=is_unserved
)
