"""XRootD sites at the ends of wires that are slow and can be cut: network namespaces on a bridge.

``with wired() as sites:`` gives servers ``a`` and ``b``, each in a namespace of its own; ``sites.cut("a")`` takes its
link away, ``sites.mend("a")`` gives it back. Their addresses are reached from the machine itself, where the issuer is.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.real.authority import Authority
from tests.real.issuer import issuer
from tests.real.xrootd import XRootD, server

PORT = 8443


@dataclass
class Wired(XRootD):
    """Servers in namespaces. ``rate`` is what ``tc`` calls it: ``80mbit``."""

    prefix: str = ""

    def cut(self, name: str) -> None:
        """Nothing passes to or from a site any more; nobody is told."""
        _ip("link", "set", f"{self.prefix}{name}", "down")

    def mend(self, name: str) -> None:
        """The site is reached again."""
        _ip("link", "set", f"{self.prefix}{name}", "up")

    def rate(self, name: str, rate: str) -> None:
        """No more than ``rate`` comes out of a site."""
        inside = ("netns", "exec", f"{self.prefix}{name}", "tc", "qdisc", "replace", "dev", "eth0", "root")
        _ip(*inside, "tbf", "rate", rate, "burst", "256kb", "latency", "100ms")

    def carried(self, name: str) -> int:
        """Bytes that have come out of a site."""
        return _count(f"{self.prefix}{name}", "rx_bytes")

    def through_us(self) -> int:
        """Bytes that this machine itself has exchanged with the sites; not what they exchanged with each other."""
        return _count(f"{self.prefix}br", "rx_bytes") + _count(f"{self.prefix}br", "tx_bytes")


@contextmanager
def wired(names: Sequence[str] = ("a", "b"), rate: str = "400mbit") -> Iterator[Wired]:
    """Sites in namespaces; servers, namespaces and links are gone in the end."""
    with ExitStack() as open_:
        place = Path(open_.enter_context(tempfile.TemporaryDirectory(prefix="hanse-wires-")))
        place.chmod(0o755)
        prefix, net = f"hx{os.getpid()}", f"10.229.{os.getpid() % 250}"
        open_.enter_context(_bridge(f"{prefix}br", f"{net}.1"))
        authority = Authority(place / "authority")
        tokens = open_.enter_context(issuer(authority, place / "issuer", f"{net}.1"))
        sites = Wired(authority, tokens, prefix=prefix)
        for number, name in enumerate(names, 11):
            open_.enter_context(_namespace(f"{prefix}{name}", f"{prefix}br", f"{net}.{number}"))
            within = ("ip", "netns", "exec", f"{prefix}{name}", "unshare", "-m", "-u")
            made = server(place / name, name, authority, tokens, f"{net}.{number}", PORT, within=within)
            sites.servers[name] = made
            open_.callback(made.stop)
            made.start()
            sites.rate(name, rate)
        yield sites


@contextmanager
def _bridge(name: str, address: str) -> Iterator[None]:
    _ip("link", "add", name, "type", "bridge")
    try:
        _ip("addr", "add", f"{address}/24", "dev", name)
        _ip("link", "set", name, "up")
        yield
    finally:
        _ip("link", "del", name)


@contextmanager
def _namespace(name: str, bridge: str, address: str) -> Iterator[None]:
    _ip("netns", "add", name)
    try:
        _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", name, "master", bridge, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
        _ip("-n", name, "link", "set", "eth0", "up")
        yield
    finally:
        with suppress(subprocess.CalledProcessError):
            _ip("link", "del", name)
        _ip("netns", "del", name)


def _count(interface: str, what: str) -> int:
    return int(Path(f"/sys/class/net/{interface}/statistics/{what}").read_text())


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
