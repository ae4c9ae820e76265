"""The fetcher: a storm of calls is one fetch, what fails changes nothing, and it goes on after that."""

from __future__ import annotations

import threading
import time

import pytest

from reconciler.daemon.fetching import Fetcher
from reconciler.daemon.queue import Settling
from reconciler.errors import RecordsError, SettingsError, SourceError
from reconciler.settings import Source, load
from tests.real.waiting import PATIENCE, until
from tests.source.repository import commit, repository


def keeping(fetcher: Fetcher, seconds: float, quiet: float, longest: float, clock=time.monotonic):
    fetcher.settling = Settling(quiet, longest, clock)
    stop = threading.Event()
    thread = threading.Thread(target=fetcher.keep, args=(seconds, stop), daemon=True)
    thread.start()
    return lambda: (stop.set(), thread.join(PATIENCE))


def test_a_storm_of_calls_is_one_fetch():
    rung: list[int] = []
    now = [0.0]
    fetcher = Fetcher(Source(), lambda _reference: "", lambda: rung.append(1))
    end = keeping(fetcher, 3600, 5.0, 60.0, lambda: now[0])
    for _ in range(200):
        fetcher.call()
        now[0] += 0.02
        time.sleep(0.002)
    assert rung == []
    now[0] += 5
    until("it rings", lambda: rung)
    end()
    assert len(rung) == 1


def test_a_storm_that_does_not_end_is_heard_all_the_same_and_calls_after_it_are_heard_too():
    rung: list[int] = []
    fetcher = Fetcher(Source(), lambda _reference: "", lambda: rung.append(1))
    end = keeping(fetcher, 3600, 0.2, 0.4)

    def storm() -> bool:
        fetcher.call()
        return len(rung) >= 2

    until("it rings twice", storm)
    until("all calls are answered", fetcher.settling.left, lambda left: left is None)
    heard = len(rung)
    fetcher.call()
    until("it rings once more", lambda: len(rung) > heard)
    end()


def test_without_a_call_it_is_fetched_when_its_time_has_come(tmp_path):
    upstream = repository(tmp_path / "up")
    settings = Source(remote=str(upstream), repository=str(tmp_path / "mirror.git"), revision="main")
    rung: list[int] = []
    end = keeping(Fetcher(settings, lambda _reference: "", lambda: rung.append(1)), 0.1, 1.0, 5.0)
    until("it rings", lambda: rung)
    end()


def test_only_what_moved_is_told(tmp_path):
    upstream = repository(tmp_path / "up")
    settings = Source(remote=str(upstream), repository=str(tmp_path / "mirror.git"), revision="main")
    told: list[str] = []
    fetcher = Fetcher(settings, lambda _reference: "", lambda: told.append("moved"), lambda why: told.append(why))
    assert fetcher.now()
    assert not fetcher.now()
    commit(upstream, {"manifests/a.yaml": "a: 2\n"})
    assert fetcher.now()
    (upstream / ".git" / "HEAD").rename(upstream / "gone")
    assert not fetcher.now()
    (upstream / "gone").rename(upstream / ".git" / "HEAD")
    assert not fetcher.now()
    assert [bool(why) for why in told] == [False, False, False, True, False]


def test_a_secret_that_is_not_there_is_told():
    told: list[str] = []

    def secret(_reference: object) -> str:
        raise SourceError("the environment variable X is not set")

    settings = Source.model_validate({"remote": "https://git.example.org/x", "password": {"env": "X"}})
    assert not Fetcher(settings, secret, lambda: None, told.append).now()
    assert told == ["the environment variable X is not set"]


@pytest.mark.parametrize("url", ["https://robot:s3cret@git.example.org/x", "https://s3cret@git.example.org/x"])
def test_a_secret_in_a_url_is_refused_and_not_repeated(tmp_path, url):
    with pytest.raises(SettingsError, match="neither user nor password stand in a URL") as caught:
        load(tmp_path, {"HANSE_SOURCE__REMOTE": url})
    assert "s3cret" not in str(caught.value)


def test_a_user_of_ssh_stands_in_its_url(tmp_path):
    given = load(tmp_path, {"HANSE_SOURCE__REMOTE": "ssh://git@git.example.org/ocean/federation.git"}).source
    assert given.repository == str(tmp_path / ".hanse/source.git")


def test_a_database_that_does_not_answer_keeps_nothing_from_being_fetched(tmp_path):
    upstream = repository(tmp_path / "up")
    settings = Source(remote=str(upstream), repository=str(tmp_path / "mirror.git"), revision="main")

    def gone(_why: str) -> None:
        raise RecordsError("the database failed")

    rung: list[int] = []
    end = keeping(Fetcher(settings, lambda _reference: "", lambda: rung.append(1), gone), 0.1, 1.0, 5.0)
    until("it rings", lambda: rung)
    commit(upstream, {"manifests/a.yaml": "a: 2\n"})
    until("it rings again", lambda: len(rung) > 1)
    end()
