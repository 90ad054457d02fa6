"""Day one: the past by `backfill` and the live scrapes after it, in real Prometheus servers.

What is done. An exporter in simulated time polls for the first time in the middle of an hour and
loads eight days. The real command adds them to a data folder with the promtool of each version.
Then the exporter is polled every 5 minutes and scraped every 60 s for six hours, and what the
scrapes saw is loaded beside it. Labels of the scrapes are those of the job.

What is compared. Raw samples: over all time every series has risen by what was used, to the
nano-dollar, the one reset at the seam counted as Prometheus counts it. And increase() over
windows with the seam in them, whose errors are those of increase() alone: it stretches samples to
the window, by at most one step of 5 minutes at its beginning, one scrape of 60 s at its end, and
nothing at the seam; usage comes up to 10 minutes late (5 of the API, 5 of the poll).

And a Prometheus that comes late: its first scrape sees more than the past ended with, so that
nothing but the 0 written at the seam tells it of the reset.
"""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from claude_cost_exporter.backfill.blocks import Blocks
from claude_cost_exporter.catalogue import BY_NAME
from claude_cost_exporter.clock import DAY, HOUR, ManualClock
from claude_cost_exporter.errors import BackfillError
from claude_cost_exporter.records import NANO
from tests.e2e.asking import free_port
from tests.e2e.servers import Prometheus
from tests.support.backfilled import TARGET
from tests.support.program import Program
from tests.support.simulated import START, Simulated

COST, TOKENS, SPEND = "llm_cost_usd_total", "llm_tokens_total", "llm_spend_usd"
FIRST_POLL = START + timedelta(hours=9, minutes=40)
LIVE = timedelta(hours=6)
MINUTE = timedelta(minutes=1)
CONFIG = """
sources: [{{type: anthropic, account: sim, admin_key_env: KEY}}]
ledger: {{url: "sqlite:///{folder}/ledger.db"}}
"""


class DayOne:
    """An exporter that has loaded its history, and then what its scrapes saw."""

    def __init__(self, folder, history="8d") -> None:
        self.folder = folder
        self.config, self.scraped = folder / "config.yml", folder / "scraped.om"
        self.config.write_text(CONFIG.format(folder=folder))
        clock = ManualClock(FIRST_POLL)
        self.simulated = Simulated(folder, start=START, clock=clock, history=history)
        self.simulated.poll()
        while self.simulated.poller.load_history():
            pass
        self.begin = self.simulated.exporter.ledger.progress("sim", "usage").history_start

    def backfill(self, tools, data):
        """Run the command; return its exit code, output and errors."""
        where = (f"--promtool={tools.folder}/promtool", f"--data-dir={data}")
        with Program(self.folder, "backfill", f"--config.file={self.config}", *where) as program:
            code = program.finish()
        return code, program.out, program.err

    def unseen(self) -> None:
        """Poll for a day without a scrape."""
        for _ in range(24):
            self.simulated.clock.advance(HOUR)
            self.simulated.poll()

    def live(self, length=LIVE) -> None:
        """Poll and scrape until the end, and write what was scraped."""
        clock = self.simulated.clock
        scrapes = []
        start = clock.now()
        while (passed := clock.now() - start) < length:
            if passed // MINUTE % 5 == 4:
                self.simulated.poll()
            scrapes.append((clock.now().timestamp(), self.simulated.text()))
            clock.advance(MINUTE)
        self.simulated.poll()
        scrapes.append((clock.now().timestamp(), self.simulated.text()))
        self.last = clock.now()
        with self.scraped.open("w") as file:
            for family in (COST, TOKENS, SPEND):
                total = family.endswith("_total")
                kind = "counter" if total else "gauge"
                file.write(f"# TYPE {family.removesuffix('_total')} {kind}\n")
                for at, text in scrapes:
                    for line in text.splitlines():
                        if line.startswith(family + "{"):
                            labels = ",".join(f'{k}="{v}"' for k, v in TARGET._asdict().items())
                            file.write(line.replace("{", f"{{{labels},", 1) + f" {at:.3f}\n")
            file.write("# EOF\n")

    def truth(self, start, end):
        """Return what was used in a stretch, as far as the API showed it in the end."""
        return self.simulated.simulator.truth(start, end, self.last, visible=True)


