"""Free ports for servers that cannot be told to take any: none of those from which the kernel serves clients.

A port that the kernel gave a moment ago may be that of a client's connection before the server binds it.
"""

from __future__ import annotations

import random
import socket
from pathlib import Path

_GIVEN: set[int] = set()
_LEAST = 15_000


def _candidates() -> range:
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    return range(_LEAST, first) if first > _LEAST + 1000 else range(last + 1, 65_536) or range(_LEAST, 65_536)


def free_port(host: str = "127.0.0.1") -> int:
    """A port that is free for TCP and UDP, and that this process was not given before."""
    for port in random.sample(_candidates(), len(_candidates())):
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind((host, port))
                udp.bind((host, port))
            except OSError:
                continue
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port
    raise RuntimeError("no port is free")
