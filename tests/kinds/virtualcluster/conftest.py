"""A cluster, a simulated cloud for it to live in, and the line's part in its life."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.drivers import simulated
from reconciler.drivers.simulated import ManualClock, SimulatedCloud, World
from reconciler.errors import Terminal
from reconciler.kinds.virtualcluster import KIND, VirtualClusterSpec
from reconciler.model import Absent, Answer, Change, Present, Reading, Ref, SecretRef, Started, Target, Wanted, encode

REF = Ref("VirtualCluster/tides/sediment")
UID = "5ed1" * 8
TARGET = "compute:SITE-A/cloud/vo.example.org"
PLAYBOOK = "virtualcluster/present.yml"


def spec(**changes: Any) -> VirtualClusterSpec:
    """A front end and two workers, with ``changes`` to its fields as a manifest would write them."""
    body: dict[str, Any] = {
        "vo": "vo.example.org",
        "site": "SITE-A",
        "cloud": "cloud",
        "frontend": {"image": "debian-12", "cpus": 2},
        "workers": [{"name": "workers", "count": 2, "image": "debian-12", "cpus": 4}],
        "software": [{"role": "web", "variables": {"title": "one"}}],
    }
    return VirtualClusterSpec.model_validate_json(encode({**body, **changes}))


def workers(count: int | None = None, **changes: Any) -> list[dict[str, Any]]:
    """The one group of workers."""
    counted = {} if count is None else {"count": count}
    return [{"name": "workers", "image": "debian-12", "cpus": 4, **counted, **changes}]


@dataclass
class Stage:
    """One cluster's world and what Hanse remembers of it. ``simulate`` may be changed at any time."""

    path: Path
    simulate: dict[str, Any] = field(default_factory=dict)
    clock: ManualClock = field(default_factory=ManualClock)
    secrets: Mapping[str, str] = field(default_factory=dict)
    applied: VirtualClusterSpec | None = None

    spec = staticmethod(spec)
    workers = staticmethod(workers)
    ref = REF
    uid = UID
    playbook = PLAYBOOK

    @property
    def target(self) -> Target:
        return Target(TARGET, "simulated", {"state": str(self.path), "simulate": self.simulate})

    # ports.Drivers, as far as a cluster needs them

    def compute(self, target: Target) -> SimulatedCloud:
        return simulated.open(target, clock=self.clock)

    configure = compute

    def secret(self, reference: SecretRef) -> str:
        if reference.env not in self.secrets:
            raise Terminal(f"the environment variable {reference.env} is not set")
        return self.secrets[reference.env]

    @property
    def world(self) -> World:
        return self.compute(self.target).world

    # the line's part

    def read(self, desired: VirtualClusterSpec, uid: str = UID) -> Reading:
        return KIND.observe(self.target, [Wanted(REF, uid, desired, self.applied)], self)

    def look(self, desired: VirtualClusterSpec) -> Present:
        seen = self.read(desired).results[REF]
        assert isinstance(seen, Present)
        return seen

    def change(self, desired: VirtualClusterSpec, handle: str = "") -> Change:
        return Change(REF, UID, 1, desired, handle=handle)

    def put(self, desired: VirtualClusterSpec, handle: str = "") -> Answer:
        return KIND.put(self.target, [self.change(desired, handle)], self)[REF]

    def remove(self, desired: VirtualClusterSpec, handle: str = "") -> Answer:
        return KIND.remove(self.target, [self.change(desired, handle)], self)[REF]

    def follow(self, ask: Callable[[VirtualClusterSpec, str], Answer], desired: VirtualClusterSpec) -> Answer:
        """Ask until it is no longer under way, as the executor does."""
        handle = ""
        for _ in range(300):
            answer = ask(desired, handle)
            if not isinstance(answer, Started):
                return answer
            handle = answer.handle
            self.clock.advance(answer.look_again_in)
        pytest.fail(f"never finished: {answer}")

    def up(self, desired: VirtualClusterSpec) -> Answer:
        """Put it until it is up, and remember that it was applied."""
        answer = self.follow(self.put, desired)
        self.applied = desired
        return answer

    def down(self, desired: VirtualClusterSpec) -> Answer:
        answer = self.follow(self.remove, desired)
        self.applied = None
        return answer

    def gone(self, desired: VirtualClusterSpec) -> bool:
        return isinstance(self.read(desired).results[REF], Absent)

    def nodes(self) -> dict[str, Any]:
        quiet = replace(self, simulate={})
        return {n.name: n for n in quiet.compute(quiet.target).nodes().nodes}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    yield Stage(tmp_path)
    World.close_all()
