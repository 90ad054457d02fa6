"""A Chromium that takes pictures of pages: from PATH, or from the mirror into .tools."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from scripts.mirror import MirrorError
from scripts.servers import TOOLS, machine_suites

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-dejavu-core")
FOLDER = TOOLS / "browser"
PROGRAM = FOLDER / "usr" / "lib" / "chromium" / "chromium"
LIBRARIES = ("usr/lib/*-linux-gnu*", "lib/*-linux-gnu*", "usr/lib/*-linux-gnu*/pulseaudio")
TIMEOUT_SECONDS = 120.0

FONTS = """\
<fontconfig>
  <dir>{folder}/usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{folder}/cache</cachedir>
</fontconfig>
"""


class MissingBrowserError(Exception):
    """There is no browser; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Browser:
    """A Chromium and what it needs to run."""

    program: Path
    environment: dict[str, str] = field(default_factory=dict)

    def photograph(
        self, url: str, picture: Path, size: tuple[int, int], virtual_ms: int = 0
    ) -> None:
        """Let it draw a page into a picture, after the page has seen so many milliseconds."""
        with tempfile.TemporaryDirectory() as profile:
            options = [
                "--headless",
                "--disable-gpu",
                "--disable-background-networking",
                "--hide-scrollbars",
                f"--user-data-dir={profile}",
                "--window-size={},{}".format(*size),
                f"--screenshot={picture}",
            ]
            if virtual_ms:
                options.append(f"--virtual-time-budget={virtual_ms}")
            if os.geteuid() == 0:
                options.append("--no-sandbox")  # Chromium refuses to have one as root
            subprocess.run(
                [self.program, *options, url],
                check=True,
                capture_output=True,
                timeout=TIMEOUT_SECONDS,
                env=os.environ | self.environment,
            )


def find() -> Browser:
    """Return the browser of PATH or of .tools, brought from the mirror where there is none."""
    if program := next(filter(None, map(shutil.which, NAMES)), None):
        return Browser(Path(program))
    if not PROGRAM.is_file():
        _bring()
    libraries = [PROGRAM.parent, *(one for way in LIBRARIES for one in FOLDER.glob(way))]
    fonts = FOLDER / "fonts.conf"
    fonts.write_text(FONTS.format(folder=FOLDER), encoding="utf-8")
    path = os.pathsep.join(map(str, libraries))
    return Browser(PROGRAM, {"LD_LIBRARY_PATH": path, "FONTCONFIG_FILE": str(fonts)})


def _bring() -> None:
    """Unpack Chromium with what it needs and this machine lacks."""
    needed = f"no browser: put one of {', '.join(NAMES)} on PATH"
    suite = next(iter(machine_suites().values()), None)
    if suite is None:
        raise MissingBrowserError(needed)
    partly = FOLDER.with_suffix(".part")
    shutil.rmtree(partly, ignore_errors=True)
    try:
        suite.unpack(suite.lacking(*PACKAGES), partly)
        partly.rename(FOLDER)
    except (MirrorError, OSError) as error:
        raise MissingBrowserError(f"{needed} ({error})") from error
    finally:
        shutil.rmtree(TOOLS / "apt", ignore_errors=True)
    if not PROGRAM.is_file():
        raise MissingBrowserError(f"{needed} ({suite.name} has it not in {PROGRAM})")
