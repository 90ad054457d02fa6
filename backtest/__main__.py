"""Print how good forecasts and alarms are on simulated organisations; exit 1 below the bounds."""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from backtest.alarms import (
    INCIDENTS,
    JUDGED_DAYS,
    LOOP,
    WARM_DAYS,
    caught,
    exporter,
    false_per_30_days,
    median_delays,
    naive,
    try_out,
)
from backtest.forecasts import HORIZONS, judge, replay
from backtest.organisations import HOURS, KINDS, spend
from claude_cost_exporter.plans import GATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from backtest.alarms import Verdict
    from backtest.forecasts import Accuracy

# Seeds 1 to 6 were there to tune on; no setting was ever chosen by the seeds that judge.
JUDGING_SEEDS = range(101, 113)
DAYS = 211  # September to March
KIND_NAMES = (*(kind.name for kind in KINDS), "all")

FORMER_GATES = {**GATES, "1h": GATES["1h"]._replace(sigmas=5.0)}
DETECTORS = {
    "exporter": exporter(),
    "hour at 5 sigma": exporter(FORMER_GATES),
    "mean+3sigma": naive,
}


def main() -> int:
    """Replay all organisations, print the tables, and return 1 when a bound is missed."""
    series = [(kind.name, spend(kind, seed, DAYS)) for kind in KINDS for seed in JUDGING_SEEDS]
    accuracies = _forecast(series)
    _print(_forecast_table(accuracies))
    verdicts = _alarm(series)
    _print(_alarm_table(verdicts))
    complaints = list(missed(accuracies["all"], verdicts["exporter"]["all"]))
    _print(complaints or ["within all bounds"])
    return int(bool(complaints))


def _forecast(series: Sequence[tuple[str, list[float]]]) -> Mapping[str, Mapping[str, Accuracy]]:
    """Return kind -> horizon -> accuracy; every series weighs the same."""
    found = defaultdict(list)
    for kind, hours in series:
        days = [sum(hours[start : start + HOURS]) for start in range(0, len(hours), HOURS)]
        for forecast in replay(days):
            for name in (kind, "all"):
                found[name, forecast.horizon].append(forecast)
    return {
        kind: {horizon: judge(found[kind, horizon]) for horizon in HORIZONS} for kind in KIND_NAMES
    }


def _alarm(
    series: Sequence[tuple[str, list[float]]],
) -> Mapping[str, Mapping[str, Sequence[Verdict]]]:
    """Return detector -> kind -> verdicts."""
    found: dict[str, dict[str, list[Verdict]]] = {name: defaultdict(list) for name in DETECTORS}
    for kind, hours in series:
        for name, detector in DETECTORS.items():
            verdict = try_out(detector, hours[: (WARM_DAYS + JUDGED_DAYS) * HOURS])
            found[name][kind].append(verdict)
            found[name]["all"].append(verdict)
    return found


def _forecast_table(accuracies: Mapping[str, Mapping[str, Accuracy]]) -> Iterator[str]:
    for horizon in HORIZONS:
        yield f"{horizon:20} run_rate_7d  weekday_ewma   gain  P10-P90 holds"
        for kind, by_horizon in accuracies.items():
            found = by_horizon[horizon]
            errors = f"{found.run_rate:11.3f} {found.weekday_ewma:13.3f}"
            yield f"  {kind:18} {errors} {found.gain:6.1%} {found.coverage:14.1%}"
        yield ""


def _alarm_table(verdicts: Mapping[str, Mapping[str, Sequence[Verdict]]]) -> Iterator[str]:
    yield "false episodes / 30 days  " + "  ".join(f"{name:>15}" for name in DETECTORS)
    for kind in KIND_NAMES:
        rates = (false_per_30_days(verdicts[name][kind], "any") for name in DETECTORS)
        yield f"  {kind:24}" + "  ".join(f"{rate:15.2f}" for rate in rates)
    for window in GATES:
        rates = (false_per_30_days(verdicts[name]["all"], window) for name in DETECTORS)
        yield f"  all, {window:>3} alone          " + "  ".join(f"{rate:15.2f}" for rate in rates)
    yield ""
    yield "caught, median hours until seen: with the open hour / by complete hours only"
    for incident in INCIDENTS:
        for name in DETECTORS:
            found = verdicts[name]["all"]
            soon, late = median_delays(found, incident.name)
            share = caught(found, incident.name)
            yield f"  {incident.name:9} {name:16} {share:6.1%} {soon:6.1f} / {late:.1f}"
    yield ""


def missed(accuracy: Mapping[str, Accuracy], verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield a sentence for each bound that is missed."""
    month_end = accuracy["month_end"]
    bounds = (
        ("month-end gain over the run rate", month_end.gain, 0.03, 1.0),
        ("coverage of the month-end interval", month_end.coverage, 0.70, 0.92),
        ("false episodes in 30 days", false_per_30_days(verdicts, "any"), 0.0, 1.6),
        ("caught 4x loops", caught(verdicts, LOOP.name), 0.95, 1.0),
    )
    for name, value, low, high in bounds:
        if not low <= value <= high:
            yield f"MISSED: {name} is {value:.3f}, not from {low} to {high}"


def _print(lines: Sequence[str] | Iterator[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
