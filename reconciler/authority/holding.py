"""Holding back: what of a commit counts when some of its changes may not be, so that the rest still holds together.

What is held back counts as it was accepted last. What refers to something that therefore is not there is held back with
it; what was taken away and is still referred to stays. In the end this is what was accepted, which held together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.authority.changes import Change
from reconciler.model import Ref, Resource


def held_back(
    changes: Mapping[Ref, Change], refused: Iterable[Ref], after: Mapping[Ref, Resource]
) -> dict[Ref, tuple[Ref, ...]]:
    """Everything that cannot count, and because of what: () for what was refused itself."""
    found: dict[Ref, tuple[Ref, ...]] = dict.fromkeys(refused, ())
    left = [*found]
    needs = _pointing(changes)
    while left:
        ref = left.pop()
        change = changes[ref]
        drawn = set[Ref]()
        if change.new is not None and change.old is None:
            drawn |= needs.get(ref, set())  # they refer to what will not be there
        if change.old is not None:
            gone = (edge.ref for edge in change.old.edges if edge.ref not in after)
            drawn |= {one for one in gone if one in changes}  # it still refers to what was taken away
        if change.former is not None and change.former in changes:
            drawn.add(change.former)
        drawn |= {one for one, other in changes.items() if other.former == ref}
        for one in sorted(drawn - found.keys()):
            found[one] = (ref,)
            left.append(one)
    return found


def counting(changes: Mapping[Ref, Change], held: Iterable[Ref], after: Mapping[Ref, Resource]) -> dict[Ref, Resource]:
    """What counts: the new state, with the old one of what is held back."""
    found = dict(after)
    for ref in held:
        old = changes[ref].old
        if old is None:
            found.pop(ref, None)
        else:
            found[ref] = old
    return found


def _pointing(changes: Mapping[Ref, Change]) -> dict[Ref, set[Ref]]:
    """What is new -> the changes that refer to it."""
    found: dict[Ref, set[Ref]] = {}
    for ref, change in changes.items():
        for edge in change.edges:
            if edge.ref in changes and changes[edge.ref].old is None:
                found.setdefault(edge.ref, set()).add(ref)
    return found
