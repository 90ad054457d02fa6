"""The ledger's snapshot, completed with what only this process knows (floor 3)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import astuple, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from claude_cost_exporter.records import NANO, TokenType, model_label
from claude_cost_exporter.snapshot import PriceInForce, SourceState
from claude_cost_exporter.views.efficiency import Priced, break_even_reads, cost_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from claude_cost_exporter.ingest import AccountPoller
    from claude_cost_exporter.plans import Plans
    from claude_cost_exporter.pricing.history import PriceHistory
    from claude_cost_exporter.pricing.rates import Rates
    from claude_cost_exporter.records import Dimensions
    from claude_cost_exporter.snapshot import Snapshot

T = TypeVar("T")


def assemble(
    snapshot: Snapshot, pollers: Sequence[AccountPoller], prices: PriceHistory, plans: Plans
) -> Snapshot:
    """Return the snapshot with the sources' last attempts, the prices in force and the plans.

    An account that was taken out of the configuration keeps its counters, because `increase()`
    over the time before needs them, and its names. What says how things are now ends with it:
    sources, prices, caps, every window of spend, which nobody reads on, and what was usual.
    """
    snapshot = as_configured(snapshot, {poller.account for poller in pollers}, plans)
    return replace(
        snapshot,
        break_even_reads=dict(_break_even_reads(snapshot, prices)),
        rerouted=dict(_rerouted(snapshot, prices, plans)),
        sources=tuple(state for poller in pollers for state in _sources(snapshot, poller)),
        prices=tuple(_prices(snapshot, prices)),
        prices_verified_on=prices.current.verified_on,
    )


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
