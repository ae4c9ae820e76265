"""Timings: what waits for a window, or for the end of a downtime."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.model import Reason
from tests.house import applied, commit, opened, planned

ZONE = "a.yaml"
RECORD = """\
apiVersion: hanse/v1
kind: DNSRecord
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{zone: fed.example.org, name: {name}, type: A, values: [192.0.2.1], ttl: {ttl}}}
"""
WINDOW = """\
apiVersion: hanse/v1
kind: Window
metadata: {{name: {name}}}
spec:
  type: {type}
  schedule: "{schedule}"
  minutes: 60
  scope: {scope}
  reason: as was agreed
"""


def record(name: str = "www", namespace: str = "tides", ttl: int = 300) -> dict[str, str]:
    return {f"{namespace}-{name}.yaml": RECORD.format(name=name, namespace=namespace, ttl=ttl)}


def window(type_: str, *, open_: bool, scope: str = "{}", name: str = "hours") -> dict[str, str]:
    """A window that is open now, or opens in three hours."""
    start = datetime.now(UTC) + (timedelta(minutes=-5) if open_ else timedelta(hours=3))
    text = WINDOW.format(name=name, type=type_, schedule=f"{start.minute} {start.hour} * * *", scope=scope)
    return {f"{name}.yaml": text}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/hanse.toml").write_text('[targets."dns:fed.example.org."]\ndriver = "zonefile"\n')
    return tmp_path / "own"


def waits(root: Path) -> list[tuple[str, str]]:
    return [(a.ref, a.message) for a in planned(root).actions if a.reason is Reason.WINDOW_CLOSED]


RECORDS = "{kinds: [DNSRecord]}"


@pytest.mark.parametrize(
    ("windows", "held"),
    [
        ([("allow", True)], False),
        ([("allow", False)], True),
        ([("deny", True)], True),
        ([("deny", False)], False),
        ([("allow", True), ("allow", False)], False),
        ([("allow", False), ("allow", False)], True),
        ([("allow", True), ("deny", True)], True),
        ([("allow", True), ("deny", False)], False),
    ],
)
def test_deny_wins_and_of_several_allow_one_is_enough(root, windows, held):
    files = record()
    for n, (type_, open_) in enumerate(windows):
        files |= window(type_, open_=open_, scope=RECORDS, name=f"w{n}")
    commit(root, files)
    assert bool(waits(root)) is held


def test_what_a_window_does_not_speak_of_goes_through(root):
    scope = "{kinds: [DNSRecord], namespaces: [tides], actions: [update, delete]}"
    commit(root, record() | record("waves", "waves"))
    applied(root, until_quiet=True)
    commit(root, record(ttl=60) | record("waves", "waves", ttl=60) | window("deny", open_=True, scope=scope))
    commit(root, record("new"))
    ((ref, message),) = waits(root)
    assert ref == "DNSRecord/tides/www"
    assert message.startswith("update held: Window/hours forbids it until ")
    assert message.endswith("Z: as was agreed")


def test_what_waited_is_done_when_the_window_is_gone(root):
    commit(root, record() | window("allow", open_=False, scope=RECORDS))
    assert not applied(root).failed
    assert "allows it from" in waits(root)[0][1]
    with opened(root) as house:
        conditions = {c.type: c for c in house.store.conditions.of(waits(root)[0][0])}
    assert (conditions["Reconciling"].status, conditions["Reconciling"].reason) == ("True", "WindowClosed")
    commit(root, {"hours.yaml": None})
    applied(root, until_quiet=True)
    assert not planned(root).pending
