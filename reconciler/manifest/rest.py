"""What is left of a spec when its faults are cut out: enough to look for the faults of other fields in the same run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel, ValidationError, create_model
from pydantic_core import ErrorDetails

from reconciler.manifest.words import meant
from reconciler.model import Spec

_ROUNDS = 8
"""How often it is cut: what is cut out can leave a fault that was not there before."""

Steps = tuple[int | str, ...]


class Rest:
    """A spec without its faulty parts. Nothing is made of it: it is looked at, and forgotten."""

    def __init__(self, spec: Spec, cuts: _Cuts) -> None:
        self.spec = spec
        self.whole = not cuts.lost
        """Only fields that there are not were cut out: what is left is all that the manifest means to say."""
        self._cuts = cuts

    def written(self, steps: Steps) -> Steps:
        """Where in the file something stands that is at ``steps`` of the rest."""
        return self._cuts.original(steps)


def rest(model: type[Spec], data: Mapping[str, Any]) -> Rest | None:
    """The rest of faulty ``data``; None when too little is left of it.

    A field that was cut out cannot be read from the spec: a rule that wants it gets an AttributeError, so that nothing
    is concluded from a default that nobody meant.
    """
    cuts = _Cuts(model, data)
    for _ in range(_ROUNDS):
        try:
            spec = cuts.model().model_validate_json(orjson.dumps(cuts.pruned()))
        except ValidationError as error:
            done = [cuts.cut(details) for details in error.errors(include_url=False)]
            if not all(done):
                return None
            continue
        spec = spec.model_copy(deep=True)  # a default may be one object for all specs
        cuts.blank(spec)
        return Rest(spec, cuts)
    return None


class _Gap(NamedTuple):
    """A field that has no value any more."""

    parent: Steps
    field: str


class _Cuts:
    """What is cut out of some data, and what misspelt fields are taken for. Paths are those of the file."""

    def __init__(self, model: type[Spec], data: Mapping[str, Any]) -> None:
        self._model, self._data = model, data
        self._out: set[Steps] = set()
        self._meant: dict[Steps, str] = {}
        self._kept: dict[Steps, list[int]] = {}
        self._absent: set[str] = set()
        self.lost: set[Steps] = set()
        """What is not an unknown field, and was cut out all the same."""

    def model(self) -> type[Spec]:
        """The spec's type, or one in which the required fields that were cut out may be missing."""
        if not self._absent:
            return self._model
        names = {field.alias or name: name for name, field in self._model.model_fields.items()}
        lenient: dict[str, Any] = {names[field]: (Any, None) for field in self._absent}
        return create_model(self._model.__name__, __base__=self._model, **lenient)

    def pruned(self) -> Any:
        """The data without what was cut out."""
        self._kept = {}
        return self._prune(self._data, ())

    def _prune(self, value: Any, path: Steps) -> Any:
        if isinstance(value, dict):
            keys = [key for key in value if (*path, key) not in self._out]
            return {self._meant.get((*path, key), key): self._prune(value[key], (*path, key)) for key in keys}
        if isinstance(value, list):
            self._kept[path] = [n for n in range(len(value)) if (*path, n) not in self._out]
            return [self._prune(value[n], (*path, n)) for n in self._kept[path]]
        return value

    def original(self, steps: Steps) -> Steps:
        """Where in the file something stands that is at ``steps`` of the pruned data."""
        path: Steps = ()
        for step in steps:
            path = (*path, self._misspelt(path, step) if isinstance(step, str) else self._index(path, step))
        return path

    def _misspelt(self, parent: Steps, field: str) -> str:
        of = (path for path, right in self._meant.items() if right == field and path[:-1] == parent)
        return str(next(of, (field,))[-1])

    def _index(self, parent: Steps, n: int) -> int:
        kept = self._kept.get(parent, [])
        return kept[n] if n < len(kept) else n

    def cut(self, fault: ErrorDetails) -> bool:
        """Cut out what a fault is about; False when that is everything, or was of no use."""
        missing = fault["type"] == "missing"
        loc = fault["loc"][:-1] if missing else fault["loc"]
        path = self._standing(loc)
        if missing and not path:
            self._absent.add(str(fault["loc"][-1]))
            self.lost.add((str(fault["loc"][-1]),))
            return True
        if not path or path in self._out:
            return False
        if fault["type"] == "extra_forbidden":
            self._take_for(path, meant(fault, self._model))
            return True
        self._out.add(path)
        self.lost.add(path)
        return True

    def _take_for(self, path: Steps, right: str) -> None:
        parent = _at(self._data, path[:-1])
        free = isinstance(parent, dict) and right not in parent and (*path[:-1], right) not in self._rightly()
        if right and free and path not in self._meant:
            self._meant[path] = right
        else:
            self._out.add(path)

    def _rightly(self) -> set[Steps]:
        return {(*path[:-1], right) for path, right in self._meant.items()}

    def _standing(self, loc: Steps) -> Steps:
        """The steps of a path that stand in the file, as the file has them: pydantic names branches of unions too."""
        value, path = self._data, ()
        for step in loc:
            here = self._misspelt(path, step) if isinstance(step, str) else self._index(path, step)
            found = _at(value, (here,))
            if found is not None or _has(value, here):
                value, path = found, (*path, here)  # type: ignore[assignment]
        return path

    def blank(self, spec: Spec) -> None:
        """Take the fields that were cut out from the models that have a default for them."""
        for gap in self._gaps():
            holder = self._held(spec, gap.parent)
            if isinstance(holder, BaseModel):
                names = {field.alias or name: name for name, field in type(holder).model_fields.items()}
                holder.__dict__.pop(names.get(gap.field, gap.field), None)

    def _gaps(self) -> Iterator[_Gap]:
        for path in self.lost:
            if isinstance(path[-1], str):
                yield _Gap(path[:-1], self._meant.get(path, path[-1]))

    def _held(self, spec: Any, path: Steps) -> Any:
        for n, step in enumerate(path):
            here = path[:n]
            if isinstance(step, int):
                kept = self._kept.get(here, [])
                spec = spec[kept.index(step)] if step in kept and isinstance(spec, tuple | list) else None
            elif isinstance(spec, BaseModel):
                right = self._meant.get((*here, step), step)
                names = {field.alias or name: name for name, field in type(spec).model_fields.items()}
                spec = getattr(spec, names.get(right, right), None)
            else:
                spec = spec.get(step) if isinstance(spec, dict) else None
        return spec


def _at(value: Any, steps: Steps) -> Any:
    for step in steps:
        if not _has(value, step):
            return None
        value = value[step]
    return value


def _has(value: Any, step: int | str) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)
