"""The status page: what each source did last, and what is spent (floor 5)."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from claude_cost_exporter import __version__
from claude_cost_exporter.views.health import catching_up
from claude_cost_exporter.views.spend import spend

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from claude_cost_exporter.snapshot import Snapshot, SourceState

STYLE = """
:root{color-scheme:light dark;--ink:#1f2328;--dim:#656d76;--line:#d8dee4;--card:#fff;--page:#f6f8fa;
--accent:#c2410c;--good:#1a7f37;--bad:#cf222e}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#8d96a0;--line:#30363d;--card:#161b22;
--page:#0d1117;--accent:#fb923c;--good:#3fb950;--bad:#f85149}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,sans-serif}main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 3rem}
h1{font-size:1.3rem;margin:0 0 1rem}h2{font-size:1rem;margin:2rem 0 .5rem}
.banner{background:var(--accent);color:#fff;text-align:center;padding:.5rem;font-weight:700;
letter-spacing:.1em}.cards{display:flex;flex-wrap:wrap;gap:.75rem}
.card{flex:1 1 11rem;background:var(--card);border:1px solid var(--line);border-radius:.5rem;
padding:.75rem 1rem}.card b{display:block;font-size:1.6rem;font-variant-numeric:tabular-nums}
.dim{color:var(--dim)}table{width:100%;border-collapse:collapse;background:var(--card);
border:1px solid var(--line);border-radius:.5rem}th,td{padding:.4rem .75rem;text-align:left;
border-top:1px solid var(--line);vertical-align:top}th{color:var(--dim);font-weight:600;border:0}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}.up{color:var(--good)}
.down{color:var(--bad)}.bar{display:block;height:.35rem;border-radius:.2rem;background:var(--accent);
margin-top:.2rem}.wide{overflow-x:auto}nav a{margin-right:1rem;color:var(--accent)}
""".replace("\n", "")
LINKS = ("/metrics", "/-/healthy", "/-/ready")


def status_page(snapshot: Snapshot, now: datetime, *, simulated: bool) -> bytes:
    """Return the page as UTF-8 HTML. Everything that came from outside is escaped."""
    return "".join(_page(snapshot, now, simulated=simulated)).encode()


def _page(snapshot: Snapshot, now: datetime, *, simulated: bool) -> Iterator[str]:
    yield '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" '
    yield 'content="width=device-width,initial-scale=1"><meta http-equiv="refresh" content="30">'
    yield f"<title>claude-cost-exporter</title><style>{STYLE}</style>"
    if simulated:
        yield '<div class="banner">SIMULATED DATA</div>'
    yield "<main><h1>claude-cost-exporter</h1>"
    yield from _cards(snapshot, now)
    yield from _models(snapshot, now)
    yield from _sources(snapshot, now)
    yield "<h2>Links</h2><nav>"
    yield from (f'<a href="{link}">{link}</a>' for link in LINKS)
    yield f'</nav><p class="dim">Version {__version__}. Rendered {now:%Y-%m-%d %H:%M:%S} UTC. '
    yield "Spend is estimated from tokens and list prices.</p></main></html>"


def _cards(snapshot: Snapshot, now: datetime) -> Iterator[str]:
    totals = {
        (sample.labels[1], sample.labels[3]): sample.value
        for sample in spend(snapshot, now)
        if sample.metric == "llm_spend_usd"
    }
    yield '<div class="cards">'
    for account in snapshot.accounts:
        for window, title in (("today", "today"), ("month_to_date", "this month")):
            amount = totals.get((account.account, window))
            shown = "–" if amount is None else f"${amount:,.2f}"  # noqa: RUF001 - a dash
            why = "history is still loading" if amount is None else "estimated"
            yield f'<div class="card"><span class="dim">{escape(account.account)}, {title}</span>'
            yield f'<b>{shown}</b><span class="dim">{why}</span></div>'
    yield "</div>"


def _models(snapshot: Snapshot, now: datetime) -> Iterator[str]:
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for sample in spend(snapshot, now):
        if sample.metric == "llm_model_spend_usd":
            _, account, model, window = sample.labels
            rows.setdefault((account, model), {})[window] = sample.value
    yield "<h2>Spend by model</h2>"
    if not rows:
        yield '<p class="dim">Nothing has been read yet.</p>'
        return
    yield '<div class="wide"><table><tr><th>Account<th>Model<th class="n">Today<th class="n">'
    yield "This month</tr>"
    month = {key: value.get("month_to_date", 0.0) for key, value in rows.items()}
    largest = max(month.values()) or 1.0
    for key in sorted(rows, key=lambda each: -month[each]):
        today = rows[key].get("today", 0.0)
        share = 100 * month[key] / largest
        yield f"<tr><td>{escape(key[0])}<td>{escape(key[1])}"
        yield f'<span class="bar" style="width:{share:.1f}%"></span>'
        yield f'<td class="n">${today:,.2f}<td class="n">${month[key]:,.2f}</tr>'
    yield "</table></div>"


def _sources(snapshot: Snapshot, now: datetime) -> Iterator[str]:
    yield '<h2>Sources</h2><div class="wide"><table><tr><th>Account<th>Source<th>State<th>'
    yield "Last success<th>Read up to<th>History from</tr>"
    for state in snapshot.sources:
        yield f"<tr><td>{escape(state.account)}<td>{escape(state.source)}<td>{_state(state, now)}"
        yield f"<td>{_ago(now, state.last_success)}<td>{_moment(state.watermark)}"
        yield f"<td>{_history(state)}</tr>"
        for note in (state.last_error, *state.notes):
            if note:
                yield f'<tr><td><td><td colspan="4" class="dim">{escape(note)}</tr>'
    yield "</table></div>"


def _state(state: SourceState, now: datetime) -> str:
    if state.last_attempt is None:
        return '<span class="dim">not tried yet</span>'
    words = '<span class="up">up</span>' if state.up else '<span class="down">down</span>'
    return f"{words}, catching up" if catching_up(state, now) else words


def _history(state: SourceState) -> str:
    if state.history_start is None:
        return "–"  # noqa: RUF001 - a dash
    loading = state.history_target is not None and state.history_start > state.history_target
    goal = f", loading back to {state.history_target:%Y-%m-%d}" if loading else ""
    return f"{state.history_start:%Y-%m-%d %H:%M}{goal}"


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "–"  # noqa: RUF001 - a dash


def _ago(now: datetime, moment: datetime | None) -> str:
    return f"{_seconds(now - moment)} ago" if moment else "never"


def _seconds(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
