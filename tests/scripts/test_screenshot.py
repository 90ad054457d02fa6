"""The script that takes the pictures of the documentation."""

from __future__ import annotations

from scripts import screenshot


def test_a_missing_browser_is_named(monkeypatch, capsys, tmp_path):
    """Without a browser on PATH the script says which ones would do, and starts nothing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(screenshot, "demo", None)
    assert screenshot.main() == 1
    assert "one of chromium, chromium-browser, google-chrome" in capsys.readouterr().err
