"""What wires and kills do to third-party copies: two XRootD sites in namespaces, and a link that is cut."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.drivers import webdav
from reconciler.errors import Transient
from reconciler.model import Target
from reconciler.ports import Copy
from tests.drivers.storage.conftest import UID, Secrets, adler32, md5
from tests.real import issuer
from tests.real.waiting import PATIENCE, until
from tests.real.wires import wired
from tests.real.xrootd import missing

SIZE = 300_000_000
STALL = 15.0


@pytest.fixture(scope="module")
def sites():
    lacking = missing()
    if lacking:
        pytest.fail(lacking) if os.environ.get("CI") == "true" else pytest.skip(lacking)
    with wired() as running:
        yield running


@pytest.fixture
def ends(sites):
    """A storage at each site, and the targets that they are."""
    options = {name: {**sites.options(name, sites.folder(name)), "stall": STALL} for name in ("a", "b")}
    targets = {name: Target(f"storage:SITE/{name}", "webdav", options[name]) for name in ("a", "b")}
    return {name: webdav.open(target, Secrets()) for name, target in targets.items()} | {"targets": targets}


def _big(sites, ends):
    """A file of 300 MB at site a, and what it must be at site b."""
    body = os.urandom(1 << 20) * (SIZE >> 20) + os.urandom(SIZE % (1 << 20))
    folder = ends["targets"]["a"].options["url"].rsplit("/", 1)[1]
    (sites.servers["a"].root / folder / "big").write_bytes(body)
    return body, ends["a"].source("big")


def test_a_link_cut_in_the_middle_of_a_copy_leaves_nothing_and_the_next_copy_is_whole(sites, ends):
    body, source = _big(sites, ends)
    seen = []
    copy = Copy("data/big", source, UID, SIZE, adler32(body), seen.append)
    sites.rate("a", "150mbit")
    with ThreadPoolExecutor(1) as pool:
        before = sites.carried("a")
        copying = pool.submit(ends["b"].copy_in, copy)
        until("50 MB have come", lambda: sites.carried("a") - before, lambda carried: carried > 50_000_000)
        sites.cut("a")
        began = time.monotonic()
        with pytest.raises(Transient, match="no byte more|fallen silent"):
            copying.result(PATIENCE)
    assert time.monotonic() - began < STALL + 60
    assert 0 < sum(seen) < SIZE
    assert ends["b"].listing().files == {}
    sites.mend("a")
    sites.rate("a", "2gbit")
    before = sites.through_us()
    made = ends["b"].copy_in(copy)
    assert sites.through_us() - before < 200_000  # requests and tokens; the bytes went from site to site
    assert ends["b"].listing().files == {"data/big": made}
    assert made.checksums == {adler32(body), md5(body)}
    assert ends["b"]._client.entries(".hanse/incoming") == []


def test_the_link_of_the_storage_itself_is_cut(sites, ends):
    body, source = _big(sites, ends)
    sites.rate("a", "150mbit")
    with ThreadPoolExecutor(1) as pool:
        before = sites.carried("a")
        copying = pool.submit(ends["b"].copy_in, Copy("big", source, UID, SIZE, adler32(body)))
        until("30 MB have come", lambda: sites.carried("a") - before, lambda carried: carried > 30_000_000)
        sites.cut("b")
        try:
            with pytest.raises(Transient):
                copying.result(PATIENCE)
        finally:
            sites.mend("b")
            sites.rate("a", "2gbit")
    assert ends["b"].listing().files == {}


CHILD = """
    import json, sys
    from reconciler.drivers import webdav
    from reconciler.model import Target
    from reconciler.ports import Copy, Source
    given = json.load(sys.stdin)
    class Secrets:
        def secret(self, reference):
            return given["secret"]
    storage = webdav.open(Target("storage:SITE/b", "webdav", given["options"]), Secrets())
    storage.copy_in(Copy("big", Source(given["url"], given["headers"]), "a" * 32, given["size"], given["sum"]))
"""


def test_what_a_killed_process_was_copying_is_copied_by_the_next(sites, ends):
    import json

    body, source = _big(sites, ends)
    sites.rate("a", "150mbit")
    given = {"options": dict(ends["targets"]["b"].options), "url": source.url, "headers": dict(source.headers)}
    given |= {"secret": issuer.SECRET, "size": SIZE, "sum": adler32(body)}
    before = sites.carried("a")
    words = [sys.executable, "-c", textwrap.dedent(CHILD)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True) as child:
        child.stdin.write(json.dumps(given).encode())
        child.stdin.close()
        until("50 MB have come", lambda: sites.carried("a") - before, lambda carried: carried > 50_000_000)
        os.killpg(child.pid, signal.SIGKILL)
    sites.rate("a", "2gbit")
    assert ends["b"].listing().files == {}
    made = ends["b"].copy_in(Copy("big", source, UID, SIZE, adler32(body)))
    assert ends["b"].listing().files == {"big": made}
    assert (made.size, made.uid) == (SIZE, UID)
    later = webdav.open(ends["targets"]["b"], Secrets())
    later._clock = lambda: time.time() + 90_000
    later.copy_in(Copy("small", ends["a"].source("big"), UID, SIZE))
    assert later._client.entries(".hanse/incoming") == []
    assert set(later.listing().files) == {"big", "small"}
