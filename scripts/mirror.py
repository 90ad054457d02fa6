"""Packages from the Debian or Ubuntu mirror that this machine uses, its own apt state untouched."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ETC_APT = Path("/etc/apt")
KEYRINGS = Path("/usr/share/keyrings")
STATUS = Path("/var/lib/dpkg/status")
"""What the machine has installed."""
COMPONENTS = {"debian": "main", "ubuntu": "main universe"}
TIMEOUT_SECONDS = 300.0

CONFIGURATION = """\
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
APT::Update::Error-Mode "any";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
"""
"""Read after the machine's own, whose proxy stays in force. The hooks are cleared because they
would refresh other programs' caches; the empty status makes apt offer what the suite has and not
what is installed; the sandbox user could not write here."""


class MirrorError(Exception):
    """apt could not do what was asked; the message is apt's own."""


@dataclass(frozen=True, slots=True)
class Source:
    """One line or paragraph of the machine's apt sources."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str


@dataclass(frozen=True, slots=True)
class Mirror:
    """Where the distribution's packages come from, and the key that signs them."""

    uri: str
    keyring: str
    """A path, or "" for the keys that apt trusts in general."""
    distribution: str


def one_line_sources(text: str) -> Iterator[Source]:
    """Read the format of sources.list."""
    for line in text.splitlines():
        found = re.match(r"deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line.strip())
        if found:
            options = dict(option.partition("=")[::2] for option in (found[1] or "").split())
            yield Source(
                found[2], (found[3],), tuple(found[4].split()), options.get("signed-by", "")
            )


def paragraph_sources(text: str) -> Iterator[Source]:
    """Read the format of *.sources: paragraphs of fields."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines)):
        fields = {
            name.lower(): value.strip()
            for name, value in re.findall(r"^(\S+?):(.*(?:\n[ \t].*)*)", paragraph, re.MULTILINE)
        }
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "") == "no":
            continue
        suites = tuple(fields.get("suites", "").split())
        components = tuple(fields.get("components", "").split())
        for uri in fields.get("uris", "").split():
            yield Source(uri, suites, components, fields.get("signed-by", ""))


def machine_sources(etc_apt: Path = ETC_APT) -> list[Source]:
    """Return what the machine's apt reads, in its order."""
    found: list[Source] = []
    for path in (etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))):
        if path.is_file() and path.suffix in {".list", ".sources"}:
            read = paragraph_sources if path.suffix == ".sources" else one_line_sources
            found += read(path.read_text(encoding="utf-8"))
    return found


def machine_mirror(distribution: str, release: str, etc_apt: Path = ETC_APT) -> Mirror | None:
    """Find the mirror of the distribution itself, not of somebody who packages for it.

    Foreign archives may carry the release's name too; an address that ends in the
    distribution's name is the better guess.
    """
    names = {release, "stable", "oldstable", "testing", "unstable", "sid", "devel"}
    fitting = [
        source
        for source in machine_sources(etc_apt)
        if names & set(source.suites) and "main" in source.components
    ]
    fitting.sort(key=lambda source: not source.uri.rstrip("/").endswith(f"/{distribution}"))
    if not fitting:
        return None
    packaged = KEYRINGS / f"{distribution}-archive-keyring.gpg"
    usual = str(packaged) if packaged.is_file() else ""
    key = fitting[0].signed_by
    return Mirror(fitting[0].uri, key if key.startswith("/") else usual, distribution)


@dataclass
class Suite:
    """One release on the mirror, with lists and caches of its own in a folder of ours."""

    name: str
    mirror: Mirror
    folder: Path = field(repr=False)

    @property
    def configuration(self) -> Path:
        """Where the apt configuration stands."""
        return self.folder / "apt.conf"

    @cached_property
    def problem(self) -> str:
        """Fetch the lists, once: "" or why they could not be had."""
        try:
            self._fetch_lists()
        except (MirrorError, OSError) as error:
            return str(error)
        return ""

    def _fetch_lists(self) -> None:
        (self.folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        (self.folder / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        options = "target=Packages"
        if self.mirror.keyring:
            options += f" signed-by={self.mirror.keyring}"
        components = COMPONENTS[self.mirror.distribution]
        (self.folder / "sources.list").write_text(
            f"deb [{options}] {self.mirror.uri} {self.name} {components}\n", encoding="utf-8"
        )
        self.configuration.write_text(CONFIGURATION.format(folder=self.folder), encoding="utf-8")
        run(["apt-get", "-c", str(self.configuration), "-qq", "update"], self.folder)

    def candidate(self, package: str) -> str:
        """Return the version that the suite has of a package, "" when it has none."""
        if self.problem:
            raise MirrorError(self.problem)
        answer = run(["apt-cache", "-c", str(self.configuration), "policy", package], self.folder)
        found = re.search(r"^ +Candidate: (\d\S*)", answer, re.MULTILINE)
        return found[1] if found else ""

    def lacking(self, *packages: str) -> list[str]:
        """Return these packages and all that they need, without what the machine has."""
        if self.problem:
            raise MirrorError(self.problem)
        options = ("-o", f"Dir::State::status={STATUS}", "--no-install-recommends")
        command = ["apt-get", "-c", str(self.configuration), *options, "--simulate", "install"]
        return re.findall(r"^Inst (\S+)", run([*command, *packages], self.folder), re.MULTILINE)

    def unpack(self, packages: Sequence[str], target: Path) -> None:
        """Download packages and unpack them into `target`."""
        download = self.folder / "download"
        shutil.rmtree(download, ignore_errors=True)
        download.mkdir()
        run(["apt-get", "-c", str(self.configuration), "-qq", "download", *packages], download)
        for archive in download.glob("*.deb"):
            run(["dpkg", "-x", str(archive), str(target)], download)


def run(command: list[str], folder: Path) -> str:
    """Run a command in a folder and return what it printed."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MirrorError(f"{command[0]}: {error}") from error
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise MirrorError(f"{command[0]} failed with {done.returncode}: {said}")
    return done.stdout
