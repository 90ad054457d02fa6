"""Traps of the Admin API, and that each has tests here which are named after it.

A test shows that the exporter does not fall into trap N when its name begins with `test_gN_` and
it is not one of the simulator's own: those show that the simulator sets the trap.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.support.named import claims, functions, numbers


class Trap(NamedTuple):
    """What the API does, and why the exporter has no test of it, if it has none."""

    what: str
    simulator_only: str = ""
    nowhere: str = ""


TRAPS = {
    1: Trap("the cost report refuses a range without a closed day"),
    2: Trap("the cost report lags a day, and shows a day before it is whole"),
    3: Trap("the open day may be missing at 1d"),
    4: Trap("a start within a bucket may be rounded either way"),
    5: Trap("amounts are cents, as decimal strings"),
    6: Trap("cache writes are nested and of two lifetimes, with a price each"),
    7: Trap("dimensions that are not grouped by collapse into the standard row"),
    8: Trap("a query groups by at most five dimensions"),
    9: Trap("the default page holds a week, and a window goes on over pages"),
    10: Trap("buckets are revised in place, down to 0, and other groups make other keys"),
    11: Trap("priced usage and the bill are the same money"),
    12: Trap("refused requests are in the usage and on no bill"),
    13: Trap("model ids are dated in one report and not in the other"),
    14: Trap("has_more and next_page may contradict each other"),
    15: Trap(
        "public copies of the API's description are wrong",
        simulator_only="it is about what the simulator is built from",
    ),
    16: Trap("the default workspace is null in one API and has an id in the other"),
    17: Trap(
        "no endpoint tells a balance, credits or invoices",
        simulator_only="the exporter has nothing to ask for",
    ),
    18: Trap(
        "clients mistake the lifetimes of cache writes in their own telemetry",
        nowhere="nothing reads telemetry of clients before the step that adds it",
    ),
    19: Trap("prices implied by the bill are the price list"),
}


def test_every_trap_has_a_test_named_after_it():
    """Each trap of the table has a test of the exporter, or says why it has none."""
    assert sorted(TRAPS) == list(range(1, 20))
    excepted = {number for number, trap in TRAPS.items() if trap.simulator_only or trap.nowhere}
    assert numbers("g", functions(without="simulator")) == TRAPS.keys() - excepted


def test_every_trap_that_is_set_is_one_of_the_table():
    """The simulator has tests of its own for what only it can show."""
    nowhere = {number for number, trap in TRAPS.items() if trap.nowhere}
    assert numbers("g", functions()) == TRAPS.keys() - nowhere


def test_a_test_that_claims_a_trap_is_named_after_it():
    """A docstring that begins with a trap's number belongs to a test with that number."""
    assert [name for name, (said, named) in claims("g", functions()).items() if said != named] == []
