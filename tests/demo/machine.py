"""A machine of the scripted evening: one ``hanse run --standby --listen``, its log, and how it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.conftest import environment
from tests.demo.stage import HANSE, Stage, WrongEndError
from tests.real import waiting

PATIENCE = 180.0
"""Seconds until something that must happen has happened: for a slow machine."""


@dataclass
class Machine:
    """One process of the reconciler."""

    name: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Its page."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def hook(self) -> str:
        """Where a forge tells it that there is something to fetch."""
        return f"{self.url}/hooks/forge"

    def lines(self, message: str = "") -> list[dict[str, Any]]:
        """What it has logged; with a message only that."""
        found = (json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{"))
        return [line for line in found if message in ("", line.get("message"))]

    def kill(self) -> None:
        """As when its power fails."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """As a service is stopped: what is in flight is finished."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextmanager
def machine(stage: Stage, name: str, port: int, *options: str) -> Iterator[Machine]:
    """Start the reconciler in the stage's folder; whatever is left of it at the end is killed."""
    words = ["run", "--standby", "--listen", f"127.0.0.1:{port}", *options]
    stage.note(f"{stage.prompt} hanse {' '.join(words)} &")
    log = stage.place / "log"
    with log.open("ab") as told:
        process = subprocess.Popen(
            [*HANSE, *words],
            cwd=stage.place,
            env=environment(**stage.environment),
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            start_new_session=True,
        )
    made = Machine(name, port, log, process)
    try:
        yield made
    finally:
        if process.poll() is None:
            made.kill()


def until(what: str, holds: Callable[[], Any], *machines: Machine, seconds: float = PATIENCE) -> Any:
    """Wait for something; raises WrongEndError with the ends of the logs when it does not come."""

    def look() -> Any:
        found = holds()
        if not found and any(one.process.poll() not in (None, -signal.SIGKILL) for one in machines):
            raise AssertionError("a machine has ended")
        return found

    try:
        return waiting.until(what, look, seconds=seconds, every=0.1)
    except AssertionError as error:
        ends = (f"\n-- {one.name}\n{one.log.read_text()[-3000:]}" for one in machines)
        raise WrongEndError(f"it did not happen: {what}: {error}{''.join(ends)}") from None
