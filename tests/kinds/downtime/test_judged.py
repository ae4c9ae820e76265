"""What is refused of downtimes, and what is warned of."""

from __future__ import annotations

import pytest

from reconciler.kinds import registry
from reconciler.kinds.base import Stated
from reconciler.kinds.downtime import DowntimeSpec
from reconciler.model import Ref
from tests.kinds.downtime.downtimes import REF, SITES, at, downtime, resources

KIND = registry()["Downtime"]
CE = [{"site": "SOUTH"}]


def broken(spec: DowntimeSpec) -> list[str]:
    return [f"{rule.id} {fault.path}" for rule in KIND.rules for fault in rule.check(REF, spec)]


def found(specs: dict[str, DowntimeSpec], now: float = 0, stated: dict | None = None, **more) -> list[str]:
    known = {Ref(name): [Stated(at(hours), specs[name])] for name, hours in (stated or {}).items()}
    told = KIND.hindsight(resources({**SITES, **specs}, **more), known, at(now))
    return [f"{ref.name} {rule} {fault.path}: {fault.message}; {fault.cure}" for ref, rule, fault in told]


def one(spec: DowntimeSpec, now: float = 0, declared: float | None = None) -> list[str]:
    stated = {} if declared is None else {str(REF): declared}
    return [line.removeprefix("works ") for line in found({str(REF): spec}, now, stated)]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (downtime(48, 48), ["downtime-times spec.end"]),
        (downtime(48, 47), ["downtime-times spec.end"]),
        (downtime(48, 48 + 31 * 24), []),
        (downtime(48, 48 + 31 * 24 + 1), ["downtime-long spec.end"]),
        (downtime(48, 48 + 40 * 24, reason="the building moves"), []),
        (downtime(48, 73 * 8766, reason="73 years"), ["downtime-long spec.end"]),
        (downtime(affects=[{}]), ["downtime-where spec.affects[0]"]),
        (downtime(affects=[{"site": "A", "selector": {"ngi": "N"}}]), ["downtime-where spec.affects[0]"]),
        (downtime(affects=[{"selector": {}}]), ["downtime-where spec.affects[0].selector"]),
        (downtime(affects=[{"site": "A", "start": at(47).isoformat()}]), ["downtime-inside spec.affects[0].start"]),
        (downtime(affects=[{"site": "A", "end": at(53).isoformat()}]), ["downtime-inside spec.affects[0].end"]),
        (downtime(affects=[{"site": "A", "end": at(48).isoformat()}]), ["downtime-inside spec.affects[0].end"]),
    ],
)
def test_times_and_entries_of_one_downtime(spec, expected):
    assert broken(spec) == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"site": "NORHT"}, "spec.affects[0].site: there is no Site NORHT; did you mean NORTH?"),
        ({"site": "NORTH", "services": ["nova", "novva"]}, "spec.affects[0].services[1]: there is no service novva of NORTH; did you mean nova?"),
        ({"site": "SOUTH", "services": ["nova"]}, "spec.affects[0].services[0]: there is no service nova of SOUTH; declare it, or take it out"),
        ({"site": "NORTH", "serviceTypes": ["webdaw"]}, "spec.affects[0].serviceTypes[0]: there is no service of type webdaw at NORTH; did you mean webdav?"),
        ({"selector": {"country": "FR"}}, "spec.affects[0].selector: it selects no site; labels, ngi, country and scopes must all fit one"),
        ({"selector": {"country": "DE"}, "serviceTypes": ["xrootd"]}, "spec.affects[0].serviceTypes[0]: there is no service of type xrootd at any of 2 sites; declare it, or take it out"),
    ],
)  # fmt: skip
def test_what_is_affected_is_declared(entry, expected):
    assert one(downtime(affects=[entry])) == [f"downtime-affects {expected}"]


def test_what_is_over_may_name_what_is_gone():
    assert one(downtime(48, 52, [{"site": "GONE"}]), now=53, declared=0) == []


def test_two_downtimes_of_a_service_at_once_are_told_at_the_later_one():
    specs = {"Downtime/a": downtime(48, 52, CE), "Downtime/b": downtime(50, 60, CE)}
    (line,) = found(specs, stated={"Downtime/a": 0, "Downtime/b": -1})
    assert line == (
        "a downtime-overlap spec.affects: ce of SOUTH is in Downtime/b (OUTAGE) too, 2026-10-14T14:00Z to "
        "2026-10-14T16:00Z; close the one, or take the service out of the other"
    )
    assert found({"Downtime/a": downtime(48, 50, CE), "Downtime/b": downtime(50, 60, CE)}) == []
    risk = {"Downtime/a": downtime(48, 52, CE), "Downtime/b": downtime(50, 60, CE, severity="WARNING")}
    assert [line.split()[1] for line in found(risk)] == ["downtime-overlap-severity"]


