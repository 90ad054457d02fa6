"""Who uses Claude Code in the simulated organisation, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Developer:
    """One row of a day: a person or a key, at one terminal."""

    email: str | None
    """None: an automation with an API key."""
    terminal: str
    share: int
    """How much of the organisation's Claude Code usage it has, compared with the others."""
    is_remote: bool = False
    api_key_name: str = ""


ACME_DEVELOPERS = (
    Developer("maria.lopez@acme.example", "vscode", 40),
    Developer("maria.lopez@acme.example", "vscode", 10, is_remote=True),
    Developer("jun.tanaka@acme.example", "iTerm.app", 30),
    Developer("o.petrova@acme.example", "ghostty", 12),
    Developer(None, "non-interactive", 8, api_key_name="ci-review"),
)
