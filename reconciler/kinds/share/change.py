"""Making shares so, and taking them away: looks first, and does only what is missing.

Whatever is made carries the share's uid from its first moment, so a run that was killed goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from reconciler.errors import Conflict, DriverError, Terminal
from reconciler.kinds.failing import failed
from reconciler.kinds.share.mapping import Rules, nobody, rule
from reconciler.kinds.share.observed import (
    PROPERTY,
    Parts,
    View,
    mapping_of,
    outputs,
    spec_of,
    view,
    way_of,
)
from reconciler.kinds.share.spec import DOMAIN, ShareSpec
from reconciler.model import Answer, Change, Done, Failed, Reason, Ref, digest_of
from reconciler.ports import Group, Identity, Project, Provider, Way
from reconciler.ports.identity import MARK, Rule

ThingT = TypeVar("ThingT", Project, Group)

ADOPTED = "hanse.adopted"
"""Property of what was there before: it is let go of, and not deleted, in the end."""


@dataclass(frozen=True)
class Visit:
    """One call on one keystone."""

    identity: Identity
    target: str
    today: date

    def seen(self, changes: Sequence[Change]) -> View:
        """The keystone as it is now."""
        befores = [spec_of(c.before) for c in changes if c.before is not None]
        return view(self.identity, [spec_of(c.spec) for c in changes], [s.role for s in befores if s.role])


# -- making ------------------------------------------------------------------------------------------------------------


def put_all(visit: Visit, changes: Sequence[Change]) -> dict[Ref, Answer]:
    """Projects, groups, roles and quotas one by one; then the way in, once for all."""
    seen = visit.seen(changes)
    answers: dict[Ref, Answer] = {}
    made: list[tuple[Change, Parts]] = []
    for change in changes:
        try:
            made.append((change, _parts(visit, seen, change)))
        except DriverError as error:
            answers[change.ref] = failed(error)
    for due in _by_way(made):
        try:
            _let_in(visit, seen, due)
        except DriverError as error:
            answers |= {change.ref: failed(error) for change, _ in due}
    return {**{change.ref: Done(outputs(parts)) for change, parts in made}, **answers}


def _parts(visit: Visit, seen: View, change: Change) -> Parts:
    spec, census = spec_of(change.spec), seen.census(spec_of(change.spec))
    found = seen.parts(spec, change.uid)
    project = _project(visit, change, found.project, census.domain_id)
    group = _group(visit, change, found.group, census.domain_id)
    if project and group and spec.role:
        _role(visit, change, (group.id, project.id), census.grants)
    if project:
        _quota(visit, spec, project)
    return Parts(project, group)


def _project(visit: Visit, change: Change, there: Project | None, domain_id: str) -> Project | None:
    spec, identity = spec_of(change.spec), visit.identity
    if there is None and spec.projectId:
        raise Terminal(f"there is no project with the id {spec.projectId}: take projectId out, and one is made")
    if there is None:
        properties = {MARK: change.uid, **({PROPERTY: spec.property} if spec.property else {})}
        return _made(identity.create_project, spec.project, domain_id, properties)
    _refuse(change, there, "project")
    due = _due(change, there, {PROPERTY: spec.property} if spec.property else {})
    enabled = spec.enabled if spec.enabled != there.enabled else None
    if due or enabled is not None:
        identity.update_project(there.id, due, enabled=enabled)
    if spec.project and spec.project != there.name:
        identity.rename_project(there.id, spec.project)
    return there


def _group(visit: Visit, change: Change, there: Group | None, domain_id: str) -> Group | None:
    spec, identity = spec_of(change.spec), visit.identity
    if there is None:
        return _made(identity.create_group, spec.group, domain_id, {MARK: change.uid})
    _refuse(change, there, "group")
    due, name = _due(change, there, {}), spec.group if spec.group != there.name else None
    if due or name:
        identity.update_group(there.id, due, name)
    return there


def _made(
    make: Callable[[str, str, Mapping[str, str]], ThingT],
    name: str | None,
    domain_id: str,
    properties: Mapping[str, str],
) -> ThingT | None:
    """Make it; None where the spec, being what was observed, does not have it."""
    try:
        return make(name, domain_id, properties) if name else None
    except Conflict as error:
        raise Conflict(f"{error}: somebody made it meanwhile", reason=Reason.ADOPTION_CONFLICT) from error


def _refuse(change: Change, there: Project | Group, what: str) -> None:
    """What is another's is left alone; what is nobody's too, unless the plan saw it and took it over."""
    if there.uid == change.uid:
        return
    if there.uid:
        said = f"the {what} {there.name} carries the mark of another resource ({there.uid})"
        raise Conflict(said, reason=Reason.ADOPTION_CONFLICT)
    if change.before is None:
        raise Conflict(f"the {what} {there.name} stands there already and is not ours", reason=Reason.ADOPTION_CONFLICT)


def _due(change: Change, there: Project | Group, wanted: Mapping[str, str]) -> dict[str, str | None]:
    marks = {MARK: change.uid} if there.uid else {MARK: change.uid, ADOPTED: "yes"}
    return {name: value for name, value in {**wanted, **marks}.items() if there.properties.get(name) != value}


def _role(visit: Visit, change: Change, pair: tuple[str, str], grants: frozenset[tuple[str, str, str]]) -> None:
    """Give the role wanted; the one that was observed in its stead is taken back."""
    spec, before = spec_of(change.spec), change.before
    if (*pair, spec.role) not in grants:
        visit.identity.grant(*pair, spec.role or "")
    former = spec_of(before).role if before is not None else None
    if former and former != spec.role:
        visit.identity.revoke(*pair, former)


def _quota(visit: Visit, spec: ShareSpec, project: Project) -> None:
    n = spec.quota(visit.today)
    wanted = spec.quotas[n].limits() if n is not None else {}
    if not wanted:
        return
    there = visit.identity.quotas([project.id], wanted).get(project.id, {})
    due = {name: limit for name, limit in wanted.items() if name in there and there[name] != limit}
    if due:
        visit.identity.set_quota(project.id, due)


# -- the way in --------------------------------------------------------------------------------------------------------

_Made = list[tuple[Change, Parts]]


def _by_way(made: Iterable[tuple[Change, Parts]]) -> list[_Made]:
    """Shares that come in the same way. One that says what was observed is being taken over: its way in stays."""
    found: dict[tuple[str, str, str, str], _Made] = {}
    for change, parts in made:
        spec = spec_of(change.spec)
        if parts.group and not spec.deviations and all(way_of(spec)):
            found.setdefault((spec.domain or DOMAIN, *way_of(spec), mapping_of(spec)), []).append((change, parts))
    return list(found.values())


def _let_in(visit: Visit, seen: View, due: _Made) -> None:
    spec = spec_of(due[0][0].spec)
    way = visit.identity.way(*way_of(spec))  # read again: keystone gives no means to see that a mapping has changed
    census = seen.census(spec)
    _provider(visit, way, [spec_of(change.spec) for change, _ in due], census.domain_id)
    ours = {
        parts.group.id: [rule(spec_of(change.spec), parts.group.id)] if spec_of(change.spec).entitlements else []
        for change, parts in due
        if parts.group
    }
    groups = {**census.groups, **{parts.group.id: parts.group for _, parts in due if parts.group}}
    marked = {g.id for g in groups.values() if g.uid} | ours.keys()
    specs = [spec_of(change.spec) for change, _ in due]
    rules, mapping = seen.rules(spec, way, groups), _mapping(way, spec)
    edit = _Edit(visit, way, rules, marked, specs)
    edit.write(mapping, ours)
    for name in sorted(_standing(due, rules) - {mapping}):
        edit.write(name, dict.fromkeys(ours, ()))
    if way.mapping != mapping:
        visit.identity.put_protocol(spec.identityProvider or "", spec.protocol or "", mapping)


def _mapping(way: Way, spec: ShareSpec) -> str:
    """The mapping that the rules go into: the protocol's, unless the share names another and the provider is ours."""
    if not way.mapping or not spec.mapping or way.mapping == spec.mapping:
        return way.mapping or mapping_of(spec)
    if way.provider and way.provider.mark:
        return spec.mapping
    said = f"{spec.identityProvider} was not made by Hanse, and its {spec.protocol} has the mapping {way.mapping}"
    raise Terminal(f"{said}: name that one, or point the protocol to {spec.mapping} by hand")


