"""A simulated API on a port of its own, configurations that point at it, and a probe of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from claude_cost_exporter.cli import app
from claude_cost_exporter.clock import ManualClock
from claude_cost_exporter.simulator import Simulator, serve

KEY = "sk-ant-admin01-canary-0123456789abcdef"


@pytest.fixture
def api():
    """Return a function that starts a simulated API; every one is stopped in the end."""
    servers = []

    def start(scenario="steady", **options):
        simulator = Simulator(scenario, seed=7, **options)
        server = serve(simulator)
        servers.append(server)
        simulator.url = server.url
        return simulator

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def config(tmp_path):
    """Return a function that writes a configuration of accounts that read one URL each."""

    def write(*urls, more="", **settings):
        lines = [f"ledger: {{url: 'sqlite:///{tmp_path}/ledger.db'}}", more, "sources:"]
        for index, url in enumerate(urls):
            block = {"account": f"acme-{index}", "admin_key_env": "KEY", "base_url": url} | settings
            lines.append("  - " + json.dumps({"type": "anthropic"} | block))
        path = tmp_path / "config.yml"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return write


@pytest.fixture
def frozen(api):
    """Return a function that starts an API whose usage stands still at this moment."""

    def start(scenario="steady", *, age=timedelta(0), **options):
        now = datetime.now(UTC)
        return api(scenario, clock=ManualClock(now), start=now - age, **options)

    return start


@pytest.fixture
def probe(config, tmp_path, monkeypatch):
    """Return a function that probes APIs, checks that no key shows, and gives the result."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("KEY", KEY)

    def run(*apis, options=(), key=KEY, **settings):
        monkeypatch.setenv("KEY", key)
        path = config(*[one.url for one in apis], **({"poll_interval": "2s"} | settings))
        result = CliRunner().invoke(app, ["probe", f"--config.file={path}", *options])
        assert key not in result.output
        assert not list(tmp_path.glob("**/ledger.db*"))
        return result

    return run
