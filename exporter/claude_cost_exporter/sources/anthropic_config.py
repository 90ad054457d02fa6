"""The `type: anthropic` block of the configuration, and the key it points at (floor 2)."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from claude_cost_exporter.config.durations import format_duration
from claude_cost_exporter.config.problems import Problem
from claude_cost_exporter.errors import UnauthorizedError
from claude_cost_exporter.sources.anthropic_claude_code import ClaudeCodeConfig
from claude_cost_exporter.sources.api_choice import Wanted
from claude_cost_exporter.sources.http import LOOPBACK
from claude_cost_exporter.sources.secrets import ADMIN, ORDINARY, Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHORTEST_POLL = timedelta(seconds=60)
LONGEST_POLL = timedelta(days=1)
LONGEST_HISTORY = timedelta(days=3650)
COMMAND_SECONDS = 10
SHORTEST_KEY = 12
KEY_PLACES = ("admin_key_file", "admin_key_env", "admin_key_command")
NO_KEYS = (
    "keys do not belong in this file: write where the key is, as admin_key_file, admin_key_env or "
    "admin_key_command"
)


class AnthropicConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One account. Exactly one of the three admin_key_ settings says where its key is."""

    INSTEAD: ClassVar[dict[str, str]] = dict.fromkeys(("admin_key", "api_key", "key"), NO_KEYS)
    """What is said about keys that are often tried."""

    type: Annotated[
        Literal["anthropic"],
        Meta(description="What kind of source this is.", examples=["anthropic"]),
    ]
    account: Annotated[
        str,
        Meta(
            description="Name of this account, the value of the label account. Keep it: its "
            "counters belong to it.",
            examples=["acme"],
        ),
    ]
    admin_key_file: Annotated[
        str | None,
        Meta(
            description="File that holds the Admin API key and nothing else.",
            examples=["/run/secrets/anthropic_admin_key"],
        ),
    ] = None
    admin_key_env: Annotated[
        str | None,
        Meta(
            description="Environment variable that holds the key.", examples=["ANTHROPIC_ADMIN_KEY"]
        ),
    ] = None
    admin_key_command: Annotated[
        list[str] | None,
        Meta(
            description="Program with its arguments that prints the key; it runs once, at start.",
            examples=[["pass", "show", "anthropic/admin-key"]],
        ),
    ] = None
    base_url: Annotated[
        str,
        Meta(
            description="Where the Admin API is: https, or http on this machine only.",
            examples=["https://gateway.example.com/anthropic"],
        ),
    ] = "https://api.anthropic.com"
    poll_interval: Annotated[
        timedelta,
        Meta(
            description="How often to poll, 60s or more. A simulator on this machine may be polled "
            "faster.",
            examples=["5m"],
        ),
    ] = SHORTEST_POLL
    history: Annotated[
        timedelta,
        Meta(
            description="How much usage from before the first start to load; 0d for none.",
            examples=["90d"],
        ),
    ] = timedelta(days=90)
    api: Annotated[
        Wanted,
        Meta(
            description="Where billed money comes from: analytics knows API keys and end "
            "customers, legacy is the cost report by workspace. auto takes analytics where the "
            "key may read it, and legacy elsewhere.",
            examples=["legacy"],
        ),
    ] = "auto"
    claude_code: Annotated[
        ClaudeCodeConfig, Meta(description="How users of Claude Code appear.")
    ] = ClaudeCodeConfig()

    def scope_types(self) -> frozenset[str]:
        """Return within what it may tell spend apart; the cost report knows no end customers."""
        known = frozenset({"workspace", "api_key", "model"})
        return known if self.api == "legacy" else known | {"end_customer"}

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong."""
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", self.account):
            sentence = f"{self.account!r} is not 1 to 64 letters, digits, _ . or -; write acme"
            yield Problem(("account",), sentence)
        given = [name for name in KEY_PLACES if getattr(self, name)]
        if len(given) != 1:
            found = f"these are given: {', '.join(given)}" if given else "none is given"
            yield Problem(KEY_PLACES, f"exactly one of {', '.join(KEY_PLACES)} is needed; {found}")
        if wrong := _wrong_url(self.base_url):
            yield Problem(("base_url",), wrong)
        shown = format_duration(self.poll_interval)
        if not timedelta(0) < self.poll_interval <= LONGEST_POLL:
            sentence = f"{shown} is not more than 0s and at most 1d; write 60s"
            yield Problem(("poll_interval",), sentence)
        elif self.poll_interval < SHORTEST_POLL and _is_elsewhere(self.base_url):
            sentence = f"{shown} is less than 60s, the shortest that Anthropic allows; write 60s"
            yield Problem(("poll_interval", "base_url"), sentence)
        if not timedelta(0) <= self.history <= LONGEST_HISTORY:
            shown = format_duration(self.history)
            yield Problem(("history",), f"{shown} is not between 0d and 3650d; write 90d")

    @property
    def is_on_this_machine(self) -> bool:
        """Whether nothing leaves this machine, so that it can be no real account's API."""
        return not _is_elsewhere(self.base_url)

    def key_problems(self, environment: Mapping[str, str]) -> Iterator[Problem]:
        """Yield why the key cannot be read. A command is looked for, but not run."""
        if self.admin_key_command:
            program = self.admin_key_command[0]
            if shutil.which(program) is None:
                yield Problem(("admin_key_command",), f"there is no program {program}")
        elif (self.admin_key_file or self.admin_key_env) and not _is_stream(self.admin_key_file):
            try:
                _key(self, environment)
            except UnauthorizedError as error:
                place = "admin_key_file" if self.admin_key_file else "admin_key_env"
                yield Problem((place,), str(error))

    def warnings(self, environment: Mapping[str, str]) -> Iterator[str]:
        """Yield what is not refused here and should still be changed."""
        path = Path(self.admin_key_file or "")
        if self.admin_key_file and path.is_file():
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & (stat.S_IRGRP | stat.S_IROTH):
                yield (
                    f"account {self.account}: admin_key_file {path} can be read by other users of "
                    f"this machine (mode {mode:04o}); chmod 600 it"
                )
        key = self._key_at_hand(environment)
        if key and key.is_ordinary:
            yield (
                f"account {self.account}: its key starts with {ORDINARY}; an Admin key starts with "
                f"{ADMIN}"
            )

    def _key_at_hand(self, environment: Mapping[str, str]) -> Secret | None:
        """Return the key where it can be read without running a command or emptying a pipe."""
        if self.admin_key_command or _is_stream(self.admin_key_file):
            return None
        try:
            return _key(self, environment)
        except UnauthorizedError:
            return None


