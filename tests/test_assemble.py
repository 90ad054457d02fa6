"""What this process adds to the ledger's snapshot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from claude_cost_exporter.assemble import Fits, Kept, assemble
from claude_cost_exporter.plans import Plans
from claude_cost_exporter.records import Dimensions, TokenType
from tests.support.simulated import Simulated

DATES = [f"-2025010{day}" for day in range(1, 9)]
OVERRIDES = "\n".join(
    f"    - {{model: claude-x-1{date}, token_type: {kind}, usd_per_million: {price}}}"
    for price, date in enumerate(["", *DATES], start=1)
    for kind in TokenType
)


@pytest.fixture
def exporter(tmp_path):
    """An exporter that has polled nothing, with a price for each dated id of one model."""
    simulated = Simulated(tmp_path, more=f"prices:\n  overrides:\n{OVERRIDES}")
    yield simulated.exporter
    simulated.close()


def assembled(exporter, **changes):
    """Return the snapshot of now with some changes, as the views would see it."""
    snapshot = replace(exporter.ledger.snapshot(exporter.clock.now()), **changes)
    return assemble(snapshot, exporter.pollers, exporter.prices, Plans(), Fits())


def test_twins_of_one_label_have_the_price_of_the_first(exporter):
    """Dated and undated ids share a label and so one price: always that of the undated one."""
    twins = [
        Dimensions(f"claude-x-1{date}", "standard", "0-200k", "global", "standard")
        for date in ("", *DATES)
    ]
    for some, price in ((twins, 1), (twins[3:], 4)):
        snapshot = assembled(exporter, in_use={"sim": frozenset(some)})
        assert {one.usd_per_million for one in snapshot.prices} == {price}
        assert len(snapshot.prices) == len(TokenType)


def test_what_is_kept_is_computed_once_for_each_change():
    """The same again costs nothing, a change or a new key one computation; old keys are gone."""
    computed = []

    def double(given):
        computed.append(given)
        return [2 * each for each in given]

    kept = Kept(double)
    assert kept.all_of([("a", [1]), ("b", [2])]) == {"a": [2], "b": [4]}
    assert kept.all_of([("a", [1]), ("b", [3])]) == {"a": [2], "b": [6]}
    assert kept.all_of([("b", [3])]) == {"b": [6]}
    assert kept.all_of([("a", [1])]) == {"a": [2]}
    assert computed == [[1], [2], [3], [1]]
