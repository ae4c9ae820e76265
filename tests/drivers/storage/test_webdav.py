"""What only WebDAV servers, tokens and third-party copies can do to us."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from reconciler.drivers import webdav
from reconciler.drivers.options import checked
from reconciler.drivers.webdav.client import Client
from reconciler.drivers.webdav.failures import cleaned
from reconciler.drivers.webdav.options import Options
from reconciler.drivers.webdav.thirdparty import NotThisWay, ThirdParty
from reconciler.drivers.webdav.tokens import Tokens
from reconciler.errors import Conflict, Terminal, Transient
from reconciler.model import Reason, SecretRef, Target
from reconciler.ports import Copy, Source
from tests.drivers.storage.conftest import OTHER, UID, Secrets, adler32, dav_place, md5
from tests.real import issuer
from tests.real.issuer import ANY
from tests.real.web import content
from tests.real.xrootd import redirector, sites

BODY = b"fourteen bytes"
BIG = 3 << 20


@pytest.fixture
def other_place(tmp_path, xrootd):
    """A folder at the other server."""
    return dav_place(xrootd, "b", tmp_path / "other")


def _scopes(xrootd, since):
    return [claims["scope"] for claims in xrootd.tokens.given[since:]]


def _folder(place):
    return place.target.options["url"].rsplit("/", 1)[1]


class Fixed:
    """Secrets of which one is a token."""

    def __init__(self, token):
        self.token = token

    def secret(self, reference: SecretRef) -> str:
        return self.token if reference.env == "TOKEN" else Secrets().secret(reference)


def _with_token(place, token, **more):
    options = {**place.target.options, "token": {"env": "TOKEN", "base": "/vo"}, **more}
    return webdav.open(Target(place.target.id, "webdav", options), Fixed(token))


# -- third-party copies and their tokens -------------------------------------------------------------------------------


def test_a_copy_from_storage_to_storage_sends_no_byte_through_us(webdav_place, other_place, xrootd, monkeypatch):
    body = content(BIG)[:BIG]
    webdav_place.by_hand("big", body)
    source = webdav_place.open().source("big")
    storage = other_place.open()
    sent = []
    real = storage._client.session.send

    def watched(request, **more):
        sent.append((request.method, len(request.body or b"")))
        answer = real(request, **more)
        assert int(answer.headers.get("Content-Length", 0)) < 10_000 or request.method == "HEAD"
        return answer

    monkeypatch.setattr(storage._client.session, "send", watched)
    made = storage.copy_in(Copy("a/big", source, UID, BIG, md5(body)))
    assert made.checksums == {adler32(body), md5(body)}
    methods = [method for method, _ in sent]
    assert "COPY" in methods
    assert "GET" not in methods
    assert max(size for _, size in sent) < 1000
    assert storage.listing().files == {"a/big": made}


def test_each_copy_has_tokens_for_its_own_file_alone(webdav_place, other_place, xrootd):
    webdav_place.by_hand("in/big", content(BIG)[:BIG])
    begun = len(xrootd.tokens.given)
    source = webdav_place.open().source("in/big")
    assert _scopes(xrootd, begun) == [f"storage.read:/{_folder(webdav_place)}/in/big"]
    begun = len(xrootd.tokens.given)
    other_place.open().copy_in(Copy("out/big", source, UID, BIG))
    there = f"/{_folder(other_place)}"
    (for_copy,) = [one for one in _scopes(xrootd, begun) if f"{there}/.hanse/incoming/" in one]
    (temporary,) = {part.partition(":")[2] for part in for_copy.split()}
    assert for_copy == f"storage.read:{temporary} storage.modify:{temporary}"
    written = {part for one in _scopes(xrootd, begun) for part in one.split() if part.startswith("storage.modify")}
    assert written <= {f"storage.modify:{there}/{p}" for p in (".hanse", ".hanse/incoming", "out")} | {
        f"storage.modify:{temporary}"
    }


def test_a_file_on_tape_may_be_staged_by_who_reads_it(webdav_place, xrootd):
    options = {**webdav_place.target.options, "stage": True}
    begun = len(xrootd.tokens.given)
    webdav.open(Target("storage:SITE/tape", "webdav", options), Secrets()).source("in/big")
    path = f"/{_folder(webdav_place)}/in/big"
    assert _scopes(xrootd, begun) == [f"storage.read:{path} storage.stage:{path}"]


def test_tokens_are_for_the_server_they_go_to(webdav_place, xrootd):
    begun = len(xrootd.tokens.given)
    webdav_place.copy("a", "data:,x")
    server = xrootd.servers["a"]
    assert {claims["aud"] for claims in xrootd.tokens.given[begun:]} == {f"https://localhost:{server.port}"}


def test_an_issuer_that_knows_no_audiences_is_asked_for_any(webdav_place, xrootd, monkeypatch):
    monkeypatch.setattr(xrootd.tokens, "audiences", ("https://wlcg.cern.ch/jwt/v1/any",))
    webdav_place.copy("a", "data:,x")
    assert list(webdav_place.open().listing().files) == ["a"]


def test_a_source_that_is_pushed_needs_no_pull(webdav_place, other_place, xrootd):
    body = content(BIG)[:BIG]
    webdav_place.by_hand("big", body)
    options = {**other_place.target.options, "tpc": "push"}
    storage = webdav.open(Target("storage:SITE/push", "webdav", options), Secrets())
    made = storage.copy_in(Copy("big", webdav_place.open().source("big"), UID, BIG, adler32(body)))
    assert storage.listing().files == {"big": made}


def test_third_party_copies_may_be_switched_off(webdav_place, other_place):
    body = content(BIG)[:BIG]
    webdav_place.by_hand("big", body)
    options = {**other_place.target.options, "tpc": "off"}
    storage = webdav.open(Target("storage:SITE/off", "webdav", options), Secrets())
    seen = []
    storage.copy_in(Copy("big", webdav_place.open().source("big"), UID, BIG, adler32(body), seen.append))
    assert sum(seen) == BIG
    assert storage.listing().files["big"].checksums == {adler32(body), md5(body)}


def test_a_source_that_is_not_there_is_terminal_and_names_it(webdav_place, other_place):
    source = webdav_place.open().source("nothing")
    with pytest.raises(Terminal, match="404"):
        other_place.open().copy_in(Copy("a", source, UID))
    assert other_place.open().listing().files == {}


def test_a_source_that_lets_nobody_in_is_terminal(webdav_place, other_place, xrootd):
    webdav_place.by_hand("a", BODY)
    token = xrootd.tokens.mint("storage.read:/elsewhere")
    source = Source(webdav_place.open().source("a").url, {"Authorization": f"Bearer {token}"})
    with pytest.raises(Terminal, match="403") as caught:
        other_place.open().copy_in(Copy("a", source, UID))
    assert token not in str(caught.value)


def test_a_source_whose_server_is_down_is_transient(other_place):
    with pytest.raises(Transient):
        other_place.open().copy_in(Copy("a", Source("https://localhost:9/x", {"Authorization": "Bearer x"}), UID))


def test_a_storage_that_is_down_is_transient(webdav_place):
    options = {**webdav_place.target.options, "url": "https://localhost:9/vo"}
    with pytest.raises(Transient):
        webdav.open(Target("storage:SITE/down", "webdav", options), Secrets()).listing()


@pytest.mark.parametrize(
    ("how", "fate", "said"),
    [
        ("stalled", Transient, "no byte more than 100"),
        ("silent", Transient, "fallen silent"),
        ("broken", Transient, "did not say how the copy ended"),
        ("full", Terminal, "No space left"),
        ("507", Terminal, "507"),
        ("503", Transient, "503"),
        ("429", Transient, "429"),
        ("403", Terminal, "403"),
        ("412", Conflict, "412"),
        ("501", NotThisWay, None),
        ("405", NotThisWay, None),
    ],
)
def test_a_copy_ends_as_its_last_line_says_and_not_as_its_status(liar, how, fate, said):
    with pytest.raises(fate, match=said) as caught:
        _third(liar).pull(Copy("a", Source("https://x.example.org/b"), UID), how)
    if how in ("full", "507"):
        assert caught.value.reason is Reason.QUOTA_EXCEEDED
    if how in ("503", "429"):
        assert caught.value.retry_after == 9


def test_markers_tell_how_far_a_copy_has_come(liar):
    seen = []
    copy = Copy("a", Source("https://x.example.org/b"), UID, progress=seen.append)
    assert _third(liar).pull(copy, "success") == 100
    assert seen == [40, 60]


def test_a_copy_that_trickles_is_given_up(liar):
    clock = itertools.count(0, 100)
    with pytest.raises(Transient, match="too slow"):
        _third(liar, stall=10_000, clock=lambda: next(clock)).pull(Copy("a", Source("https://x/b"), UID), "trickling")


def _third(liar, stall=1, **more):
    options = checked(Target("storage:S/x", "webdav", {"url": liar, "stall": stall}), Options)
    return ThirdParty(Client("storage:S/x", options, Tokens("storage:S/x", options, Secrets().secret)), **more)


def test_a_large_file_follows_where_the_server_points(plain_place, door, source):
    options = {**plain_place.target.options, "url": f"{door}/{_folder(plain_place)}"}
    storage = webdav.open(Target("storage:SITE/door", "webdav", options), Secrets())
    body = content(BIG)[:BIG]
    made = storage.copy_in(Copy("a/big", source(body), UID, BIG, adler32(body)))
    small = storage.copy_in(Copy("a/small", source(BODY, "small"), UID))
    assert storage.listing().files == {"a/big": made, "a/small": small}
    assert plain_place.open().listing().files.keys() == {"a/big", "a/small"}


def test_a_redirector_is_followed_with_the_token_that_it_hands_on(tmp_path, source, xrootd):
    with sites() as cluster:
        place = Path(cluster.authority.file.parents[1])
        with redirector(cluster.servers["b"], place / "m", cluster.authority, cluster.tokens) as manager:
            folder = cluster.folder("b")
            token = {**cluster.options("b")["token"], "audience": ANY}
            options = {**cluster.options("b"), "url": f"{manager.url}/{folder}", "token": token}
            storage = webdav.open(Target("storage:SITE/cluster", "webdav", options), Secrets())
            body = content(BIG)[:BIG]
            made = storage.copy_in(Copy("a/ü big", source(body), UID, BIG, adler32(body)))
            assert storage.listing().files == {"a/ü big": made}
            other = dav_place(cluster, "a", tmp_path / "state")
            there = other.open().copy_in(Copy("from the cluster", storage.source("a/ü big"), UID, BIG, md5(body)))
            assert there.size == BIG


# -- being killed ------------------------------------------------------------------------------------------------------

KILLS = [
    ("reconciler.drivers.webdav.client:Client.send", "PUT"),
    ("reconciler.drivers.webdav.thirdparty:ThirdParty.pull", ""),
    ("reconciler.drivers.webdav.storage:WebDAV._verified", ""),
    ("reconciler.drivers.webdav.marks:Marks.put", ""),
    ("reconciler.drivers.webdav.storage:WebDAV._shown", ""),
    ("reconciler.drivers.webdav.marks:Marks.forget", ""),
]
CHILD = """
    import importlib, json, os, signal, sys
    from reconciler.drivers import webdav
    from reconciler.model import Target
    from reconciler.ports import Copy, Source
    given = json.load(sys.stdin)
    class Secrets:
        def secret(self, reference):
            return given["secret"]
    storage = webdav.open(Target("storage:SITE/b", "webdav", given["options"]), Secrets())
    storage._prepare()
    module, _, names = given["where"].partition(":")
    owner, name = getattr(importlib.import_module(module), names.split(".")[0]), names.split(".")[1]
    real = getattr(owner, name)
    def deadly(self, *arguments, **named):
        if given["what"] and arguments[0] != given["what"]:
            return real(self, *arguments, **named)
        if given["when"] == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        real(self, *arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, deadly)
    storage.copy_in(Copy("a/big", Source(given["url"], given["headers"]), "a" * 32))
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("where", "what"), KILLS)
def test_killed_at_any_moment_it_leaves_a_whole_marked_file_or_none(webdav_place, other_place, where, what, when):
    body = content(BIG)[:BIG]
    webdav_place.by_hand("big", body)
    source = webdav_place.open().source("big")
    given = {"options": other_place.target.options, "secret": issuer.SECRET, "where": where, "what": what, "when": when}
    given |= {"url": source.url, "headers": dict(source.headers)}
    words = [sys.executable, "-c", textwrap.dedent(CHILD)]
    child = subprocess.run(words, input=json.dumps(given), text=True, capture_output=True)
    assert child.returncode == -signal.SIGKILL, child.stderr
    left = other_place.open().listing().files
    assert left == {} or (left["a/big"].uid, left["a/big"].size) == (UID, BIG)
    made = other_place.open().copy_in(Copy("a/big", source, OTHER, BIG, md5(body)))
    assert other_place.open().listing().files == {"a/big": made}
    assert made.uid == OTHER