def read_key(config: AnthropicConfig, environment: Mapping[str, str]) -> Secret:
    """Return the Admin key, or raise an UnauthorizedError that says where it was looked for."""
    try:
        return _key(config, environment)
    except UnauthorizedError as error:
        raise UnauthorizedError(f"account {config.account}: {error}") from None


def _key(config: AnthropicConfig, environment: Mapping[str, str]) -> Secret:
    try:
        if config.admin_key_file:
            place = f"admin_key_file {config.admin_key_file}"
            key = Path(config.admin_key_file).read_text(encoding="utf-8")
        elif config.admin_key_env:
            place = f"environment variable {config.admin_key_env}"
            if config.admin_key_env not in environment:
                raise UnauthorizedError(f"{place} is not set")
            key = environment[config.admin_key_env]
        else:
            argv = config.admin_key_command or []
            place = f"admin_key_command {argv[0]}"
            key = subprocess.run(  # noqa: S603 - the user's own command
                argv, check=True, capture_output=True, text=True, timeout=COMMAND_SECONDS
            ).stdout
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise UnauthorizedError(f"cannot read the key from {place}: {_cause(error)}") from None
    return Secret(_checked(key.strip(), place))


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
        raise UnauthorizedError(f"{place} is empty")
    if odd := re.search(r"[^A-Za-z0-9._~+/=-]", key):
        raise UnauthorizedError(
            f"{place} holds more than a key: character {odd.start() + 1} of {len(key)} is none of "
            "letters, digits and ._~+/=-"
        )
    if len(key) < SHORTEST_KEY:
        raise UnauthorizedError(f"{place} holds {len(key)} characters; keys are longer")
    return key


def _is_stream(path: str | None) -> bool:
    """Tell whether reading uses the key up: a pipe gives it once."""
    return (
        path is not None
        and Path(path).exists()
        and not (Path(path).is_file() or Path(path).is_dir())
    )


def _is_elsewhere(url: str) -> bool:
    """Tell whether requests to `url` would leave this machine."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return False  # said already, and not known where it leads
    return bool(host) and host not in LOOPBACK


def _wrong_url(url: str) -> str | None:
    """Return why no request may go there. A URL with a password in it is not shown."""
    shown = "a URL with a password" if "@" in url else url
    form = "https://HOST[:PORT][/PATH]"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return f"{shown} is not {form}: {error}"
    other = "@" in url or parts.query or parts.fragment or port == 0
    if not host or other or " " in url or not url.isprintable():
        return f"{shown} is not {form}; write that and nothing else"
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        return f"{shown} is not https; a key goes unencrypted to this machine only: write {form}"
    return None
