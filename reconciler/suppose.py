"""What if: a plan as it would be if sites, storages or clouds were down.

What is down is not asked, holds nothing that counts, and is no candidate. Nothing is done by such a plan and none of
it is recorded.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, NamedTuple, cast

from reconciler.errors import SettingsError, Transient
from reconciler.kinds.site import SiteSpec
from reconciler.model import Action, Graph, Plan, Ref, RuleAccount, Target
from reconciler.ports import Drivers

_SAID = re.compile(r"\s*(site|storage|cloud)\s*=\s*([A-Za-z0-9._-]+)(?:/([A-Za-z0-9._-]+))?(?:\s+(?:is\s+)?down)?\s*")
_FORM = "write 'site=SITE down', 'storage=SITE/NAME down' or 'cloud=SITE/NAME down'"


class Down(NamedTuple):
    """What is supposed to be down: a whole site, or one storage or cloud of it."""

    what: str
    site: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.what}={self.site}{f'/{self.name}' if self.name else ''}"

    def covers(self, target_id: str) -> bool:
        """Whether a back end is down with it."""
        port, _, rest = target_id.partition(":")
        parts = rest.split("/")
        if parts[0] != self.site:
            return False
        ports = {"site": port, "storage": "storage", "cloud": "compute"}
        named = port == ports[self.what] or (self.what == "cloud" and port in ("images", "configure"))
        return named and (not self.name or parts[1:2] == [self.name])


def parse(texts: Iterable[str]) -> tuple[Down, ...]:
    """Read ``site=X down`` and its like. Raises SettingsError for anything else."""
    return tuple(map(_parsed, texts))


def _parsed(text: str) -> Down:
    found = _SAID.fullmatch(text)
    if found is None or (found[1] == "site") is not (found[3] is None):
        raise SettingsError(f"--what-if {text!r}: {_FORM}")
    return Down(found[1], found[2], found[3] or "")


def without(graph: Graph, downs: Sequence[Down]) -> Graph:
    """The graph in which sites offer nothing that is down. Raises SettingsError for what no site declares."""
    if not downs:
        return graph
    resources = dict(graph.resources)
    for down in downs:
        ref = Ref.of("Site", down.site)
        if ref not in resources:
            near = get_close_matches(down.site, [r.name for r in resources if r.kind == "Site"], n=1)
            raise SettingsError(f"--what-if {down}: no site {down.site} is declared{_or(near)}")
        spec = _less(down, cast("SiteSpec", resources[ref].spec))
        resources[ref] = resources[ref]._replace(content=spec.canonical())  # its digest stays: git says the same
    return replace(graph, resources=resources)


def _less(down: Down, spec: SiteSpec) -> SiteSpec:
    names = [one.name for one in spec.storage] + [one.name for one in spec.clouds]
    if down.name and down.name not in names:
        near = get_close_matches(down.name, names, n=1)
        raise SettingsError(f"--what-if {down}: {down.site} has no {down.what} {down.name}{_or(near)}")
    kept: dict[str, Any] = {}
    if down.what in ("site", "storage"):
        kept["storage"] = tuple(s for s in spec.storage if down.name and s.name != down.name)
    if down.what in ("site", "cloud"):
        kept["clouds"] = tuple(c for c in spec.clouds if down.name and c.name != down.name)
    return spec.model_copy(update=kept)


def _or(near: Sequence[str]) -> str:
    return f": did you mean {near[0]}?" if near else ""


def drivers(those: Drivers, downs: Sequence[Down]) -> Drivers:
    """The same drivers; what is down they cannot open."""
    return cast("Drivers", _Supposed(those, downs)) if downs else those


class _Supposed:
    def __init__(self, drivers: Drivers, downs: Sequence[Down]) -> None:
        self._drivers, self._downs = drivers, downs

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._drivers, name)
        if name in ("options", "secret", "catalogue"):
            return found

        def opened(target: Target) -> Any:
            if any(down.covers(target.id) for down in self._downs):
                raise Transient(f"{target.name} is supposed to be down")
            return found(target)

        return opened


def seen(plan: Plan, downs: Sequence[Down]) -> Plan:
    """The plan less what would have to be done on what is down."""
    actions = tuple(action for action in plan.actions if not _there(action, downs))
    unreachable = {t: why for t, why in plan.unreachable.items() if not any(down.covers(t) for down in downs)}
    return replace(plan, actions=actions, unreachable=unreachable)


def _there(action: Action, downs: Collection[Down]) -> bool:
    return any(down.covers(action.target) or action.ref == Ref.of("Site", down.site) for down in downs)


def short(plan: Plan) -> Iterator[RuleAccount]:
    """Rules that would have fewer copies than they want until the plan is done."""
    if plan.data is not None:
        yield from (rule for rule in plan.data.rules if rule.kept < rule.copies)


def told(plan: Plan, downs: Sequence[Down]) -> Iterator[str]:
    """What it would mean, in sentences."""
    what = " and ".join(str(down) for down in downs)
    under = list(short(plan))
    none = [rule for rule in under if not rule.kept]
    if not under:
        yield f"With {what} down every rule keeps its copies."
        return
    some = f", {len(none):,} of them no copy at all" if none else ""
    yield f"With {what} down {_rules(len(under))} fewer copies than wanted{some}:"
    for rule in under:
        left = f"{rule.kept} of {rule.copies} copies" if rule.kept else "no copy that can be read"
        then = f"{rule.made} would be made" if rule.made else rule.refused or "none can be made"
        yield f"  {rule.ref}  {rule.data} has {left}; {then}"


def _rules(count: int) -> str:
    return "1 rule has" if count == 1 else f"{count:,} rules have"