@pytest.fixture(scope="module")
def day_one(both_prometheus_tools, tmp_path_factory):
    """The exporter, and the data folder of each version."""
    one = DayOne(tmp_path_factory.mktemp("day-one"))
    one.homes = {tools: tmp_path_factory.mktemp("prometheus") for tools in both_prometheus_tools}
    one.answers, one.again = {}, {}
    for tools, home in one.homes.items():
        (home / "data").mkdir()
        one.answers[tools] = one.backfill(tools, home / "data")
        one.again[tools] = one.backfill(tools, home / "data")
    one.live()
    for tools, home in one.homes.items():
        tools.load(one.scraped, home / "data")
    yield one
    one.simulated.close()


@pytest.fixture(scope="module", params=[0, 1], ids=["2.x", "3.x"])
def server(request, day_one):
    """A Prometheus of each version on the data that the command has made."""
    tools = list(day_one.homes)[request.param]
    with Prometheus(tools, day_one.homes[tools]) as prometheus:
        yield prometheus


def risen(points, unit):
    """Return by how much a counter has risen, a fall being a new beginning at 0."""
    total, before = 0, 0
    for _, value in points:
        now = round(value * unit)
        total += now - before if now >= before else now
        before = now
    return total


def as_it_was_used(one, server, family, unit):
    """Return every series, when each has risen by exactly what was used."""
    names = [name for name in BY_NAME[family].labels if name not in ("provider", "account")]
    end = one.last.replace(second=0, microsecond=0)
    truth = one.truth(one.begin, end)
    used = truth.cost_by_labels() if family == COST else truth.tokens_by_labels()
    found = server.raw(family, one.begin, one.last + MINUTE)
    sums = {
        tuple(series.labels[name] for name in names): risen(series.points, unit) for series in found
    }
    assert {who: amount for who, amount in sums.items() if amount} == {
        who: amount for who, amount in used.items() if amount
    }
    assert len(found) == len(sums)  # past and live are one series each
    return found


@pytest.mark.parametrize(("family", "unit"), [(COST, NANO), (TOKENS, 1)])
def test_no_series_has_lost_or_won_anything_at_the_seam(day_one, server, family, unit):
    """The same series go on over the seam, and have risen by exactly what was used."""
    found = as_it_was_used(day_one, server, family, unit)
    resets = [sum(b[1] < a[1] for a, b in zip(s.points, s.points[1:], strict=False)) for s in found]
    assert max(resets) == 1


def test_a_first_scrape_above_the_past_is_a_reset_all_the_same(prometheus_tools, tmp_path):
    """What the exporter had counted by then is counted whole, and increase() sees it, too."""
    one = DayOne(tmp_path, history="1h")
    one.unseen()
    (tmp_path / "data").mkdir()
    code, _, err = one.backfill(prometheus_tools, tmp_path / "data")
    assert (code, err) == (0, "")
    one.live(10 * MINUTE)
    one.simulated.close()
    prometheus_tools.load(one.scraped, tmp_path / "data")
    with Prometheus(prometheus_tools, tmp_path) as server:
        found = as_it_was_used(one, server, COST, NANO)
        as_it_was_used(one, server, TOKENS, 1)
        window = int((one.last - one.begin + HOUR).total_seconds())
        increase = server.value(f"sum(increase({COST}[{window}s]))", one.last)
    seam = FIRST_POLL.timestamp()
    ended = [[value for at, value in series.points if at <= seam] for series in found]
    began = [next(value for at, value in series.points if at > seam + 1) for series in found]
    higher = [was[-1] < now for was, now in zip(ended, began, strict=True) if was and was[-1]]
    assert sum(higher) > len(higher) / 2
    used = one.truth(one.begin, one.last.replace(second=0, microsecond=0)).cost / NANO
    assert increase == pytest.approx(used, rel=1e-2)


