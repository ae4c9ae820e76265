"""From pydantic's faults in a model to faults in a file: placed, in plain sentences, one for each mistake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from reconciler.manifest.nodes import Node
from reconciler.manifest.places import Path, known, place, value, written
from reconciler.manifest.words import meant, said, tried


class Found(NamedTuple):
    """A mistake where it stands."""

    line: int
    column: int
    path: str
    message: str
    cure: str


class _Fault(NamedTuple):
    details: ErrorDetails
    steps: tuple[int | str, ...]
    """The steps of its path that stand in the file."""
    branch: tuple[int | str, ...]
    """The branch of a union that it is about, with the steps to it; () when there is none."""

    @property
    def depth(self) -> int:
        return len(self.steps) + (self.details["type"] == "missing")


def mistakes(error: ValidationError, model: type[BaseModel], node: Node | None, prefix: tuple[str, ...]) -> list[Found]:
    """Everything that pydantic found in the value at ``prefix`` of a document."""
    faults = [_placed(details, node, (*prefix, *details["loc"])) for details in error.errors(include_url=False)]
    misspelt = {
        (*f.steps[:-1], meant(f.details, model)) for f in faults if f.details["type"] == "extra_forbidden"
    }  # of a misspelt field, it is not said once more that the right one is missing
    real = [f for f in faults if f.details["type"] != "missing" or (*f.steps, f.details["loc"][-1]) not in misspelt]
    real = [f for f in real if not _enough(f.details)]
    return [_told(group, model, node) for group in _grouped(real)]


def _enough(details: ErrorDetails) -> bool:
    """Whether a list has too few entries only because faulty ones, told of themselves, do not count."""
    return (
        details["type"] == "too_short"
        and isinstance(details["input"], list)
        and len(details["input"]) >= details.get("ctx", {}).get("min_length", 0)
    )


def _placed(details: ErrorDetails, node: Node | None, path: Path) -> _Fault:
    path = path[:-1] if details["type"] == "missing" else path
    steps = known(node, path)
    odd = next((n for n, step in enumerate(path) if n >= len(steps) or steps[n] != step), None)
    return _Fault(details, tuple(steps), () if odd is None else tuple(path[: odd + 1]))


def _grouped(faults: Sequence[_Fault]) -> Iterator[list[_Fault]]:
    """A value that fits no branch of a union is one mistake: told of the branch that it comes closest to, or of all."""
    for union, same in groupby(faults, key=lambda f: f.branch[:-1] if f.branch else None):
        branches = [list(group) for _, group in groupby(same, key=lambda f: f.branch)]
        if union is None:
            yield from ([fault] for branch in branches for fault in branch)
        elif all(fault.depth <= len(union) for branch in branches for fault in branch):
            yield [fault for branch in branches for fault in branch]
        else:
            closest = min(branches, key=lambda branch: (-max(fault.depth for fault in branch), len(branch)))
            yield from ([fault] for fault in closest)


def _told(group: Sequence[_Fault], model: type[BaseModel], node: Node | None) -> Found:
    fault = group[0]
    at = value(node, fault.steps)
    text = at.text if at is not None and at.kind == "scalar" and at.plain else ""
    words = tried([f.details for f in group], model, text) if len(group) > 1 else said(fault.details, model, text)
    last = fault.details["loc"][-1:] if fault.details["type"] == "missing" else ()
    return Found(*place(node, fault.steps), written((*fault.steps, *last)), *words)