# -- being refused -----------------------------------------------------------------------------------------------------


def test_a_large_file_that_may_not_be_written_is_refused_in_words(webdav_place, source, xrootd):
    webdav_place.copy("before", source(BODY))
    token = xrootd.tokens.mint("storage.read:/")
    storage = _with_token(webdav_place, token)
    storage._swept = time.time()
    with pytest.raises(Terminal, match=r"403.*the token must allow .*storage\.modify:/") as caught:
        storage.copy_in(Copy("big", source(content(BIG)[:BIG]), UID, BIG))
    assert webdav_place.target.id in str(caught.value)
    assert token not in str(caught.value)


@pytest.mark.parametrize("token", ["expired", "another audience", "nonsense"])
def test_a_token_that_is_not_good_is_terminal_and_never_shown(webdav_place, xrootd, token):
    value = {
        "expired": xrootd.tokens.mint("storage.read:/", seconds=-60),
        "another audience": xrootd.tokens.mint("storage.read:/", audience="https://elsewhere.example.org"),
        "nonsense": "eyJub25zZW5zZQ",
    }[token]
    with pytest.raises(Terminal, match="403") as caught:
        _with_token(webdav_place, value).listing()
    assert value not in str(caught.value)


def test_a_scope_that_the_client_may_not_have_is_named(webdav_place, xrootd, monkeypatch):
    monkeypatch.setattr(xrootd.tokens, "scopes", ("storage.read:/",))
    with pytest.raises(Terminal, match=r"gives no token with the scope.*storage\.modify.*invalid_scope"):
        webdav_place.copy("a", "data:,x")


