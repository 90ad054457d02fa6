"""`status`, without anything that takes long to import (floor 4)."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from claude_cost_exporter.clock import SystemClock
from claude_cost_exporter.config.places import default_ledger_url, status_file
from claude_cost_exporter.errors import ConfigError
from claude_cost_exporter.report.status import read
from claude_cost_exporter.report.status_forms import FORMS

if TYPE_CHECKING:
    from claude_cost_exporter.report.status import Status

BARS = ("waybar", "xbar")
OPTIONS = ("--format", "--config.file")
OK, FAILED = 0, 1


def written(config_file: Path | None) -> Status | str:
    """Return what an exporter of this configuration has written, or why there is nothing."""
    return read(_path(config_file))


def show(form: str, found: Status | str) -> int:
    """Print the line; return the exit code."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a letter that cannot be written ends nothing
    line = FORMS[form](found, SystemClock().now()) + "\n"
    sys.stdout.write(line)
    return FAILED if isinstance(found, str) and form not in BARS else OK


def quick(arguments: list[str]) -> int | None:
    """Do what the arguments of `status` ask for; None: this takes the whole command line.

    Typer and what it needs take longer to import than a status bar should wait.
    """
    found = dict(one.split("=", 1) for one in arguments if "=" in one)
    form, config = found.get("--format", "text"), found.get("--config.file")
    if len(found) < len(arguments) or not found.keys() <= set(OPTIONS) or form not in FORMS:
        return None
    try:
        status = written(Path(config) if config else None)
    except ConfigError:
        return None  # said where all such errors are
    if config and isinstance(status, str):
        return None  # the configuration may be the reason
    return show(form, status)


def _path(config_file: Path | None) -> Path:
    """Return where the file is; of a configuration nothing else is looked at."""
    found = {} if config_file is None else _document(config_file)
    ledger = found.get("ledger")
    url = str(ledger.get("url") or "") if isinstance(ledger, dict) else ""
    configured = str(found.get("status_file") or "")
    return status_file(configured, url or default_ledger_url(os.environ), os.environ)


def _document(path: Path) -> dict[object, object]:
    from claude_cost_exporter.config.documents import (  # noqa: PLC0415 - only with a file
        read_yaml,
        secrets,
    )

    try:
        found = read_yaml(path.read_text(encoding="utf-8")).data
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigError([f"--config.file={path}: {cause}"]) from None
    if any(True for _ in secrets(found)):
        raise ConfigError([f"--config.file={path}: a key stands there in plain text; move it"])
    return found
