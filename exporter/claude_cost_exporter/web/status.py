"""The status page: what is spent, how far budgets are, and what each source did (floor 5)."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from claude_cost_exporter import __version__
from claude_cost_exporter.views.health import catching_up, state_lost
from claude_cost_exporter.views.scopes import unknown_scopes
from claude_cost_exporter.views.windows import usage_state
from claude_cost_exporter.web.budgets import budgets
from claude_cost_exporter.web.chart import OTHERS, spend_by_day
from claude_cost_exporter.web.words import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from claude_cost_exporter.samples import Sample
    from claude_cost_exporter.snapshot import AccountState, Snapshot, SourceState

STYLE = (files(__package__) / "status.css").read_text(encoding="utf-8")
LINKS = ("/metrics", "/-/healthy", "/-/ready")
FIGURES = {
    "today": "Metered today",
    "yesterday": "Metered yesterday",
    "month_to_date": "Metered this month",
    "last_month": "Metered last month",
}

Windows = dict[str, float]
"""Spend in USD by calendar window; a window that has not been read as a whole is absent."""


def status_page(
    snapshot: Snapshot, samples: Sequence[Sample], now: datetime, *, simulated: bool
) -> bytes:
    """Return the page as UTF-8 HTML. Everything that came from outside is escaped."""
    return "".join(_page(snapshot, samples, now, simulated=simulated)).encode()


def _page(
    snapshot: Snapshot, samples: Sequence[Sample], now: datetime, *, simulated: bool
) -> Iterator[str]:
    yield '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" '
    yield 'content="width=device-width,initial-scale=1"><meta http-equiv="refresh" content="30">'
    yield '<link rel="icon" href="data:,"><title>claude-cost-exporter</title>'
    yield f"<style>{STYLE}</style>"
    if simulated:
        yield '<div class="banner">SIMULATED DATA</div>'
    yield f"<main><header><h1>claude-cost-exporter</h1>{_health(snapshot)}</header>"
    yield from _notices(snapshot, now)
    totals, models = _spend(samples)
    for account in snapshot.accounts:
        if account.configured:
            yield from _account(snapshot, account, totals[account.account], models, now)
    yield from _gone([account for account in snapshot.accounts if not account.configured])
    yield from budgets(samples, snapshot.time_zone)
    yield from _sources(snapshot, now)
    yield "<footer><p>"
    yield from (f'<a href="{link}">{link}</a>' for link in LINKS)
    yield f'<p class="dim">Version {__version__}, rendered {now:%Y-%m-%d %H:%M:%S} UTC. Metered '
    yield "spend has no fixed fees; it is billed for days whose bill has settled, and estimated "
    yield "from tokens and prices for the others; days are days in "
    yield f"{escape(str(snapshot.time_zone))}."
    yield "</footer></main></html>"


def _health(snapshot: Snapshot) -> str:
    tried = [source for source in snapshot.sources if source.last_attempt]
    down = sum(not source.up for source in tried)
    if down:
        return f'<span class="down">{down} of {len(snapshot.sources)} sources down</span>'
    if len(tried) < len(snapshot.sources):
        return '<span class="wait dim">waiting for the first poll</span>'
    return '<span class="up">all sources up</span>'


def _notices(snapshot: Snapshot, now: datetime) -> Iterator[str]:
    if any(sample.value for sample in state_lost(snapshot, now)):
        yield '<p class="notice error">The ledger could not be read and was moved aside; counters '
        yield f"began anew at {snapshot.state_lost_at:%Y-%m-%d %H:%M} UTC.</p>"
    unpriced = sum(snapshot.counters.get("llm_unpriced_tokens_total", {}).values())
    if unpriced:
        yield f'<p class="notice error">{unpriced:,} tokens have no price: their cost is missing '
        yield "here. See <code>llm_unpriced_tokens_total</code>.</p>"
    for sentence in unknown_scopes(snapshot):
        yield f'<p class="notice">{escape(sentence)}</p>'


def _spend(
    samples: Iterable[Sample],
) -> tuple[Mapping[str, Windows], Mapping[tuple[str, str], Windows]]:
    """Return metered spend by account, and by account and model."""
    totals: dict[str, Windows] = defaultdict(dict)
    models: dict[tuple[str, str], Windows] = defaultdict(dict)
    for sample in samples:
        if sample.metric == "llm_spend_usd":
            _, account, kind, window = sample.labels
            if kind == "metered":
                totals[account][window] = sample.value
        elif sample.metric == "llm_model_spend_usd":
            _, account, model, window = sample.labels
            models[account, model][window] = sample.value
    return totals, models


def _account(
    snapshot: Snapshot,
    account: AccountState,
    totals: Windows,
    models: Mapping[tuple[str, str], Windows],
    now: datetime,
) -> Iterator[str]:
    name = account.account
    reason = _why_unknown(snapshot, name)
    yield f"<h2>{escape(name)} <small>{escape(account.organization_name)}</small></h2>"
    yield '<div class="figures">'
    for window, title in FIGURES.items():
        yield f'<div class="card"><span class="dim">{title}</span><b>{_dollars(totals, window)}</b>'
        yield "</div>" if window in totals else f"<small>{reason}</small></div>"
    yield "</div>"
    of_account = {model: windows for (whose, model), windows in models.items() if whose == name}
    ranked = sorted(of_account, key=lambda model: (*_largest_first(of_account[model]), model))
    colours = {model: min(rank, OTHERS) for rank, model in enumerate(ranked)}
    yield from spend_by_day(snapshot, name, now, colours)
    if ranked:
        yield from _models(of_account, colours)


def _why_unknown(snapshot: Snapshot, account: str) -> str:
    """Return why a window has no figure; no history loads while usage does not answer."""
    state = usage_state(snapshot, account)
    if state is not None and state.last_attempt and not state.up:
        return "cannot be read"
    if state is None or state.history_start is None or state.is_loading:
        return "history is loading"
    return f"known from {state.history_start.astimezone(snapshot.time_zone):%Y-%m-%d} on"


def _gone(accounts: Sequence[AccountState]) -> Iterator[str]:
    for account in accounts:
        yield f"<h2>{escape(account.account)} <small>{escape(account.organization_name)}</small>"
        yield '</h2><p class="dim">No longer in the configuration: nothing of it is read, and its '
        yield "counters stay as they are.</p>"


def _largest_first(windows: Windows) -> tuple[float, float]:
    return -windows.get("month_to_date", 0.0), -max(windows.values())


def _models(models: Mapping[str, Windows], colours: Mapping[str, int]) -> Iterator[str]:
    yield '<div class="card wide"><table><tr><th>Model<th class="n">Today<th class="n">This month'
    yield '<th class="n">Share</tr>'
    month = sum(windows.get("month_to_date", 0.0) for windows in models.values())
    for model, colour in colours.items():
        windows = models[model]
        share = f"{windows['month_to_date'] / month:.0%}" if month else NOTHING
        yield f'<tr><td class="long name"><span class="swatch c{colour}"></span>{escape(model)}'
        yield f'<td class="n">{_dollars(windows, "today")}'
        yield f'<td class="n">{_dollars(windows, "month_to_date")}<td class="n dim">{share}</tr>'
    yield "</table></div>"


def _sources(snapshot: Snapshot, now: datetime) -> Iterator[str]:
    yield '<h2>Sources</h2><div class="card wide"><table class="sources"><tr><th>Account<th>Source'
    yield "<th>Last attempt<th>Last success<th>Data until<th>History from</tr>"
    for state in snapshot.sources:
        yield f'<tr><td class="long">{escape(state.account)}<td>{escape(state.source)}'
        yield f"<td>{_state(state, now)}"
        yield from (f"<td>{_ago(now, moment)}" for moment in (state.last_success, state.watermark))
        yield f"<td>{_history(state)}</tr>"
        if state.last_error:
            yield '<tr class="said"><td colspan="6"><div class="error">'
            yield f"{escape(state.last_error)}</div></tr>"
        for note in state.notes:
            yield f'<tr class="said"><td colspan="6" class="dim">{escape(note)}</tr>'
    yield "</table></div>"


def _state(state: SourceState, now: datetime) -> str:
    if state.last_attempt is None:
        return '<span class="wait dim">none yet</span>'
    word = "up" if state.up else "down"
    late = state.watermark is not None and catching_up(state, now)
    more = "<br><small>catching up</small>" if late else ""
    return f'<span class="{word}">{word}</span>, {_ago(now, state.last_attempt)}{more}'


def _history(state: SourceState) -> str:
    if state.history_start is None:
        return NOTHING
    loading = state.history_target is not None and state.history_start > state.history_target
    goal = f"<br><small>loading back to {state.history_target:%Y-%m-%d}</small>" if loading else ""
    return f"{state.history_start:%Y-%m-%d}{goal}"


def _dollars(windows: Windows, window: str) -> str:
    amount = windows.get(window)
    return NOTHING if amount is None else f"${amount:,.2f}"


def _ago(now: datetime, moment: datetime | None) -> str:
    if moment is None:
        return NOTHING
    seconds = max(0, int((now - moment).total_seconds()))
    sizes = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    size, unit = next((each for each in sizes if seconds >= each[0]), sizes[-1])
    return f'<span title="{moment:%Y-%m-%d %H:%M:%S} UTC">{seconds // size} {unit} ago</span>'