def test_a_client_that_the_issuer_does_not_know_is_terminal(webdav_place):
    options = {**webdav_place.target.options["token"], "client_id": "somebody"}
    target = Target("storage:SITE/x", "webdav", {**webdav_place.target.options, "token": options})
    with pytest.raises(Terminal, match="invalid_client") as caught:
        webdav.open(target, Secrets()).listing()
    assert "secret of the tests" not in str(caught.value)


def test_an_issuer_that_is_down_is_transient(webdav_place):
    token = {**webdav_place.target.options["token"], "issuer": "https://localhost:9"}
    target = Target("storage:SITE/x", "webdav", {**webdav_place.target.options, "token": token})
    with pytest.raises(Transient, match="does not answer"):
        webdav.open(target, Secrets()).listing()


def test_a_server_that_nobody_vouches_for_is_terminal(webdav_place):
    options = {name: value for name, value in webdav_place.target.options.items() if name != "ca"}
    with pytest.raises(Terminal, match="not trusted"):
        webdav.open(Target("storage:SITE/x", "webdav", options), Secrets()).listing()


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "root://x/y"},
        {"url": "https://user:password@x/y"},
        {"tpc": "sideways"},
        {"token": {"env": "A", "issuer": "https://x"}},
        {"token": {"issuer": "https://x"}},
        {"token": {"env": "A", "base": "/other"}},
        {"tokens": {}},
    ],
)
def test_wrong_options_are_refused_with_their_name(wrong):
    good = {"url": "davs://x.example.org/vo/data", "token": {"env": "A", "base": "/vo"}}
    with pytest.raises(Terminal, match=next(iter(wrong))):
        webdav.open(Target("storage:SITE/x", "webdav", {**good, **wrong}), Secrets())


