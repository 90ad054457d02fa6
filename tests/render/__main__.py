"""Draw every dashboard with Grafana's own UI libraries, from a real Prometheus.

usage: python -m tests.render [--into=FOLDER] [--prometheus=URL] [--only=NAME] [--leave-out=NAME]

Fails when a panel shows an error, or is empty though the data have what it asks for.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from scripts.browser import MissingBrowserError
from scripts.browser import find as find_browser
from tests.e2e.servers import MissingServerError, Prometheus, PrometheusTools
from tests.e2e.two_months import EMPTY_PANELS, two_months
from tests.render.asking import drawn
from tests.render.drawing import FOLDER, CannotDrawError, draw, prepare, served, shrink
from tests.support.dashboards import boards

PICTURES = FOLDER / "pictures"
MOST_BYTES = 300_000
HEALTH = "llm-cost-health"
LIVED = "count_over_time(llm_source_up{source='usage'}[5m]) > 48"
"""What the exporter tells about itself has no past: some minutes of it must have been scraped."""
LIFE = {"from": "now-5m", "to": "now"}


def main():
    """Draw all; exit 1 with what is wrong with which panel."""
    arguments = parse()
    try:
        browser = find_browser()
        prepare()
        with tempfile.TemporaryDirectory() as folder, asked_of(arguments, folder) as server:
            problems = draw_all(browser, server, arguments)
    except (CannotDrawError, MissingBrowserError, MissingServerError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stderr.writelines(f"error: {problem}\n" for problem in problems)
    return int(bool(problems))


def parse():
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.render")
    parser.add_argument("--into", type=Path, default=PICTURES)
    parser.add_argument("--prometheus", help="one that runs, instead of two simulated months")
    parser.add_argument("--only", default="", help="part of the names of dashboards")
    parser.add_argument("--leave-out", default=" ", help="the same")
    return parser.parse_args()


@contextmanager
def asked_of(arguments, folder):
    """Yield the Prometheus that is asked."""
    if arguments.prometheus:
        server = Prometheus(PrometheusTools.find(3), Path(folder))
        server.url = arguments.prometheus.rstrip("/")
        yield server
    else:
        with two_months(Path(folder)) as stack:
            yield stack.server


def draw_all(browser, server, arguments):
    """Draw into the folder; return what is wrong."""
    arguments.into.mkdir(parents=True, exist_ok=True)
    problems, pictures = [], []
    with served() as page:
        for uid, board in chosen(arguments):
            if board["time"] is LIFE:
                server.wait_for(LIVED, 300.0)
            pictures.append((arguments.into / f"{uid}.png").resolve())
            shown = draw(browser, page, board, drawn(server, board), pictures[-1])
            problems += [f"{uid}: {said}" for said in wrong(uid, shown)]
            sys.stdout.write(f"{uid}: {len(shown)} panels\n")
            sys.stdout.flush()
    shrink(pictures)
    large = [one for one in pictures if one.stat().st_size > MOST_BYTES]
    return problems + [f"{one.name} has {one.stat().st_size:,} bytes" for one in large]


def chosen(arguments):
    """Return the dashboards to draw; the simulated one that needs a life comes last."""
    found = {uid: board for uid, board in boards().items() if wanted(uid, arguments)}
    if HEALTH in found and not arguments.prometheus:
        found[HEALTH] = {**found.pop(HEALTH), "time": LIFE}
    return found.items()


def wanted(uid, arguments):
    """Tell whether a dashboard is to be drawn."""
    return arguments.only in uid and arguments.leave_out not in uid


def wrong(uid, shown):
    """Yield what no panel should show."""
    for panel in shown:
        title = panel["title"]
        if panel["error"]:
            yield f"{title}: {panel['error']}"
        elif "No data" in panel["text"]:
            yield f"{title}: No data"
        elif panel["empty"] and (uid, title) not in EMPTY_PANELS:
            yield f"{title} is empty: {panel['text']!r}"
        elif not panel["drawn"]:
            yield f"{title} has data and draws nothing"


if __name__ == "__main__":
    sys.exit(main())
