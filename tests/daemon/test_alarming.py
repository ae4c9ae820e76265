"""Who follows probes is told once of each change that counts; in a downtime nothing is told, and all is measured."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from reconciler.daemon.alarming import Alarms, Seen
from reconciler.kinds.downtime import DowntimeSpec
from reconciler.kinds.probe import Checks, Looked
from reconciler.kinds.site import SiteSpec
from reconciler.model import ProbeState, Ref, encode
from reconciler.settings import NotifySettings
from tests.daemon.test_notifying import consumer

__all__ = ["consumer"]
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAV, URL = Ref("Probe/tides/dav"), Ref("Probe/tides/page")
LOOKED = Looked("webdav", "dav.example.org", "x.WebDAV")
CHECKS = Checks({DAV: 3, URL: 3}, {LOOKED: DAV}, {DAV: LOOKED})


def site():
    services = [{"name": "dav", "type": "webdav", "hostname": "dav.example.org"}]
    return SiteSpec.model_validate_json(encode({"services": services}))


def downtime(**more):
    given = {
        "description": "new disks",
        "severity": "OUTAGE",
        "start": "2026-11-01T11:00:00Z",
        "end": "2026-11-01T13:00:00Z",
        "affects": [{"site": "NORTH"}],
        **more,
    }
    return DowntimeSpec.model_validate_json(encode(given))


def declared(*downtimes):
    held = {Ref("Site/NORTH"): site(), **{Ref(f"Downtime/{n}"): one for n, one in enumerate(downtimes)}}
    return {ref: SimpleNamespace(spec=spec, annotations={}, labels={}) for ref, spec in held.items()}


def state(hard, ref=DAV, status=None, attempt=3):
    status = status or hard
    return ProbeState(ref, status, hard, 0 if status == "OK" else attempt, NOW, NOW, f"it is {hard}")


def seen(*states, resources=None, now=NOW):
    return Seen({one.ref: one for one in states}, CHECKS, resources or {}, now)


@pytest.fixture
def alarms(tmp_path, consumer):
    hook = NotifySettings.model_validate({"url": consumer.url, "secret": {"env": "KEY"}, "probes": "tides/*"})

    def looked(*looks, fresh=True):
        if fresh or not hasattr(looked, "one"):
            looked.one = Alarms([hook], tmp_path, lambda _reference: "key")
        for one in looks:
            looked.one._look(one)
        return [json.loads(body)["data"] for status, _, body in consumer.told if status == 204]

    return looked


def test_a_change_that_counts_is_told_once(alarms):
    told = alarms(seen(state("OK")), seen(state("CRITICAL")), seen(state("CRITICAL")), seen(state("OK")))
    assert [(one["probe"], one["before"], one["after"]) for one in told] == [
        ("tides/dav", "OK", "CRITICAL"),
        ("tides/dav", "CRITICAL", "OK"),
    ]
    assert (told[0]["hostname"], told[0]["metric"], told[0]["summary"]) == (
        "dav.example.org",
        "x.WebDAV",
        "it is CRITICAL",
    )


def test_what_does_not_count_yet_is_not_told(alarms):
    assert (
        alarms(seen(state("OK", status="CRITICAL", attempt=1)), seen(state("UNKNOWN", status="CRITICAL", attempt=1)))
        == []
    )
    assert len(alarms(seen(state("UNKNOWN")))) == 1


def test_a_restart_tells_neither_twice_nor_never(alarms):
    assert len(alarms(seen(state("CRITICAL")))) == 1
    assert len(alarms(seen(state("CRITICAL")))) == 1
    assert len(alarms(seen(state("WARNING")))) == 2


@pytest.mark.parametrize("severity", ["OUTAGE", "WARNING"])
def test_in_a_downtime_nothing_is_told(alarms, severity):
    quiet = declared(downtime(severity=severity))
    assert alarms(seen(state("CRITICAL"), resources=quiet)) == []


def test_what_still_is_bad_after_a_downtime_is_told_then(alarms):
    quiet = declared(downtime())
    after = seen(state("CRITICAL"), resources=quiet, now=NOW + timedelta(hours=1))
    assert [one["after"] for one in alarms(seen(state("CRITICAL"), resources=quiet), after)] == ["CRITICAL"]


def test_what_was_bad_in_a_downtime_only_is_never_told(alarms):
    quiet = declared(downtime())
    later = NOW + timedelta(hours=1)
    assert alarms(seen(state("CRITICAL"), resources=quiet), seen(state("OK"), resources=quiet, now=later)) == []


def test_a_probe_of_no_service_is_in_no_downtime(alarms):
    assert len(alarms(seen(state("CRITICAL", URL), resources=declared(downtime())))) == 1


def test_what_is_refused_is_told_again(alarms, consumer):
    consumer.refuse = 1
    assert alarms(seen(state("CRITICAL"))) == []
    alarms.one = None
    assert len(alarms(seen(state("CRITICAL")))) == 1


def test_probes_that_are_declared_no_more_are_not_told_of(alarms):
    gone = Ref("Probe/tides/gone")
    assert alarms(seen(state("CRITICAL", gone))) == []
