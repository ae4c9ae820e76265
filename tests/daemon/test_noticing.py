"""What is followed of storages, and when the loop is woken: soon after the last of many events, and with whom it concerns."""

from __future__ import annotations

import threading
import time

import pytest

from reconciler.daemon import noticing
from reconciler.daemon.noticing import Interest, Noticer, Waker, interests
from reconciler.errors import Terminal, Transient
from reconciler.kinds.dataset import DatasetSpec
from reconciler.kinds.replica import ReplicaSpec
from reconciler.kinds.site import SiteSpec
from reconciler.model import Ref, Target
from reconciler.ports import StorageEvent
from tests.real.waiting import PATIENCE, until

WAVES, COPY, TIDES = Ref("Dataset/o/waves"), Ref("Replica/o/waves-b"), Ref("Dataset/o/tides")


class Federation:
    def __init__(self, **options):
        storage = [{"name": "disk", "driver": "directory", "options": options}, {"name": "s3", "driver": "libcloud"}]
        self.site = SiteSpec.model_validate({"storage": storage}, strict=False)

    def get(self, _ref):
        return self.site

    def of_kind(self, kind):
        def listed(name, storage, path):
            listing = {"site": "A", "storage": storage, "path": path}
            return DatasetSpec.model_validate({"scope": "ocean", "name": name, "listing": listing}, strict=False)

        at = {"site": "A", "name": "disk"}
        files = [{"path": "x", "source": "data:,x"}]
        replica = ReplicaSpec.model_validate({"storage": at, "dataset": "ocean:waves", "files": files}, strict=False)
        found = {
            "Dataset": [(WAVES, listed("waves", "disk", "in/waves")), (TIDES, listed("tides", "s3", "tides"))],
            "Replica": [(COPY, replica)],
        }
        return found.get(kind, [])


class Drivers:
    """Events as a test gives them."""

    def __init__(self, *errors):
        self.errors, self.follows, self.told = list(errors), 0, None

    def options(self, _target, driver):
        return driver, {}

    def events(self, _target):
        return self

    def follow(self, _folders, told, stop):
        self.follows += 1
        if self.errors:
            raise self.errors.pop(0)
        self.told = told
        stop.wait(PATIENCE)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(noticing, "QUIET", 0.15)
    monkeypatch.setattr(noticing, "LONGEST", 0.6)
    monkeypatch.setattr(noticing, "_WAITS", (0.05, 0.05))


def test_folders_of_datasets_and_replicas_are_followed_where_a_storage_tells_anything():
    found = interests(Federation(), Drivers())
    assert set(found) == {"storage:A/disk"}
    assert found["storage:A/disk"].target.driver == "inotify"
    assert set(found["storage:A/disk"].folders) == {"in/waves", "ocean/waves"}
    assert found["storage:A/disk"].concerned("in/waves/deep/1.nc") == {WAVES}
    assert found["storage:A/disk"].concerned("in/wavesome") == frozenset()
    assert found["storage:A/disk"].concerned("") == {WAVES, COPY}


def test_a_storage_says_how_it_tells():
    polled = interests(Federation(events={"driver": "polling", "seconds": 7}), Drivers())["storage:A/disk"].target
    assert (polled.driver, polled.options["of"], polled.options["seconds"]) == ("polling", "directory", 7)
    assert interests(Federation(events={"driver": "none"}), Drivers()) == {}


def test_many_events_ring_once_some_time_after_the_last(monkeypatch):
    monkeypatch.setattr(noticing, "QUIET", 1.5)
    rung = []
    waker = Waker(lambda: rung.append(time.monotonic()))
    for _ in range(50):
        waker.wake(frozenset({WAVES}))
    last = time.monotonic()
    until("it rings", lambda: rung)
    assert rung[0] - last > 1.4
    time.sleep(0.3)
    assert len(rung) == 1


def test_events_that_do_not_end_ring_all_the_same(quick):
    rung = []
    waker = Waker(lambda: rung.append(1))
    until("it rings", lambda: rung or waker.wake(frozenset({WAVES})), every=0.03)
    waker.end()


def interest(*folders):
    return {
        "storage:A/disk": Interest(Target("storage:A/disk", "inotify", {}), {f: frozenset({WAVES}) for f in folders})
    }


def test_after_a_storage_has_fallen_silent_it_is_asked_again_and_what_was_missed_is_looked_for(quick):
    rung, drivers = threading.Event(), Drivers(Transient("hung up"))
    noticer = Noticer(drivers, rung.set)
    noticer.follow(interest("in"))
    assert rung.wait(PATIENCE)
    until("it is followed", lambda: drivers.told)
    until("what was missed is looked for", lambda: noticer._waker._timer is None)
    drivers.told(StorageEvent("elsewhere/x"))
    assert noticer._waker._timer is None
    time.sleep(0.2)
    rung.clear()
    drivers.told(StorageEvent("in/x"))
    assert rung.wait(PATIENCE)
    noticer.end()
    assert drivers.follows == 2


def test_a_storage_that_never_will_tell_is_left_to_the_interval(quick):
    drivers = Drivers(Terminal("no events here"))
    noticer = Noticer(drivers, lambda: None)
    noticer.follow(interest("in"))
    until("it is asked", lambda: drivers.follows)
    noticer.follow(interest("in"))
    noticer.end()
    assert drivers.follows == 1


def test_what_is_followed_changes_with_the_manifests(quick):
    drivers = Drivers()
    noticer = Noticer(drivers, lambda: None)
    for wanted, follows in ((interest("in"), 1), (interest("in"), 1), (interest("in", "out"), 2), ({}, 2)):
        noticer.follow(wanted)
        until("it is followed", lambda: drivers.follows, lambda found: found == follows)  # noqa: B023
    noticer.end()
    assert drivers.follows == 2
