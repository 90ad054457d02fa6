"""Who the simulated organisation is: workspaces, keys and their names."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from claude_cost_exporter.simulator.developers import ACME_DEVELOPERS, Developer
from claude_cost_exporter.simulator.limits import (
    ACME_OVERRIDES,
    ACME_RATE_LIMITS,
    ACME_SPEND_LIMITS,
    RateLimit,
    SpendLimit,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_CREATED = "2025-03-03T09:14:07.427722Z"
_ADMIN = "user_01WCz1FkmYMm4gnmykNKUu3Q"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace. `handle` is how traffic names it; ids may be anything."""

    handle: str
    id: str
    name: str
    archived_at: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    created_at: str = _CREATED


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key. `handle` is how traffic names it."""

    handle: str
    id: str
    name: str
    workspace: str
    """Handle of its workspace."""
    status: str = "active"
    created_at: str = _CREATED
    expires_at: str | None = None
    created_by: str = _ADMIN


DEFAULT = "default"
"""Handle of the default workspace, whose id reports never show."""


@dataclass(frozen=True)
class Organisation:
    """One organisation; its first workspace is the default one."""

    id: str
    name: str
    workspaces: tuple[Workspace, ...]
    api_keys: tuple[ApiKey, ...]
    console_user_id: str = _ADMIN
    console_user_email: str = "sam.admin@acme.example"
    console_user_name: str = "Sam Admin"
    developers: tuple[Developer, ...] = ACME_DEVELOPERS
    spend_limits: tuple[SpendLimit, ...] = ACME_SPEND_LIMITS
    rate_limits: tuple[RateLimit, ...] = ACME_RATE_LIMITS
    workspace_rate_limits: Mapping[str, tuple[RateLimit, ...]] = field(
        default_factory=lambda: ACME_OVERRIDES
    )

    @cached_property
    def workspace_by_handle(self) -> dict[str, Workspace]:
        """Return workspaces by handle."""
        return {workspace.handle: workspace for workspace in self.workspaces}

    @cached_property
    def key_by_handle(self) -> dict[str, ApiKey]:
        """Return keys by handle."""
        return {key.handle: key for key in self.api_keys}

    @property
    def default_workspace_id(self) -> str:
        """Return the id that reports replace by null."""
        return self.workspace_by_handle[DEFAULT].id

    def reported_workspace(self, handle: str) -> str | None:
        """Return the `workspace_id` of legacy reports: null for the default workspace."""
        return None if handle == DEFAULT else self.workspace_by_handle[handle].id

    def reported_key(self, handle: str | None) -> str | None:
        """Return the `api_key_id` of reports: null without a key."""
        return None if handle is None else self.key_by_handle[handle].id


ACME = Organisation(
    id="7c0e1b52-3d5a-4b0e-9a57-2f6f1c9d8e40",
    name="Acme Robotics (simulated)",
    workspaces=(
        Workspace(DEFAULT, "wrkspc_01DefAcme4Qw8RtYuPn2LkZ", "Default"),
        Workspace(
            "production",
            "wrkspc_01Prod7HsNf3VbGmKe9XcJa",
            "Production",
            tags=(("env", "prod"), ("team", "platform")),
        ),
        Workspace(
            "research",
            "wrkspc_01Rsch2MxTq6WpDzRu5YhBv",
            "Research",
            tags=(("team", "research"),),
        ),
        Workspace("claude_code", "wrkspc_01Code9KjLw4ZnSfCt8QgEd", "Claude Code"),
        Workspace(
            "pilot",
            "wrkspc_01PlotAr5UeVc7NyHb3MdXs",
            "Pilot 2025",
            archived_at="2026-01-31T12:00:00.118204Z",
        ),
    ),
    api_keys=(
        ApiKey("checkout", "apikey_01ChkQ8vLm2RtXw5NzYbKd3", "checkout-assistant", "production"),
        ApiKey("support", "apikey_01SupT4hPn7WcVj9MqGxRf6", "support-bot", "production"),
        ApiKey("batch", "apikey_01BatE6kZs3YdUn8LpHvCt2", "batch-enrichment", "production"),
        ApiKey("evals", "apikey_01EvaR9mWq5XbJf2TcKnGy7", "evals", "research"),
        ApiKey("notebooks", "apikey_01NbkD3pVz8HsLm6RwQtYc4", "notebooks", "research"),
        ApiKey("experiments", "apikey_01ExpG7nTx2KvCq9BdWjMf5", "experiments", DEFAULT),
        ApiKey(
            "claude_code",
            "apikey_01ClcY5jRb4NwHz7VgPsLk8",
            "claude_code_key_maria.lopez_qzxw",
            "claude_code",
        ),
        ApiKey(
            "retired",
            "apikey_01RetK2sBc6MxWp3ZfNvTd9",
            "pilot (do not use)",
            "pilot",
            status="archived",
        ),
        ApiKey(
            "expired",
            "apikey_01OldW8fGy3QnRz5CkVhJm2",
            "contractor 2025",
            DEFAULT,
            status="expired",
            expires_at="2026-02-01T00:00:00Z",
        ),
    ),
)


def huge(keys: int = 1_000, workspaces: int = 40) -> Organisation:
    """Return Acme with many more workspaces and `keys` keys in all, named `bulk-<n>`."""
    extra = tuple(
        Workspace(f"team-{n}", f"wrkspc_01Team{n:020d}", f"Team {n}") for n in range(workspaces)
    )
    bulk = tuple(
        ApiKey(f"bulk-{n}", f"apikey_01Bulk{n:020d}", f"service {n}", f"team-{n % workspaces}")
        for n in range(keys - len(ACME.api_keys))
    )
    return replace(ACME, workspaces=ACME.workspaces + extra, api_keys=ACME.api_keys + bulk)


_HOSTILE_NAMES = (
    '\x1b[31mred\x1b[0m "quoted" back\\slash',
    "<script>alert('cost')</script><!-- ",
    "line one\nline two\r\n# HELP llm_cost_usd_total forged",
    "x" * 10_000,
    "olga.petrova+billing@example.com",
    "\u202eright-to-left \u0000 nul \U0001f4b8 \u65e5\u672c\u8a9e",
    "{{ $labels.workspace_id }} %s ${HOME} ../../etc/passwd",
    "",
)
_HOSTILE_IDS = (
    '01"quote',
    "01back\\slash",
    "01new\nline",
    "01" + "y" * 300,
    "01{brace=}",
    "01 \u00e9",
)


def hostile() -> Organisation:
    """Return Acme with names and ids that JSON allows and nothing else expects."""
    workspaces = tuple(
        replace(w, name=_HOSTILE_NAMES[n], id=f"wrkspc_{_HOSTILE_IDS[n]}") if n else w
        for n, w in enumerate(ACME.workspaces)
    )
    keys = tuple(
        replace(
            k,
            name=_HOSTILE_NAMES[n % len(_HOSTILE_NAMES)],
            id=f"apikey_{_HOSTILE_IDS[n]}" if n < len(_HOSTILE_IDS) else k.id,
        )
        for n, k in enumerate(ACME.api_keys)
    )
    developers = tuple(
        replace(d, email=_HOSTILE_NAMES[n], terminal=_HOSTILE_NAMES[n + 1])
        for n, d in enumerate(ACME_DEVELOPERS)
    )
    return replace(
        ACME,
        name=_HOSTILE_NAMES[1],
        workspaces=workspaces,
        api_keys=keys,
        developers=developers,
    )
