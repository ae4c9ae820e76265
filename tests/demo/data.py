"""Data on three continents: the second half of ``make demo-real``. Root on Debian.

Two XRootD servers, each in a network namespace at the end of a wire that is slow and can be cut, and an S3 service. A
token issuer gives a token for each transfer; bytes go from storage to storage. What is shown: a rule and its plan with
bytes, transfers and how far they have come, a wire that is cut in the middle, files that vanish behind Hanse's back, a
site that goes down and the repair, and a rule that ends and whose last copy stays.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reconciler.errors import HanseError
from tests.demo.stage import HANSE, ROOT, Stage, WrongEndError
from tests.real import issuer, s3, wires, xrootd
from tests.real.waiting import until

SIZE = 100_000_000
"""Bytes of each of the three files."""
RATE = "80mbit"
SETTINGS = """\
# The three storages of manifests/ocean are real: two XRootD, one S3. A token is asked for at each transfer.
[targets."storage:BALTIC/dav"]
url = "{a}"
{token}
[targets."storage:HALIFAX/dav"]
url = "{b}"
{token}
[targets."storage:SENDAI/s3"]
provider = "s3"
host = "{s3.host}"
port = {s3.port}
secure = false
region = "us-east-1"
container = "{bucket}"
key = {{ env = "S3_KEY" }}
secret = {{ env = "S3_SECRET" }}
"""
TOKEN = """\
ca = "{ca}"
stall = 10
token = {{ issuer = "{issuer}", client_id = "{client}", client_secret = {{ env = "CLIENT_SECRET" }}, base = "/vo" }}
"""
CRUISE = """\
# What the research ship has brought home to Kiel: whatever lies in this folder is the dataset.
apiVersion: hanse/v1
kind: Dataset
metadata: {name: cruise-42, namespace: ocean}
spec:
  scope: ocean
  name: cruise-42
  vo: vo.ocean.example.org
  listing: {site: BALTIC, storage: dav, path: cruise/42}
---
apiVersion: hanse/v1
kind: DatasetRule
metadata: {name: safe, namespace: ocean}
spec:
  scope: ocean
  name: cruise-42
  vo: vo.ocean.example.org
  copies: 2
  locations: qos=SAFE
  spread: continent
"""
NOTE = """\
# A note that is wanted for a short while, at one place.
apiVersion: hanse/v1
kind: Dataset
metadata: {{name: note, namespace: ocean}}
spec:
  scope: ocean
  name: note
  vo: vo.ocean.example.org
  files:
    - {{path: note.txt, size: 6, checksum: adler32:084b021f, source: "data:,hello%0A"}}
---
apiVersion: hanse/v1
kind: DatasetRule
metadata: {{name: note, namespace: ocean}}
spec:
  scope: ocean
  name: note
  vo: vo.ocean.example.org
  copies: 1
  locations: HALIFAX
  lifetime: {{expires: {ends:%Y-%m-%dT%H:%M:%SZ}}}
"""


SAFE = "dav.halifax.example.org:2880/ocean\n      driver: webdav\n      qos: SAFE"
FLOODED = SAFE.replace("qos: SAFE", "qos: FLOODED")


class World:
    """The storages, and what a person does to them by hand."""

    def __init__(self, sites: wires.Wired, store: s3.S3, bucket: str) -> None:
        self.sites, self.s3, self.bucket = sites, store, bucket

    def folder(self, site: str, path: str) -> Path:
        """A folder of a site's own disk."""
        return self.sites.servers[site].root / path

    def settings(self) -> str:
        """What hanse.toml says of them."""
        token = TOKEN.format(ca=self.sites.authority.file, issuer=self.sites.tokens.url, client=issuer.CLIENT)
        urls = {name: server.url for name, server in self.sites.servers.items()}
        return SETTINGS.format(**urls, token=token, s3=self.s3, bucket=self.bucket)


