"""Where the data of a rule lies or will lie: the part of it at each site, as the manifests and their choices say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from reconciler.kinds.base import Federation
from reconciler.model import Ref


class Rule(Protocol):
    """A DatasetRule."""

    @property
    def dataset(self) -> str: ...
    @property
    def chosen(self) -> Sequence[str]: ...
    @property
    def chosenFiles(self) -> Mapping[str, Sequence[str]]: ...  # noqa: N802


class Storage(Protocol):
    """A storage of a site."""

    @property
    def site(self) -> str: ...


class Replica(Protocol):
    """A copy of a dataset."""

    @property
    def storage(self) -> Storage: ...
    @property
    def dataset(self) -> str | None: ...


def data_at(federation: Federation, ref: Ref, near: str | None) -> Mapping[str, float]:
    """Site -> part (0..1) of the rule's data that its storages hold; empty when nothing is known."""
    found = federation.get(rule_ref(ref, near)) if near else None
    if found is None:
        return {}
    rule = cast("Rule", found)
    held = {_site(place): 1.0 for place in rule.chosen}
    for site, files in _files_at(rule).items():
        held.setdefault(site, files / len(rule.chosenFiles))
    for _, spec in federation.of_kind("Replica"):
        replica = cast("Replica", spec)
        if replica.dataset == rule.dataset:
            held[replica.storage.site] = 1.0
    return held


def _files_at(rule: Rule) -> Mapping[str, int]:
    """Site -> how many of the files that are placed one by one."""
    counts: dict[str, int] = defaultdict(int)
    for places in rule.chosenFiles.values():
        for site in {_site(place) for place in places}:
            counts[site] += 1
    return counts


def _site(place: str) -> str:
    return place.partition("/")[0]


def rule_ref(ref: Ref, name: str) -> Ref:
    """The DatasetRule that a cluster means by ``name`` or ``namespace/name``."""
    namespace, _, short = name.rpartition("/")
    return Ref.of("DatasetRule", short, namespace or ref.namespace)
