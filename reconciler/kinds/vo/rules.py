"""What must hold for a VO beyond the types of its fields."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from reconciler.kinds.base import Fault, Rule, between
from reconciler.kinds.gocdb import SHORT_NAME
from reconciler.kinds.vo.card import WELL_FORMED
from reconciler.kinds.vo.entitlement import Capability, EntitlementError, GroupEntitlement, parse
from reconciler.kinds.vo.group import vo_name
from reconciler.kinds.vo.spec import VOSpec
from reconciler.model import Ref


def _name(ref: Ref, _spec: VOSpec) -> Iterator[Fault]:
    fault = SHORT_NAME.fault(ref.name)
    if fault:
        yield Fault("metadata.name", fault)


def _group(ref: Ref, spec: VOSpec) -> Iterator[Fault]:
    if spec.group is not None and vo_name(spec.group) != ref.name:
        cure = f"call the manifest {vo_name(spec.group)}"
        yield Fault("spec.group", f"the group {spec.group} belongs to a VO called {vo_name(spec.group)}", cure)


def _grammar(_ref: Ref, spec: VOSpec) -> Iterator[Fault]:
    for n, entitlement in enumerate(spec.entitlements):
        try:
            parse(entitlement.value)
        except EntitlementError as error:
            yield Fault(
                f"spec.entitlements[{n}].value",
                f"{error}: {entitlement.value!r}; its bearers are never recognised",
                "write urn:<namespace>:group:<group>[:role=<role>]#<authority>",
            )


def _own_group(ref: Ref, spec: VOSpec) -> Iterator[Fault]:
    root = (spec.group or ref.name).strip("/").partition("/")[0]
    for n, entitlement in enumerate(spec.entitlements):
        found = _parsed(entitlement.value)
        if isinstance(found, GroupEntitlement) and found.group != root:
            message = f"the entitlement is of the group {found.group}, the VO is {root}"
            yield Fault(f"spec.entitlements[{n}].value", message, "use an entitlement of the VO's own group")


def _parsed(value: str) -> GroupEntitlement | Capability | None:
    try:
        return parse(value)
    except EntitlementError:
        return None


def _one_per_role(_ref: Ref, spec: VOSpec) -> Iterator[Fault]:
    seen: set[str] = set()
    for n, entitlement in enumerate(spec.entitlements):
        if entitlement.role in seen:
            yield Fault(f"spec.entitlements[{n}].role", f"the role {entitlement.role} has an entitlement already")
        seen.add(entitlement.role)


def _fqans(ref: Ref, spec: VOSpec) -> Iterator[Fault]:
    root = (spec.group or ref.name).strip("/").partition("/")[0]
    seen: set[str] = set()
    for n, one in enumerate(spec.fqans):
        path, found = f"spec.fqans[{n}].fqan", WELL_FORMED.fullmatch(one.fqan)
        if not found:
            yield Fault(path, f"{one.fqan!r} is no name of VOMS", "write /<group>[/<subgroup>][/Role=<role>]")
        elif found[1].split("/")[1] != root:
            yield Fault(path, f"{one.fqan} is of another VO than {root}")
        if one.fqan in seen:
            yield Fault(path, f"{one.fqan} stands there already", "remove one")
        seen.add(one.fqan)


def _voms(_ref: Ref, spec: VOSpec) -> Iterator[Fault]:
    seen: set[tuple[str, int | None]] = set()
    for n, server in enumerate(spec.voms):
        at = (server.hostname, server.vomsesPort)
        if at in seen:
            yield Fault(f"spec.voms[{n}]", f"the server {server.hostname} stands there already", "remove one")
        seen.add(at)


def _period(_ref: Ref, spec: VOSpec) -> Iterator[Fault]:
    for n, allocation in enumerate(spec.allocations):
        if allocation.start and allocation.end and allocation.end < allocation.start:
            yield Fault(f"spec.allocations[{n}].end", f"{allocation.end} is before the start, {allocation.start}")


def _overlap(_ref: Ref, spec: VOSpec) -> Iterator[Fault]:
    last: dict[str, tuple[int, date]] = {}
    periods = [(a.site, a.start or date.min, a.end or date.max, n) for n, a in enumerate(spec.allocations)]
    for site, start, end, n in sorted(periods):
        if site in last and start <= last[site][1]:
            message = f"its period at {site} overlaps that of spec.allocations[{last[site][0]}]"
            yield Fault(f"spec.allocations[{n}]", message, "end one before the other begins")
        if site not in last or end > last[site][1]:
            last[site] = (n, end)


RULES = (
    Rule("vo-name", "A VO's name consists of letters, digits, - . _, at most 255.", _name),
    Rule("vo-group", "The manifest is called as the group, without the path's slashes.", _group),
    Rule("vo-entitlement", "Entitlements follow the AARC grammar (G069, G027).", _grammar, "warning"),
    Rule("vo-entitlement-group", "An entitlement is of the VO's own group.", _own_group, "warning"),
    Rule("vo-entitlement-role", "A role has one entitlement.", _one_per_role),
    Rule("vo-entitlement-shared", "An entitlement, as clouds map it, is of one VO.", between, "warning"),
    Rule("vo-entitlement-unmapped", "A VO that an OpenStack cloud supports has an entitlement.", between, "warning"),
    Rule("vo-entitlement-unused", "A VO that has an entitlement is supported somewhere.", between, "warning"),
    Rule("vo-fqan", "A VO's groups and roles are its own, as VOMS names them, each once.", _fqans, "warning"),
    Rule("vo-voms", "A VO has each VOMS server once.", _voms, "warning"),
    Rule("vo-allocation-period", "An allocation ends after it starts.", _period),
    Rule("vo-allocation-overlap", "A VO has one allocation at a site at a time.", _overlap),
    Rule("vo-allocation-site", "An allocation is at a site that is declared.", between),
)
