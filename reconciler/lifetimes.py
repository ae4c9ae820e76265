"""What is declared and not wanted any more: its lifetime is over. The plan takes it away as if its manifest were gone.

Names and probes that stand for it go with it. While something else needs it, it stays, and the plan says so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.kinds import Kind
from reconciler.model import Graph, Ref


def over(
    graph: Graph,
    kinds: Mapping[str, Kind[Any]],
    now: datetime,
    made: Callable[[Collection[Ref]], Mapping[Ref, datetime]],
    held: Collection[Ref] = (),
) -> Graph:
    """The graph without what has come to its end by ``now``; ``made`` says when resources were made.

    Of what is not among ``held`` the plan has nothing to take away: that its manifest makes nothing is remarked.
    """
    ended = _ended(graph, kinds, now, made)
    if not ended:
        return graph
    going, needed = _followed(graph, kinds, ended)
    left = {ref: resource for ref, resource in graph.resources.items() if ref not in going}
    return replace(
        graph,
        resources=left,
        digests={ref: digest for ref, digest in graph.digests.items() if ref in left},
        taking=graph.taking & left.keys(),
        undecided=graph.undecided & left.keys(),
        moved={new: old for new, old in graph.moved.items() if new in left},
        expired=going,
        remarks=(
            *(f"{ref}: {_said(ended[ref])}; it stays, for {user} needs it" for ref, user in needed.items()),
            *(f"{ref}: {why}; nothing is made of its manifest" for ref, why in going.items() if ref not in held),
        ),
    )


def _ended(
    graph: Graph,
    kinds: Mapping[str, Kind[Any]],
    now: datetime,
    made: Callable[[Collection[Ref]], Mapping[Ref, datetime]],
) -> dict[Ref, datetime]:
    lifetimes = {ref: kinds[ref.kind].lifetime(graph.resources[ref].spec) for ref in sorted(graph.timed)}
    asked = [ref for ref, lifetime in lifetimes.items() if lifetime and lifetime.days is not None]
    since = made(asked) if asked else {}
    ends = {ref: lifetime.end(since.get(ref)) for ref, lifetime in lifetimes.items() if lifetime}
    return {ref: end for ref, end in ends.items() if end is not None and end <= now}


def _followed(
    graph: Graph, kinds: Mapping[str, Kind[Any]], ended: Mapping[Ref, datetime]
) -> tuple[dict[Ref, str], dict[Ref, Ref]]:
    """What goes, with the reason, and what stays although it has ended, with who needs it."""
    users: dict[Ref, list[Ref]] = {}
    for ref, resource in graph.resources.items():
        for edge in resource.edges:
            users.setdefault(edge.ref, []).append(ref)
    needed: dict[Ref, Ref] = {}
    while True:
        going = _with_followers(kinds, users, {ref: end for ref, end in ended.items() if ref not in needed})
        stay = {root: user for ref, root in going.items() for user in users.get(ref, ()) if user not in going}
        if not stay:
            return {ref: _why(ref, root, ended) for ref, root in going.items()}, needed
        needed |= stay


def _with_followers(
    kinds: Mapping[str, Kind[Any]], users: Mapping[Ref, list[Ref]], ended: Mapping[Ref, datetime]
) -> dict[Ref, Ref]:
    """What has ended and what stands for it, each with the one that it goes with."""
    going = {ref: ref for ref in ended}
    new = list(going)
    while new:
        ref = new.pop()
        for user in users.get(ref, ()):
            if user not in going and kinds[user.kind].follows:
                going[user] = going[ref]
                new.append(user)
    return going


def _why(ref: Ref, root: Ref, ended: Mapping[Ref, datetime]) -> str:
    said = _said(ended[root])
    return said if ref == root else f"goes with {root}: {said}"


def _said(end: datetime) -> str:
    return f"its lifetime ended {end:%Y-%m-%d %H:%M} UTC"