def main(place: Path) -> int:
    """Play it in ``place``; 1 when this machine cannot, or something ended wrongly."""
    lacking = xrootd.missing()
    if lacking:
        print(f"The demo of data needs more: {lacking}", file=sys.stderr)
        return 1
    try:
        with ExitStack() as open_:
            sites = open_.enter_context(wires.wired(rate=RATE))
            log = open_.enter_context(tempfile.TemporaryDirectory(prefix="hanse-s3-"))
            store = open_.enter_context(s3.service(Path(log), str(urlsplit(sites.tokens.url).hostname)))
            bucket = open_.enter_context(store.bucket())
            secrets = {"CLIENT_SECRET": issuer.SECRET, "S3_KEY": s3.KEY, "S3_SECRET": s3.SECRET}
            stage = Stage(place, secrets)
            _play(stage, World(sites, store, bucket))
    except (HanseError, WrongEndError, OSError, RuntimeError) as error:
        print(f"\nThe demo stops: {error}", file=sys.stderr)
        return 1
    print(f"\nThat took {stage.seconds():.0f} s. The servers and their network are gone again.")
    print("docs/how-to/ says how to connect storages and keep copies of data.")
    return 0


def _play(stage: Stage, world: World) -> None:
    _begins(stage, world)
    _is_copied_over_a_cut_wire(stage, world)
    _vanishes(stage, world)
    _goes_down(stage, world)
    _expires(stage)
    _goes(stage)


def _begins(stage: Stage, world: World) -> None:
    stage.chapter(1, "Three storages on three continents")
    stage.begin()
    shutil.copytree(ROOT / "manifests/ocean", stage.place / "manifests/ocean")
    stage.write("hanse.toml", world.settings())
    stage.write(".gitignore", "/.hanse/\n")
    stage.commit("The ocean")
    print("\n" + (stage.place / "hanse.toml").read_text().rstrip(), flush=True)
    stage.say("A small dataset, safe on two continents: which bytes go where?")
    stage.hanse("plan", ends=2, expect="in all 4 files")
    stage.hanse("apply", expect="Applied")


