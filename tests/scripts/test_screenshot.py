"""The script that takes the pictures of the documentation."""

from __future__ import annotations

from scripts import browser, screenshot


def test_a_missing_browser_is_named(monkeypatch, capsys, tmp_path):
    """Without a browser, and a mirror to bring it from, the script says which ones would do."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browser, "PROGRAM", tmp_path / "none")
    monkeypatch.setattr(screenshot, "demo", None)
    assert screenshot.main() == 1
    assert "one of chromium, chromium-browser, google-chrome" in capsys.readouterr().err
