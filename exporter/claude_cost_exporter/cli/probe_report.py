"""What `probe` found, as text for people and as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from claude_cost_exporter import __version__
from claude_cost_exporter.clock import HOUR, floor_hour
from claude_cost_exporter.errors import SourceError
from claude_cost_exporter.pricing.exact import plain
from claude_cost_exporter.records import NANO, Tokens, TokenType, Window, model_label
from claude_cost_exporter.sources.findings import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from rich.console import Console

    from claude_cost_exporter.clock import Clock
    from claude_cost_exporter.pricing.book import PriceBook
    from claude_cost_exporter.records import UsageRecord
    from claude_cost_exporter.sources.findings import Probe

STYLES = {Verdict.YES: "green", Verdict.NO: "yellow", Verdict.NOT_ASKED: "dim"}
LEAST_WIDTH = 120


@dataclass(slots=True)
class Total:
    """Usage and its estimated cost in nano-USD."""

    tokens: Tokens = field(default_factory=Tokens)
    web_searches: int = 0
    cost: int = 0
    unpriced: dict[str, int] = field(default_factory=dict)
    """Tokens without a price, by the reason."""

    def add(self, record: UsageRecord, account: str, book: PriceBook) -> None:
        """Add one record at the rates of its day."""
        self.tokens = Tokens(*map(sum, zip(self.tokens, record.tokens, strict=True)))
        self.web_searches += record.web_searches
        rates = book.rates(account, record.dimensions, record.hour.date())
        self.cost += rates.cost(record.tokens, record.web_searches).total
        if rates.per_million is None:
            self.unpriced[rates.reason] = self.unpriced.get(rates.reason, 0) + record.tokens.total


@dataclass(slots=True)
class Report:
    """Everything about one account."""

    account: str
    since: datetime
    until: datetime
    findings: list[Finding] = field(default_factory=list)
    models: dict[str, Total] = field(default_factory=dict)
    total: Total | None = None
    """None: the month could not be read."""

    @property
    def missed(self) -> list[Finding]:
        """Return what would be needed and is not there."""
        return [finding for finding in self.findings if finding.is_missed]


def examine(
    account: str, probe: Probe, book: PriceBook, clock: Clock, say: Callable[[str], None]
) -> Report:
    """Ask every question, then read this UTC month's usage."""
    now = clock.now()
    report = Report(account, floor_hour(now).replace(day=1, hour=0), now)
    for finding in probe.findings():
        say(f"asking about {account}: {finding.question} is answered")
        report.findings.append(finding)
    if not report.missed:
        say(f"reading this month's usage of {account}")
        report.findings.append(_read_month(report, probe, book))
    return report


def _read_month(report: Report, probe: Probe, book: PriceBook) -> Finding:
    window = Window(report.since, floor_hour(report.until) + HOUR)
    verdict, status, whole = Verdict.YES, None, Total()
    try:
        for record in probe.usage(window):
            model = model_label(record.dimensions.model)
            for total in (whole, report.models.setdefault(model, Total())):
                total.add(record, report.account, book)
        report.total = whole
        sentence = f"{len(report.models)} models were used"
    except SourceError as error:
        verdict, sentence, status = Verdict.NO, str(error), error.status
    return Finding("month to date", "", needed=True, verdict=verdict, sentence=sentence,
                   status=status)  # fmt: skip


def as_json(reports: Sequence[Report], *, names: bool) -> str:
    """Return the reports as one JSON document."""
    document = {
        "version": __version__,
        "accounts": [_account_json(report, names=names) for report in reports],
    }
    return json.dumps(document, indent=2)


def _account_json(report: Report, *, names: bool) -> dict[str, Any]:
    findings = [asdict(finding) for finding in report.findings]
    if not names:
        findings = [{k: v for k, v in finding.items() if k != "names"} for finding in findings]
    return {
        "account": report.account,
        "ok": not report.missed,
        "findings": findings,
        "month_to_date": None if report.total is None else _month_json(report, report.total),
    }


def _month_json(report: Report, total: Total) -> dict[str, Any]:
    return {
        "time_zone": "UTC",
        "since": report.since.isoformat(),
        "until": report.until.isoformat(timespec="seconds"),
        "total": _total_json(total),
        "models": {model: _total_json(one) for model, one in report.models.items()},
    }


def _total_json(total: Total) -> dict[str, Any]:
    return {
        "estimated_cost_usd": plain(Decimal(total.cost) / NANO),
        "tokens": total.tokens._asdict(),
        "web_searches": total.web_searches,
        "tokens_without_price": total.unpriced,
    }


def print_text(reports: Sequence[Report], console: Console, *, names: bool) -> None:
    """Print the reports as tables. Whatever came from outside is text, never markup."""
    if not console.is_terminal:
        console.width = max(console.width, LEAST_WIDTH)
    for report in reports:
        console.print(Text(f"\naccount {report.account}", style="bold"))
        console.print(_findings_table(report))
        if names:
            for finding in report.findings:
                for name in finding.names:
                    console.print(Text(f"  {finding.question}: {name}"))
        if report.total is not None:
            _print_month(report, report.total, console)
        missed = ", ".join(finding.question for finding in report.missed)
        words = f"cannot be read: {missed}" if missed else "all that is needed can be read"
        console.print(Text(words, style="red bold" if missed else "green bold"))


def _findings_table(report: Report) -> Table:
    table = Table("question", "verdict", "HTTP", "found", box=SIMPLE_HEAD)
    for finding in report.findings:
        style = "red bold" if finding.is_missed else STYLES[finding.verdict]
        table.add_row(
            Text(finding.question),
            Text(finding.verdict, style=style),
            Text(str(finding.status or "")),
            Text(finding.sentence.removeprefix(f"{finding.endpoint}: HTTP {finding.status}: ")),
        )
    return table


def _print_month(report: Report, whole: Total, console: Console) -> None:
    console.print(
        Text(
            f"Month to date in UTC, {report.since:%Y-%m-%d} to {report.until:%Y-%m-%d %H:%M}. "
            "Compare these with the Console for the same UTC days: tokens under Usage, cost under "
            "Cost. The cost here is estimated: tokens x prices."
        )
    )
    ranked = sorted(report.models.items(), key=lambda one: -one[1].cost)
    models = _figures("model", "estimated USD", "tokens", "web searches")
    for name, total in (*ranked, ("total", whole)):
        cost = f"{Decimal(total.cost) / NANO:,.2f}"
        counts = (f"{count:,}" for count in (total.tokens.total, total.web_searches))
        models.add_row(Text(name), cost, *counts)
    types = _figures("token type", "tokens")
    for token_type, count in zip(TokenType, whole.tokens, strict=True):
        types.add_row(token_type, f"{count:,}")
    console.print(models, types)
    for model, total in ranked:
        for reason, tokens in total.unpriced.items():
            console.print(Text(f"without a price ({reason}): {tokens:,} tokens of {model}"))


def _figures(*headers: str) -> Table:
    """Return a table with figures in all columns but the first."""
    table = Table(*headers, box=SIMPLE_HEAD)
    for column in table.columns[1:]:
        column.justify = "right"
    return table
