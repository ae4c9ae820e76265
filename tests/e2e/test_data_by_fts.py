"""Data that FTS brings from one real XRootD server to another, as hanse.toml asks for it; Hanse is killed meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from tests.cli.conftest import environment
from tests.house import commit
from tests.real import issuer
from tests.real.fts import TOKEN, serving
from tests.real.waiting import until
from tests.real.xrootd import xrootd

__all__ = ["xrootd"]

MANIFESTS = """apiVersion: hanse/v1
kind: Site
metadata: {{name: NORTH}}
spec: {{country: DE, storage: [{{name: disk, driver: webdav, url: "{a}"}}]}}
---
apiVersion: hanse/v1
kind: Site
metadata: {{name: WEST}}
spec: {{country: CA, storage: [{{name: disk, driver: webdav, url: "{b}", options: {{transfers: "fts:main"}}}}]}}
---
apiVersion: hanse/v1
kind: Dataset
metadata: {{name: waves, namespace: sea}}
spec: {{scope: sea, name: waves, listing: {{site: NORTH, storage: disk, path: raw}}}}
---
apiVersion: hanse/v1
kind: DatasetRule
metadata: {{name: waves, namespace: sea}}
spec: {{scope: sea, name: waves, copies: 1, locations: WEST, priority: 5, activity: Production}}
"""
SETTINGS = """
[targets."storage:*"]
ca = "{ca}"
token = {{ issuer = "{issuer}", client_id = "hanse", client_secret = {{ env = "CLIENT" }}, base = "/vo" }}
[targets."fts:main"]
url = "{fts}"
token = {{ env = "FTS" }}
retry = 0
"""
HANSE = [sys.executable, "-c", "import sys; from reconciler.cli import main; sys.exit(main())"]


@pytest.fixture
def federation(tmp_path, xrootd):
    with serving(str(xrootd.authority.file)) as fts:
        folders = {name: xrootd.folder(name) for name in ("a", "b")}
        urls = {n: f"{xrootd.servers[n].url}/{folders[n]}".replace("https", "davs") for n in folders}
        commit(tmp_path, {"all.yaml": MANIFESTS.format(**urls)})
        told = SETTINGS.format(ca=xrootd.authority.file, issuer=xrootd.tokens.url, fts=fts.url)
        (tmp_path / "hanse.toml").write_text(told)
        raw = xrootd.servers["a"].root / folders["a"] / "raw"
        raw.mkdir()
        for name in ("one.nc", "two.nc", "three.nc"):
            (raw / name).write_bytes(os.urandom(2_000_000))
        yield tmp_path, fts, raw, xrootd.servers["b"].root / folders["b"] / "sea/waves"


def hanse(root, *words):
    return subprocess.Popen(
        [*HANSE, "-C", str(root), *words],
        env=environment(CLIENT=issuer.SECRET, FTS=TOKEN),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_jobs_of_a_killed_apply_are_found_again_and_what_they_bring_is_taken_in(federation):
    root, fts, raw, there = federation
    fts.going.clear()
    for _ in range(3):  # a storage that did not answer in time is asked again
        with hanse(root, "apply", "--yes") as killed:
            try:
                until(
                    "three jobs are submitted",
                    lambda: (len(fts.submissions), killed.poll()),
                    lambda seen: seen[0] >= 3 or seen[1] is not None,
                )
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(killed.pid, signal.SIGKILL)
        if len(fts.submissions) >= 3:
            break
    assert len(fts.submissions) >= 3
    fts.going.set()
    for _ in range(3):  # a storage that did not answer in time is asked again
        with hanse(root, "apply", "--yes") as again:
            out, _ = again.communicate(timeout=600)
        if again.returncode == 0:
            break
    assert again.returncode == 0, out
    assert len(fts.submissions) == 3
    assert {said["params"]["priority"] for said in fts.submissions} == {5}
    assert {file["activity"] for said in fts.submissions for file in said["files"]} == {"Production"}
    assert {file.name: file.read_bytes() for file in there.iterdir()} == {f.name: f.read_bytes() for f in raw.iterdir()}
    with hanse(root, "plan") as planned:
        said, _ = planned.communicate(timeout=600)
    assert planned.returncode == 0, said
    assert TOKEN not in out + said
    assert "eyJ" not in out + said