def _provider(visit: Visit, way: Way, specs: Sequence[ShareSpec], domain_id: str) -> None:
    """Make the identity provider, or mend the one we made."""
    name, there = specs[0].identityProvider or "", way.provider
    issuers = {spec.issuer for spec in specs if spec.issuer}
    if there and there.enabled and issuers <= set(there.remote_ids):
        return
    if there and not there.mark:
        lacks = "is disabled" if not there.enabled else f"lacks the issuer {min(issuers - set(there.remote_ids))}"
        raise Terminal(f"the identity provider {name} was not made by Hanse and {lacks}: mend it by hand")
    known = set(there.remote_ids) if there else set()
    mark = there.mark if there else digest_of(visit.target.encode())
    visit.identity.put_provider(Provider(name, tuple(sorted(known | issuers)), mark=mark), domain_id)


def _standing(due: _Made, rules: Rules) -> set[str]:
    """Mappings that have rules of these shares."""
    return {name for change, parts in due if parts.group for name in rules.own(parts.group.id, spec_of(change.spec))}


@dataclass(frozen=True)
class _Edit:
    """The mappings of one keystone, about to be changed."""

    visit: Visit
    way: Way
    rules: Rules
    marked: Collection[str]
    """Our groups."""
    specs: Sequence[ShareSpec]

    def wanted(self, mapping: str, ours: Mapping[str, Sequence[Rule]]) -> list[Rule]:
        """The rules that shall stand there."""
        empty = nobody(self.specs[0])
        return [r for r in self.rules.with_own(mapping, ours, self.marked, self.specs) if r != empty]

    def write(self, mapping: str, ours: Mapping[str, Sequence[Rule]]) -> None:
        """Write a mapping where its rules are not as they should be; order alone is no difference."""
        there = self.way.mappings.get(mapping)
        wanted = self.wanted(mapping, ours) or [nobody(self.specs[0])]
        if there is None or not _same(wanted, there):
            self.visit.identity.put_mapping(mapping, wanted)


