"""Ansible's side of a run: what failed on which host, and the counts at the end, without secrets.

ansible-playbook loads this file by path, as a callback plugin. It writes JSON lines to the file named in HANSE_EVENTS.
"""  # noqa: INP001 (Ansible loads it by path)

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase  # type: ignore[import-untyped]

DOCUMENTATION = """
name: failures
type: notification
short_description: Failures and counts of a run as JSON lines
description: Failures and counts of a run as JSON lines, with secrets taken out
"""
LONGEST = 600
"""Characters of one message."""


def _redactor() -> Any:
    """The redactor of this package, loaded by path: the package itself would take longer than a task."""
    place = importlib.util.spec_from_file_location("redact", Path(__file__).parents[2] / "redact.py")
    assert place is not None and place.loader is not None  # noqa: S101, PT018
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    secrets = json.loads(Path(os.environ["HANSE_SECRETS"]).read_bytes())
    return module.Redactor(secrets.values())


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Writes a line for each failed task and one with the counts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "failures"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._redact = _redactor()
        self._file = Path(os.environ["HANSE_EVENTS"])
        self._items: dict[str, str] = {}

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task failed."""
        if not ignore_errors:
            self._failure(result, self._items.pop(result._host.get_name(), "") or _why(result))  # noqa: SLF001

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """One item of a loop failed; the task's own result follows and says only that some did."""
        self._items[result._host.get_name()] = _why(result)  # noqa: SLF001

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """A host does not answer."""
        self._failure(result, f"unreachable: {result._result.get('msg', '')}")  # noqa: SLF001

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The end."""
        self._write({"counts": {host: stats.summarize(host) for host in sorted(stats.processed)}})

    def _failure(self, result: Any, why: str) -> None:
        task = result._task.get_name()  # noqa: SLF001
        self._write({"host": result._host.get_name(), "said": f"TASK [{task}]: {why}"[:LONGEST]})  # noqa: SLF001

    def _write(self, line: dict[str, Any]) -> None:
        with self._file.open("a", encoding="utf-8") as out:
            out.write(self._redact(json.dumps(line, ensure_ascii=False)) + "\n")


def _why(result: Any) -> str:
    found = result._result  # noqa: SLF001
    if result._task.no_log or found.get("_ansible_no_log"):  # noqa: SLF001
        return "failed; its output is hidden since it handles secrets (no_log)"
    failed = [item for item in found.get("results", ()) if item.get("failed")]
    return "; ".join(_said(item) for item in failed) if failed else _said(found)


def _said(found: dict[str, Any]) -> str:
    message = str(found.get("msg") or "no reason given").strip()
    for stream in ("stderr", "stdout", "module_stderr"):
        lines = str(found.get(stream) or "").strip().splitlines()
        if lines and lines[-1] not in message:
            return f"{message}: {lines[-1]}"
    return message