def test_what_a_site_says_of_any_storage_is_taken():
    site = {"protocol": "davs", "closed": {"write": {"reason": "full"}}, "highPercent": 90, "lowPercent": 80}
    more = {"fileSources": ["/data"], "events": "polling", "links": {"NORTH": 2}, "minFreeBytes": 1, "state": "/x"}
    webdav.open(Target("storage:S/x", "webdav", {"url": "davs://x.example.org/vo", **site, **more}), Secrets())


def test_a_token_is_not_sent_in_clear():
    with pytest.raises(Terminal, match="not sent over http"):
        webdav.open(Target("storage:S/x", "webdav", {"url": "http://x.example.org", "token": {"env": "A"}}), Secrets())


# -- marks -------------------------------------------------------------------------------------------------------------


def test_two_listings_tell_all_once_marks_are_settled(webdav_place, source, monkeypatch):
    for name in ("a", "b/c", "b/d"):
        webdav_place.copy(name, source(BODY))
    time.sleep(1.1)
    webdav_place.open().listing()
    storage = webdav_place.open()
    asked = []
    real = storage._client.session.request
    monkeypatch.setattr(
        storage._client.session, "request", lambda method, *a, **k: asked.append(method) or real(method, *a, **k)
    )
    assert len(storage.listing().files) == 3
    assert set(asked) == {"PROPFIND"}
    assert len(asked) <= 8


