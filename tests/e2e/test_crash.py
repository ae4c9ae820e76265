"""``kill -9`` at every point of the journal, then one more apply: nothing is lost and nothing is doubled."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.daemon.lease import held
from reconciler.kinds import registry
from reconciler.reconcile import propose
from reconciler.records.journal import RunJournal
from tests.e2e.test_line import CLUSTER, FILES, NAMES, nodes
from tests.house import applied, commit, once, opened, planned


class Deadly:
    """Dies at the n-th step: before or after anything is written to the journal, and before or after any call."""

    def __init__(self, step: int) -> None:
        self.left = step

    def point(self) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*given: Any) -> Any:
            self.point()
            answer = method(*given)
            self.point()
            return answer

        return wrapped


def killed_at(root: Path, step: int) -> bool:
    """Apply in a process of its own that dies at ``step``; False when it came to its end first."""
    child = os.fork()
    if child == 0:
        deadly = Deadly(step)
        for name in ("intend", "started", "settle"):
            setattr(RunJournal, name, deadly.around(getattr(RunJournal, name)))
        for kind in registry().values():
            kind.put, kind.remove = deadly.around(kind.put), deadly.around(kind.remove)
        try:
            with opened(root) as house:
                once(house, propose(house, "HEAD"))
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def truth(root: Path) -> dict[str, object]:
    """What the world and the inventory hold."""
    with opened(root) as house:
        entries = house.store.inventory.entries()
        unsettled = house.store.journal.unsettled()
    zones = [zone.read_text() for zone in (root / ".hanse/state/dns").glob("fed.example.org*.zone")]
    lines = [line for zone in zones for line in zone.splitlines()]
    names = sorted(line.split()[0] for line in lines if " A " in f" {' '.join(line.split())} ")
    return {"held": sorted(entries), "names": names, "open": unsettled}


def unready(root: Path) -> list[str]:
    """What is held and of which the records do not say that it is ready."""
    with opened(root) as house:
        known = house.store.conditions.all()
        ready = {r for r, found in known.items() if any(c.type == "Ready" and c.status == "True" for c in found)}
        return sorted(house.store.inventory.entries().keys() - ready)


def begun(root: Path) -> list[tuple[str, str, str]]:
    """Operations that are open as begun: (run, resource, verb)."""
    with opened(root) as house:
        left = house.store.journal.unsettled()
    return sorted((one.run, one.ref, one.verb) for one in left if one.state != "unknown")


def finished(root: Path) -> list[tuple[str, str, str]]:
    """Apply until nothing is left, as whoever holds the lease; what is told as interrupted: (run, resource, verb)."""
    with opened(root) as house, held(house.store, 60, lambda: None) as house.fence:
        for _ in range(5):
            if not once(house, propose(house, "HEAD")).plan.pending:
                break
        events = house.store.events.history(limit=1000)
    return sorted((one.run, one.ref, one.verb) for one in events if one.state == "interrupted")


CHANGES = {
    "everything is made": ({}, FILES),
    "things change, come and go": (
        FILES,
        {
            "cluster.yaml": CLUSTER.replace("count: 2", "count: 3").replace("hello", "goodbye"),
            "names.yaml": NAMES.split("---")[0].replace("valuesFrom", "ttl: 900\n  valuesFrom"),
            "vo2.yaml": "apiVersion: hanse/v1\nkind: VO\nmetadata: {name: second}\nspec: {}\n",
        },
    ),
    "everything but the VO goes": (FILES, {"cluster.yaml": None, "names.yaml": None, "site.yaml": None}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_kill_at_any_point_loses_nothing_and_doubles_nothing(tmp_path, change):
    before, files = CHANGES[change]
    start = tmp_path / "start"
    commit(start, before)
    if before:
        applied(start, until_quiet=True)
    commit(start, files)
    calm = tmp_path / "calm"
    shutil.copytree(start, calm)
    applied(calm, until_quiet=True)
    expected = truth(calm)
    for step in range(1000):
        root = tmp_path / "killed"
        shutil.copytree(start, root)
        died = killed_at(root, step)
        left = begun(root)
        assert finished(root) == left, f"not told after a kill at {step}"
        assert planned(root).actions == (), f"not quiet after a kill at {step}"
        assert truth(root) == expected, f"differs after a kill at {step}"
        assert unready(root) == [], f"said to be unready after a kill at {step}"
        shutil.rmtree(root)
        if not died:
            break
    assert step >= 10


def test_what_a_killed_run_began_and_git_has_dropped_since_is_taken_away(tmp_path):
    start = tmp_path / "start"
    commit(start, {"vo.yaml": FILES["vo.yaml"], "site.yaml": FILES["site.yaml"]})
    applied(start, until_quiet=True)
    commit(start, FILES)
    stood = False
    for step in range(1000):
        root = tmp_path / "killed"
        shutil.copytree(start, root)
        died = killed_at(root, step)
        stood |= bool(nodes(root))
        commit(root, {"cluster.yaml": None, "names.yaml": None})
        applied(root, until_quiet=True)
        assert planned(root).actions == (), f"not quiet after a kill at {step}"
        assert nodes(root) == [], f"nodes are left after a kill at {step}"
        assert truth(root) == {"held": ["Site/ALPHA", "VO/vo.example.org"], "names": [], "open": ()}, step
        shutil.rmtree(root)
        if not died:
            break
    assert stood
    assert step >= 10
