"""A transfer service between two real XRootD storages: tokens of their own for each file, bytes from one to the other."""

from __future__ import annotations

import base64
import json
import zlib

import pytest

from reconciler.drivers import fts3, webdav
from reconciler.errors import Terminal
from reconciler.kinds.replica.handing import handed
from reconciler.model import Target
from reconciler.ports import Copy, Landing
from tests.drivers.storage.conftest import UID, Secrets, dav_place
from tests.real.fts import TOKEN, serving
from tests.real.xrootd import xrootd

__all__ = ["xrootd"]

BODY = bytes(range(256)) * 8000
SUM = f"adler32:{zlib.adler32(BODY):08x}"


class Both(Secrets):
    def __init__(self, options):
        self._options = options

    def secret(self, reference):
        return TOKEN if reference.env == "HANSE_TEST_FTS" else super().secret(reference)

    def options(self, _target, _driver):
        return "fts3", self._options

    def mover(self, target):
        return fts3.open(target, self)


@pytest.fixture
def fts(xrootd):
    with serving(str(xrootd.authority.file)) as found:
        yield found


@pytest.fixture
def sites(xrootd, fts, tmp_path):
    """Site a, and site b whose copies the service makes."""
    a, b = (dav_place(xrootd, name, tmp_path / name) for name in ("a", "b"))
    storage = webdav.open(b.target, Secrets())
    assert isinstance(storage, Landing)
    target = Target(b.target.id, "webdav", {**b.target.options, "transfers": "fts:main"})
    return a, handed(storage, target, Both(fts.options())), storage


def scopes(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["scope"].split()


def test_the_service_copies_from_storage_to_storage_and_the_file_stands_verified_and_marked(sites, fts):
    a, carried, b = sites
    a.by_hand("ocean/waves.nc", BODY)
    moved = []
    copy = Copy("ocean/waves/1.nc", a.open().source("ocean/waves.nc"), UID, len(BODY), SUM, moved.append)
    there = carried.copy_in(copy)
    assert (there.size, SUM in there.checksums, there.uid) == (len(BODY), True, UID)
    assert sum(moved) == len(BODY)
    listed = b.listing(("ocean/",)).files
    assert {path: file.uid for path, file in listed.items()} == {"ocean/waves/1.nc": UID}
    [job] = fts.submissions
    [file] = job["files"]
    assert file["sources"][0].startswith("davs://")
    assert "/.hanse/incoming/" in file["destinations"][0]
    assert file["checksum"] == f"ADLER32:{SUM[8:]}"
    assert {scope.partition(":")[0] for scope in scopes(file["source_tokens"][0])} == {"storage.read"}
    assert all("/.hanse/incoming/" in scope for scope in scopes(file["destination_tokens"][0]))


def test_a_file_that_is_not_what_it_should_be_never_shows(sites):
    a, carried, b = sites
    a.by_hand("ocean/other.nc", BODY[:-1] + b"x")
    copy = Copy("ocean/waves/2.nc", a.open().source("ocean/other.nc"), UID, len(BODY), SUM)
    with pytest.raises(Terminal, match="CHECKSUM MISMATCH"):
        carried.copy_in(copy)
    assert b.listing(("",)).files == {}


def test_a_source_that_is_gone_is_told_in_the_services_words(sites):
    a, carried, _ = sites
    with pytest.raises(Terminal, match="No such file or directory"):
        carried.copy_in(Copy("ocean/3.nc", a.open().source("ocean/never.nc"), UID))


def test_what_a_service_left_half_written_is_refused_and_removed(sites, xrootd, tmp_path):
    _, _, b = sites
    import requests

    landing = b.landing("ocean/4.nc", UID)
    done = requests.put(landing.url, data=BODY[:1000], headers=dict(landing.headers), verify=landing.ca, timeout=120)
    assert done.ok
    with pytest.raises(Terminal, match="1000 bytes, not the"):
        b.land(Copy("ocean/4.nc", landing, UID, len(BODY), SUM))
    assert b.listing(("",)).files == {}
    assert requests.head(landing.url, headers=dict(landing.headers), verify=landing.ca, timeout=120).status_code == 404
