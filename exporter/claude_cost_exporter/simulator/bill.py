"""The bill: what of the usage costs how much, when it is shown, and how it is corrected.

It reads the same traffic as the usage reports, so estimate and bill agree by construction except
where the terms of a scenario make them differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from claude_cost_exporter.simulator.money import FEMTO_PER_NANO
from claude_cost_exporter.simulator.ratecard import NANO_PER_SEARCH, SERVICES, billed_rates_of
from claude_cost_exporter.simulator.row_cache import RowCache
from claude_cost_exporter.simulator.traffic import DAY_MINUTES, Knowledge, Moment, epoch
from claude_cost_exporter.simulator.truth import TOKENS, WEB_SEARCH

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sized

    from claude_cost_exporter.simulator.corrections import Series
    from claude_cost_exporter.simulator.switches import Switches
    from claude_cost_exporter.simulator.terms import BillRestatement, Terms
    from claude_cost_exporter.simulator.traffic import Traffic

TOKEN_TYPES = (
    "uncached_input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation.ephemeral_5m_input_tokens",
    "cache_creation.ephemeral_1h_input_tokens",
)
"""As the cost reports spell them, in the order of `Counts`."""

DAY_SECONDS = 86_400
REFRESH_SECONDS = 600


class Item(NamedTuple):
    """What one series owes for one kind of usage, in femto-USD."""

    series: Series
    cost_type: str
    token_type: str | None
    listed: int
    amount: int
    """After the discount."""


class Sum(NamedTuple):
    """Charges of one group, in femto-USD."""

    listed: int
    amount: int


G = TypeVar("G")
Rows = TypeVar("Rows", bound="Sized")


class Group(NamedTuple, Generic[G]):
    """How charges are summed. Equal keys promise equal functions."""

    key: Hashable
    of: Callable[[Series], G | None]
    """The group of a series, a hashable one; None leaves the series out."""


Sums = dict[tuple[G, str, str | None], Sum]
"""By group, cost type and token type."""


@dataclass(frozen=True, slots=True)
class Reading:
    """As of when somebody reads the bill."""

    metered: Moment
    """What has been metered for it by then."""
    shown: int | None = None
    """Second of the reading; None: when everything has been shown and corrected."""

    def knows(self, second: int) -> bool:
        """Return whether what happens at `second` has happened."""
        return self.shown is None or second <= self.shown


FINAL = Reading(Moment(Knowledge.FINAL))


def cost_report_reading(now: datetime, switches: Switches) -> Reading:
    """Return what the legacy cost report knows at a moment."""
    metered = now - timedelta(hours=switches.cost_delay_hours)
    return Reading(Moment(Knowledge.HAPPENED, epoch(metered)), epoch(now))


def analytics_reading(now: datetime, switches: Switches) -> Reading:
    """Return what analytics knows at a moment: everything up to its last refresh."""
    known = epoch(now - timedelta(minutes=switches.analytics_delay_minutes))
    return refreshed_reading(known - known % REFRESH_SECONDS)


def refreshed_reading(second: int) -> Reading:
    """Return what analytics knows when its data were refreshed at a second."""
    return Reading(Moment(Knowledge.HAPPENED, second), second)


READINGS = {"cost_report": cost_report_reading, "analytics": analytics_reading}
"""By the API that shows the bill."""


class Bill:
    """Everything that is charged in one simulation."""

    def __init__(
        self, terms: Terms, seed: int, start: datetime, traffic: Traffic, services: Traffic
    ) -> None:
        self._terms = terms
        self._seed = seed
        self._traffic = traffic
        self._services = services
        self._restatements = _by_day(terms.restatements, start)
        self._kept: RowCache[Any] = RowCache(rows=60_000)

    def items(self, first_minute: int, end_minute: int, reading: Reading) -> Iterator[Item]:
        """Yield the charges for minutes of one UTC day; nothing for what is not billed."""
        day = first_minute // DAY_MINUTES
        changes = self._changes(day, reading)
        complete = self._is_complete(day, reading)
        for series, cost_type, token_type, nano in self._charges(first_minute, end_minute, reading):
            if complete or not self._is_late(day, series, cost_type):
                listed = nano * FEMTO_PER_NANO
                for change in changes:
                    listed = change.apply(listed, series.model)
                amount = self._discounted(listed, cost_type)
                yield Item(series, cost_type, token_type, listed, amount)

    def sums(
        self, first_minute: int, end_minute: int, reading: Reading, group: Group[G]
    ) -> Sums[G]:
        """Return the charges for minutes of one UTC day by group; do not change them."""
        if end_minute - first_minute < DAY_MINUTES:
            return _summed(self.items(first_minute, end_minute, reading), group)
        return self.kept(
            (group.key,),
            first_minute // DAY_MINUTES,
            reading,
            lambda: _summed(self.items(first_minute, end_minute, reading), group),
        )

    def kept(
        self, key: tuple[Hashable, ...], day: int, reading: Reading, compute: Callable[[], Rows]
    ) -> Rows:
        """Return what was made of a whole UTC day before, as long as nothing in it changes."""
        version = self._version(day, reading)
        if version is None:
            return compute()
        rows: Rows = self._kept.get((day, version, *key), compute)
        return rows

    def _version(self, day: int, reading: Reading) -> Hashable | None:
        """Return what tells one state of a complete day from another; None: not complete."""
        usage = self._traffic.version(day, reading.metered)
        services = self._services.version(day, reading.metered)
        if usage is None or services is None or not self._is_complete(day, reading):
            return None
        return usage, services, len(self._changes(day, reading))

    def _changes(self, day: int, reading: Reading) -> list[BillRestatement]:
        known = self._restatements.get(day, ())
        return [change for second, change in known if reading.knows(second)]

    def _is_complete(self, day: int, reading: Reading) -> bool:
        """Return whether the late charges of a day are shown, if there are any."""
        late_by = int(self._terms.late_by.total_seconds())
        return not self._terms.late_percent or reading.knows((day + 1) * DAY_SECONDS + late_by)

    def _is_late(self, day: int, series: Series, cost_type: str) -> bool:
        what = f"{self._seed}/late/{day}/{series.workspace_id}/{series.model}/{cost_type}"
        draw = blake2b(what.encode(), digest_size=2).digest()
        return int.from_bytes(draw) * 100 < self._terms.late_percent * 65_536

    def _discounted(self, listed: int, cost_type: str) -> int:
        if cost_type not in self._terms.discounted:
            return listed
        return listed * (100 - self._terms.discount_percent) // 100

    def _charges(
        self, first_minute: int, end_minute: int, reading: Reading
    ) -> Iterator[tuple[Series, str, str | None, int]]:
        """Yield series, cost type, token type and nano-USD at list price."""
        day = datetime.fromtimestamp(first_minute * 60, UTC).date()
        for series, counts in self._traffic.usage(
            first_minute, end_minute, reading.metered
        ).items():
            if series.blocked:
                continue
            model, tier, _, geo, speed = series[4:9]
            rates = billed_rates_of(model, tier, geo, speed, day)
            if rates is not None:
                for token_type, count, rate in zip(TOKEN_TYPES, counts, rates, strict=False):
                    if count:
                        yield series, TOKENS, token_type, count * rate
            if counts[5]:
                yield series, WEB_SEARCH, None, counts[5] * NANO_PER_SEARCH
        services = self._services.usage(first_minute, end_minute, reading.metered)
        for series, counts in services.items():
            yield series, series.model, None, counts[5] * SERVICES[series.model]


def _summed(items: Iterator[Item], group: Group[G]) -> Sums[G]:
    sums: Sums[G] = {}
    last: Series | None = None
    its_group: G | None = None
    for series, cost_type, token_type, listed, amount in items:
        if series is not last:
            last, its_group = series, group.of(series)
        if its_group is not None:
            key = (its_group, cost_type, token_type)
            old = sums.get(key)
            sums[key] = Sum(old[0] + listed, old[1] + amount) if old else Sum(listed, amount)
    return sums


def _by_day(
    restatements: tuple[BillRestatement, ...], start: datetime
) -> dict[int, list[tuple[int, BillRestatement]]]:
    """Return the corrections of each UTC day in order of time."""
    by_day: dict[int, list[tuple[int, BillRestatement]]] = {}
    for change in sorted(restatements, key=lambda c: c.after):
        second = epoch(start + change.after)
        first = second // DAY_SECONDS - change.days_back
        for day in range(first, first + change.days):
            by_day.setdefault(day, []).append((second, change))
    return by_day
