"""What reaches into another namespace: references, values taken from there, and names taken over from there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from reconciler.kinds.base import Fault
from reconciler.kinds.tenancy.charters import charter
from reconciler.kinds.tenancy.spec import TenancySpec
from reconciler.model import Ref, Resource
from reconciler.tenancy import Charter, Rules, Thing

_PREFIX = "Tenancy/"


def charters(resources: Mapping[Ref, Resource]) -> tuple[Charter, ...]:
    """What the Tenancies among these say, in the order of their names."""
    found = sorted(ref for ref in resources if ref.startswith(_PREFIX))
    return tuple(charter(ref, spec) for ref in found if isinstance(spec := resources[ref].spec, TenancySpec))


def intruding(
    resources: Mapping[Ref, Resource], changed: Collection[Ref], those: Sequence[Charter] | None = None
) -> Iterator[tuple[Ref, Fault]]:
    """(resource, fault) for each reference into a namespace that does not let it in, as far as what changed goes.

    ``those`` are the Tenancies that count; the ones among ``resources`` where none are given.
    """
    rules = Rules(tuple(charters(resources) if those is None else those))
    if not rules.charters:
        return
    suspects = resources if any(ref.startswith(_PREFIX) for ref in changed) else changed
    for ref in sorted(one for one in suspects if one in resources):
        resource = resources[ref]
        for path, other in (*((edge.path, edge.ref) for edge in resource.edges), *_taken_over(resource)):
            shut = _shut(rules, ref, other, resources.get(other))
            if shut is not None:
                yield ref, _fault(path, ref, other, shut)


def _taken_over(resource: Resource) -> Iterator[tuple[str, Ref]]:
    former = resource.lifecycle.moved
    namespace, _, name = (former or "").rpartition("/")
    if namespace:
        yield "lifecycle.moved", Ref.of(resource.ref.kind, name, namespace)


def _shut(rules: Rules, ref: Ref, other: Ref, found: Resource | None) -> Charter | None:
    """The Tenancy that does not let ``ref`` refer to ``other``; what is of the whole federation is everybody's."""
    if other.namespace is None or other.namespace == ref.namespace:
        return None
    thing = Thing(
        (other,), frozenset({found.location.file} if found else ()), frozenset({found.target} if found else ())
    )
    guards = [one for one in rules.over(thing) if not one.scope.touches(Thing((ref,)))]
    return next((one for one in guards if not _admits(one, ref.namespace or "", other)), None)


def _admits(charter: Charter, namespace: str, other: Ref) -> bool:
    return any(
        any(fnmatchcase(namespace, one) for one in namespaces) and any(fnmatchcase(other.kind, one) for one in kinds)
        for namespaces, kinds in charter.admits
    )


def _fault(path: str, ref: Ref, other: Ref, shut: Charter) -> Fault:
    whose = f"namespace {ref.namespace}" if ref.namespace else "what is of the whole federation"
    message = f"{whose} may not refer to {other}: {shut.name} does not let it in"
    cure = (
        f"those who may change {shut.name} add {ref.namespace or 'it'} to its spec.refers; or refer to one of your own"
    )
    return Fault(path, message, cure)