def test_checksums_of_what_others_put_there_are_asked_for_once(webdav_place, xrootd, monkeypatch):
    webdav_place.by_hand("raw/a", BODY)
    file = xrootd.servers["a"].root / _folder(webdav_place) / "raw/a"
    os.utime(file, (time.time() - 100,) * 2)
    first = webdav_place.open().listing(["raw/"])
    storage = webdav_place.open()
    asked = []
    real = storage._client.session.request
    monkeypatch.setattr(
        storage._client.session, "request", lambda method, *a, **k: asked.append(method) or real(method, *a, **k)
    )
    assert storage.listing(["raw/"]) == first
    assert set(asked) == {"PROPFIND"}
    assert first.files["raw/a"].checksums == {adler32(BODY), md5(BODY)}
    webdav_place.by_hand("raw/a", b"fourteen BYTES")
    assert storage.listing(["raw/"]).files["raw/a"].checksums == {adler32(b"fourteen BYTES"), md5(b"fourteen BYTES")}


def test_a_file_changed_in_the_second_of_its_copy_shows_its_new_checksum(webdav_place, source):
    webdav_place.copy("a", source(BODY))
    webdav_place.by_hand("a", b"fourteen BYTES")
    seen = webdav_place.open().listing().files["a"]
    assert seen.checksums == {adler32(b"fourteen BYTES"), md5(b"fourteen BYTES")}
    assert seen.uid == UID


def test_marks_of_files_that_never_came_are_swept_a_day_later(webdav_place, source, xrootd):
    webdav_place.copy("a", source(BODY))
    webdav_place.copy("gone", source(BODY))
    root = xrootd.servers["a"].root / _folder(webdav_place)
    (root / "gone").unlink()
    marks = root / ".hanse/marks"
    webdav_place.open().listing()
    assert len(list(marks.iterdir())) == 2
    later = webdav_place.open()
    later._looking._clock = lambda: time.time() + 100_000
    assert list(later.listing().files) == ["a"]
    assert len(list(marks.iterdir())) == 1


def test_who_may_only_read_lists_marks_all_the_same(webdav_place, source, xrootd):
    webdav_place.copy("a", source(BODY))
    storage = _with_token(webdav_place, xrootd.tokens.mint("storage.read:/"))
    assert storage.listing().files["a"].uid == UID