def test_two_entries_that_say_the_same_are_told():
    twice = [{"site": "SOUTH", "services": ["ce"]}, {"site": "SOUTH", "services": ["ce"]}]
    (line,) = one(downtime(affects=twice))
    assert "downtime-overlap spec.affects: ce of SOUTH is in two entries too" in line


def test_a_late_declaration_is_told_and_counts_as_unscheduled():
    (line,) = one(downtime(20, 52, CE))
    assert line.startswith("downtime-late spec.start: it counts as UNSCHEDULED: not stated more than 24 h ahead")
    assert one(downtime(20, 52, CE), now=60) == []


def test_a_late_extension_is_told():
    stated = [Stated(at(0), downtime(48, 52, CE)), Stated(at(50), downtime(48, 60, CE))]
    all_ = resources({**SITES, str(REF): downtime(48, 60, CE)})
    ((_, rule, fault),) = KIND.hindsight(all_, {REF: stated}, at(51))
    assert (rule, fault.path) == ("downtime-late", "spec.end")
    assert fault.message.startswith("what begins at 2026-10-14T16:00Z counts as UNSCHEDULED")


@pytest.mark.parametrize(("start", "long_ago"), [(-47, False), (-48, False), (-49, True), (-500, True)])
def test_an_emergency_may_be_declared_up_to_48_hours_after_it_began(start, long_ago):
    assert any("downtime-long-ago spec.start" in line for line in one(downtime(start, 5, CE))) == long_ago
    over = one(downtime(start, start + 1, CE))
    assert any("downtime-long-ago spec.start" in line for line in over) == long_ago


def test_a_year_that_cannot_be_meant_is_told():
    assert one(downtime(8_000, 8_004, CE)) == []
    (line,) = one(downtime(40 * 8_766, 40 * 8_766 + 4, CE))
    assert line == "downtime-far spec.start: it begins in 14,610 days; is the year a typing error?"


def test_what_was_wrong_long_ago_is_told_no_more():
    assert one(downtime(-500, -400, CE), now=24 * 40, declared=0) == []


def test_a_downtime_is_alone_in_its_file():
    shared = {"Downtime/a": "manifests/x.yaml", "Site/NORTH": "manifests/x.yaml"}
    (line,) = found({"Downtime/a": downtime(affects=CE)}, files=shared)
    assert line.startswith("a downtime-alone metadata.name: manifests/x.yaml declares 2 resources")


def steps(before: DowntimeSpec, wanted: DowntimeSpec | None, now: float) -> list[str]:
    return [f"{rule}: {fault.message}; {fault.cure}" for rule, fault in KIND.turned(before, wanted, at(now))]


def test_what_has_begun_is_closed_and_not_taken_away():
    spec = downtime(48, 52, CE)
    assert steps(spec, None, 47) == []
    assert steps(spec, None, 49) == [
        "downtime-kept: it has begun at 2026-10-14T12:00Z and may not be taken away; "
        "put it back, and close it with an end that is now"
    ]
    assert "it is over and may stay" in steps(spec, None, 60)[0]
    assert steps(spec, downtime(48, 49, CE), 49) == []
    assert steps(spec, downtime(47, 52, CE), 47) == []
    assert steps(spec, downtime(50, 52, CE), 49)[0].startswith("downtime-kept: it has begun")


def test_services_stay_in_a_downtime_that_has_begun():
    before = downtime(48, 52, [{"site": "NORTH", "services": ["nova", "dav"]}])
    fewer = downtime(48, 52, [{"site": "NORTH", "services": ["nova"]}])
    assert steps(before, fewer, 47) == []
    assert "also for NORTH/dav" in steps(before, fewer, 49)[0]


def test_what_is_over_stays_as_it_was_counted():
    before = downtime(48, 52, CE)
    (line,) = steps(before, downtime(48, 49, CE), 53)
    assert line.startswith(
        "downtime-rewritten: it is over since 2026-10-14T16:00Z: days that were reported change with"
    )
    assert line.endswith("put right by a Recomputation, which says why")
    assert "with its severity" in steps(before, downtime(48, 52, CE, severity="WARNING"), 53)[0]
    assert steps(before, downtime(48, 52, CE, description="cooling"), 53) == []
    assert steps(before, downtime(48, 51, CE), 51) == []
