"""Who waits for copies of a dataset is told: by a stream of events, and by web hooks that are signed and tried again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from reconciler.copies import Board, Question
from reconciler.daemon import notifying
from reconciler.daemon.notifying import Notifier, name_of
from reconciler.errors import RecordsError, SettingsError
from reconciler.kinds.expression import Storages
from reconciler.model import Ref
from reconciler.model.data import ReplicaRecord, ReplicaState
from reconciler.records.store import open_store
from reconciler.settings import NotifySettings, Settings
from reconciler.web.serving import serving
from tests.real.answering import answering
from tests.real.waiting import PATIENCE, until

PLACES = Storages.of(
    {
        "A/disk": {"country": "ES", "A/disk": True},
        "B/disk": {"country": "DE", "B/disk": True},
        "B/tape": {"country": "DE", "type": "tape", "B/tape": True},
    }
)
KEY = "a key for signatures"


def replica(storage, dataset="ocean:waves", state=ReplicaState.AVAILABLE):
    at = datetime(2026, 11, 21, tzinfo=UTC)
    return ReplicaRecord(Ref(f"Replica/o/{storage}"), storage, dataset, "a" * 32, state, 3, 30, False, "vo", at)


class Consumer:
    """A web hook that remembers what it was told, and refuses as often as it is told to."""

    def __init__(self):
        self.told, self.refuse, self.lock = [], 0, threading.Condition()

    def wait(self, count, seconds=PATIENCE):
        with self.lock:
            self.lock.wait_for(lambda: len(self.told) >= count, seconds)
            return list(self.told)


@pytest.fixture
def consumer():
    found = Consumer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with found.lock:
                status = 503 if found.refuse else 204
                found.refuse = max(0, found.refuse - 1)
                found.told.append((status, dict(self.headers), body))
                found.lock.notify_all()
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_arguments):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}/hook?key=hidden"
    with answering(server):
        yield found


@contextmanager
def notified(board, state, hook):
    notifier, stop = Notifier([hook], state, lambda _reference: KEY), threading.Event()
    thread = threading.Thread(target=notifier.keep, args=(board, stop))
    thread.start()
    try:
        yield notifier
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(notifying, "FIRST_WAIT", 0.05)


def hook(url, **more):
    return NotifySettings.model_validate({"url": url, "secret": {"env": "KEY"}, **more})


# -- the fact ----------------------------------------------------------------------------------------------------------


def test_only_whole_copies_at_the_places_asked_for_count():
    board = Board()
    board.learn([replica("A/disk"), replica("B/disk"), replica("B/tape", state=ReplicaState.COPYING)], PLACES)
    assert board.facts("ocean:waves", Question(2))[0].met
    [fact] = board.facts("ocean:waves", Question(2, "country=DE"))
    assert (fact.storages, fact.met) == (("B/disk",), False)
    assert board.facts("ocean:*", Question())[0].dataset == "ocean:waves"
    assert board.facts("land:x", Question())[0].data()["copies"] == 0
    assert board.facts("land:*", Question()) == []


def test_the_board_moves_only_when_something_has_changed():
    board = Board()
    board.learn([replica("A/disk")], PLACES)
    seen = board.version
    board.learn([replica("A/disk")], PLACES)
    assert board.version == seen
    board.learn([], PLACES)
    assert board.version == seen + 1
    assert board.wait(seen + 1, 0.01) == seen + 1


# -- web hooks ---------------------------------------------------------------------------------------------------------


def test_a_hook_is_told_when_there_are_enough_copies_and_when_there_are_no_longer(consumer, tmp_path):
    board = Board()
    with notified(board, tmp_path, hook(consumer.url, dataset="ocean:*", copies=2)):
        board.learn([replica("A/disk")], PLACES)
        board.learn([replica("A/disk"), replica("B/disk")], PLACES)
        consumer.wait(1)
        board.learn([replica("A/disk")], PLACES)
        told = [json.loads(body) for _, _, body in consumer.wait(2)]
    assert [(said["type"], said["data"]["met"], said["data"]["storages"]) for said in told] == [
        ("dataset.copies", True, ["A/disk", "B/disk"]),
        ("dataset.copies", False, ["A/disk"]),
    ]


def test_a_delivery_is_signed_as_standard_webhooks_are(consumer, tmp_path):
    board = Board()
    with notified(board, tmp_path, hook(consumer.url)):
        board.learn([replica("A/disk")], PLACES)
        [(_, headers, body)] = consumer.wait(1)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60


def test_a_refused_delivery_is_tried_again_under_the_same_id(consumer, tmp_path, quick):
    board, consumer.refuse = Board(), 2
    with notified(board, tmp_path, hook(consumer.url)):
        board.learn([replica("A/disk")], PLACES)
        told = consumer.wait(3)
    assert [status for status, _, _ in told] == [503, 503, 204]
    assert len({headers["webhook-id"] for _, headers, _ in told}) == 1


def test_a_restart_tells_nothing_twice_and_what_changed_meanwhile_once(consumer, tmp_path):
    board = Board()
    with notified(board, tmp_path, hook(consumer.url, dataset="ocean:*")):
        board.learn([replica("A/disk")], PLACES)
        consumer.wait(1)
    again = Board()
    with notified(again, tmp_path, hook(consumer.url, dataset="ocean:*")):
        again.learn([replica("A/disk"), replica("A/disk", "ocean:tides")], PLACES)
        told = [json.loads(body)["data"]["dataset"] for _, _, body in consumer.wait(2)]
        time.sleep(0.3)
    assert told == ["ocean:waves", "ocean:tides"]
    assert len(consumer.told) == 2


def test_another_leader_tells_nothing_twice_and_takes_over_what_a_file_says(consumer, tmp_path):
    asked, one, two = hook(consumer.url, dataset="ocean:*"), tmp_path / "one", tmp_path / "two"
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: datetime.now(UTC)) as store:
        for folder, records, known in (
            (one, None, ["A/disk"]),
            (one, store, ["A/disk"]),
            (two, store, ["A/disk"]),
            (two, store, []),
        ):
            board = Board()
            board.learn([replica(at) for at in known], PLACES)
            notifier = Notifier([asked], folder, lambda _reference: KEY, records=records and records.delivered)
            notifier.hooks[0].look(board)
            notifier.hooks[0].serve(lambda _reference: KEY, time.time)
    assert [json.loads(body)["data"]["met"] for _, _, body in consumer.told] == [True, False]
    assert len({headers["webhook-id"] for _, headers, _ in consumer.told}) == 2
    assert not two.exists()


def test_what_could_not_be_written_down_is_written_later(consumer, tmp_path):
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: datetime.now(UTC)) as store:
        board = Board()
        board.learn([replica("A/disk")], PLACES)
        [found] = Notifier([hook(consumer.url)], tmp_path, lambda _reference: KEY, records=store.delivered).hooks
        found.look(board)
        with store.database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE delivered RENAME TO away")
        with pytest.raises(RecordsError):
            found.serve(lambda _reference: KEY, time.time)
        with store.database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO delivered")
        found.serve(lambda _reference: KEY, time.time)
        assert store.delivered.told(name_of(found.settings)) == {"ocean:waves": (True, 1)}
    assert len(consumer.told) == 1


def test_what_was_overtaken_while_nobody_listened_is_not_told(tmp_path, consumer, quick):
    board, consumer.refuse = Board(), 10_000
    with notified(board, tmp_path, hook(consumer.url)) as notifier:
        board.learn([replica("A/disk")], PLACES)
        consumer.wait(1)
        board.learn([], PLACES)
        until("it is overtaken", lambda: not notifier.hooks[0].due)
        consumer.refuse = 0
        time.sleep(0.5)
    assert all(status == 503 for status, _, _ in consumer.told)


def test_neither_the_key_nor_what_is_hidden_in_the_url_is_logged(consumer, tmp_path, quick, capsys):
    board, consumer.refuse = Board(), 1
    with notified(board, tmp_path, hook(consumer.url)):
        board.learn([replica("A/disk")], PLACES)
        consumer.wait(2)
        time.sleep(0.2)
    said = "".join(capsys.readouterr())
    assert "notified" in said
    assert KEY not in said
    assert "hidden" not in said


def test_hooks_are_read_from_the_settings():
    given = {"notify": [{"url": {"env": "HOOK"}, "secret": {"env": "KEY"}, "dataset": "ocean:*", "copies": 2}]}
    [found] = Settings.model_validate(given, strict=False).notify
    assert (found.url.env, found.copies, found.at) == ("HOOK", 2, "*")


@pytest.mark.parametrize(
    ("more", "why"), [({"at": "country="}, "at: column 9"), ({"url": "ftp://x"}, "url: give https")]
)
def test_a_hook_that_cannot_be_meant_is_refused(more, why, tmp_path):
    given = {"url": "https://example.org", **more}
    with pytest.raises(SettingsError, match=why):
        Notifier([NotifySettings.model_validate(given)], tmp_path, lambda _reference: KEY)


# -- the stream --------------------------------------------------------------------------------------------------------


def events(answer):
    """The data of each event as it comes."""
    for line in answer.iter_lines(decode_unicode=True):
        if line.startswith("data:"):
            yield json.loads(line[5:])


def test_a_stream_tells_how_it_stands_and_then_each_change():
    board = Board()
    board.learn([replica("A/disk")], PLACES)
    with serving("127.0.0.1:0", board, None) as url:
        asked = f"{url}/v1/datasets/events"
        parameters = {"dataset": "ocean:waves", "copies": "2", "at": "country=DE|A/disk"}
        with requests.get(asked, params=parameters, stream=True, timeout=PATIENCE) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            told = events(answer)
            assert next(told) == {
                "dataset": "ocean:waves",
                "copies": 1,
                "wanted": 2,
                "at": "country=DE|A/disk",
                "storages": ["A/disk"],
                "met": False,
            }
            board.learn([replica("A/disk"), replica("B/tape")], PLACES)
            assert next(told)["met"] is True
        once = requests.get(f"{url}/v1/datasets/copies", params={"dataset": "ocean:*"}, timeout=PATIENCE).json()
        assert [item["copies"] for item in once["items"]] == [2]


def test_a_stream_ends_when_the_loop_ends():
    board = Board()
    board.learn([replica("A/disk")], PLACES)
    with serving("127.0.0.1:0", board, None) as url:
        answer = requests.get(f"{url}/v1/datasets/events?dataset=ocean:waves", stream=True, timeout=PATIENCE)
        told = events(answer)
        assert next(told)["met"]
    assert list(told) == []
    answer.close()


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("", "give dataset="),
        ("dataset=a:b&copies=0", "copies is a number"),
        ("dataset=a:b&at=country%3D", "at: column 9"),
        ("dataset=a:b&copy=2", "copy is not known"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_the_reason(asked, why):
    with serving("127.0.0.1:0", Board(), None) as url:
        answer = requests.get(f"{url}/v1/datasets/events?{asked}", timeout=PATIENCE)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert why in answer.json()["detail"]


def test_with_a_token_only_who_shows_it_is_answered():
    board = Board()
    board.learn([], PLACES)
    with serving("127.0.0.1:0", board, lambda: "right") as url:
        asked = f"{url}/v1/datasets/copies?dataset=a:b"
        answers = [
            requests.get(asked, headers=h, timeout=PATIENCE).status_code
            for h in ({}, {"Authorization": "Bearer wrong"})
        ]
        assert answers == [401, 401]
        assert requests.get(asked, headers={"Authorization": "Bearer right"}, timeout=PATIENCE).ok


def test_what_others_can_reach_needs_a_token_and_an_address_is_an_address():
    for listen, why in (
        ("0.0.0.0:0", "give token"),
        ("8080x", "is not an address"),
        ("127.0.0.1:", "is not an address"),
    ):
        with pytest.raises(SettingsError, match=why), serving(listen, Board(), None):
            pass
