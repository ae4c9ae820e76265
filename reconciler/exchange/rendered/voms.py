"""What services and clients of VOMS read: ``vomses`` lines and ``.lsc`` files. Neither form knows comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.exchange.rendered.files import Rendered
from reconciler.kinds.vo import VomsServer, VOSpec

_SHUT_OUT = frozenset({"Suspended", "Deleted"})
"""Standings of a VO whose members do not come in."""


def vomses(vos: Mapping[str, VOSpec]) -> Rendered:
    """A file ``<vo>-<host>`` for each server: ``"vo" "host" "port" "server's DN" "vo"``, a line for each port."""
    lines: dict[str, set[str]] = {}
    untold: list[str] = []
    for name, vo, server in _servers(vos):
        missing = [field for field in ("vomsesPort", "dn") if getattr(server, field) is None]
        if missing:
            untold.append(f"{name}: {server.hostname} has no {' and no '.join(missing)}")
            continue
        words = (vo, server.hostname, str(server.vomsesPort), server.dn, vo)
        lines.setdefault(f"{vo}-{server.hostname}", set()).add(" ".join(f'"{word}"' for word in words) + "\n")
    return Rendered({name: "".join(sorted(found)) for name, found in sorted(lines.items())}, tuple(untold))


def lsc(vos: Mapping[str, VOSpec]) -> Rendered:
    """A file ``<vo>/<host>.lsc`` for each server: its DN, and that of the authority that issued it."""
    files: dict[str, str] = {}
    untold: list[str] = []
    for name, vo, server in _servers(vos):
        missing = [field for field in ("dn", "caDn") if getattr(server, field) is None]
        if missing:
            untold.append(f"{name}: {server.hostname} has no {' and no '.join(missing)}")
            continue
        path, text = f"{vo}/{server.hostname}.lsc", f"{server.dn}\n{server.caDn}\n"
        if files.setdefault(path, text) != text:
            untold.append(f"{name}: {server.hostname} has another DN too: the first is told")
    return Rendered(dict(sorted(files.items())), tuple(untold))


def _servers(vos: Mapping[str, VOSpec]) -> Iterator[tuple[str, str, VomsServer]]:
    """Manifest's name, the VO as VOMS knows it, and each of its servers. A part of a VO is in the VO's own VOMS."""
    for name, spec in sorted(vos.items()):
        if spec.status not in _SHUT_OUT:
            root = (spec.group or name).strip("/").partition("/")[0]
            yield from ((name, root, server) for server in spec.voms)
