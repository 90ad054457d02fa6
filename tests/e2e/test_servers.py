"""The harness itself: real Prometheus versions load, scrape, answer and stop."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.e2e.servers import TOOLS, MissingServerError, Prometheus, PrometheusTools, ServerError

START = 1_760_000_000
STEP = 60
SAMPLES = 181


@pytest.fixture
def exposition(tmp_path):
    """Three hours of a counter that grows by 2 a minute."""
    lines = ["# TYPE spent counter"]
    lines += [
        f'spent_total{{model="m"}} {2 * index} {START + index * STEP}' for index in range(SAMPLES)
    ]
    path = tmp_path / "history.om"
    path.write_text("\n".join([*lines, "# EOF", ""]), encoding="utf-8")
    return path


@pytest.fixture
def endpoint():
    """A loopback target whose counter shows how often it was scraped."""

    class Handler(BaseHTTPRequestHandler):
        scrapes = 0

        def do_GET(self):
            type(self).scrapes += 1
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(f"# TYPE seen_total counter\nseen_total {self.scrapes}\n".encode())

        def log_message(self, *_arguments):
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_loaded_history_is_queried(prometheus_tools, exposition, tmp_path):
    """What promtool loads is there sample by sample, and increase() is right on it."""
    prometheus = Prometheus(prometheus_tools, tmp_path)
    prometheus_tools.load(exposition, prometheus.data)
    end = START + (SAMPLES - 1) * STEP

    with prometheus:
        assert prometheus.value("increase(spent_total[1h])", end) == pytest.approx(120)
        (series,) = prometheus.raw("spent_total", START, end)
        steps = prometheus.query_range("sum(spent_total)", START, START + 300, STEP)

    assert series.labels == {"__name__": "spent_total", "model": "m"}
    assert series.points == tuple(
        (float(START + index * STEP), 2.0 * index) for index in range(SAMPLES)
    )
    assert [value for _, value in steps[0].points] == [0, 2, 4, 6, 8, 10]


def test_raw_includes_both_ends_and_nothing_else(prometheus_tools, exposition, tmp_path):
    """A stretch of raw samples begins and ends where asked, on every version."""
    prometheus = Prometheus(prometheus_tools, tmp_path)
    prometheus_tools.load(exposition, prometheus.data)

    with prometheus:
        (series,) = prometheus.raw("spent_total", START + STEP, START + 3 * STEP)

    assert [value for _, value in series.points] == [2, 4, 6]


def test_target_is_scraped(prometheus_tools, endpoint, tmp_path):
    """A configured target is scraped, and the samples are the ones it gave, in order."""
    with Prometheus(prometheus_tools, tmp_path, targets=[endpoint]) as prometheus:
        (last,) = prometheus.wait_for("seen_total > 2")
        (series,) = prometheus.raw("seen_total", last.points[0][0] - 60, last.points[0][0])

    values = [value for _, value in series.points]
    assert values == list(range(1, len(values) + 1))


def test_restart_keeps_the_data(prometheus_tools, exposition, tmp_path):
    """A server that is stopped and started again answers from the same folder."""
    prometheus = Prometheus(prometheus_tools, tmp_path)
    prometheus_tools.load(exposition, prometheus.data)

    with prometheus:
        before = prometheus.value("spent_total", START + STEP)
    with prometheus:
        assert prometheus.value("spent_total", START + STEP) == before == 2


def test_server_that_does_not_start_shows_its_log(prometheus_tools, tmp_path):
    """A server that ends at once is an error that holds what it said."""
    with (
        pytest.raises(ServerError, match="unknown long flag"),
        Prometheus(prometheus_tools, tmp_path, flags=["--no-such-flag"]),
    ):
        pass


def test_failure_inside_the_block_shows_the_log(prometheus_tools, tmp_path):
    """A failing test carries the end of the server's log, and the server is stopped."""
    prometheus = Prometheus(prometheus_tools, tmp_path)

    with pytest.raises(ServerError, match="refused") as caught, prometheus:
        prometheus.query("not a query(", START)

    assert "Prometheus' log" in caught.value.__notes__[0]
    assert "Server is ready" in caught.value.__notes__[0]


def test_check_metrics_finds_what_is_wrong(prometheus_tools):
    """Promtool's lint is quiet about a good exposition and names the metric of a bad one."""
    good = "# HELP spent_total Spent.\n# TYPE spent_total counter\nspent_total 1\n"
    bad = "# HELP spent Spent.\n# TYPE spent counter\nspent 1\n"

    assert prometheus_tools.check_metrics(good) == []
    assert any("spent" in complaint for complaint in prometheus_tools.check_metrics(bad))
    assert prometheus_tools.check_metrics("no metrics at all {")


def test_broken_history_is_refused_with_promtools_words(prometheus_tools, tmp_path):
    """A file that promtool cannot read is an error that holds what promtool said."""
    path = tmp_path / "broken.om"
    path.write_text("spent_total 1 1\n", encoding="utf-8")

    with pytest.raises(ServerError, match="EOF"):
        prometheus_tools.load(path, tmp_path / "data")


def test_missing_server_is_named():
    """A version that was not brought is named, with what to do about it."""
    assert not (TOOLS / "prometheus-1").exists()
    with pytest.raises(MissingServerError, match=r"Prometheus 1 is missing .*make servers"):
        PrometheusTools.find(1)
