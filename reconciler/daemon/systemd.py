"""What systemd is told of the service (``Type=notify``): that it is ready, that it lives, that it stops.

A few datagrams to the socket that systemd names in the environment (sd_notify); without one nothing is told.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

_log = structlog.get_logger()


@dataclass
class Systemd:
    """The service manager, as far as it asked to be told."""

    address: str = ""
    """Path of a unix datagram socket, or an abstract name that begins with ``@``; "" for nobody."""
    patience: float = 0.0
    """Seconds without a sign of life after which it starts the service again; 0 for never."""

    @classmethod
    def of(cls, environment: Mapping[str, str], pid: int | None = None) -> Systemd:
        """What the environment says; a watchdog that is meant for another process is not ours."""
        mine = environment.get("WATCHDOG_PID", "") in ("", str(os.getpid() if pid is None else pid))
        said = environment.get("WATCHDOG_USEC", "")
        micros = int(said) if said.isdigit() and mine else 0
        return cls(environment.get("NOTIFY_SOCKET", ""), micros / 1e6)

    def ready(self) -> None:
        """It has started."""
        self._tell("READY=1")

    def alive(self) -> None:
        """It lives: to be told at least twice within its patience."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """It stops, and finishes what is in flight."""
        self._tell("STOPPING=1")

    def says(self, status: str) -> None:
        """One line for ``systemctl status``."""
        self._tell("STATUS=" + status.replace("\n", " "))

    def _tell(self, said: str) -> None:
        if not self.address:
            return
        name = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(1.0)
                sender.sendto(said.encode(), name)
        except OSError as error:
            _log.warning("systemd was not told", what=said, why=str(error))
