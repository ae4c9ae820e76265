"""Changes of sites' certification, as git tells them: from what to what, when it became current, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler import manifest
from reconciler.downtimes import tip_of
from reconciler.exchange.gocdb.topology import CertificationStep
from reconciler.kinds import registry
from reconciler.kinds.site import SiteSpec
from reconciler.model import Ref, Resource, Revision
from reconciler.source.stated import Content, contents, read_blobs

_SAID = re.compile(rb"^\s*(?:name|certification):.*$", re.MULTILINE)
"""Where nothing of this has changed, no status has: most commits touch something else of a site."""


class _Stands(NamedTuple):
    status: str | None
    reason: str


def certification_steps(repository: Path, read: Revision, resources: Mapping[Ref, Resource]) -> list[CertificationStep]:
    """Every change of status of the sites that are declared, up to ``read``, the oldest first. Raises SourceError."""
    files = {one.location.file for ref, one in resources.items() if ref.startswith("Site/")}
    tip = tip_of(repository, read)
    if not files or not tip:
        return []
    past = contents(repository, tip, files)
    blobs = {one.blob: path for path, some in past.items() for one in some if one.blob}
    texts = dict(read_blobs(repository, blobs))
    found = [step for path, some in past.items() for step in _steps(path, some, texts)]
    return sorted(found, key=lambda step: (step.at, step.site))


def _steps(path: str, some: Sequence[Content], texts: Mapping[str, bytes]) -> Iterator[CertificationStep]:
    before: dict[str, str | None] = {}
    said: list[bytes] = []
    for one in some:
        if not one.blob:
            before, said = {}, []
            continue
        mark = _SAID.findall(texts[one.blob])
        if mark == said:
            continue
        said = mark
        for name, stands in _read(path, texts[one.blob]).items():
            old = before.get(name)
            if old and stands.status and old != stands.status:
                yield CertificationStep(one.at, name, old, stands.status, stands.reason)
            before[name] = stands.status


def _read(path: str, content: bytes) -> dict[str, _Stands]:
    """Site -> how it stands; nothing of contents that cannot be read any more."""
    found = {}
    for one in manifest.of_content(path, content, {"Site": registry()["Site"]}):
        spec: SiteSpec = one.spec
        found[one.ref.name] = _Stands(
            spec.certification, spec.certificationChange.reason if spec.certificationChange else ""
        )
    return found
