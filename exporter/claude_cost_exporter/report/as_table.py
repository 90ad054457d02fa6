"""Reports for people: tables that fit into 80 columns, coloured in a terminal only (floor 4)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from claude_cost_exporter.clock import DAY
from claude_cost_exporter.report.figures import figures, fit
from claude_cost_exporter.report.words import (
    NOTHING,
    about,
    between,
    count,
    dollars,
    first_guess,
    percent,
    printable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from rich.console import Console, RenderableType

    from claude_cost_exporter.report.model import (
        AccountSpend,
        BudgetState,
        Credit,
        Forecast,
        Report,
        Share,
    )

HORIZONS = {"month_end": "this month", "next_month": "next month"}
TITLES = {
    "model": "Models",
    "workspace": "Workspaces",
    "api_key": "API keys",
    "token_type": "Token types",
}
MOST_ROWS = 20
BAR = 12
TOO_MUCH = 10
COLOURS = {"": "green", "soft": "cyan", "warn": "yellow", "hard": "red"}


def print_report(report: Report, console: Console) -> None:
    """Print everything that the report knows."""
    for part in _parts(report, console):
        fitting = fit(part, console.width) if isinstance(part, Table) else part
        console.print(fitting, highlight=False)


def _parts(report: Report, console: Console) -> Iterator[RenderableType]:
    yield _title(report)
    yield _totals(report)
    yield from _unknown(report)
    if report.unpriced_tokens:
        sentence = f"{count(report.unpriced_tokens)} tokens have no price: their cost is missing."
        yield Text(sentence, style="yellow")
    several = sum(one.is_read for one in report.accounts) > 1
    for kind, members in report.by.items():
        if members:
            yield ""
            yield _shares(TITLES[kind], members, several=several)
    if report.forecasts:
        yield ""
        yield _forecasts(report.forecasts)
    if report.budgets:
        yield ""
        yield _budgets(report, solid=console.encoding.startswith("utf"))
    yield from _fixed(report)


def _title(report: Report) -> Text:
    period, last = report.period, report.period.end - DAY
    days = f"{period.first}" if period.first == last else f"{period.first} to {last}"
    running = "Today" if period.name == "day" else f"This {period.name}"
    name = period.name.capitalize() if period.is_over else running
    title = Text(f"{name}: {days}, {report.time_zone}", style="bold")
    known = _moment(report.data_until, report) if report.data_until else "nowhere yet"
    return title.append(f"   data until {known}", style="not bold dim")


def _lasts_until(credit: Credit, report: Report) -> str:
    if credit.balance_usd <= 0:
        return "spent"
    return NOTHING if credit.exhausted_at is None else _moment(credit.exhausted_at, report)


def _moment(moment: datetime, report: Report) -> str:
    """Return a moment in the zone that the title names; the year only where it is another one."""
    local = moment.astimezone(ZoneInfo(report.time_zone))
    this_year = local.year == report.period.end.year
    return f"{local:%m-%d %H:%M}" if this_year else f"{local:%Y-%m-%d %H:%M}"


def _totals(report: Report) -> Table:
    table = figures("Account", "Metered", "Fixed", "Total", "Tokens", "Cache hits")
    names = Counter(one.account for one in report.accounts)
    for one in report.accounts:
        provider = f" ({one.provider})" if names[one.account] > 1 else ""
        table.add_row(
            printable(f"{one.account}{provider}"),
            _metered(one),
            dollars(one.subscription_usd),
            dollars(one.total_usd),
            count(one.tokens.total) if one.is_read else NOTHING,
            percent(one.tokens.cache_hit_ratio),
        )
    if len(report.accounts) > 1:
        metered, fees, tokens = _together(report.accounts)
        table.add_section()
        table.add_row(
            "All", dollars(metered), dollars(fees), dollars(report.total_usd), count(tokens)
        )
    return table


def _metered(one: AccountSpend) -> str:
    if not one.is_read:
        return NOTHING
    if one.metered_usd is not None:
        return dollars(one.metered_usd)
    return "loading" if one.is_loading else "unknown"


def _unknown(report: Report) -> Iterator[Text]:
    """Yield since when the spend of an account is known that nothing more is loaded of."""
    for one in report.accounts:
        if one.metered_usd is None and one.known_from is not None:
            since = _moment(one.known_from, report)
            more = ", and more is being loaded" if one.is_loading else ""
            sentence = (
                f"{printable(one.account)}: not all of this {report.period.name} has been read; "
                f"usage is known from {since} on{more}."
            )
            yield Text(sentence, style="yellow")


def _together(accounts: Iterable[AccountSpend]) -> tuple[float | None, float, int]:
    """Return metered cost, unknown while one account's is, fees and tokens."""
    metered = [one.metered_usd for one in accounts]
    known = [amount for amount in metered if amount is not None]
    return (
        sum(known) if len(known) == len(metered) else None,
        sum(one.subscription_usd for one in accounts),
        sum(one.tokens.total for one in accounts),
    )


