"""Agreements held against a month: targets, what is undefined, rows of misses, and what VOs were granted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.report import Agreement, ReportSpec
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.vo import VOSpec
from reconciler.model import Ref, UsageRecord
from reconciler.model.uptime import UptimeDay, UptimeRecord
from reconciler.ola import (
    Measured,
    core_services,
    evaluated,
    granted,
    later,
    month_before,
    promises,
    stored,
    worked,
)
from reconciler.records.store import open_store

MONTH = "2026-10"
NORTH, BDII = ("NORTH", "", ""), ("NORTH", "Top-BDII", "bdii.north.org")
NOW = datetime(2026, 11, 21, tzinfo=UTC)
EGI = ReportSpec()


def month(availability: float | None = 90.0, reliability: float | None = 90.0, unknown: float = 0.0) -> Measured:
    return Measured(availability, reliability, unknown, 31, "NGI_X")


def found(*months: Measured | None, spec: ReportSpec = EGI, key=NORTH, core=None, **more):
    """The last of months that follow one another, each None where nothing is kept."""
    names, name = {}, MONTH
    for one in reversed(months):
        names[name] = {key: one} if one else {}
        name = month_before(name)
    wanted = promises(spec, names[MONTH], core or {})
    return evaluated(wanted, MONTH, lambda of: names.get(of, {}), **more)


@pytest.mark.parametrize(
    ("measured", "rules"),
    [
        (month(80.0, 85.0, 10.0), []),
        (month(79.999, 85.0), ["availability"]),
        (month(80.0, 84.99), ["reliability"]),
        (month(99.0, 99.0, 10.001), ["unknown"]),
        (month(50.0, 60.0, 30.0), ["availability", "reliability", "unknown"]),
        (month(None, None, 100.0), ["unknown"]),
        (month(90.0, None, 0.0), []),
    ],
)
def test_a_month_is_held_against_its_targets_and_what_is_undefined_misses_nothing(measured, rules):
    (one,) = found(measured)
    assert [finding.rule for finding in one.findings] == rules


def test_a_finding_tells_its_numbers():
    (one,) = found(month(74.1129, 99.0, 12.9))
    assert [f.text for f in one.findings] == [
        "availability 74.113 % is below 80 %",
        "unknown 12.900 % is above 10 %",
    ]
    assert (one.findings[0].value, one.findings[0].target) == (74.1129, 80)


BAD = month(70.0)


@pytest.mark.parametrize(
    ("months", "misses", "three"),
    [
        ((BAD, BAD, BAD), 3, True),
        ((BAD, BAD, BAD, BAD), 4, True),
        ((BAD, BAD, month()), 0, False),
        ((BAD, month(), BAD, BAD), 2, False),
        ((BAD, None, BAD, BAD), 2, False),
        ((month(90.0, 80.0), month(90, 90, 20.0), BAD), 3, True),
        ((BAD, BAD, month(None, None, 5.0)), 0, False),
    ],
)
def test_three_months_in_a_row_are_counted_from_what_is_kept(months, misses, three):
    (one,) = found(*months)
    assert len(one.misses) == misses
    assert ("three-misses" in [f.rule for f in one.findings]) is three
    assert [name for name, _ in one.misses] == ["2026-10", "2026-09", "2026-08", "2026-07"][:misses]


def test_core_services_and_named_sites_have_targets_of_their_own():
    site = SiteSpec.model_validate(
        {
            "services": [
                {"name": "bdii", "type": "Top-BDII", "hostname": "bdii.north.org"},
                {"name": "px", "type": "MyProxy", "hostname": "px.north.org", "core": True},
                {"name": "dav", "type": "webdav", "hostname": "dav.north.org"},
                {"name": "old", "type": "Top-BDII", "hostname": "old.north.org", "monitored": False},
            ]
        },
        strict=False,
    )
    core = core_services({"NORTH": site}, ReportSpec())
    assert core == {"NORTH": {("Top-BDII", "bdii.north.org"), ("MyProxy", "px.north.org")}}
    (one,) = found(month(98.9, 99.2), key=BDII, core=core)
    assert [f.text for f in one.findings] == ["availability 98.900 % is below 99 %"]
    spec = ReportSpec(agreements=(Agreement(site="NORTH", availability=95), Agreement(serviceType="webdav")))
    (one,) = found(month(94.0, 84.0), spec=spec)
    assert [f.target for f in one.findings] == [95, 85]
    assert ("webdav", "dav.north.org") in core_services({"NORTH": site}, spec)["NORTH"]


def test_an_agreement_is_about_a_site_or_a_type_of_service():
    with pytest.raises(ValueError, match="exactly one of site, serviceType"):
        Agreement(availability=90)


def machine(vo: str, seconds: int, cores: int, memory: int = 1024) -> UsageRecord:
    start = datetime(2026, 10, 1, tzinfo=UTC)
    return UsageRecord(
        MONTH, f"{vo}{cores}", Ref(f"VirtualCluster/{vo}/c"), vo, "NORTH", "vm", start, None,
        wall_seconds=seconds, cpu_seconds=seconds * cores, cpu_count=cores, memory_mib=memory,
    )  # fmt: skip


def vo(**allocation) -> dict[str, VOSpec]:
    told = {"allocations": [{"site": "NORTH", **allocation}]}
    return {"tides": VOSpec.model_validate(told, strict=False)}


def test_what_a_vo_uses_is_held_against_what_it_was_granted():
    whole = 31 * 86_400
    (one,) = granted(vo(vcpus=8, ramGiB=4), [machine("tides", whole, 4), machine("other", whole, 64)], MONTH, NOW)
    assert [(u.what, u.granted, u.used, u.percent) for u in one.uses] == [("cores", 8, 4, 50), ("memory", 4, 1, 25)]
    (one,) = granted(vo(vcpus=2, start="2026-10-17"), [machine("tides", whole // 2, 4)], MONTH, NOW)
    assert (one.uses[0].granted, one.uses[0].used) == (2, pytest.approx(4 * 15.5 / 15, abs=1e-3))
    (evaluation,) = evaluated([one], MONTH, lambda _: {})
    assert [f.text for f in evaluation.findings] == ["cores: 4.1 used on the average, 2.0 granted"]


def test_an_allocation_that_does_not_hold_in_the_month_promises_nothing():
    assert granted(vo(vcpus=8, end="2026-09-30"), [], MONTH, NOW) == []
    assert granted(vo(vcpus=8, start="2026-11-01"), [], MONTH, NOW) == []


def test_a_vo_gets_what_the_site_gives_held_against_its_own_targets():
    (wanted,) = granted(vo(availabilityTarget=97.5), [], MONTH, NOW)
    here = {NORTH: month(97.0)}
    sites = evaluated(promises(ReportSpec(), here, {}, [wanted]), MONTH, lambda of: here if of == MONTH else {})
    assert [(e.subject.name, [f.text for f in e.findings]) for e in sites] == [
        ("NORTH", []),
        ("tides at NORTH", ["availability 97.000 % is below 97.5 %"]),
    ]


# -- what is kept ------------------------------------------------------------------------------------------------------


def row(day: int, up: float, unknown: float, **more) -> UptimeRecord:
    told = {"level": "group", "function": "", "service": "", "hostname": "", "points": ((0, "OK"),)}
    return UptimeRecord(
        report="Critical", day=date(2026, 10, day), site="NORTH", ngi="NGI_X", weight=0, availability=-1,
        reliability=-1, up=up, unknown=unknown, down=0.0, recomputations=(), **(told | more),
    )  # fmt: skip


def test_months_are_read_from_the_rows_of_days(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: NOW) as store:
        for day, rows in enumerate(
            [
                [row(1, 1, 0), row(1, 0.5, 0.5, level="endpoint", service="webdav", hostname="dav.north.org")],
                [row(2, 0.5, 0)],
            ],
            1,
        ):
            store.uptime.rebuild(UptimeDay("Critical", date(2026, 10, day), "", "", True, NOW), rows)
        assert list(stored(store, "Critical", MONTH)) == [NORTH]
        known = stored(store, "Critical", MONTH, ["NORTH"])
        assert stored(store, "Critical", "2026-09") == {}
    assert known[NORTH].availability == pytest.approx(75, abs=1e-4)
    assert known["NORTH", "webdav", "dav.north.org"].unknown == 50


def test_what_was_never_known_is_undefined(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: NOW) as store:
        store.uptime.rebuild(UptimeDay("Critical", date(2026, 10, 1), "", "", True, NOW), [row(1, 0, 1)])
        known = stored(store, "Critical", MONTH)
    assert (known[NORTH].availability, known[NORTH].reliability, known[NORTH].unknown) == (None, None, 100)


# -- working days ------------------------------------------------------------------------------------------------------

FRIDAY = datetime(2026, 11, 20, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        (FRIDAY - timedelta(days=1), 24, FRIDAY),
        (FRIDAY, 6, FRIDAY + timedelta(hours=6)),
        (FRIDAY, 24, FRIDAY + timedelta(days=3)),
        (FRIDAY + timedelta(hours=8), 24, datetime(2026, 11, 24, tzinfo=UTC)),
        (FRIDAY, 240, FRIDAY + timedelta(days=14)),
    ],
)
def test_weekends_do_not_count(start, hours, end):
    assert later(start, timedelta(hours=hours)) == end
    assert worked(start, end) == timedelta(hours=hours)


@given(st.integers(0, 365 * 86_400), st.timedeltas(timedelta(minutes=1), timedelta(days=40)))
def test_so_much_later_so_much_was_worked(second, wait):
    start = NOW + timedelta(seconds=second)
    assert worked(start, later(start, wait)) == wait