def test_marks_that_cannot_be_read_make_a_listing_that_concludes_nothing(webdav_place, source, xrootd):
    webdav_place.copy("b/a", source(BODY))
    webdav_place.copy("c/a", source(BODY))
    folder = _folder(webdav_place)
    token = xrootd.tokens.mint(f"storage.read:/{folder}")
    storage = _with_token(webdav_place, token)
    marks = xrootd.servers["a"].root / folder / ".hanse/marks/b"
    marks.chmod(0)
    try:
        seen = storage.listing()
    finally:
        marks.chmod(0o755)
    assert not seen.complete
    assert list(seen.files) == ["c/a"]


def test_a_folder_that_cannot_be_read_makes_the_listing_not_complete(webdav_place, source, xrootd):
    webdav_place.copy("b/a", source(BODY))
    webdav_place.copy("c/a", source(BODY))
    data = xrootd.servers["a"].root / _folder(webdav_place) / "b"
    data.chmod(0)
    try:
        seen = webdav_place.open().listing()
    finally:
        data.chmod(0o755)
    assert not seen.complete
    assert list(seen.files) == ["c/a"]


def test_a_folder_that_is_not_the_one_it_was_is_an_error(webdav_place, source, xrootd):
    webdav_place.copy("a", source(BODY))
    root = xrootd.servers["a"].root / _folder(webdav_place)
    shutil.rmtree(root)
    root.mkdir()
    shutil.chown(root, "xrootd", "xrootd")
    with pytest.raises(Transient, match="not the folder used before"):
        webdav_place.open().listing()
    with pytest.raises(Transient, match="not the folder used before"):
        webdav_place.copy("a", source(BODY))


def test_what_was_left_behind_is_swept_when_it_has_not_grown_for_a_day(webdav_place, source, xrootd):
    webdav_place.copy("a", source(BODY))
    incoming = xrootd.servers["a"].root / _folder(webdav_place) / ".hanse/incoming"
    for name, age in (("old", 90_000), ("young", 3600)):
        (incoming / name).write_bytes(b"partial")
        shutil.chown(incoming / name, "xrootd", "xrootd")
        os.utime(incoming / name, (time.time() - age,) * 2)
    webdav_place.copy("b", source(BODY))
    assert [file.name for file in incoming.iterdir()] == ["young"]


def test_a_folder_is_never_removed_as_if_it_were_a_file(webdav_place, plain_place, source):
    for place in (webdav_place, plain_place):
        place.copy("folder/a", source(BODY))
        with pytest.raises(Conflict, match="is a folder"):
            place.open().remove("folder")
        assert list(place.open().listing().files) == ["folder/a"]


@pytest.mark.parametrize("path", [".hanse/incoming/x", ".hanse/marks/x", "a\nb"])
def test_our_own_folder_is_no_place_for_files(webdav_place, path):
    with pytest.raises(Terminal, match="not a path"):
        webdav_place.copy(path, "data:,x")


@pytest.mark.parametrize("first", ["100%41.nc", "a#b", "plain", "c%zz", "ü"])
def test_names_that_look_encoded_are_read_as_they_are(webdav_place, plain_place, directory_place, first):
    for place in (webdav_place, plain_place):
        place.by_hand(f"x/{first}", BODY)
        assert list(place.open().listing().files) == [f"x/{first}"]
        assert place.open().listing(["x/"]).files[f"x/{first}"].checksums == {adler32(BODY), md5(BODY)}
        copied = directory_place.open().copy_in(Copy(first, place.open().source(f"x/{first}"), UID))
        assert copied.size == len(BODY)


def test_a_name_that_a_server_lists_and_cannot_open_is_there_all_the_same(webdav_place):
    webdav_place.by_hand("x/what?.nc", BODY)
    for prefixes in ([""], ["x/"]):
        listing = webdav_place.open().listing(prefixes)
        assert (listing.complete, list(listing.files)) == (True, ["x/what?.nc"])
    with pytest.raises(Terminal, match="question mark"):
        webdav_place.copy("x/why?.nc", "data:,x")