def _shares(title: str, members: Sequence[Share], *, several: bool) -> Table:
    table = figures(title, "Spend", "Share", "Tokens", "Cache hits")
    whole = sum(one.spend_usd or 0.0 for one in members)
    for one in members[:MOST_ROWS]:
        name = printable(one.name or one.id)
        table.add_row(
            f"{printable(one.account)}: {name}" if several else name,
            dollars(one.spend_usd),
            percent((one.spend_usd or 0.0) / whole) if whole else NOTHING,
            count(one.tokens.total),
            percent(one.tokens.cache_hit_ratio),
        )
    rest = members[MOST_ROWS:]
    if rest:
        amount = sum(one.spend_usd or 0.0 for one in rest)
        tokens = sum(one.tokens.total for one in rest)
        share = percent(amount / whole) if whole else NOTHING
        table.add_row(f"{len(rest)} more", dollars(amount), share, count(tokens), NOTHING)
    return table


def _forecasts(forecasts: Iterable[Forecast]) -> Table:
    rows = [one for one in forecasts if one.method == "weekday_ewma"]
    if sum(one.account == "" for one in rows) * 2 == len(rows):  # one account is the total
        rows = [one for one in rows if one.account == ""]
    table = figures("Forecast, fixed fees included", "Expected", "8 times in 10")
    for one in rows:
        whose = f"{printable(one.account)}, " if one.account else ""
        label = f"{whose}{HORIZONS[one.horizon]}"
        if guess := first_guess(one.history_days):
            label += f" ({guess})"
        table.add_row(label, about(one.p50_usd), between(one.p10_usd, one.p90_usd))
    return table


def _budgets(report: Report, *, solid: bool) -> Table:
    table = figures("Budgets", "Spent", "Limit", "", "Expected", "Limit reached")
    table.columns[3].justify = "left"
    for one in report.budgets:
        table.add_row(
            f"{printable(one.budget)}, {one.period}",
            about(one.spent_usd),
            about(one.limit_usd),
            NOTHING if one.used_ratio is None else _bar(one, solid=solid),
            about(one.p50_usd),
            NOTHING if one.exhausted_at is None else _moment(one.exhausted_at, report),
        )
    return table


def _bar(state: BudgetState, *, solid: bool) -> Text:
    """Return the spent share as a bar; it is full when the limit is reached, no sooner."""
    used = state.used_ratio or 0.0
    full, empty = ("\u2588", "\u2591") if solid else ("#", ".")
    filled = min(max(round(used * BAR), 0), BAR if used >= 1 else BAR - 1)
    bar = Text(full * filled, style=COLOURS.get(state.level, "green"))
    share = f"{used:4.0%}" if used < TOO_MUCH else f">{TOO_MUCH:.0%}"
    return bar.append(empty * (BAR - filled), style="dim").append(f" {share}")


def _fixed(report: Report) -> Iterator[RenderableType]:
    if report.subscriptions:
        table = figures("Subscriptions", "A month")
        for plan in report.subscriptions:
            whose = "" if plan.account == "none" else f", {printable(plan.account)}"
            table.add_row(f"{printable(plan.plan)}{whose}", dollars(plan.usd_per_month))
        yield ""
        yield table
    if report.credit:
        table = figures("Prepaid credit", "Balance", "Lasts until")
        for one in report.credit:
            table.add_row(
                printable(one.account), dollars(one.balance_usd), _lasts_until(one, report)
            )
        yield ""
        yield table
