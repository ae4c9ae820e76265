"""The configure port over run directories.

A directory holds ``request.json`` (no secrets), ``inventory.json``, ``variables.json``, ``output.log``,
``events.jsonl`` and, at the end, ``result.json``. The file ``alive`` is locked as long as the run's supervisor lives.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.drivers.ansible import leftovers
from reconciler.drivers.ansible.environment import environment
from reconciler.drivers.ansible.inventory import inventory
from reconciler.drivers.ansible.options import Options
from reconciler.drivers.ansible.outcome import settle
from reconciler.drivers.ansible.reach import reach
from reconciler.drivers.ansible.roles import supplied
from reconciler.drivers.ansible.trust import guarded
from reconciler.drivers.locks import is_held, locked
from reconciler.drivers.sshkey import own_key, public_key
from reconciler.errors import Terminal, Transient
from reconciler.model import digest_of, encode
from reconciler.ports import Host, RunRequest, RunState

HANDLE = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{8}")
SEEN_SECONDS = 3600.0
"""A result that somebody has read is kept at least so long: they may crash and ask again."""
UNSEEN_SECONDS = 7 * 86400.0


class Runs:
    """Playbook runs of this machine. Safe to use from many threads and processes at once."""

    def __init__(self, options: Options, now: Callable[[], float] = time.time) -> None:
        self.options = options
        self._now = now

    def start(self, request: RunRequest) -> str:
        """Start a run. The same run under way already is not started twice; one on the same hosts is waited for.

        Raises Terminal for an unknown playbook, Transient while another run works on one of the hosts.
        """
        playbook = self._playbook(request.playbook)
        key = Path(request.private_key) if request.private_key else self._key()
        folder = self.options.playbook_folder / "roles"
        fetched = supplied(request.roles, self.options.fetched, self.options.repository, folder)
        with self._alone():
            self._prune()
            digest = _digest(request)
            for handle, asked in self._live():
                if asked["digest"] == digest:
                    return handle
                common = {h.address for h in request.hosts} & set(asked["addresses"])
                if common:
                    raise Transient(f"run {handle} works on {min(common)}", retry_after=5.0)
            directory = self.options.runs / self._new_handle()
            self._lay_out(directory, request, playbook, digest, environment(self.options, directory, key, fetched))
            _spawn(directory, request.secrets)
        return directory.name

    def poll(self, handle: str) -> RunState:
        """How the run stands. A supervisor that died without a result is lost, and what it started is ended first."""
        if not HANDLE.fullmatch(handle):
            return RunState("lost", f"{handle!r} is no run")
        directory = self.options.runs / handle
        alive = is_alive(directory)
        result = _result(directory)
        if result is not None:
            (directory / "seen").touch()
            return result
        if alive:
            return RunState("running")
        leftovers.clear(handle)
        return RunState("lost", f"run {handle} ended without a result{_last_words(directory)}")

    def cancel(self, handle: str) -> None:
        """Stop the run and everything it started; one that has ended stays as it is."""
        if not HANDLE.fullmatch(handle):
            return
        directory = self.options.runs / handle
        if not directory.is_dir() or not is_alive(directory):
            leftovers.clear(handle)
            return
        leftovers.clear(handle)
        if _result(directory) is None:
            settle(directory, {"state": "failed", "message": "cancelled", "failed_hosts": {}})

    def reachable(self, hosts: Sequence[Host]) -> Mapping[str, str]:
        """Host name -> "" when its SSH port shows a banner, else why not."""
        return reach(hosts, self.options.probe_seconds)

    def _playbook(self, name: str) -> Path:
        folder = self.options.playbook_folder
        playbook = (folder / name).resolve()
        if not playbook.is_relative_to(folder) or not playbook.is_file():
            raise Terminal(f"there is no playbook {name} in {folder}")
        return playbook

    def _key(self) -> Path:
        return Path(self.options.private_key) if self.options.private_key else own_key(self.options.state)

    def _new_handle(self) -> str:
        began = datetime.fromtimestamp(self._now(), UTC)
        return f"{began:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"

    def _lay_out(
        self, directory: Path, request: RunRequest, playbook: Path, digest: str, surroundings: Mapping[str, str]
    ) -> None:
        directory.mkdir(mode=0o700)
        allowed = [public_key(Path(surroundings["ANSIBLE_PRIVATE_KEY_FILE"])), *self.options.public_keys]
        variables = {"hanse_operator_keys": allowed, **guarded(dict(request.variables), set(request.secrets))}
        asked = {
            "digest": digest,
            "addresses": [host.address for host in request.hosts],
            "playbook": str(playbook),
            "timeout_seconds": request.timeout_seconds,
            "environment": surroundings,
        }
        for name, data in (("inventory", inventory(request.hosts)), ("variables", variables), ("request", asked)):
            (directory / f"{name}.json").write_bytes(encode(data))

    def _live(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for directory in self._directories():
            if is_alive(directory) and _result(directory) is None:
                yield directory.name, json.loads((directory / "request.json").read_bytes())

    def _directories(self) -> list[Path]:
        """Every run, the newest first."""
        return sorted((d for d in self.options.runs.iterdir() if d.is_dir()), reverse=True)

    def _prune(self) -> None:
        """Remove runs whose results were read, beyond the newest of each sort; and those that nobody asks for."""
        kept = {"successful": self.options.keep_successful, "failed": self.options.keep_failed, "lost": 1}
        for directory in self._directories():
            if is_alive(directory):
                continue
            result = _result(directory)
            state = result.state if result else "lost"
            kept[state] -= 1
            if kept[state] < 0 and self._is_old(directory):
                leftovers.clear(directory.name)
                shutil.rmtree(directory)

    def _is_old(self, directory: Path) -> bool:
        seen = directory / "seen"
        if seen.exists():
            return bool(self._now() - seen.stat().st_mtime > SEEN_SECONDS)
        return bool(self._now() - directory.stat().st_mtime > UNSEEN_SECONDS)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.options.runs.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self.options.runs / ".lock"):
            yield


def is_alive(directory: Path) -> bool:
    """True while the run's supervisor lives."""
    return is_held(directory / "alive")