def _same(wanted: Sequence[Rule], there: Sequence[Rule]) -> bool:
    return len(wanted) == len(there) and all(wanted.count(r) == there.count(r) for r in wanted)


# -- taking away -------------------------------------------------------------------------------------------------------


def remove_all(visit: Visit, changes: Sequence[Change]) -> dict[Ref, Answer]:
    """What is not empty stays as it is, with the reason. Of the rest: first the way in, then group and project."""
    seen = visit.seen(changes)
    answers: dict[Ref, Answer] = {}
    due: _Made = []
    for change in changes:
        parts = _ours(seen.parts(spec_of(change.spec), change.uid), change.uid)
        try:
            full = _contents(visit, parts.project)
        except DriverError as error:
            answers[change.ref] = failed(error)
            continue
        if full:
            answers[change.ref] = Failed("terminal", full, reason=Reason.DELETION_BLOCKED)
        else:
            due.append((change, parts))
    for group in _by_way(due):
        try:
            _shut(visit, seen, group)
        except DriverError as error:
            answers |= {change.ref: failed(error) for change, _ in group}
    for change, parts in due:
        if change.ref not in answers:
            answers[change.ref] = _gone(visit, parts)
    return answers


def _ours(parts: Parts, uid: str) -> Parts:
    """The parts that carry the mark."""
    project = parts.project if parts.project and parts.project.uid == uid else None
    return Parts(project, parts.group if parts.group and parts.group.uid == uid else None)


def _contents(visit: Visit, project: Project | None) -> str:
    """Why a project may not be deleted: "" when it may, or when it is only let go of."""
    if project is None or ADOPTED in project.properties:
        return ""
    found = visit.identity.contents(project.id)
    return f"the project {project.name} is not empty: {', '.join(found)}; remove them, or let it stand" if found else ""


def _shut(visit: Visit, seen: View, due: _Made) -> None:
    """Take the rules of these groups out of every mapping; with the last rule of all goes the way in, if it is ours."""
    spec = spec_of(due[0][0].spec)
    way = visit.identity.way(*way_of(spec))
    rules = seen.rules(spec, way)
    none: dict[str, Sequence[Rule]] = {parts.group.id: () for _, parts in due if parts.group}
    marked = {g.id for g in seen.census(spec).groups.values() if g.uid}
    edit = _Edit(visit, way, rules, marked, [spec_of(change.spec) for change, _ in due])
    ours = way.provider is not None and way.provider.mark != ""
    last = ours and way.mapping != "" and not edit.wanted(way.mapping, none)
    if last:
        visit.identity.remove_way(spec.identityProvider or "", spec.protocol or "", way.mapping)
    for name in sorted(_standing(due, rules) - ({way.mapping} if last else set())):
        edit.write(name, none)


def _gone(visit: Visit, parts: Parts) -> Answer:
    identity, stays = visit.identity, []
    released: dict[str, str | None] = {MARK: None, ADOPTED: None}
    try:
        if parts.group and ADOPTED in parts.group.properties:
            identity.update_group(parts.group.id, released)
            stays.append(f"the group {parts.group.name}")
        elif parts.group:
            identity.delete_group(parts.group.id)
        if parts.project and ADOPTED in parts.project.properties:
            identity.update_project(parts.project.id, released, enabled=None)
            stays.append(f"the project {parts.project.name}")
        elif parts.project:
            identity.delete_project(parts.project.id)
    except DriverError as error:
        return failed(error)
    return Done(message=f"{' and '.join(stays)} had been there before, and stay" if stays else "")
