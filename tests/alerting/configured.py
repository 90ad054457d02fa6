"""The shipped configuration of Alertmanager, set up the way its own comments say."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.alerting.servers import ALERTING

if TYPE_CHECKING:
    from pathlib import Path

CHANNELS = {"none": (), "Slack": ("slack",), "e-mail": ("mail",), "both": ("slack", "mail")}
SHIPPED = (ALERTING / "alertmanager.yml").read_text(encoding="utf-8")


def uncommented(*channels: str) -> str:
    """Return the configuration after the sed commands of its comments, run by sed."""
    text = SHIPPED
    for channel in channels:
        (command,) = re.findall(rf"sed -i '(.*#{channel} //)' alertmanager.yml", SHIPPED)
        done = subprocess.run(
            ["sed", command], input=text, capture_output=True, text=True, check=True
        )
        text = done.stdout
    return text


def install(folder: Path, text: str) -> Path:
    """Copy the alerting folder with another configuration; return that file."""
    shutil.copytree(ALERTING, folder)
    configuration = folder / "alertmanager.yml"
    configuration.write_text(text, encoding="utf-8")
    return configuration


def impatient(text: str) -> str:
    """Let groups wait a second at most, and let all hours be working hours."""
    text = re.sub(r"group_(wait|interval): \S+", r"group_\1: 1s", text)
    text = re.sub(r"monday:friday", "sunday:saturday", text)
    return text.replace('"08:00"', '"00:00"').replace('"18:00"', '"24:00"')


def at_night(text: str) -> str:
    """Let an impatient configuration's working hours be of a day that is not near."""
    other = f"{datetime.now(UTC) + timedelta(days=3):%A}".lower()
    return text.replace("sunday:saturday", other)
