"""A whole Hanse for tests: a repository, its state in a folder, and the page run over it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.apply import Conduct, Pace, Serial
from reconciler.manifest import Memory
from reconciler.model import Plan, Report
from reconciler.reconcile import House, Proposal, propose, reconcile
from reconciler.records.store import open_store
from reconciler.settings import load
from reconciler.wiring import Wired

BRISK = Conduct(Pace(first_delay=0.01, longest_delay=0.05))


def git(root: Path, *words: str) -> str:
    identity = ["-c", "user.name=A Tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(root: Path, files: Mapping[str, str | None], subject: str = "change") -> str:
    """Write (or, for None, remove) files under manifests/ and commit; returns the commit id."""
    if not (root / ".git").exists():
        root.mkdir(parents=True, exist_ok=True)
        git(root, "init", "-q", "-b", "main")
        (root / ".gitignore").write_text(".hanse/\n")
    for name, text in files.items():
        path = root / "manifests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", subject)
    return git(root, "rev-parse", "HEAD")


@contextmanager
def opened(root: Path, environment: Mapping[str, str] | None = None, **more: Any) -> Iterator[House]:
    """The house over a repository; settings come from its hanse.toml and ``environment``."""
    settings = load(root, environment or {})
    with open_store(settings.records.url, lambda: datetime.now(UTC)) as store:
        drivers = Wired(settings, environment or {}, store.catalogue)
        yield House(settings, drivers, store, Memory(), **more)


def planned(root: Path, **more: Any) -> Plan:
    with opened(root, **more) as house:
        return propose(house, "HEAD").plan


def applied(root: Path, *, until_quiet: bool = False, **more: Any) -> Report:
    """Plan and apply HEAD; with ``until_quiet`` again and again (five times at most) until nothing is left."""
    with opened(root, **more) as house:
        for _ in range(5 if until_quiet else 1):
            report = once(house, propose(house, "HEAD"))
            if not report.plan.pending:
                break
        return report


def once(house: House, proposal: Proposal) -> Report:
    return reconcile(house, proposal, Serial(), BRISK, "tester")


def said(plan: Plan) -> list[str]:
    return [f"{a.verb} {a.ref} {a.blocked or a.reason}" for a in plan.actions]