def _is_copied_over_a_cut_wire(stage: Stage, world: World) -> None:
    stage.chapter(2, "300 MB, and a wire that is cut in the middle")
    _bring_home(world.folder("a", "cruise/42"))
    stage.write("manifests/ocean/cruise.yaml", CRUISE)
    stage.commit("What the ship brought home")
    stage.say("What lies in Kiel is listed; the plan says what a second continent means.")
    stage.hanse("plan", ends=2, expect="3 files, 300.0 MB")
    stage.say("The copy begins. How far it has come is seen from anywhere:")
    with _apply(stage) as apply:
        until("the copy moves", lambda: _moved(stage), lambda moved: moved > SIZE // 4)
        stage.hanse("status", ends=0, fold="True   Reconciled")
        stage.say("Halifax loses its link in the middle of it. What half arrived is never taken for a copy.")
        world.sites.cut("b")
        time.sleep(16)
        stage.hanse("status", fold="True   Reconciled")
        stage.say("The link is back, and faster. The same apply goes on.")
        world.sites.mend("b")
        world.sites.rate("a", "2gbit")
        until("the apply ends", lambda: apply.poll() is not None, seconds=600)
    if apply.returncode:
        raise WrongEndError(f"hanse apply ended with {apply.returncode}")
    stage.hanse("plan", expect="nothing to do")


def _vanishes(stage: Stage, world: World) -> None:
    stage.chapter(3, "Files that vanish, and one that rots")
    folder = world.folder("b", "ocean/cruise-42")
    (folder / "leg-1.nc").unlink()
    with (folder / "leg-2.nc").open("r+b") as file:
        file.write(b"rot")
    print("\n  (Halifax: leg-1.nc deleted, leg-2.nc overwritten at its beginning)", flush=True)
    stage.hanse("plan", ends=2, expect="2 files, 200.0 MB")
    stage.hanse("apply", expect="Applied")
    stage.hanse("plan", expect="nothing to do")


def _goes_down(stage: Stage, world: World) -> None:
    stage.chapter(4, "A site goes down")
    stage.say("What if Halifax were down?")
    stage.hanse("plan --what-if 'site=HALIFAX down'", ends=2, expect="fewer copies than wanted")
    world.sites.servers["b"].stop()
    stage.say("It is down. Nothing is concluded from that: its copies are unknown, and nothing is done.")
    stage.hanse("plan", ends=1, expect="Could not be read")
    stage.say("It will stay so. Halifax is safe no more, says git: every rule is looked at anew.")
    stage.edit("manifests/ocean/sites.yaml", SAFE, FLOODED)
    stage.commit("Halifax: the cellar is under water")
    stage.hanse("apply", ends=1, expect="BALTIC/dav -> SENDAI/s3")
    stage.hanse("status", fold="True   Reconciled")
    stage.say("Halifax is back. What it holds is wanted elsewhere now, where it stands already: there it goes.")
    world.sites.servers["b"].start()
    stage.hanse("apply", expect="deleted")
    stage.edit("manifests/ocean/sites.yaml", FLOODED, SAFE)
    stage.commit("Halifax: dry again")
    stage.say("It is a candidate again; what was chosen stays where it is.")
    stage.hanse("apply", expect="Applied")
    stage.hanse("plan", expect="nothing to do")


def _expires(stage: Stage) -> None:
    stage.chapter(5, "A rule ends, and what it held was the last copy")
    ends = datetime.now(UTC) + timedelta(seconds=30)
    stage.write("manifests/ocean/note.yaml", NOTE.format(ends=ends))
    stage.commit("A note, for a moment")
    stage.hanse("apply", expect="Applied")
    time.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds()) + 1)
    stage.say("Its time is over. Nobody else has the note: it stays until somebody says so in git.")
    stage.hanse("plan", ends=3, expect="LastCopy")
    stage.hanse("apply", ends=3)
    stage.hanse("approve Replica/ocean/note.HALIFAX.dav --reason 'read by all'", expect="approvals")
    stage.commit("The note may go")
    stage.hanse("apply", expect="deleted")


def _goes(stage: Stage) -> None:
    stage.chapter(6, "Who uses how much")
    stage.hanse("report storage")


def _bring_home(folder: Path) -> None:
    """Three files that nobody has seen before, as the ship's people would put them there."""
    folder.mkdir(parents=True)
    for leg in range(1, 4):
        (folder / f"leg-{leg}.nc").write_bytes(os.urandom(SIZE // 100) * 100)
    for path in (folder.parent, folder, *folder.iterdir()):
        shutil.chown(path, "xrootd", "xrootd")


@contextmanager
def _apply(stage: Stage) -> Iterator[subprocess.Popen[str]]:
    """``hanse apply`` in the background, its output shown once it has ended."""
    stage.note("$ hanse apply &")
    with tempfile.TemporaryFile("w+") as said:
        started = subprocess.Popen(
            [*HANSE, "apply"], cwd=stage.place, env=stage.environment, stdout=said, stderr=said, text=True
        )
        try:
            yield started
        finally:
            started.terminate() if started.poll() is None else None
            started.wait()
            said.seek(0)
            stage.note("(what hanse apply said)")
            print("".join(f"  {line}" for line in said), flush=True)


def _moved(stage: Stage) -> int:
    """Bytes that transfers under way have moved."""
    asked = [*HANSE, "status", "-o", "json"]
    found = subprocess.run(asked, cwd=stage.place, env=stage.environment, capture_output=True, text=True, check=False)
    under_way: list[dict[str, Any]] = json.loads(found.stdout or "{}").get("under_way", [])
    return sum(one.get("bytes") or 0 for one in under_way)


if __name__ == "__main__":
    sys.exit(main(Path(".demo-data")))
