"""The repository: it can be read, its remote can be reached, and what is signed can be verified."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from reconciler import source
from reconciler.doctor.findings import Finding, Ground, fault, ok, warning
from reconciler.errors import HanseError, SourceError


def repository(ground: Ground) -> Iterator[Finding]:
    """The repository, its remote, and what it declares."""
    given = ground.settings.source
    if given.remote:
        yield _remote(ground)
    if ground.new:
        yield warning(f"{ground.repository}: nothing was fetched yet", "start the loop once: hanse run --once")
        return
    try:
        read = source.read(ground.repository, given.revision, paths=given.paths)
    except SourceError as error:
        yield fault(str(error), "[source] repository, revision and paths")
        return
    yield ok(f"{ground.repository} at {given.revision} is {read.commit[:12]}: {len(read.files)} files")
    try:
        yield ok(f"{len(ground.declared.resources)} resources are declared, without fault")
    except HanseError as error:
        first = (str(error).splitlines() or [""])[0]
        yield fault(f"what is declared has faults: {first}", "hanse validate lists them all")


def _remote(ground: Ground) -> Finding:
    given = ground.settings.source
    try:
        password = ground.drivers.secret(given.password) if given.password else ""
        found = source.heads(source.Remote(given.remote, given.username, password, given.ca))
    except HanseError as error:
        return fault(str(error), "[source] remote, username, password and ca")
    return ok(f"{given.remote} shows {found} branches")


def signatures(ground: Ground) -> Iterator[Finding]:
    """Who must have signed, and what it takes to verify that."""
    given = ground.settings.source
    lists = [given.signers, *(one.signers for one in given.signed)]
    rings = [one.keyring for one in given.signed]
    if not any((*lists, *rings)):
        yield warning("no commit must be signed", "where others can push: [source] signers, or [[source.signed]]")
        return
    for program, files in (("ssh-keygen", lists), ("gpg", rings)):
        for file in dict.fromkeys(file for file in files if file):
            yield _readable(file, program, ground.repository)


def _readable(file: Path, program: str, repository: Path) -> Finding:
    if not file.is_file() or not file.read_bytes().strip():
        return fault(f"{file} is not there, or empty: nobody's signature counts", "put the signers there")
    if shutil.which(program) is None:
        return fault(f"{program} is not installed: no signature can be verified", f"install {program}")
    inside = file.resolve().is_relative_to(repository.resolve()) and (repository / ".git").exists()
    if inside and ".hanse" not in file.parts:
        return warning(f"{file} lies in the working tree that is checked with it", "keep it outside of the repository")
    return ok(f"{file} can be read, and {program} is there")
