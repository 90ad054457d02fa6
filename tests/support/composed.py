"""Docker Compose from .tools, with docker-compose.yml and no settings from outside."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.e2e.servers import folder_of

ROOT = Path(__file__).parent.parent.parent
COMPOSE_FILE = ROOT / "docker-compose.yml"


def compose_program():
    """Return the program; a sentence when it is missing."""
    return folder_of("compose", "Docker Compose", ("docker-compose",)) / "docker-compose"


def compose(*arguments, file=COMPOSE_FILE, **environment):
    """Run Compose on the file with these variables only."""
    return subprocess.run(
        [compose_program(), "--env-file=/dev/null", f"--file={file}", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
