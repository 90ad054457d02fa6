"""Images that stand in for those of docker-compose.yml where no registry can be reached.

They have the same names, users and folders, and Debian's programs. Grafana has none.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.engine import FOLDER, UNPACKED, Engine
from scripts.servers import TOOLS

if TYPE_CHECKING:
    from scripts.mirror import Mirror

RELEASE = "trixie"
"""The Debian whose Python is that of the base image."""
INCLUDED = "python3,python3-venv,python3-pip,ca-certificates"
CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")
IMPORTED = [f"--change=ENV {name}=/{CERTIFICATES}" for name in ("SSL_CERT_FILE", "PIP_CERT")]


@dataclass(frozen=True, slots=True)
class StandIn:
    """An image with programs from a folder of .tools."""

    folder: str
    programs: tuple[str, ...]
    home: str
    shared: str = ""
    """Files that Debian's programs read at run time."""

    def dockerfile(self, base: str) -> str:
        """Return how it is made."""
        return f"""
FROM {base}
COPY bin /bin
COPY share /usr/share
RUN install -d -o 65534 -g 65534 {self.home}
USER 65534
WORKDIR {self.home}
ENTRYPOINT ["/bin/{self.programs[0]}"]
"""

    def fill(self, context: Path) -> None:
        """Lay out what the Dockerfile copies."""
        for name in ("bin", "share"):
            (context / name).mkdir()
        for name in self.programs:
            shutil.copy(TOOLS / self.folder / name, context / "bin" / name)
        shutil.copy(UNPACKED / "bin/busybox", context / "bin" / "wget")
        if self.shared:
            unpacked = TOOLS / self.folder / "unpacked/usr/share" / self.shared
            shutil.copytree(unpacked, context / "share" / self.shared)


PROMETHEUS = StandIn("prometheus-3", ("prometheus", "promtool"), "/prometheus")
ALERTMANAGER = StandIn(
    "alertmanager-old", ("alertmanager", "amtool"), "/alertmanager", "prometheus/alertmanager"
)

STAND_INS = {"prom/prometheus:": PROMETHEUS, "prom/alertmanager:": ALERTMANAGER}


def base_image(engine: Engine, name: str, mirror: Mirror) -> None:
    """Make Debian with Python into the base image, once."""
    if engine.docker("images", "--quiet", name).strip():
        return
    root = FOLDER / "rootfs"
    shutil.rmtree(root, ignore_errors=True)
    keyring = [f"--keyring={mirror.keyring}"] if mirror.keyring else []
    engine.run(
        "env",
        f"DEBOOTSTRAP_DIR={UNPACKED / 'usr/share/debootstrap'}",
        *("debootstrap", "--variant=minbase", f"--include={INCLUDED}", *keyring),
        *(RELEASE, str(root), mirror.uri),
    )
    (root / "usr/bin/python").symlink_to("python3")
    trusted = Path(os.environ.get("SSL_CERT_FILE", f"/{CERTIFICATES}"))
    if trusted.is_file():  # a proxy's certificate may be among them
        shutil.copy(trusted, root / CERTIFICATES)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        archive = Path(folder) / "rootfs.tar"
        engine.run("tar", "-C", root, "--exclude=./var/cache/apt", "-cf", archive, ".")
        engine.docker("import", *IMPORTED, archive, name)
    shutil.rmtree(root)


def build(engine: Engine, name: str, stand_in: StandIn, base: str) -> None:
    """Make the image of a program."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        context = Path(folder)
        stand_in.fill(context)
        (context / "Dockerfile").write_text(stand_in.dockerfile(base), encoding="utf-8")
        engine.docker("build", "--quiet", "--tag", name, folder)


def make(engine: Engine, images: list[str], base: str, mirror: Mirror) -> list[str]:
    """Make what can be made of these images; return those that have no stand-in."""
    base_image(engine, base, mirror)
    known = {name: one for name in images for part, one in STAND_INS.items() if part in name}
    for name, stand_in in known.items():
        build(engine, name, stand_in, base)
    return [name for name in images if name not in known]