def _spawn(directory: Path, given: Mapping[str, str]) -> None:
    """Start the supervisor, detached: it inherits the lock and reads the secrets from a pipe."""
    lock = os.open(directory / "alive", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with (directory / "supervisor.log").open("ab") as log:
            subprocess.run(
                ["setsid", "--fork", sys.executable, "-m", f"{__package__}.supervise", str(directory), str(lock)],
                input=json.dumps(dict(given)).encode(),
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                env=json.loads((directory / "request.json").read_bytes())["environment"],
                cwd="/",
                check=True,
            )
    except FileNotFoundError as error:
        raise Terminal("setsid not found: apt-get install util-linux") from error
    except (BrokenPipeError, subprocess.CalledProcessError) as error:
        raise Transient(f"run {directory.name} could not be started: {error}") from error
    finally:
        os.close(lock)


def _last_words(directory: Path) -> str:
    """What its supervisor complained about, if anything."""
    log = directory / "supervisor.log"
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.exists() else []
    said = next((line for line in reversed(lines) if line.strip()), "")
    return f": {said}" if said else ""


def _result(directory: Path) -> RunState | None:
    try:
        found = json.loads((directory / "result.json").read_bytes())
    except FileNotFoundError:
        return None
    return RunState(found["state"], found["message"], found["failed_hosts"])


def _digest(request: RunRequest) -> str:
    """What makes two requests the same run. Secrets count by name."""
    hosts = [[h.name, h.address, h.port, h.user, list(h.groups), dict(h.variables)] for h in request.hosts]
    roles = sorted([role.name, role.sha256 or role.tree] for role in request.roles)
    return digest_of(encode([request.playbook, hosts, dict(request.variables), sorted(request.secrets), roles]))
