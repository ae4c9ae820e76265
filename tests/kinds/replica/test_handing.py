"""Copies handed to a transfer service: once each, found again after a crash, verified before they count."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.drivers import fts3
from reconciler.errors import Conflict
from reconciler.kinds.replica.handing import handed
from reconciler.model import Absent, Done, Failed, Started, Target
from reconciler.ports import Copy, Source
from tests.kinds.replica.conftest import OTHER, UID, Disks, Federation, adler32, replica
from tests.real.fts import TOKEN, fts
from tests.real.waiting import until

__all__ = ["fts"]

SITES = {
    "A": {"storage": [{"name": "disk", "driver": "directory"}]},
    "B": {"storage": [{"name": "disk", "driver": "directory"}]},
}
BODY = b"depth,salinity\n" * 100_000


class WithService(Disks):
    def mover(self, target):
        return fts3.open(target, self)

    def secret(self, _reference):
        return TOKEN


@pytest.fixture
def federation(tmp_path, fts):
    made = Federation(tmp_path / "state", SITES)
    made.drivers = WithService(tmp_path / "state")
    made.drivers.operator = {
        "storage:A/disk": {"transfers": "fts:main"},
        "fts:main": fts.options(),
    }
    return made


def there(federation, names=("1.csv", "2.csv")):
    """A dataset that lies at B and is wanted at A."""
    files = [{"path": name, "size": len(BODY), "checksum": adler32(BODY)} for name in names]
    origin = replica(dataset="ocean:waves", files=files, storage={"site": "B", "name": "disk"})
    storage = federation.drivers.storage(federation.target(origin))
    for file in origin.parts():
        source = federation.drivers.state.parent / "source"
        source.write_bytes(BODY)
        storage.copy_in(Copy(file.path, Source(source.as_uri()), OTHER))
    at = {"site": "B", "storage": "disk", "path": "ocean/waves"}
    return replica(dataset="ocean:waves", files=files, source=at)


def test_a_dataset_is_brought_by_the_service_and_stands_verified_and_marked(federation, fts):
    spec = there(federation)
    assert isinstance(federation.put(spec), Done)
    seen = federation.look(spec)
    assert (seen.digest, seen.owned, seen.uid) == (spec.digest(), True, UID)
    assert len(fts.submissions) == 2
    assert {f["destinations"][0].split("/.hanse/")[1][:8] for s in fts.submissions for f in s["files"]} == {"landing/"}
    assert list((federation.root("A/disk") / ".hanse/landing").iterdir()) == []
    assert isinstance(federation.put(spec, before=seen.spec), Done)
    assert len(fts.submissions) == 2


def test_what_moves_is_told_with_bytes_and_rate(federation, fts):
    fts.seconds_per_piece = 0.3
    spec = there(federation)
    change, told = federation.change(spec), []
    answer = Started("")
    while isinstance(answer, Started):
        answer = federation.kind.put(federation.target(spec), [change], federation.drivers)[change.ref]
        if isinstance(answer, Started):
            told.append(answer.progress)
            change = federation.change(spec, handle=answer.handle)
            time.sleep(0.1)
    assert isinstance(answer, Done)
    assert any(0 < come.bytes < 2 * len(BODY) and come.bytes_per_second for come in told if come)


def test_a_file_that_fails_is_told_with_the_services_reason_and_the_others_come(federation, fts):
    spec = there(federation)
    (federation.root("B/disk") / "ocean/waves/2.csv").unlink()
    answer = federation.put(spec)
    assert isinstance(answer, Failed)
    assert "No such file or directory" in answer.message
    assert [file.path for file in federation.look(spec).spec.files] == ["1.csv"]


def test_a_later_attempt_is_a_new_job_for_what_is_missing_alone(federation, fts):
    spec = there(federation)
    gone = federation.root("B/disk") / "ocean/waves/2.csv"
    gone.unlink()
    assert isinstance(federation.put(spec), Failed)
    gone.write_bytes(BODY)
    assert isinstance(federation.put(spec, before=federation.look(spec).spec), Done)
    assert len(fts.submissions) == 3
    assert federation.look(spec).digest == spec.digest()


def test_what_the_service_calls_done_is_not_believed_unseen(federation, fts):
    storage, target = (
        federation.drivers.storage(Target("storage:A/disk", "directory", {})),
        Target("fts:main", "fts3", fts.options()),
    )
    carried = handed(storage, Target("storage:A/disk", "directory", {"transfers": "fts:main"}), federation.drivers)
    source = federation.drivers.state.parent / "x"
    source.write_bytes(BODY)
    copy = Copy("a/b", Source(source.as_uri()), UID, len(BODY), adler32(BODY))
    landing = storage.landing("a/b", UID)
    fts.going.clear()
    sid = fts3.open(target, federation.drivers)
    assert sid.look([]) == {}
    with pytest.raises(Conflict, match="nothing was written"):
        storage.land(copy)
    Path(landing.url.removeprefix("file://")).write_bytes(BODY[:-1])
    with pytest.raises(Exception, match="not the 1500000 expected"):
        storage.land(copy)
    assert storage.listing(["a/"]).files == {}
    fts.going.set()
    assert carried.copy_in(copy).uid == UID
    assert set(storage.listing(["a/"]).files) == {"a/b"}


def test_what_is_urgent_is_handed_over_as_such(federation, fts):
    spec = there(federation, ("1.csv",))
    target = federation.target(spec)
    storage = handed(federation.drivers.storage(target), target, federation.drivers)
    origin = federation.drivers.storage(Target("storage:B/disk", "directory", {})).source("ocean/waves/1.csv")
    storage.copy_in(Copy("ocean/waves/1.csv", origin, UID, len(BODY), adler32(BODY), None, 5, "Express"))
    (said,) = fts.submissions
    assert (said["params"]["priority"], said["files"][0]["activity"]) == (5, "Express")


def test_a_file_taken_in_once_and_lost_since_is_brought_again(federation, fts):
    spec = there(federation, ("1.csv",))
    federation.put(spec)
    from reconciler.kinds.replica import handing

    handing.SERVICES._known.clear()  # another process
    (federation.root("A/disk") / "ocean/waves/1.csv").unlink()
    assert isinstance(federation.look(spec), Absent)
    assert isinstance(federation.put(spec), Done)
    assert len(fts.submissions) == 2


def test_removing_calls_the_job_off(federation, fts):
    fts.going.clear()
    spec = there(federation, ("1.csv",))
    change = federation.change(spec)
    federation.kind.put(federation.target(spec), [change], federation.drivers)
    until("it has a job", lambda: fts.jobs)
    until("it is gone", lambda: federation.remove(spec), lambda answer: isinstance(answer, Done))
    assert [job["job_state"] for job in fts.jobs.values()] == ["CANCELED"]


CHILD = """
import os, signal, sys, time
from pathlib import Path
from tests.kinds.replica.test_handing import Federation, SITES, WithService, there
state, url = Path(sys.argv[1]), sys.argv[2]
made = Federation(state, SITES)
made.drivers = WithService(state)
made.drivers.operator = {
    "storage:A/disk": {"transfers": "fts:main"},
    "fts:main": {"url": url, "token": {"env": "HANSE_TEST_FTS"}, "retry": 0},
}
spec = there(made)
made.kind.put(made.target(spec), [made.change(spec)], made.drivers)
print("started", flush=True)
time.sleep(60)
"""


def test_after_kill_9_the_same_jobs_are_found_again_and_none_is_handed_over_twice(federation, fts, tmp_path):
    fts.going.clear()
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", CHILD, str(federation.drivers.state), fts.url]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=root, env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"}
    )
    try:
        assert child.stdout.readline() == b"started\n"
        until("two jobs are asked for", lambda: len(fts.submissions) >= 2)
    finally:
        child.kill()
        child.communicate()
    before = set(fts.jobs)
    assert len(before) == 2
    spec = there(federation)
    fts.going.set()
    assert isinstance(federation.put(spec), Done)
    assert (set(fts.jobs), len(fts.submissions)) == (before, 2)
    assert federation.look(spec).digest == spec.digest()
