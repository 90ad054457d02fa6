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
from claude_cost_exporter.sources.anthropic_analytics import AnthropicAnalytics
from claude_cost_exporter.sources.anthropic_cost import AnthropicCost
from claude_cost_exporter.sources.anthropic_entities import AnthropicEntities, read_organization
from claude_cost_exporter.sources.anthropic_usage_takeover import UsageWithSuccessor
from claude_cost_exporter.sources.api_choice import ApiChoice, Wanted
from claude_cost_exporter.sources.http import LOOPBACK, ApiClient
from claude_cost_exporter.sources.limiter import Limiter
from claude_cost_exporter.sources.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from threading import Event

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.records import OrganizationRecord
    from claude_cost_exporter.sources.api_choice import Api
    from claude_cost_exporter.sources.base import FieldObserver, Notebook, Source
    from claude_cost_exporter.sources.http import RequestObserver, Transport

PROVIDER = "anthropic"
SHORTEST_POLL = timedelta(seconds=60)
COMMAND_SECONDS = 10
SHORTEST_KEY = 12
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
    api: Wanted = "auto"
    """Where billed money comes from."""

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
        yield from _url_problems(self.base_url)
        if self.poll_interval < SHORTEST_POLL and not _is_local(self.base_url):
            yield (
                f"poll_interval: {self.poll_interval.total_seconds():g}s is less than 60s, the "
                "shortest that Anthropic allows"
            )
        if self.poll_interval <= timedelta(0):
            yield "poll_interval: must be more than 0s"
        if self.history < timedelta(0):
            yield "history: must be 0d or more"


def _is_local(base_url: str) -> bool:
    try:
        return urlsplit(base_url).hostname in LOOPBACK
    except ValueError:
        return False


def _url_problems(base_url: str) -> Iterator[str]:
    try:
        url = urlsplit(base_url)
        valid = bool(re.fullmatch(r"[a-z0-9.:_-]+", url.hostname or "")) and url.port != 0
    except ValueError:
        valid = False
    if not valid or "@" in url.netloc or url.query or url.fragment:
        yield "base_url: is not of the form https://HOST, https://HOST:PORT or https://HOST/PATH"
    elif url.scheme != "https" and not (url.scheme == "http" and _is_local(base_url)):
        yield f"base_url: {base_url} must be https unless it is loopback"


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
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise UnauthorizedError(
            f"{where}: cannot read the key from {place}: {_cause(error)}"
        ) from None
    return Secret(_checked(key.strip(), f"{where}: {place}"))


def _cause(error: Exception) -> str:
    """Say what went wrong in words that cannot hold what a command printed."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, subprocess.CalledProcessError):
        return f"it failed with exit code {error.returncode}"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"it took longer than {COMMAND_SECONDS} s"
    return type(error).__name__


def _checked(key: str, place: str) -> str:
    """Return the key, or say what is wrong with it without showing it."""
    if not key:
        raise UnauthorizedError(f"{place} holds nothing")
    if odd := re.search(r"[^A-Za-z0-9._~+/=-]", key):
        raise UnauthorizedError(
            f"{place} holds more than a key: character {odd.start() + 1} of {len(key)} is none of "
            "letters, digits and ._~+/=-"
        )
    if len(key) < SHORTEST_KEY:
        raise UnauthorizedError(f"{place} holds {len(key)} characters; keys are longer")
    return key


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
        self._always: Sequence[Source] = (
            AnthropicEntities(self.client),
            UsageWithSuccessor(self.client, clock, fields, notebook),
        )
        self._choice = ApiChoice(config.api, clock)
        self._bill: Mapping[Api, Source] = {
            "analytics": AnthropicAnalytics(self.client, clock, fields, self._choice),
            "legacy": AnthropicCost(self.client, fields, self._choice),
        }

    @property
    def sources(self) -> Sequence[Source]:
        """Return what to poll now: the bill is read from one of the two APIs."""
        return (*self._always, self._bill[self._choice.api])

    def whose(self, *, once: bool = False) -> OrganizationRecord:
        """Return the organisation of the key; `once`: without trying again."""
        return read_organization(self.client, once=once)
