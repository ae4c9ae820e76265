"""Outages ahead: what choices know of downtimes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.kinds.downtime import outages
from reconciler.kinds.world import World
from tests.kinds.downtime.downtimes import NOON, NORTH, SOUTH, at, downtime, resources, site

DAY = timedelta(hours=24)


def down(spec, *, now=NOON, within=DAY, **sites) -> World:
    held = resources({"Site/NORTH": NORTH, "Site/SOUTH": SOUTH, **sites, "Downtime/works": spec})
    return World(now, outages=outages(held, now, within))


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        (-2, 2, "is down until 2026-10-12 14:00Z: works (Downtime/works)"),
        (0, 2, "is down until 2026-10-12 14:00Z: works (Downtime/works)"),
        (23, 25, "goes down on 2026-10-13 11:00Z until 2026-10-13 13:00Z: works (Downtime/works)"),
        (24, 25, ""),
        (-2, 0, ""),
    ],
)
def test_an_outage_counts_while_it_stands_and_shortly_before(start, end, told):
    assert down(downtime(start, end)).down("NORTH") == told


def test_a_site_at_risk_is_not_down():
    assert not down(downtime(-1, 1, severity="WARNING")).outages


def test_services_that_are_named_are_down_and_not_the_site():
    world = down(downtime(-1, 1, [{"site": "NORTH", "services": ["dav"]}]))
    assert world.down("NORTH", {"dav", "dav2"})
    assert not world.down("NORTH", {"nova"})
    assert not world.down("NORTH")


def test_a_service_that_is_spared_is_not_down_with_its_site():
    entries = [{"site": "NORTH"}, {"site": "NORTH", "services": ["nova"], "severity": "WARNING"}]
    world = down(downtime(-1, 1, entries))
    assert world.down("NORTH")
    assert world.down("NORTH", {"dav"})
    assert not world.down("NORTH", {"nova"})


def test_an_entry_that_begins_later_counts_from_then():
    world = down(downtime(-1, 40, [{"site": "NORTH", "start": at(30).isoformat()}]))
    assert not world.outages


def test_a_site_without_services_is_down_as_a_whole():
    world = down(downtime(-1, 1, [{"selector": {"country": "FR"}}]), **{"Site/WEST": site(country="FR")})
    assert world.down("WEST")
    assert not world.down("NORTH")
