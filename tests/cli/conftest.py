"""A simulated API on a port of its own, and configurations that point at it."""

from __future__ import annotations

import json

import pytest

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
