"""Defects of other tools, and that each has tests here which are named after it.

A test shows that defect N is not one of ours when its name begins with `test_tN_`.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.support.named import claims, functions, numbers


class Defect(NamedTuple):
    """What another tool does wrong, and why that cannot be tested here yet, if it cannot."""

    what: str
    not_yet: str = ""


DEFECTS = {
    1: Defect("the same answer, polled again, counts again"),
    2: Defect("amounts lose digits or are off by a factor of 100 between cents and dollars"),
    3: Defect("rows that differ in one dimension only overwrite each other"),
    4: Defect("an endpoint that fails takes the last known values away"),
    5: Defect("a restart in the middle of the day loses or repeats usage"),
    6: Defect("a bucket that is revised later is not followed, up or down"),
    7: Defect("usage that arrives after midnight is lost, or counted today"),
    8: Defect("pages are lost: contradictory cursors, page caps, caps on the size of an answer"),
    9: Defect("failures look alike, or like success; Retry-After is ignored"),
    10: Defect("a model without a price costs 0, silently"),
    11: Defect("cache lifetimes, batch, fast mode, places, thresholds and searches are not priced"),
    12: Defect("token types overlap, so that their sum is too large"),
    13: Defect("usage of the default workspace, or without a key, has an empty label or none"),
    14: Defect("hostile label values get through, and the number of series has no bound"),
    15: Defect("a scrape during a refresh sees a half-filled set"),
    16: Defect(
        "torn, growing, replayed or deleted session logs are miscounted",
        not_yet="nothing reads session logs before the step that adds them",
    ),
    17: Defect("with a slow API the window falls behind, or memory grows"),
    18: Defect(
        "dashboards and rules refer to metrics that do not exist",
        not_yet="there are no dashboards and rules before the step that adds them",
    ),
    19: Defect("months of 28 to 31 days, their ends, and changes of the clock are miscalculated"),
    20: Defect("an error answer without a payload ends the process"),
}


def test_every_defect_that_applies_has_a_test_named_after_it():
    """Each defect of the table has a test; what does not apply yet says why, and has none."""
    applicable = {number for number, defect in DEFECTS.items() if not defect.not_yet}
    assert sorted(DEFECTS) == list(range(1, 21))
    assert numbers("t", functions()) == applicable


def test_a_test_that_claims_a_defect_is_named_after_it():
    """A docstring that begins with a defect's number belongs to a test with that number."""
    assert [name for name, (said, named) in claims("t", functions()).items() if said != named] == []
