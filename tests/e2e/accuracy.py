"""What Prometheus says about a counter, beside the truth, and a table of the differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claude_cost_exporter.clock import DAY, HOUR
from claude_cost_exporter.records import NANO
from tests.support.five_days import FIVE_DAYS, LAG
from tests.support.scrapes import FAMILY
from tests.support.simulated import START

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from tests.e2e.servers import Prometheus
    from tests.support.five_days import Truth

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """One case on one Prometheus. Errors are in USD: what increase() says minus the truth."""

    truth: Truth
    total: float
    days: list[float]
    hours: list[float]
    levels: list[int]
    """The sum of the counters LAG after each hour's end, in nano-USD."""
    last: dict[Labels, int]
    """Every series at the end, in nano-USD."""
    resets: float

    @property
    def hourly_error(self) -> float:
        """The mean |error| of an hour as a part of the mean hour."""
        return sum(map(abs, self.hours)) / (sum(self.truth.hours) / NANO)

    @property
    def excess(self) -> int:
        """By how much the counters were ever ahead of the API, in nano-USD."""
        pairs = zip(self.levels, self.truth.shown, strict=True)
        return max(level - shown for level, shown in pairs)


def measure(prometheus: Prometheus, name: str, truth: Truth) -> Accuracy:
    """Ask Prometheus about one case."""
    selector = f'{FAMILY}{{scenario="{name}"}}'
    last = START + len(truth.hours) * HOUR + LAG

    def steps(expression: str, step: timedelta) -> list[float]:
        """Return the expression's value LAG after the end of each hour, or each day."""
        (series,) = prometheus.query_range(
            expression, START + step + LAG, last, step.total_seconds()
        )
        return [value for _, value in series.points]

    def errors(window: str, step: timedelta, spent: list[int]) -> list[float]:
        said = steps(f"sum(increase({selector}[{window}]))", step)
        return [usd - nano / NANO for usd, nano in zip(said, spent, strict=True)]

    return Accuracy(
        truth=truth,
        # 6 days reach back beyond the first sample
        total=prometheus.value(f"sum(increase({selector}[6d]))", last) - truth.total / NANO,
        days=errors("1d", DAY, truth.days),
        hours=errors("1h", HOUR, truth.hours),
        levels=[round(usd * NANO) for usd in steps(f"sum({selector})", HOUR)],
        last={
            tuple(sorted(series.labels.items() - {("scenario", name)})): round(series.value * NANO)
            for series in prometheus.query(selector, last)
        },
        resets=prometheus.value(f"sum(resets({selector}[6d]))", last),
    )


def table(version: str, measured: dict[str, Accuracy]) -> Iterable[str]:
    """Yield the errors of all cases as lines of text."""
    days = "".join(f"{f'day {day + 1}':>9}" for day in range(FIVE_DAYS))
    yield (
        f"error of increase() on Prometheus {version}, % of what was spent in the window; asked "
        f"{LAG.seconds // 60} min after its end"
    )
    yield (
        f"{'scenario':14}{'spent $':>9}{'total':>9}{days}{'1 h mean':>10}{'1 h worst $':>13}"
        f"{'not counted $':>15}"
    )
    for name, one in measured.items():
        parts = zip(one.days, one.truth.days, strict=True)
        percents = (100 * NANO * error / spent for error, spent in parts)
        yield (
            f"{name:14}{one.truth.total / NANO:9.2f}"
            f"{100 * NANO * one.total / one.truth.total:+9.4f}"
            + "".join(f"{percent:+9.3f}" for percent in percents).ljust(9 * FIVE_DAYS)
            + f"{100 * one.hourly_error:10.2f}{max(one.hours, key=abs):+13.2f}"
            + f"{sum(one.truth.missed.values()) / NANO:15.2f}"
        )
