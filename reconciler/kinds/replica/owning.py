"""Whose a file in a folder is: what lies where another replica or a dataset's own folder is, is none of ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.kinds.replica.naming import HASHED
from reconciler.kinds.replica.spec import ReplicaSpec
from reconciler.model import Wanted
from reconciler.ports import StoredFile


@dataclass(frozen=True)
class Owners:
    """The folders and files of the replicas of one storage, by place; folders end with a slash."""

    places: Mapping[str, frozenset[str]]
    """Place -> marks of the replicas that are wanted, or were applied, there."""

    @classmethod
    def of(cls, known: Mapping[str, Iterable[str]]) -> Owners:
        """``known`` is mark -> places."""
        found: dict[str, set[str]] = {}
        for uid, places in known.items():
            for place in places:
                found.setdefault(place, set()).add(uid)
        return cls({place: frozenset(uids) for place, uids in found.items()})

    def anothers(self, file: StoredFile, uid: str) -> bool:
        """Whether a file is another's than ``uid``: it bears another mark, or lies where another has its place."""
        if file.uid not in ("", uid):
            return True
        return any(self.places.get(place, frozenset()) - {uid} for place in _around(file.path))


_HASHED = "*/"
"""Stands for the folders that Rucio's naming makes in a scope: what else lies in it is not theirs."""

ALONE = Owners({})
"""No other replica is known."""


def places(wanted: Wanted) -> frozenset[str]:
    """Where a replica has its files, or had them when it was applied last."""
    specs = [spec for spec in (wanted.spec, wanted.applied) if isinstance(spec, ReplicaSpec)]
    return frozenset(map(_place, specs))


def _place(spec: ReplicaSpec) -> str:
    if not spec.many:
        return spec.path or ""
    return f"{spec.folder}/{_HASHED}" if spec.layout.scope else f"{spec.folder}/"


def _around(path: str) -> Iterator[str]:
    """The file itself, and every folder that it lies in."""
    yield path
    yield from (path[: n + 1] for n, letter in enumerate(path) if letter == "/")
    yield from (f"{path[: hashed.start()]}{_HASHED}" for hashed in HASHED.finditer(path))
