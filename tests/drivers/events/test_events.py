"""Events of storages: directories by inotify, dCache by its stream, and whoever tells nothing by looking again."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from reconciler.drivers import directory
from reconciler.drivers.events import dcache, inotify, polling
from reconciler.errors import Terminal, Transient
from reconciler.model import Target
from reconciler.ports import StorageEvent
from tests.real.dcache import TOKEN, frontend
from tests.real.waiting import PATIENCE, until

IN_PLACE = StorageEvent("")


class Heard:
    def __init__(self):
        self.events, self.changed, self.error = [], threading.Condition(), None

    def __call__(self, event):
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def wait(self, holds, seconds=PATIENCE):
        with self.changed:
            assert self.changed.wait_for(lambda: holds(self.events), seconds), self.events


@contextmanager
def following(events, *folders):
    heard, stop = Heard(), threading.Event()

    def run():
        try:
            events.follow(folders, heard, stop)
        except (Transient, Terminal) as error:
            heard.error = error

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield heard
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def put(path, text):
    """Write a file that is whole from the first moment on."""
    part = path.parent.parent / "part"
    part.write_text(text)
    part.rename(path)


def secret(_reference):
    return TOKEN


# -- inotify -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path):
    root = tmp_path / "disk"
    (root / "in/deep").mkdir(parents=True)
    return root


def test_a_directory_tells_what_comes_and_goes_below_the_folders_asked_for_and_nothing_else(disk):
    watched = inotify.open(Target("storage:A/disk", "inotify", {"root": str(disk)}), None)
    with following(watched, "in") as heard:
        heard.wait(lambda events: events == [IN_PLACE])
        (disk / "elsewhere").write_text("x")
        (disk / ".hanse").mkdir()
        (disk / ".hanse/in").write_text("x")
        (disk / "in/deep/new.csv").write_text("x")
        heard.wait(lambda events: any(e.path == "in/deep/new.csv" for e in events))
        (disk / "in/deep/new.csv").unlink()
        heard.wait(lambda events: StorageEvent("in/deep/new.csv", "went") in events)
    assert {event.path for event in heard.events[1:]} == {"in/deep/new.csv"}


def test_a_directory_that_is_to_come_is_waited_for(tmp_path):
    root = tmp_path / "late"
    watched = inotify.open(Target("storage:A/disk", "inotify", {"root": str(root)}), None)
    with following(watched, "in") as heard:
        time.sleep(0.3)
        assert heard.events == []
        (root / "in").mkdir(parents=True)
        heard.wait(lambda events: events == [IN_PLACE])


# -- polling -----------------------------------------------------------------------------------------------------------


def test_who_tells_nothing_is_looked_at_again_and_again(disk):
    def storage(target):
        assert target.driver == "directory"
        return directory.open(target, None)

    options = {"root": str(disk), "of": "directory", "seconds": 0.1}
    watched = polling.open(Target("storage:A/disk", "polling", options), SimpleNamespace(storage=storage))
    (disk / "in/old").write_text("x")
    with following(watched, "in") as heard:
        heard.wait(lambda events: events == [IN_PLACE])
        put(disk / "in/new", "xx")
        (disk / "outside").write_text("xx")
        heard.wait(lambda events: events[1:] == [StorageEvent("in/new", "came")])
        (disk / "in/old").unlink()
        heard.wait(lambda events: events[2:] == [StorageEvent("in/old", "went")])
        put(disk / "in/new", "xxx")
        heard.wait(lambda events: events[3:] == [StorageEvent("in/new", "changed")])


# -- dCache ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def door():
    with frontend() as found:
        found.make("/fed/ocean/in/deep")
        yield found


def opened(door, silence=1.0):
    options = dcache.Options(url=door.url, path="/fed/ocean", token={"env": "T"})
    return dcache.DCache("storage:A/dcache", options, secret, silence)


def subscribed(door, number):
    there = lambda: sum(len(channel.subscriptions) for channel in list(door.channels.values()))  # noqa: E731
    until(f"there are {number} subscriptions", there, lambda found: found >= number)


def test_an_upload_is_told_when_it_is_complete_in_whatever_folder_it_lies(door):
    with following(opened(door), "in") as heard:
        subscribed(door, 2)
        door.upload("/fed/ocean/in/deep/1.nc")
        heard.wait(lambda events: events == [IN_PLACE, StorageEvent("in/deep/1.nc", "came")])
        door.remove("/fed/ocean/in/deep/1.nc")
        heard.wait(lambda events: events[2:] == [StorageEvent("in/deep/1.nc", "went")])
        [channel] = door.channels.values()
        assert channel.timeout == 300
    assert door.channels == {}


def test_a_new_folder_is_watched_from_then_on_and_is_looked_at_for_what_it_holds_already(door):
    with following(opened(door), "in") as heard:
        subscribed(door, 2)
        door.make("/fed/ocean/in/2026")
        heard.wait(lambda events: events == [IN_PLACE, StorageEvent("in/2026")])
        subscribed(door, 3)
        door.upload("/fed/ocean/in/2026/a.nc")
        heard.wait(lambda events: events[2:] == [StorageEvent("in/2026/a.nc", "came")])


def test_a_cut_stream_goes_on_where_it_broke_off(door):
    with following(opened(door), "in") as heard:
        subscribed(door, 2)
        door.upload("/fed/ocean/in/1.nc")
        heard.wait(lambda events: len(events) == 2)
        door.cut_streams()
        door.upload("/fed/ocean/in/2.nc")
        heard.wait(lambda events: [e.path for e in events] == ["", "in/1.nc", "in/2.nc"])
    assert door.connections >= 2


def test_a_quiet_stream_is_connected_to_again_and_nothing_is_told_twice(door):
    with following(opened(door, 0.2), "in") as heard:
        subscribed(door, 2)
        door.upload("/fed/ocean/in/1.nc")
        heard.wait(lambda events: len(events) == 2)
        until("it has connected three times", lambda: door.connections, lambda times: times >= 3)
    assert [e.path for e in heard.events] == ["", "in/1.nc"]


def test_a_channel_that_is_gone_is_told_so_that_what_was_missed_is_looked_for(door):
    with following(opened(door), "in") as heard:
        subscribed(door, 2)
        door.forget_channels()
        until("it is told", lambda: heard.error)
    assert isinstance(heard.error, Transient)


def test_who_may_not_listen_is_told(door):
    options = dcache.Options(url=door.url, path="/fed/ocean")
    watched = dcache.DCache("storage:A/dcache", options, secret)
    with pytest.raises(Terminal, match="answered 401"):
        watched.follow(("in",), Heard(), threading.Event())
