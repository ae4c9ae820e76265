"""A plan of what anybody may have written: it contacts only back ends that a trusted revision describes, as it does.

Otherwise a pull request could name a back end of its own and be sent the operator's credentials. What it describes
anew is told as not read; it is looked at once somebody has merged it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from reconciler import graph, manifest, source
from reconciler.errors import Terminal
from reconciler.model import Graph, Ref, SecretRef, Target
from reconciler.ports import Drivers

if TYPE_CHECKING:
    from reconciler.reconcile import House

_OF_SITES = ("compute", "configure", "events", "images", "storage")
"""Ports of back ends that sites describe: ``compute:SITE/cloud/vo``."""


def described(house: House, revision: str) -> Graph:
    """What a revision declares, ordered. Nothing is contacted."""
    settings = house.settings
    read = source.read(Path(settings.source.repository), revision, paths=settings.source.paths)
    memory = manifest.Memory.open(Path(settings.cache), house.kinds)
    resources = manifest.load(read, house.kinds, manifest.RuleSettings(settings.rules, settings.secrets), memory)
    return graph.build(resources, house.kinds, house.drivers)


def drivers(those: Drivers, trusted: Graph, asked: Graph) -> Drivers:
    """The same drivers; they open only what ``trusted`` describes, and ``asked`` has not changed."""
    sites = _sites(trusted)
    unchanged = sites == _sites(asked)  # one site may lead to another: a single change closes all that is not known
    return cast("Drivers", _Wary(those, trusted, frozenset(ref.name for ref in sites) if unchanged else frozenset()))


def _sites(those: Graph) -> dict[Ref, str]:
    """What describes back ends."""
    return {ref: one.digest for ref, one in those.resources.items() if ref.kind == "Site"}


class _Wary:
    def __init__(self, drivers: Drivers, trusted: Graph, sites: frozenset[str]) -> None:
        self._drivers, self._trusted, self._sites = drivers, trusted, sites

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._drivers, name)
        if name in ("options", "catalogue"):
            return found

        def opened(target: Target) -> Any:
            if not self._described(target):
                raise Terminal(
                    f"{target.name} is not described so where it counts: it is looked at once this is merged"
                )
            return found(target)

        return opened

    def secret(self, reference: SecretRef) -> str:
        """Secrets that manifests name are not read."""
        raise Terminal(f"{reference}: no secret is read for what is not merged")

    def _described(self, target: Target) -> bool:
        known = self._trusted.targets.get(target.id)
        if known is not None:
            return known == target
        by_operator = self._drivers.options(target.id, target.driver)[1] == target.options
        return by_operator or (target.port in _OF_SITES and target.name.partition("/")[0] in self._sites)
