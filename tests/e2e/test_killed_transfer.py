"""``kill -9`` of Hanse in the middle of a 300 MB copy between two sites on wires: the next apply brings it, whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.conftest import environment
from tests.house import commit
from tests.real import issuer
from tests.real.waiting import PATIENCE
from tests.real.wires import wired
from tests.real.xrootd import missing

SIZE = 300_000_000
SITE = """apiVersion: hanse/v1
kind: Site
metadata: {{name: {name}}}
spec:
  country: {country}
  storage:
    - {{name: disk, driver: webdav, url: "{url}"}}
"""
DATA = """apiVersion: hanse/v1
kind: Dataset
metadata: {name: waves, namespace: sea}
spec:
  scope: sea
  name: waves
  listing: {site: NORTH, storage: disk, path: raw}
---
apiVersion: hanse/v1
kind: DatasetRule
metadata: {name: waves, namespace: sea}
spec: {scope: sea, name: waves, copies: 1, locations: WEST}
"""
SETTINGS = """
[targets."storage:{site}/disk"]
ca = "{ca}"
stall = 30
token = {{ issuer = "{issuer}", client_id = "hanse", client_secret = {{ env = "CLIENT" }}, base = "/vo" }}
"""
HANSE = [sys.executable, "-c", "import sys; from reconciler.cli import main; sys.exit(main())"]


@pytest.fixture(scope="module")
def sites():
    lacking = missing()
    if lacking:
        pytest.fail(lacking) if os.environ.get("CI") == "true" else pytest.skip(lacking)
    with wired() as running:
        yield running


@pytest.fixture
def federation(tmp_path, sites):
    """A federation with 300 MB in the north that are wanted in the west; where they will lie."""
    folders = {name: sites.folder(name) for name in ("a", "b")}
    manifests = {"data.yaml": DATA}
    settings = ""
    for name, site, country in (("a", "NORTH", "DE"), ("b", "WEST", "CA")):
        url = f"{sites.servers[name].url}/{folders[name]}".replace("https", "davs")
        manifests[f"{site}.yaml"] = SITE.format(name=site, country=country, url=url)
        settings += SETTINGS.format(site=site, ca=sites.authority.file, issuer=sites.tokens.url)
    commit(tmp_path, manifests)
    (tmp_path / "hanse.toml").write_text(settings)
    raw = sites.servers["a"].root / folders["a"] / "raw"
    raw.mkdir()
    (raw / "big.nc").write_bytes(os.urandom(1 << 20) * (SIZE >> 20) + os.urandom(SIZE % (1 << 20)))
    return tmp_path, raw / "big.nc", sites.servers["b"].root / folders["b"] / "sea/waves/big.nc"


def hanse(root, *words):
    return subprocess.Popen(
        [*HANSE, "-C", str(root), *words],
        env=environment(CLIENT=issuer.SECRET),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def status(root):
    with hanse(root, "status", "-o", "json") as asked:
        out, _ = asked.communicate(timeout=PATIENCE)
        return json.loads(out)["under_way"] if asked.returncode == 0 else []


def test_the_next_apply_brings_what_a_killed_one_was_copying_and_no_part_of_it_ever_stands_for_it(federation, sites):
    root, source, there = federation
    sites.rate("a", "120mbit")
    before = sites.carried("a")
    with hanse(root, "apply", "--yes") as killed:
        try:
            while sites.carried("a") - before < 60_000_000:
                assert killed.poll() is None, killed.stdout.read()
                assert not there.exists()
                time.sleep(0.1)
            moving = status(root)
        finally:
            os.killpg(killed.pid, signal.SIGKILL)
    assert [(come["ref"].split("/")[0], come["total_bytes"]) for come in moving] == [("Replica", SIZE)]
    assert not there.exists()
    assert status(root) == []
    sites.rate("a", "2gbit")
    with hanse(root, "apply", "--yes") as again:
        out, _ = again.communicate(timeout=600)
    assert again.returncode == 0, out
    assert there.stat().st_size == SIZE
    assert there.read_bytes() == source.read_bytes()
    with hanse(root, "plan") as planned:
        said, _ = planned.communicate(timeout=PATIENCE)
    assert planned.returncode == 0, said
