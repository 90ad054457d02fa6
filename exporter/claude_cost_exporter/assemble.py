"""The ledger's snapshot, completed with what only this process knows (floor 3)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import astuple, replace
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from claude_cost_exporter.records import NANO, TokenType, model_label
from claude_cost_exporter.snapshot import PriceInForce, SourceState
from claude_cost_exporter.views.anomalies import fitted, pasts
from claude_cost_exporter.views.efficiency import Priced, break_even_reads, cost_on
from claude_cost_exporter.views.forecast import histories, past_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from claude_cost_exporter.ingest import AccountPoller
    from claude_cost_exporter.plans import Plans
    from claude_cost_exporter.pricing.history import PriceHistory
    from claude_cost_exporter.pricing.rates import Rates
    from claude_cost_exporter.records import Dimensions
    from claude_cost_exporter.snapshot import Snapshot
    from claude_cost_exporter.usual import Baseline
    from claude_cost_exporter.views.anomalies import Day, Past
    from claude_cost_exporter.views.forecast import History

K = TypeVar("K")
G = TypeVar("G")
T = TypeVar("T")


class Kept(Generic[K, G, T]):
    """Keeps what is dear to compute, by key, for as long as what it follows from is the same."""

    def __init__(self, compute: Callable[[G], T]) -> None:
        self._compute = compute
        self._known: dict[K, tuple[G, T]] = {}

    def all_of(self, given: Iterable[tuple[K, G]]) -> dict[K, T]:
        """Return the result of each key, and forget all others."""
        before, self._known = self._known, {}
        for key, each in given:
            if (known := before.get(key)) is None or known[0] != each:
                known = each, self._compute(each)
            self._known[key] = known
        return {key: result for key, (_, result) in self._known.items()}


class Fits:
    """What is fitted to the past, which changes far less often than snapshots are taken."""

    def __init__(self) -> None:
        self._baselines: Kept[Day, Past, Baseline | None] = Kept(fitted)
        self._errors: Kept[str, History, Mapping[tuple[str, str], float]] = Kept(past_errors)

    def fill(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with what is usual at its time, and what forecasts are worth."""
        found = self._baselines.all_of(pasts(snapshot, snapshot.taken_at))
        return replace(
            snapshot,
            baselines={day: usual for day, usual in found.items() if usual is not None},
            forecast_errors=self._errors.all_of(histories(snapshot, snapshot.taken_at)),
        )


def assemble(
    snapshot: Snapshot,
    pollers: Sequence[AccountPoller],
    prices: PriceHistory,
    plans: Plans,
    fits: Fits,
) -> Snapshot:
    """Return the snapshot with the sources' last attempts, the prices, the plans and the fits.

    An account that was taken out of the configuration keeps its counters, because `increase()`
    over the time before needs them, and its names. What says how things are now ends with it:
    sources, prices, caps, every window of spend, which nobody reads on, and what was usual.
    """
    snapshot = as_configured(snapshot, {poller.account for poller in pollers}, plans)
    snapshot = replace(
        snapshot,
        break_even_reads=dict(_break_even_reads(snapshot, prices)),
        rerouted=dict(_rerouted(snapshot, prices, plans)),
        sources=tuple(state for poller in pollers for state in _sources(snapshot, poller)),
        prices=tuple(_prices(snapshot, prices)),
        prices_verified_on=prices.current.verified_on,
    )
    return fits.fill(snapshot)


def as_configured(snapshot: Snapshot, configured: set[str], plans: Plans) -> Snapshot:
    """Return the snapshot with the plans, and of accounts that are gone only what stays."""

    def remaining(by_account: Mapping[str, T]) -> dict[str, T]:
        return {account: of for account, of in by_account.items() if account in configured}

    return replace(
        snapshot,
        accounts=tuple(
            replace(account, configured=account.account in configured)
            for account in snapshot.accounts
        ),
        past={scope: past for scope, past in snapshot.past.items() if scope.account in configured},
        billed_days=remaining(snapshot.billed_days),
        in_use=remaining(snapshot.in_use),
        spend_limits=remaining(snapshot.spend_limits),
        rate_limits=remaining(snapshot.rate_limits),
        last_day=tuple(used for used in snapshot.last_day if used.account in configured),
        last_week=tuple(used for used in snapshot.last_week if used.account in configured),
        plans=plans,
    )


def _sources(snapshot: Snapshot, poller: AccountPoller) -> Iterator[SourceState]:
    stored = {(state.account, state.source): state for state in snapshot.sources}
    for source in poller.sources:
        fresh = SourceState(poller.provider, poller.account, source.name)
        state = stored.get((poller.account, source.name), fresh)
        state = replace(state, stale_after=poller.stale_after(source), api=source.api)
        if (attempt := poller.attempts.get(source.name)) is not None:
            state = replace(
                state,
                up=not attempt.error,
                last_attempt=attempt.at,
                last_success=attempt.last_good or state.last_success,
                last_error=attempt.error,
                notes=attempt.notes,
            )
        yield state


def _prices(snapshot: Snapshot, prices: PriceHistory) -> Iterable[PriceInForce]:
    today = snapshot.taken_at.date()
    found: dict[tuple[str, ...], PriceInForce] = {}
    for account, combinations in snapshot.in_use.items():
        for dimensions in sorted(combinations):  # the undated one of two twins comes first
            rates = prices.current.rates(account, dimensions, today)
            for token_type, rate in zip(TokenType, rates.per_million or (), strict=False):
                if rate is None:
                    continue
                price = PriceInForce(
                    account,
                    model_label(dimensions.model),
                    dimensions.service_tier,
                    dimensions.speed,
                    dimensions.inference_geo,
                    dimensions.context_window,
                    token_type,
                    rates.origin,
                    rate / NANO,
                )
                # a dated and an undated id share one label, and then one price
                found.setdefault(tuple(astuple(price)[:-1]), price)
    return found.values()


def _break_even_reads(
    snapshot: Snapshot, prices: PriceHistory
) -> Iterator[tuple[tuple[str, str, str], float]]:
    today, rows = snapshot.taken_at.date(), defaultdict(list)
    for account, dimensions, tokens, _ in snapshot.last_day:
        label = (account, dimensions.workspace_id, model_label(dimensions.model))
        rates = prices.current.rates(account, dimensions, today)
        rows[label].append(Priced(tokens, rates))
    for label, priced in rows.items():
        if (reads := break_even_reads(priced)) is not None:
            yield label, reads


def _rerouted(
    snapshot: Snapshot, prices: PriceHistory, plans: Plans
) -> Iterator[tuple[tuple[str, str, str], int]]:
    today = snapshot.taken_at.date()
    for account in {used.account for used in snapshot.last_week}:
        rates_of = partial(_rates, prices, account, today)
        for pair in plans.model_pairs:
            usage = [
                used
                for used in snapshot.last_week
                if used.account == account and model_label(used.dimensions.model) == pair.from_model
            ]
            amount = cost_on(pair.to_model, usage, rates_of) if usage else None
            if amount is not None:
                yield (account, pair.from_model, pair.to_model), amount


def _rates(prices: PriceHistory, account: str, day: date, dimensions: Dimensions) -> Rates:
    return prices.current.rates(account, dimensions, day)
