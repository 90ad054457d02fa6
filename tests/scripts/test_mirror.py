"""Finding the distribution's mirror in what apt is configured with."""

from __future__ import annotations

import pytest

from scripts.mirror import Mirror, MirrorError, Source, Suite, machine_mirror, machine_sources

PARAGRAPHS = """\
# from the installer
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: /keys/debian.gpg

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main
"""
LINES = """\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/keys/vendor.gpg] http://vendor.example/apt bookworm main  # theirs
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian-security bookworm-security main
deb http://mirror.example/debian/ bookworm main contrib
"""


@pytest.fixture
def etc(tmp_path):
    """A folder like /etc/apt."""
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_paragraphs_are_read(etc):
    """The newer format is read with its comments, continued fields and switched-off sources."""
    (etc / "sources.list.d" / "debian.sources").write_text(PARAGRAPHS, encoding="utf-8")

    assert machine_sources(etc) == [
        Source(
            "http://mirror.example/debian",
            ("bookworm", "bookworm-updates"),
            ("main", "contrib"),
            "/keys/debian.gpg",
        )
    ]


def test_lines_are_read(etc):
    """The older format is read with its options and comments."""
    (etc / "sources.list").write_text(LINES, encoding="utf-8")

    assert machine_sources(etc) == [
        Source("http://vendor.example/apt", ("bookworm",), ("main",), "/keys/vendor.gpg"),
        Source("http://mirror.example/debian-security", ("bookworm-security",), ("main",), ""),
        Source("http://mirror.example/debian/", ("bookworm",), ("main", "contrib"), ""),
    ]


def test_switched_off_files_are_not_read(etc):
    """Only the file names that apt itself reads count."""
    (etc / "sources.list.d" / "debian.list.save").write_text(LINES, encoding="utf-8")

    assert machine_sources(etc) == []


def test_distribution_comes_before_vendors(etc):
    """A vendor's archive that carries the release's name is not taken for the distribution's."""
    (etc / "sources.list").write_text(LINES, encoding="utf-8")

    mirror = machine_mirror("debian", "bookworm", etc)

    assert mirror is not None
    assert mirror.uri == "http://mirror.example/debian/"


def test_key_of_the_source_is_used(etc):
    """The key that the machine trusts for the mirror signs the other releases too."""
    (etc / "sources.list.d" / "debian.sources").write_text(PARAGRAPHS, encoding="utf-8")

    mirror = machine_mirror("debian", "bookworm", etc)

    assert mirror == Mirror("http://mirror.example/debian", "/keys/debian.gpg", "debian")


def test_no_sources_no_mirror(etc):
    """Without sources there is no mirror, and that is no error yet."""
    assert machine_mirror("debian", "bookworm", etc) is None


def test_mirror_that_fails_is_asked_once(tmp_path, monkeypatch):
    """Lists that cannot be had are an error with apt's words, and are not fetched again."""
    calls = []

    def refuse(command, folder):
        calls.append(command)
        raise MirrorError("apt-get failed with 100: no such host")

    monkeypatch.setattr("scripts.mirror.run", refuse)
    suite = Suite("testing", Mirror("http://mirror.example/debian", "", "debian"), tmp_path)

    for _ in range(2):
        with pytest.raises(MirrorError, match="no such host"):
            suite.candidate("prometheus")

    assert len(calls) == 1
