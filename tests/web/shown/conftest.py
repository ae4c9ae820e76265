"""A small federation that was really planned and applied, and a server that shows it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dns.zone  # noqa: F401 (before threads do)
import pytest
import requests

from reconciler.cli.house import opened
from reconciler.cli.options import Place
from reconciler.cli.shown import Shown
from reconciler.copies import Board
from reconciler.daemon.loop import Bell
from reconciler.daemon.service import Service
from reconciler.model import Ref, UsageRecord
from reconciler.model.uptime import UptimeDay, UptimeRecord
from reconciler.web.serving import serving

TOKEN = "the-configured-token"
EVIL = "<img src=x onerror=alert(1)>"
"""What must never become part of a page's structure."""
SETTINGS = """\
[limits.deletes]
absolute = 1
minimum_population = 1
percent = 1.0
[targets."dns:dark.example.org."]
driver = "rfc2136"
server = "127.0.0.1"
port = 9
"""
SITE = """\
apiVersion: hanse/v1
kind: Site
metadata: {{name: {name}}}
spec: {{officialName: "{official}", country: {country}, latitude: {north}, longitude: {east}, ngi: NGI_X}}
---
"""
RECORD = """\
apiVersion: hanse/v1
kind: DNSRecord
metadata: {{name: {name}, namespace: {vo}, annotations: {{note: "{note}"}}}}
spec: {{zone: {zone}, name: {name}, type: A, values: ["192.0.2.{last}"]}}
---
"""
VO = """\
apiVersion: hanse/v1
kind: VO
metadata: {{name: {name}}}
spec: {{description: "{about}"}}
---
"""
DATASET = """\
apiVersion: hanse/v1
kind: Dataset
metadata: {name: notes, namespace: tides}
spec:
  scope: sediment
  name: notes
  vo: tides
  files: [{path: a.txt, size: 15, checksum: "adler32:26b70416", source: "data:,x"}]
---
"""
GRANTED = """\
apiVersion: hanse/v1
kind: Site
metadata: {name: BAY}
spec:
  limits: {total: {instances: 9}}
  clouds:
    - {name: main, driver: simulated, endpoint: "https://bay.example.org:5000/v3", shares: [{vo: ebb, projectId: p1}]}
---
apiVersion: hanse/v1
kind: VO
metadata: {name: ebb}
spec: {allocations: [{site: BAY, instances: 3, coreHours: 900}]}
---
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {name: big, namespace: ebb}
spec: {vo: ebb, site: BAY, cloud: main, frontend: {image: debian-12}, workers: [{name: wn, count: 3, image: debian-12}]}
"""
"""A cluster that takes more machines than its VO was granted."""
WWW = Ref("DNSRecord/tides/www")
LOST = Ref("DNSRecord/tides/lost")


def manifests() -> str:
    """Two VOs, three sites, some names, and one in a zone that nobody can read."""
    vos = VO.format(name="tides", about=EVIL) + VO.format(name="waves", about="surf")
    places = (("NORTH", "NO", 63.4, 10.4), ("SOUTH", "PT", 38.7, -9.1), ("EAST", "RO", 44.4, 26.0))
    sites = "".join(SITE.format(name=n, official="A place", country=c, north=y, east=x) for n, c, y, x in places)
    names = [("www", "tides", 10), ("mail", "tides", 11), ("a", "waves", 12), ("b", "waves", 13), ("c", "waves", 14)]
    records = "".join(RECORD.format(name=n, vo=v, zone="fed.example.org", last=i, note=EVIL) for n, v, i in names)
    dark = RECORD.format(name="lost", vo="tides", zone="dark.example.org", last=20, note="x")
    return vos + sites + DATASET + records + dark


