"""Whether hosts answer: a TCP connection and an SSH banner, many at once, without Ansible."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from reconciler.ports import Host

AT_ONCE = 64
BANNER = b"SSH-"


def reach(hosts: Sequence[Host], seconds: float) -> Mapping[str, str]:
    """Host name -> "" when its banner came within ``seconds``, else why not."""
    if not hosts:
        return {}
    with ThreadPoolExecutor(min(AT_ONCE, len(hosts))) as pool:
        return dict(zip([h.name for h in hosts], pool.map(lambda host: _silence(host, seconds), hosts), strict=True))


def _silence(host: Host, seconds: float) -> str:
    if not host.address:
        return "has no address"
    where = f"{host.address} port {host.port}"
    try:
        with socket.create_connection((host.address, host.port), seconds) as connection:
            connection.settimeout(seconds)
            said = connection.recv(len(BANNER), socket.MSG_WAITALL)
    except TimeoutError:
        return f"{where}: no answer in {seconds:g} s"
    except OSError as error:
        return f"{where}: {error.strerror or error}"
    return "" if said == BANNER else f"{where}: not an SSH server"
