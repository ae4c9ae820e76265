"""From what is declared to the rules that judge it: Tenancies, the roles of RoleAssignments, the owners."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from reconciler.authority.changes import Change
from reconciler.kinds.roleassignment import RoleAssignmentSpec
from reconciler.kinds.tenancy.reaching import charters
from reconciler.kinds.virtualcluster.beside import reached
from reconciler.kinds.virtualcluster.spec import VirtualClusterSpec
from reconciler.model import Ref, Resource
from reconciler.settings import OwnerSettings
from reconciler.tenancy import Book, Rules, Subject, Thing

_OF_FEDERATION = ("RoleAssignment", "Site", "VO")
_ANYWHERE = "compute:"
_LEVELS = {"Site": "site", "VO": "vo", "ServiceGroup": "serviceGroup"}


def rules_of(resources: Mapping[Ref, Resource], owners: Sequence[OwnerSettings]) -> Rules:
    """The rules that these resources state; ``owners`` are those of the operator's configuration."""
    found = charters(resources)
    book = Book(_holders(resources)) if found else Book()
    return Rules(found, book, tuple(map(_owner, owners)))


def thing_of(change: Change, before: Mapping[Ref, Resource], rules: Rules) -> Thing:
    """A change, as the rules see it. ``before`` is what counts: what something belongs to is read there."""
    states = [one for one in (change.old, change.new) if one]
    refs = (change.ref, *([change.former] if change.former else []))
    over: dict[str, set[str]] = defaultdict(set)
    for state in states:
        for level, name in _over(state, before):
            over[level].add(name)
    places = {place for state in states for place in _places(state)}
    known, words = _by_roles(change, before) if _roles_count(change, rules) else (frozenset(), ())
    return Thing(
        refs,
        change.files,
        frozenset(one for one in places if not one.endswith("/") and one != _ANYWHERE),
        frozenset(one for one in places if one.endswith("/") or one == _ANYWHERE),
        frozenset(field.path for field in change.fields),
        frozenset(_inner(change)),
        {level: frozenset(names) for level, names in over.items()},
        known,
        words,
    )


def _inner(change: Change) -> Iterator[str]:
    """The fields within those that change as a whole: what is made in a list, or under a name of its own."""
    for one in change.fields:
        for value in (one.before, one.after):
            yield from _parts(one.path, value)


def _parts(path: str, value: Any) -> Iterator[str]:
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, one in inner:
        below = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}"
        yield below
        yield from _parts(below, one)


def _owner(given: OwnerSettings) -> Subject:
    if given.entitlement:
        return Subject("entitlement", given.entitlement, given.issuer)
    if given.person:
        return Subject("person", given.person, given.issuer)
    if given.signer:
        return Subject("signer", given.signer)
    return Subject("user", given.user) if given.user else Subject("team", given.team)


def _holders(resources: Mapping[Ref, Resource]) -> Mapping[tuple[str, str], Mapping[str, frozenset[str]]]:
    held: dict[tuple[str, str], dict[str, frozenset[str]]] = defaultdict(dict)
    for ref, resource in resources.items():
        if ref.startswith("RoleAssignment/") and isinstance(spec := resource.spec, RoleAssignmentSpec):
            roles = held[spec.over.level, spec.over.name]
            for role, holders in spec.roles.items():
                roles[role] = roles.get(role, frozenset()) | set(holders)
    return held


def _over(state: Resource, before: Mapping[Ref, Resource]) -> Iterator[tuple[str, str]]:
    """(level, name) of each site, NGI, VO ... that a resource belongs to."""
    content: Mapping[str, Any] = orjson.loads(state.content)
    kind, name = state.ref.kind, state.ref.name
    if kind in _LEVELS:
        yield _LEVELS[kind], name
    if kind == "RoleAssignment":
        yield from ((level, str(over)) for level, over in content.get("over", {}).items() if over)
    vo = content.get("vo")
    if isinstance(vo, str) and vo:
        yield "vo", vo
    if state.ref.namespace and Ref.of("VO", state.ref.namespace) in before:
        yield "vo", state.ref.namespace
    there = {site for place in (state.target, *_reached(state)) for site in _of_target(place, before)}
    for site in {*_sites(content), *([name] if kind == "Site" else []), *there}:
        yield "site", site
        found = before.get(Ref.of("Site", site))
        ngi = orjson.loads(found.content).get("ngi") if found else content.get("ngi") if kind == "Site" else None
        if ngi:
            yield "ngi", str(ngi)


def _places(state: Resource) -> Iterator[str]:
    """The back ends that it lives on, its machines elsewhere too, or how their names begin where that is open."""
    if state.target:
        yield state.target
    elif state.open:
        yield _beginning(state)
    yield from _reached(state)


def _beginning(state: Resource) -> str:
    """How the name of the cloud begins that place/ will choose for it."""
    site = next(_sites(orjson.loads(state.content)), "")
    return f"compute:{site}/" if site else _ANYWHERE


def _reached(state: Resource) -> Iterable[str]:
    """Where a cluster has machines beside its own cloud."""
    spec = state.spec if state.ref.kind == "VirtualCluster" else None
    return reached(spec) if isinstance(spec, VirtualClusterSpec) else ()


def _sites(content: Mapping[str, Any]) -> Iterator[str]:
    site = content.get("site")
    if isinstance(site, str) and site not in ("", "auto"):
        yield site
    for one in content.get("affects") or ():
        if isinstance(one, Mapping) and isinstance(one.get("site"), str):
            yield one["site"]


def _of_target(target: str, before: Mapping[Ref, Resource]) -> Iterable[str]:
    """The site whose back end a target is: ``compute:TIDE-CLOUD/cloud/vo``."""
    site = target.partition(":")[2].partition("/")[0]
    return [site] if Ref.of("Site", site) in before else []


def _roles_count(change: Change, rules: Rules) -> bool:
    return bool(rules.charters) and (
        change.ref.kind == "RoleAssignment" or any(charter.roles for charter in rules.charters)
    )


def _by_roles(
    change: Change, before: Mapping[Ref, Resource]
) -> tuple[frozenset[str], tuple[tuple[str, str, frozenset[str]], ...]]:
    """Who may change it by the roles, and of whom a word is needed besides: what `hanse approvers` tells."""
    from reconciler.exchange.rendered.approvers import words  # it brings much along that is seldom needed
    from reconciler.exchange.rendered.roles import Roles

    roles = Roles({ref: one for ref, one in before.items() if ref.kind in _OF_FEDERATION})
    plain: list[frozenset[str]] = []
    others: list[tuple[str, str, frozenset[str]]] = []
    for what, holders in words(change.ref, change.old, change.new, roles):
        if what in ("change", "add", "take away"):
            plain.append(holders)
        else:
            ngi = roles.ngi_of(change.ref.name)
            others.append((f"ngi:{ngi}" if ngi else "roles", what, holders))
    known = frozenset.intersection(*plain) if plain else frozenset[str]()
    if others and plain and not known:  # more changes than has words of its own, and nobody may change that
        others.append(("roles", "change", frozenset()))
    return known, tuple(others)
