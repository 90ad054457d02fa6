"""Which generation of the API an organisation has: either may be gone, also in mid-run."""

from dataclasses import replace

import pytest

from claude_cost_exporter.simulator import Availability, Switches
from claude_cost_exporter.simulator.endpoints import ROUTES

START = ("starting_at", "2026-11-23T00:00:00Z")
END = ("ending_at", "2026-11-24T00:00:00Z")
GONE = [(Availability.NOT_FOUND, 404), (Availability.GONE, 410)]


@pytest.mark.parametrize(("availability", "status"), GONE)
@pytest.mark.parametrize(("path", "switch"), [("usage", "usage_report"), ("cost", "cost_report")])
def test_a_retired_legacy_report(asker, path, switch, availability, status):
    """A retired report answers 404 or 410, whatever is asked, and the others go on."""
    asking = asker(switches=Switches(**{switch: availability}))
    assert asking.refused(path, START, status=status)["type"] == "not_found_error"
    assert asking.refused(path, status=status)["type"] == "not_found_error"
    other = "cost" if path == "usage" else "usage"
    assert asking.get(other, START)["data"]
    assert asking.get("analytics_usage", START, END)["data"]


def test_switches_change_in_mid_run(asker):
    """A switch that is turned while the simulation runs holds from the next request on."""
    asking = asker()
    before = asking.get("cost", START)
    simulator = asking.simulator
    simulator.switches = replace(simulator.switches, cost_report=Availability.GONE)
    asking.refused("cost", START, status=410)
    simulator.switches = replace(simulator.switches, cost_report=Availability.SERVED)
    assert asking.get("cost", START) == before


def test_a_key_is_needed_first(asker):
    """Without a key the answer is 401, also where there is nothing to read."""
    asking = asker(switches=Switches(analytics=Availability.NOT_FOUND))
    no_key = {"anthropic-version": "2023-06-01"}
    asking.refused("analytics_cost", START, headers=no_key, status=401)


def test_every_switch_of_a_route_exists():
    """Each route that depends on a switch names one, and it is served by default."""
    found = {route.switch: route.availability(Switches()) for route in ROUTES if route.switch}
    assert set(found.values()) == {Availability.SERVED}
    assert set(found) == {
        *("analytics", "claude_code", "cost_report"),
        *("rate_limits", "spend_limits", "usage_report"),
    }
