"""The browser that takes pictures: the machine's own, or one in .tools with its libraries."""

from __future__ import annotations

import os

import pytest

from scripts import browser
from scripts.mirror import Mirror, MirrorError, Suite


@pytest.fixture
def empty(monkeypatch, tmp_path):
    """A machine without a browser, and a folder for one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = tmp_path / "browser"
    monkeypatch.setattr(browser, "FOLDER", folder)
    monkeypatch.setattr(browser, "PROGRAM", folder / "usr/lib/chromium/chromium")
    return folder


def test_the_browser_on_path_is_taken(empty, tmp_path):
    """What the machine has is used as it is."""
    program = tmp_path / "chromium"
    program.touch(mode=0o755)

    assert browser.find() == browser.Browser(program)


def test_an_unpacked_browser_finds_its_libraries_and_fonts(empty):
    """One that is not installed is told where what belongs to it has been unpacked."""
    libraries = empty / "usr/lib/x86_64-linux-gnu"
    for folder in (libraries, browser.PROGRAM.parent):
        folder.mkdir(parents=True)
    browser.PROGRAM.touch()

    found = browser.find()

    assert found.program == browser.PROGRAM
    assert found.environment["LD_LIBRARY_PATH"] == f"{browser.PROGRAM.parent}:{libraries}"
    fonts = (empty / "fonts.conf").read_text(encoding="utf-8")
    assert f"<dir>{empty}/usr/share/fonts</dir>" in fonts


def test_a_browser_that_cannot_be_brought_is_a_sentence(empty, monkeypatch, tmp_path):
    """A mirror that fails leaves no half of a browser behind, and its words are passed on."""
    suite = Suite("bookworm", Mirror("http://127.0.0.1:9/debian", "", "debian"), tmp_path / "apt")
    monkeypatch.setattr(browser, "machine_suites", lambda: {"bookworm": suite})
    monkeypatch.setattr(browser, "TOOLS", tmp_path)

    with pytest.raises(browser.MissingBrowserError, match=r"on PATH .*apt-get"):
        browser.find()
    assert not empty.exists()


def test_what_the_machine_lacks_is_read_from_apt(monkeypatch, tmp_path):
    """The packages of a simulated installation are those to bring, in apt's order."""
    suite = Suite("bookworm", Mirror("http://127.0.0.1:9/debian", "", "debian"), tmp_path)
    suite.__dict__["problem"] = ""
    fake = tmp_path / "apt-get"
    fake.write_text("#!/bin/sh\necho 'Inst libx (1)'\necho 'Inst chromium (2)'\necho 'Conf libx'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")

    assert suite.lacking("chromium") == ["libx", "chromium"]


def test_a_mirror_that_cannot_be_read_lacks_nothing_silently(tmp_path):
    """Without lists there is no answer, but an error."""
    suite = Suite("bookworm", Mirror("http://127.0.0.1:9/debian", "", "debian"), tmp_path)
    suite.__dict__["problem"] = "no lists"

    with pytest.raises(MirrorError, match="no lists"):
        suite.lacking("chromium")
