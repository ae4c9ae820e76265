"""The fts3 driver against a server that copies: handed over once, found again, looked at together, called off."""

from __future__ import annotations

import uuid
import zlib
from dataclasses import replace

import pytest

from reconciler.drivers import fts3
from reconciler.errors import OutcomeUnknown, Terminal, Transient
from reconciler.model import Target
from reconciler.ports import Source
from reconciler.ports.transfer import Movement
from tests.real.fts import BASE_ID, TOKEN, VO, fts
from tests.real.waiting import until

__all__ = ["fts"]


class Secrets:
    token = TOKEN

    def secret(self, _reference):
        return self.token


@pytest.fixture
def mover(fts):
    return fts3.open(Target("fts:main", "fts3", fts.options()), Secrets())


@pytest.fixture
def move(tmp_path):
    """Makes a source of some bytes, and the movement of it."""

    def made(name, content=b"waves", **more):
        source = tmp_path / "from" / name
        source.parent.mkdir(exist_ok=True)
        source.write_bytes(content)
        found = Movement(
            name,
            Source(source.as_uri()),
            Source((tmp_path / "to" / name).as_uri()),
            len(content),
            f"adler32:{zlib.adler32(content):08x}",
        )
        return replace(found, **more)

    return made


def over(mover, job_id):
    return until("the job is over", lambda: mover.look([job_id])[job_id], lambda job: job.over)


def test_a_job_copies_and_says_so_file_by_file(mover, move, tmp_path):
    job_id = mover.submit("first", [move("a"), move("b", b"x" * 1000)])
    job = over(mover, job_id)
    assert (job.state, [(f.path, f.state, f.bytes) for f in job.files]) == (
        "FINISHED",
        [("a", "done", 5), ("b", "done", 1000)],
    )
    assert (tmp_path / "to/b").read_bytes() == b"x" * 1000


def test_the_id_follows_from_the_name_as_the_server_derives_it(mover, move):
    expected = str(uuid.uuid5(uuid.uuid5(BASE_ID, VO), "first"))
    assert mover.job_id("first") == expected
    assert mover.submit("first", [move("a")]) == expected


def test_the_same_job_is_handed_over_once_whoever_asks_again(mover, fts, move):
    again = fts3.open(Target("fts:main", "fts3", fts.options()), Secrets())
    assert mover.submit("first", [move("a")]) == again.submit("first", [move("a")])
    assert len(fts.submissions) == 1


def test_a_lost_answer_is_an_unknown_outcome_and_the_job_is_found_by_its_id(mover, fts, move):
    mover.job_id("first")
    fts.lose_answers = 1
    with pytest.raises(OutcomeUnknown):
        mover.submit("first", [move("a")])
    assert over(mover, mover.job_id("first")).state == "FINISHED"
    assert mover.submit("first", [move("a")]) == mover.job_id("first")
    assert len(fts.submissions) == 1


def test_what_fails_is_told_with_its_reason_and_what_does_not_is_done(mover, move):
    missing = move("gone", source=Source("file:///nowhere/at/all"))
    wrong = move("wrong", checksum="adler32:00000001")
    job = over(mover, mover.submit("dirty", [move("a"), missing, wrong]))
    assert job.state == "FINISHEDDIRTY"
    assert [(f.state, f.hopeless) for f in job.files] == [("done", False), ("failed", True), ("failed", True)]
    assert "No such file" in job.files[1].reason
    assert "CHECKSUM MISMATCH" in job.files[2].reason


def test_many_jobs_are_looked_at_in_few_calls_and_unknown_ones_are_left_out(mover, fts, move):
    ids = [mover.submit(f"job {n}", [move(f"f{n}")]) for n in range(5)]
    before = len(fts.calls)
    found = mover.look([*ids, mover.job_id("never submitted")])
    assert set(found) == set(ids)
    assert len(fts.calls) == before + 1
    assert mover.look([mover.job_id("never submitted")]) == {}
    assert mover.look([]) == {}


def test_a_job_that_is_called_off_stops(mover, fts, move):
    fts.going.clear()
    job_id = mover.submit("first", [move("a")])
    assert mover.look([job_id])[job_id].files[0].state == "waiting"
    mover.cancel(job_id)
    mover.cancel(job_id)
    mover.cancel(mover.job_id("never submitted"))
    fts.going.set()
    assert [f.state for f in over(mover, job_id).files] == ["stopped"]


def test_a_destination_that_another_job_writes_is_waited_for(mover, fts, move):
    fts.going.clear()
    mover.submit("first", [move("a")])
    with pytest.raises(Transient, match="another job writes"):
        mover.submit("second", [move("a")])


def test_tokens_are_given_for_both_ends_or_for_none(mover, move):
    half = Source("file:///x", {"Authorization": "Bearer aaa.bbb.ccc"})
    with pytest.raises(Terminal, match="both or neither"):
        mover.submit("half", [move("a", source=half)])


def test_what_the_server_refuses_is_told_in_its_words_and_no_token_is(mover, move):
    secret = Source("https://a.example.org/x", {"Authorization": "Bearer not-a-jwt"})
    with pytest.raises(Terminal, match="Token does not contain an iss claim") as told:
        mover.submit("bad tokens", [move("a", source=secret, destination=secret)])
    assert "not-a-jwt" not in str(told.value)
    with pytest.raises(Terminal, match="retrieve from tape using token authentication"):
        mover.submit("tape", [move("a", bring_online=3600)])


def test_who_may_not_ask_is_told_where_to_look(fts, move):
    stranger = Secrets()
    stranger.token = "another"
    mover = fts3.open(Target("fts:main", "fts3", fts.options()), stranger)
    with pytest.raises(Terminal, match="answers 403.*look at token"):
        mover.submit("first", [move("a")])


def test_a_server_that_is_away_may_come_back(fts, move):
    mover = fts3.open(Target("fts:main", "fts3", {**fts.options(), "url": "http://127.0.0.1:9"}), Secrets())
    with pytest.raises(Transient, match="cannot be reached"):
        mover.look(["x"])


def test_a_misspelt_option_is_refused(fts):
    with pytest.raises(Terminal, match="fts:main are wrong: retires"):
        fts3.open(Target("fts:main", "fts3", {**fts.options(), "retires": 1}), Secrets())


def test_what_a_copy_is_for_is_told_where_it_is_said(mover, fts, move):
    mover.submit("one", [move("a", activity="Production"), move("b")])
    assert [file["activity"] for file in fts.submissions[0]["files"]] == ["Production", "default"]


def test_priorities_are_counted_from_the_usual_one_and_stay_in_the_servers_range(mover, fts, move):
    for number, priority in enumerate((0, 1, 9, -9)):
        mover.submit(str(number), [move(str(number))], priority)
    assert [said["params"]["priority"] for said in fts.submissions] == [3, 4, 5, 1]
