"""The shipped monitoring, whole and alive: exporter, Prometheus, Alertmanager, Slack and mail.

What is changed of what we ship: addresses, and patience. Real time cannot be sped up, so scrapes
and evaluations come every second or two, every `for` and `keep_firing_for` is a second, and groups
wait a second. Expressions, levels, labels, texts, routes and inhibitions are as shipped.

History up to now is backfilled into an empty Prometheus by our own command, with the labels of the
live scrapes; so what happens in a scenario can have begun hours ago.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.simulator import serve
from tests.alerting.configured import impatient, install, uncommented
from tests.alerting.receivers import MailReceiver, SlackReceiver
from tests.alerting.servers import PATIENCE_SECONDS, Alertmanager, wait_until
from tests.e2e.asking import free_port
from tests.e2e.servers import Prometheus
from tests.support.processes import ExporterProcess
from tests.support.rules import PROMETHEUS, metrics_read
from tests.support.simulated import CONFIG, KEY

if TYPE_CHECKING:
    from pathlib import Path

    from claude_cost_exporter.simulator import Simulator
    from tests.alerting.servers import AlertmanagerTools
    from tests.e2e.servers import PrometheusTools

USER, PASSWORD = "claude-cost@example.com", "a password from a file"
JOB = "claude-cost-exporter"
HISTORY_START = re.compile(
    r'^llm_source_history_start_timestamp_seconds\{.*source="usage".*\} (\S+)$', re.MULTILINE
)
BACKFILLED = timedelta(days=9)
"""A week to compare with, and what is compared with it."""


class ShippedPrometheus(Prometheus):
    """A Prometheus with our configuration and rules; only addresses and patience differ."""

    def __init__(self, tools, folder, *, exporter: str, alertmanager: str) -> None:
        # Alerts of the first seconds, when Alertmanager is not known yet, are sent again soon.
        super().__init__(tools, folder, flags=["--rules.alert.resend-delay=5s"])
        self._addresses = {"localhost:9853": exporter, "localhost:9093": alertmanager}

    def _start_once(self, port: int) -> None:
        shutil.copytree(PROMETHEUS / "rules", self.folder / "rules", dirs_exist_ok=True)
        for path in (self.folder / "rules").glob("*.yml"):
            path.write_text(hurried(path.read_text(encoding="utf-8")), encoding="utf-8")
        text = (PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8")
        for ours, here in (self._addresses | {"localhost:9090": f"127.0.0.1:{port}"}).items():
            text = text.replace(ours, here)
        (self.folder / "prometheus.yml").write_text(hurried(text), encoding="utf-8")
        super()._start_once(port)


def hurried(text: str) -> str:
    """Return rules or a configuration in which nothing waits for longer than two seconds."""
    text = re.sub(r"(?m)^( +(?:for|keep_firing_for): )\S+$", r"\g<1>1s", text)
    text = re.sub(r"(?m)^( +evaluation_interval: )\S+$", r"\g<1>2s", text)
    return re.sub(r"(?m)^( +(?:interval|scrape_interval): )\S+$", r"\g<1>2s", text)


class Stack:
    """One exporter with its simulated provider, and all that stands behind it."""

    def __init__(
        self, folder: Path, simulator: Simulator, prometheus: PrometheusTools, **settings
    ) -> None:
        self._folder, self._prometheus_tools = folder, prometheus
        self.simulator = simulator
        self._settings = {"more": "", "history": BACKFILLED.days} | settings
        self._open = ExitStack()

    def __enter__(self):
        with ExitStack() as stack:
            self.api = stack.enter_context(serve(self.simulator))
            self.slack = stack.enter_context(SlackReceiver())
            self.mail = stack.enter_context(MailReceiver(USER, PASSWORD))
            self.address = f"127.0.0.1:{free_port()}"
            config = self.configure()
            self.exporter = stack.enter_context(ExporterProcess(config, self.address))
            self._open = stack.pop_all()
        return self

    def __exit__(self, *error):
        return self._open.__exit__(*error)

    def configure(self, **settings) -> Path:
        """Write the exporter's configuration; it counts from the next start on."""
        self._settings |= settings
        text = CONFIG.format(
            folder=self._folder,
            poll="2s",
            history=f"{self._settings['history']}d",
            api="legacy",
            source='claude_code: {users: "off"}',
            scrape="2s",
            more=f"new_series_hold: 4s\n{self._settings['more']}",
        ).replace('http://127.0.0.1:9"', f'{self.api.url}"')
        path = self._folder / "config.yml"
        path.write_text(text, encoding="utf-8")
        return path

    def restart(self, **settings) -> None:
        """Start the exporter again, with another configuration."""
        self.exporter.end(signal.SIGTERM)
        self.configure(**settings)
        self.exporter.start()

    def watch(self, alertmanager: AlertmanagerTools) -> None:
        """Backfill an empty Prometheus, and start it with Alertmanager and both channels."""
        self._wait_for_history()
        self.alertmanager = self._open.enter_context(
            Alertmanager(alertmanager, self._folder, self._alerting())
        )
        self.prometheus = ShippedPrometheus(
            self._prometheus_tools,
            self._folder / "prometheus",
            exporter=self.address,
            alertmanager=self.alertmanager.url.removeprefix("http://"),
        )
        self._backfill()
        if days := self._settings.get("more_history"):
            self.restart(history=days)
            self._wait_for_history()
        self._open.enter_context(self.prometheus)

    def _wait_for_history(self) -> None:
        wanted = (datetime.now(UTC) - (self._settings["history"] - 1) * DAY).timestamp()

        def loaded() -> bool:
            try:
                found = HISTORY_START.search(self.exporter.get("/metrics"))
            except OSError:
                return False
            return bool(found) and float(found[1]) <= wanted

        wait_until(loaded, "the history is read", 3 * PATIENCE_SECONDS)

    def _alerting(self) -> Path:
        secrets = self._folder / "secrets"
        secrets.mkdir()
        (secrets / "slack_webhook_url").write_text(self.slack.url + "\n", encoding="utf-8")
        (secrets / "smtp_password").write_text(PASSWORD, encoding="utf-8")
        smarthost = f"127.0.0.1:{self.mail.port}\n  smtp_require_tls: false"
        text = impatient(uncommented("slack", "mail")).replace("smtp.example.com:587", smarthost)
        text = text.replace("/etc/alertmanager/secrets", str(secrets))
        text = text.replace("group_wait: 1s", "group_wait: 6s")  # names are recorded by then
        return install(self._folder / "alerting", text)

    def _backfill(self) -> None:
        program = [sys.executable, "-m", "claude_cost_exporter", "backfill"]
        done = subprocess.run(
            [
                *program,
                f"--config.file={self._folder / 'config.yml'}",
                f"--output={self._folder / 'history.om'}",
                f"--job={JOB}",
                f"--instance={self.address}",
            ],
            env={"KEY": KEY},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self._prometheus_tools.load(self._recent(self._folder / "history.om"), self.prometheus.data)

    def _recent(self, history: Path) -> Path:
        """Return the last days of what the rules read: all the rest takes promtool minutes."""
        start, names = (datetime.now(UTC) - BACKFILLED).timestamp(), metrics_read()
        recent = self._folder / "recent.om"
        with history.open(encoding="utf-8") as lines, recent.open("w", encoding="utf-8") as kept:
            kept.writelines(
                line
                for line in lines
                if re.match(r"\w+", line)
                and re.match(r"\w+", line)[0] in names
                and float(line.rsplit(" ", 1)[1]) >= start
            )
            kept.write("# EOF\n")
        history.unlink()
        return recent