# -- space -------------------------------------------------------------------------------------------------------------


def test_a_server_without_quota_says_what_the_capacity_leaves(xrootd, tmp_path, source):
    place = dav_place(xrootd, "a", tmp_path / "s", capacity=100)
    place.copy("a", source(BODY))
    space = place.open().space()
    assert (space.used, space.free) == (14, 86)
    with pytest.raises(Terminal) as caught:
        place.copy("b", source(b"x" * 101), size=101)
    assert caught.value.reason is Reason.QUOTA_EXCEEDED


def test_a_server_with_a_quota_is_believed(plain_place, webdav_place):
    assert webdav_place.open().space().free is None
    space = plain_place.open().space()
    assert space.free is None or space.free > 0


@pytest.fixture
def full_place(tmp_path, xrootd):
    """A server whose disk has 8 MB."""
    with sites(("c",)) as tiny:
        server = tiny.servers["c"]
        server.stop()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", server.root], check=True)
        shutil.chown(server.root, "xrootd", "xrootd")
        try:
            server.start()
            yield dav_place(tiny, "c", tmp_path / "full")
        finally:
            server.stop()
            subprocess.run(["umount", server.root], check=True)


def test_a_disk_that_is_full_is_told_as_such_and_nothing_stays(full_place, webdav_place, source, web):
    full_place.copy("first", source(content(BIG)[:BIG]), size=BIG)
    for read in (source(content(9 << 20)[: 9 << 20]), Source(f"{web}/bytes/{9 << 20}")):
        with pytest.raises(Terminal) as caught:
            full_place.open().copy_in(Copy("second", read, UID, 9 << 20))
        assert caught.value.reason is Reason.QUOTA_EXCEEDED, str(caught.value)
        assert list(full_place.open().listing().files) == ["first"]
    full_place.copy("third", source(content(BIG)[:BIG]), size=BIG)


# -- pairs of storages -------------------------------------------------------------------------------------------------

PAIRS = ["directory", "libcloud", "swift", "webdav", "plain"]


@pytest.mark.parametrize("there", PAIRS)
@pytest.mark.parametrize("here", PAIRS)
def test_a_file_goes_from_every_storage_to_every_other(request, here, there, other_place):
    source = request.getfixturevalue(f"{here}_place")
    goal = other_place if here == there == "webdav" else request.getfixturevalue(f"{there}_place")
    body = content(BIG)[:BIG]
    source.by_hand("über all/a+b", body)
    read = source.open().source("über all/a+b")
    made = goal.open().copy_in(Copy("copies/ü b", read, OTHER, BIG, md5(body)))
    seen = goal.open().listing().files["copies/ü b"]
    assert (seen.size, seen.uid) == (BIG, OTHER)
    assert made.checksums == seen.checksums
    assert md5(body) in seen.checksums


def test_errors_of_servers_are_shown_without_their_secrets():
    said = "GET https://x/y?authz=Bearer%20eyJhbGciOi.J9.x&X-Amz-Signature=geheim: Bearer eyJx.y.z\n refused"
    assert "geheim" not in cleaned(said)
    assert "eyJ" not in cleaned(said)
    assert cleaned(said).endswith("refused")


def test_of_many_files_asked_for_one_by_one_only_their_own_folders_are_listed(plain_place, monkeypatch):
    for n in range(256):
        plain_place.by_hand(f"ocean/{n:02x}/{n:02x}/{n}.nc", b"x" * n)
    storage, asked = plain_place.open(), []
    real = storage._client.entries

    def counted(folder, **more):
        asked.append(folder)
        return real(folder, **more)

    monkeypatch.setattr(storage._client, "entries", counted)
    wanted = [f"ocean/{n:02x}/{n:02x}/{n}.nc" for n in range(0, 60, 2)]
    found = storage.listing(wanted)
    assert found.complete
    assert list(found.files) == wanted
    assert all(file.checksums for file in found.files.values())
    folders = {folder for folder in asked if folder.startswith("ocean/") and not folder.endswith(".nc")}
    assert folders == {path[:at] for path in wanted for at in (8, 11)}
