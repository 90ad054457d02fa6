"""A `type: anthropic` block: one organisation, one key, one limiter, several sources (floor 2)."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import msgspec

from claude_cost_exporter.errors import UnauthorizedError
from claude_cost_exporter.sources.anthropic_entities import AnthropicEntities
from claude_cost_exporter.sources.anthropic_usage import AnthropicUsage
from claude_cost_exporter.sources.http import LOOPBACK, ApiClient
from claude_cost_exporter.sources.limiter import Limiter
from claude_cost_exporter.sources.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from threading import Event

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.sources.base import FieldObserver, Source
    from claude_cost_exporter.sources.http import RequestObserver, Transport

PROVIDER = "anthropic"
SHORTEST_POLL = timedelta(seconds=60)
COMMAND_SECONDS = 10
UNLIMITED = 1_000_000


class AnthropicConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One account. Exactly one of the three admin_key_ settings says where its key is."""

    type: Literal["anthropic"]
    account: str
    admin_key_file: str | None = None
    admin_key_env: str | None = None
    admin_key_command: list[str] | None = None
    base_url: str = "https://api.anthropic.com"
    poll_interval: timedelta = SHORTEST_POLL
    history: timedelta = timedelta(days=90)

    def problems(self) -> Iterator[str]:
        """Yield what is wrong, each beginning with the key it is about."""
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", self.account):
            yield f"account: {self.account!r} is not 1 to 64 letters, digits, _ . or -"
        given = (self.admin_key_file, self.admin_key_env, self.admin_key_command)
        if sum(bool(one) for one in given) != 1:
            yield (
                "admin_key_file: give exactly one of admin_key_file, admin_key_env and "
                "admin_key_command"
            )
        url = urlsplit(self.base_url)
        local = url.hostname in LOOPBACK
        if url.scheme != "https" and not (url.scheme == "http" and local):
            yield f"base_url: {self.base_url} must be https unless it is loopback"
        if self.poll_interval < SHORTEST_POLL and not local:
            yield (
                f"poll_interval: {self.poll_interval.total_seconds():g}s is less than 60s, the "
                "shortest that Anthropic allows"
            )
        if self.poll_interval <= timedelta(0):
            yield "poll_interval: must be more than 0s"
        if self.history < timedelta(0):
            yield "history: must be 0d or more"


def read_key(config: AnthropicConfig, environment: Mapping[str, str]) -> Secret:
    """Return the Admin key, or raise an UnauthorizedError that says where it was looked for."""
    where = f"account {config.account}"
    try:
        if config.admin_key_file:
            place = f"admin_key_file {config.admin_key_file}"
            key = Path(config.admin_key_file).read_text(encoding="utf-8")
        elif config.admin_key_env:
            place = f"environment variable {config.admin_key_env}"
            key = environment.get(config.admin_key_env, "")
        else:
            argv = config.admin_key_command or []
            place = f"admin_key_command {argv[0]}"
            key = subprocess.run(  # noqa: S603 - the user's own command
                argv, check=True, capture_output=True, text=True, timeout=COMMAND_SECONDS
            ).stdout
    except (OSError, UnicodeDecodeError, subprocess.SubprocessError) as error:
        cause = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise UnauthorizedError(f"{where}: cannot read the key from {place}: {cause}") from None
    if not key.strip():
        raise UnauthorizedError(f"{where}: {place} is empty")
    if not key.strip().isascii() or len(key.split()) != 1:
        raise UnauthorizedError(f"{where}: {place} holds more than a key")
    return Secret(key.strip())


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
        self.sources: Sequence[Source] = (
            AnthropicEntities(self.client),
            AnthropicUsage(self.client, clock, fields),
        )