def test_increase_over_everything(day_one, server):
    """From before the first sample on nothing is stretched to the left: 1 in 1000 at most."""
    window = int((day_one.last - day_one.begin + HOUR).total_seconds())
    truth = day_one.truth(day_one.begin, day_one.last.replace(second=0, microsecond=0)).cost / NANO
    found = server.value(f"sum(increase({COST}[{window}s]))", day_one.last)
    assert found == pytest.approx(truth, rel=1e-3)


@pytest.mark.parametrize("hours", [12, 24, 72])
def test_increase_over_windows_with_the_seam_in_them(day_one, server, hours):
    """It is what was used in the window, but for the stretching and what was late at its end."""
    end = day_one.last.replace(second=0, microsecond=0)
    window = day_one.truth(end - hours * HOUR, end).cost / NANO
    found = server.value(f"sum(increase({COST}[{hours}h]))", end)
    assert found == pytest.approx(window, rel=(10 + 5 + 1) / 60 / hours)


def test_increase_of_past_days(day_one, server):
    """A day of the past is what its hours cost; the window's edges are at most a step off."""
    midnight = START.replace(hour=0) - 2 * DAY
    truth = day_one.truth(midnight, midnight + DAY).cost / NANO
    found = server.value(f"sum(increase({COST}[1d]))", midnight + DAY)
    assert found == pytest.approx(truth, rel=5 / 60 / 24)


def test_gauges_have_no_hole(day_one, server):
    """At any minute from the first whole day on there is a spend of today, up to the end."""
    start = day_one.begin + DAY + HOUR
    today = f'{SPEND}{{kind="metered",window="today"}}'
    found = server.query_range(today, start, FIRST_POLL, 60)
    (series,) = found
    assert len(series.points) == (FIRST_POLL - start) // MINUTE + 1


def test_the_command_says_what_it_did(day_one, server):
    """The first time it adds blocks; the second time it refuses, and leaves nothing behind."""
    code, out, err = day_one.answers[server.tools]
    assert (code, err) == (0, "")
    assert " samples of 8." in out
    assert out.endswith(" blocks were added\n")
    code, out, err = day_one.again[server.tools]
    assert (code, out) == (1, "")
    assert "already has counters of job claude-cost-exporter and instance localhost:9853" in err
    assert not [path.name for path in server.data.iterdir() if "backfill" in path.name]


def test_what_prometheus_holds_in_its_log_only_is_not_lost(prometheus_tools, tmp_path):
    """Later blocks would make a restart forget it: such a folder is left alone for a while."""
    before = int(time.time()) - 60
    nobody = f"127.0.0.1:{free_port()}"
    with Prometheus(prometheus_tools, tmp_path, targets=[nobody]) as server:
        server.wait_for("up")
        blocks = Blocks(prometheus_tools.folder / "promtool", server.data)
        blocks.refuse(TARGET, before, before)
        later = int(time.time()) + 60
        with pytest.raises(BackfillError, match="try again three hours after the first poll"):
            blocks.refuse(TARGET, later, later)


def test_a_file_that_promtool_refuses_adds_nothing(prometheus_tools, tmp_path):
    """The sentence is promtool's own, and the folder is as it was."""
    bad = tmp_path / "bad.om"
    bad.write_text("# TYPE a counter\na_total 1 1793664000\n")  # no end mark
    data = tmp_path / "data"
    data.mkdir()
    blocks = Blocks(prometheus_tools.folder / "promtool", data)
    with pytest.raises(BackfillError, match=r"promtool failed: .*EOF"):
        blocks.add(bad)
    assert list(data.iterdir()) == []
