"""A small federation of real directories, as the Replica kind meets it."""

from __future__ import annotations

import hashlib
import time
import zlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.drivers import directory
from reconciler.kinds.replica import ReplicaKind, ReplicaSpec
from reconciler.kinds.replica.transfer import Transfers
from reconciler.kinds.site import SiteSpec
from reconciler.model import Change, Ref, Started, Target, Wanted
from reconciler.ports import File, Files
from reconciler.records.catalogue import Remembered
from tests.real.waiting import PATIENCE
from tests.real.web import web

__all__ = ["web"]

UID, OTHER = "a" * 32, "b" * 32
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SITES = {
    "A": {"storage": [{"name": "disk", "driver": "directory"}, {"name": "tape", "driver": "directory"}]},
    "B": {"storage": [{"name": "disk", "driver": "directory"}]},
}


def adler32(content: bytes) -> str:
    return f"adler32:{zlib.adler32(content):08x}"


def md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content).hexdigest()}"


@dataclass
class Disks:
    """Drivers of an installation whose storages are directories under one state directory."""

    state: Path
    operator: dict[str, dict[str, Any]] = field(default_factory=dict)
    catalogue: Any = field(default_factory=Remembered)

    def options(self, target_id: str, driver: str) -> tuple[str, dict[str, Any]]:
        return driver or "directory", self.operator.get(target_id, {})

    def storage(self, target: Target) -> Any:
        return directory.open(Target(target.id, target.driver, {"state": str(self.state), **target.options}), self)


class Federation:
    """Some sites, one kind, and what the executor would do with them."""

    def __init__(self, state: Path, sites: dict[str, Any]) -> None:
        self.sites = {Ref(f"Site/{n}"): SiteSpec.model_validate(s, strict=False) for n, s in sites.items()}
        self.drivers = Disks(state)
        self.transfers = Transfers()
        self.now = NOW
        self.kind = ReplicaKind(self.transfers, lambda: self.now)

    def get(self, ref: Ref) -> Any:
        return self.sites.get(ref)

    def of_kind(self, kind: str) -> Any:
        return self.sites.items() if kind == "Site" else ()

    def target(self, spec: ReplicaSpec) -> Target:
        return self.kind.connect(self.kind.target(Ref("Replica/x/y"), spec), self, self.drivers)

    def root(self, name: str) -> Path:
        return self.drivers.state / name

    def change(self, spec: ReplicaSpec, ref: str = "Replica/vo/r", uid: str = UID, **more: Any) -> Change:
        edges = self.kind.references(Ref(ref), spec)
        context = {e.ref: self.sites[e.ref] for e in edges if e.ref in self.sites}
        return Change(Ref(ref), uid, 1, spec, context=context, **more)

    def put(self, spec: ReplicaSpec, **more: Any) -> Any:
        """Ask until it is settled, as the executor does."""
        return self.settle(self.kind.put, spec, self.change(spec, **more))

    def remove(self, spec: ReplicaSpec, **more: Any) -> Any:
        return self.settle(self.kind.remove, spec, self.change(spec, **more))

    def settle(self, do: Any, spec: ReplicaSpec, change: Change, seconds: float = PATIENCE) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answer = do(self.target(spec), [change], self.drivers)[change.ref]
            if not isinstance(answer, Started):
                return answer
            change = replace(change, handle=answer.handle)
            time.sleep(0.01)
        raise AssertionError(f"not settled: {answer}")

    def dataset(self, files: Files, storage: str = "A/disk", **more: Any) -> ReplicaSpec:
        """A replica of a dataset, as its Dataset brings it along."""
        self.drivers.catalogue.remember(files)
        site, _, name = storage.partition("/")
        fileset = {"digest": files.digest, "count": len(files), "bytes": files.bytes}
        given = {"storage": {"site": site, "name": name}, "dataset": "ocean:waves", "fileset": fileset, **more}
        return self.kind.canonical(ReplicaSpec.model_validate(given, strict=False))

    def look(self, spec: ReplicaSpec, uid: str = UID, applied: ReplicaSpec | None = None) -> Any:
        return self.reading(spec, uid, applied).results[Ref("Replica/vo/r")]

    def reading(self, spec: ReplicaSpec, uid: str = UID, applied: ReplicaSpec | None = None) -> Any:
        return self.kind.observe(self.target(spec), [Wanted(Ref("Replica/vo/r"), uid, spec, applied)], self.drivers)


def files_of(contents: dict[str, bytes], urls: dict[str, str] | None = None) -> Files:
    """The files with these contents."""
    return Files.of([File(p, len(c), adler32(c)) for p, c in contents.items()], urls)


@pytest.fixture
def federation(tmp_path: Path) -> Federation:
    return Federation(tmp_path / "state", SITES)


def replica(**given: Any) -> ReplicaSpec:
    """A canonical spec at A/disk."""
    return ReplicaKind().canonical(
        ReplicaSpec.model_validate({"storage": {"site": "A", "name": "disk"}, **given}, strict=False)
    )