@dataclass
class Looked:
    """A server that shows a federation, and all that is behind it."""

    url: str
    root: Path
    service: Service
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def store(self) -> Any:
        return self.service.house.store

    def get(self, path: str, token: str | None = TOKEN, **headers: str) -> requests.Response:
        shown = {"Authorization": f"Bearer {token}"} if token else {}
        return self.session.get(f"{self.url}{path}", headers={**shown, **headers}, timeout=120)

    def json(self, path: str) -> Any:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path, text: str) -> None:
    (root / "manifests").mkdir(exist_ok=True)
    (root / "manifests" / "all.yaml").write_text(text, encoding="utf-8")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "a change")


def days() -> list[date]:
    today = datetime.now(UTC).date()
    return [today - timedelta(days=n) for n in range(1, 21)]


def remembered(store: Any) -> None:
    """Days of sites, and what was used."""
    for n, day in enumerate(days()):
        rows = []
        for m, site in enumerate(("NORTH", "SOUTH", "EAST")):
            good = (100.0, 98.5, 91.0, 62.0, 12.0, -1.0)[(n + m) % 6]
            up = max(good, 0) / 100
            unknown = 1.0 if good < 0 else 0.0
            numbers = (good, good, up, unknown, 0.0 if good < 0 else 1 - up)
            rows.append(
                UptimeRecord("Default", day, "group", site, "", "", "", "NGI_X", 1.0, *numbers, ((0, "OK"),), ())
            )
        at = datetime.now(UTC)
        store.uptime.rebuild(UptimeDay("Default", day, "b", "c", complete=True, computed_at=at), rows)
    for back in range(1, 4):
        start = (datetime.now(UTC).replace(day=1) - timedelta(days=28 * back)).replace(day=2)
        month = f"{start:%Y-%m}"
        records = [
            UsageRecord(
                month,
                f"{vo}{back}{n}",
                Ref(f"VirtualCluster/{vo}/web"),
                vo,
                site,
                "job",
                start,
                start + timedelta(days=1),
                wall_seconds=360_000 * (n + back),
                cpu_seconds=1_440_000 * (n + back),
                cpu_count=4,
            )
            for n, (vo, site) in enumerate((("tides", "NORTH"), ("waves", "NORTH"), ("waves", "SOUTH")))
        ]
        store.usage.rebuild(month, records)


class Showing:
    """Plans, applies and serves; ``token`` None: nothing is asked for."""

    def __init__(self, root: Path, token: str | None = TOKEN) -> None:
        self._stack = ExitStack()
        git(root, "init", "-q")
        (root / "hanse.toml").write_text(SETTINGS, encoding="utf-8")
        commit(root, manifests())
        self.place = Place(root)
        house = self._stack.enter_context(opened(self.place))
        self.service = Service(house, "HEAD")
        self.service.step(Bell())
        remembered(house.store)
        shown = Shown(house, self.service, self.place, (lambda: token) if token else None)
        url = self._stack.enter_context(serving("127.0.0.1:0", Board(), shown.token, shown.routes()))
        self._stack.enter_context(shown.while_served())
        self.looked = Looked(url, root, self.service)
        self._stack.callback(self.looked.session.close)

    def __enter__(self) -> Looked:
        return self.looked

    def __exit__(self, *error: object) -> None:
        self._stack.close()


@pytest.fixture(scope="module")
def looked(tmp_path_factory) -> Iterator[Looked]:
    with Showing(tmp_path_factory.mktemp("shown")) as made:
        yield made


@pytest.fixture(scope="module")
def blocked(tmp_path_factory) -> Iterator[Looked]:
    """The same after most names were taken out of git: that needs an approval. A cluster takes more than was granted."""
    with Showing(tmp_path_factory.mktemp("blocked"), None) as made:
        text = manifests()
        for name, last in (("a", 12), ("b", 13), ("c", 14)):
            text = text.replace(RECORD.format(name=name, vo="waves", zone="fed.example.org", last=last, note=EVIL), "")
        commit(made.root, text + GRANTED)
        made.service.step(Bell())
        yield made


@pytest.fixture
def numbers() -> SimpleNamespace:
    return SimpleNamespace(days=days())
