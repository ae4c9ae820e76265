"""Secrets: each that is named can be read, and what manifests may name is limited. No value is shown."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from reconciler.doctor.findings import Finding, Ground, fault, ok, warning
from reconciler.errors import HanseError
from reconciler.model import SecretRef

_OTHERS = stat.S_IRWXO


def secrets(ground: Ground) -> Iterator[Finding]:
    """Every secret that settings and manifests name."""
    asked: dict[SecretRef, str] = {}
    for where, reference in ground.named():
        asked.setdefault(reference, f"{where} of hanse.toml")
    try:
        for ref, path, reference in ground.wanted():
            asked.setdefault(reference, f"{ref} {path}")
    except HanseError:
        yield warning("what manifests name is not known: they have faults", "hanse validate")
    for reference, where in asked.items():
        yield from _one(ground, reference, where)
    if not asked:
        yield ok("no secret is named")
    if ground.settings.openbao.address:
        yield _login(ground)
    if ground.settings.sops.age_key_file:
        yield from _closed(Path(ground.settings.sops.age_key_file), "[sops] age_key_file")


def _one(ground: Ground, reference: SecretRef, where: str) -> Iterator[Finding]:
    try:
        value = ground.drivers.secret(reference)
    except HanseError as error:
        yield fault(f"{where}: {error}", "put it there, or name another place")
        return
    if value.strip():
        yield ok(f"{where}: {reference} can be read")
    else:
        yield fault(f"{where}: {reference} is empty", "put it there")
    if reference.file is not None:
        yield from _closed(Path(reference.file), where)


def _closed(file: Path, where: str) -> Iterator[Finding]:
    try:
        mode = file.stat().st_mode
    except OSError as error:
        yield fault(f"{where}: {file} cannot be looked at: {error.strerror}", "make it readable for the daemon's user")
        return
    if mode & _OTHERS:
        yield warning(f"{where}: everybody on this machine may read {file}", f"chmod 0600 {file}")


def _login(ground: Ground) -> Finding:
    try:
        ground.drivers.secrets.login()
    except HanseError as error:
        return fault(f"{error}", "[openbao]")
    return ok(f"OpenBao at {ground.settings.openbao.address} lets the reconciler log in")


def scopes(ground: Ground) -> Iterator[Finding]:
    """Whose manifests may name which secrets."""
    count = len(ground.settings.secrets)
    if count:
        yield ok(f"{count} scope(s) say which secrets manifests may name")
        return
    try:
        naming = sum(1 for _ in ground.wanted())
    except HanseError:
        naming = 0
    cure = "[[secrets]] with namespace and allow, for each namespace: docs/how-to/secrets.md"
    yield warning(f"every manifest may name every secret of this machine ({naming} are named now)", cure)
