"""The fetcher: a storm of calls is few fetches, what fails changes nothing, and it goes on after that."""

from __future__ import annotations

import threading
import time

import pytest

from reconciler.daemon.fetching import Fetcher
from reconciler.errors import SettingsError, SourceError
from reconciler.settings import Source, load
from tests.source.repository import commit, repository


def keeping(fetcher: Fetcher, seconds: float, settle: float):
    stop = threading.Event()
    thread = threading.Thread(target=fetcher.keep, args=(seconds, stop, settle), daemon=True)
    thread.start()
    return lambda: (stop.set(), thread.join(5))


def test_a_storm_of_calls_is_few_fetches():
    rung: list[float] = []
    fetcher = Fetcher(Source(), lambda _reference: "", lambda: rung.append(time.monotonic()))
    end = keeping(fetcher, 3600, 0.3)
    for _ in range(200):
        fetcher.call()
        time.sleep(0.002)
    time.sleep(0.5)
    end()
    assert 1 <= len(rung) <= 4


def test_the_first_call_and_the_last_one_are_heard():
    rung: list[int] = []
    fetcher = Fetcher(Source(), lambda _reference: "", lambda: rung.append(1))
    end = keeping(fetcher, 3600, 0.2)
    fetcher.call()
    time.sleep(0.1)
    assert len(rung) == 1
    fetcher.call()
    time.sleep(0.5)
    end()
    assert len(rung) == 2


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
