"""Chromium without a window, spoken to over its debugging pipe: pages as people see them."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.real.waiting import PATIENCE

_PATIENCE = 1.5 * PATIENCE
"""Seconds: longer than any script waits."""
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


class Chromium:
    """One browser with one page."""

    def __init__(self, program: str, profile: str) -> None:
        (ours, theirs), (theirs_out, ours_in) = self._pipes = os.pipe(), os.pipe()
        # Chromium reads commands from descriptor 3 and answers on 4.
        line = f'exec "$0" "$@" 3<&{theirs_out} 4>&{theirs}'
        command = ["bash", "-c", line, program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            command,
            pass_fds=(theirs_out, theirs),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs_out)
        os.close(theirs)
        self._in, self._out, self._rest, self._last = ours_in, ours, b"", 0
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", session=None, url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", session=None, targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, session: str | None = "", **parameters: Any) -> Any:
        """One command and its answer; what happens meanwhile is kept in ``events``."""
        self._last += 1
        said = {"id": self._last, "method": method, "params": parameters}
        if session is not None:
            said["sessionId"] = self._session
        os.write(self._in, json.dumps(said).encode() + b"\0")
        deadline = time.monotonic() + _PATIENCE
        while True:
            told = self._told(deadline)
            if told.get("id") == self._last:
                assert "error" not in told, f"{method}: {told.get('error')}"
                return told["result"]
            self.events.append(told)

    def _told(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._out], [], [], max(0.0, deadline - time.monotonic()))
            part = os.read(self._out, 1 << 20) if ready else b""
            assert part, "Chromium does not answer"
            self._rest += part
        first, _, self._rest = self._rest.partition(b"\0")
        return json.loads(first)

    def look(self, width: int = 1280, height: int = 900, *, dark: bool = False) -> None:
        """The size of the window, and what the person prefers."""
        mobile = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def headers(self, **headers: str) -> None:
        """What every request shows."""
        self.call("Network.setExtraHTTPHeaders", headers=headers)

    def open(self, url: str) -> float:
        """Go there and wait until everything is loaded; the seconds it took."""
        self.events.clear()
        began = time.monotonic()
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._told(began + _PATIENCE))
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return time.monotonic() - began

    def run(self, script: str) -> Any:
        """What an expression gives; a promise is waited for."""
        told = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings since the page was opened, of scripts and of the browser."""
        self.run("0")  # whatever is on its way has come
        found = []
        for event in self.events:
            said = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(str(said["exceptionDetails"]))
            if event.get("method") == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
                found.append(str(said["args"]))
            if event.get("method") == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
                found.append(f"{said['entry']['text']} {said['entry'].get('url', '')}")
        return found

    @property
    def asked(self) -> list[str]:
        """Every URL that was asked for since the page was opened."""
        sent = (event for event in self.events if event.get("method") == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in sent]

    def png(self, *, whole: bool = False) -> bytes:
        """A picture of what is seen, or of the whole page."""
        made = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(made["data"])

    def close(self) -> None:
        """End it and everything it started."""
        os.close(self._in)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._out)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """A browser for all tests of a session."""
    with browser() as made:
        yield made


@contextmanager
def browser() -> Iterator[Chromium]:
    """A browser while the block runs. Where there is none the test is skipped, or in CI fails."""
    program = shutil.which("chromium")
    if program is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("chromium is not installed")
    profile = tempfile.mkdtemp(prefix="hanse-chromium-")
    made = Chromium(program, profile)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(Path(profile), ignore_errors=True)
