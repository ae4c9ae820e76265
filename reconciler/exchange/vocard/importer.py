"""Taking VO ID cards in as VO manifests, again and again: what people wrote into the manifests stays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reconciler.errors import ManifestError
from reconciler.exchange.fedcloud.shelf import Shelf, read_lock, write_lock
from reconciler.exchange.fedcloud.source import kept_by_hand, name_fault
from reconciler.exchange.fedcloud.threeway import merged
from reconciler.exchange.vocard.reading import CardFault, Read, read_cards
from reconciler.kinds.vo import VOSpec, vo_name
from reconciler.model import Diagnostic, encode

RULE = "vocard"
LOCK = "vocards.lock.json"
"""What the last import wrote, so that the next one can tell a hand edit from an old value. Belongs into git."""

_NAMED = "correct its Name where the card is kept: letters, digits, dots, hyphens, a letter or digit at both ends"
_ONE = "take one of them away where the cards are kept"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. Manifests are named relative to the folder written."""

    problems: tuple[Diagnostic, ...]
    """What is wrong, and was not taken in."""
    unknown: tuple[Diagnostic, ...]
    """What cards say and manifests have no field for; it was not taken in."""
    kept: tuple[Diagnostic, ...]
    """Hand edits that differ from the cards, and stay."""
    vanished: tuple[str, ...]
    """VOs that an earlier import brought from this source, and that have no card there now; nothing was deleted."""
    created: tuple[str, ...]
    changed: tuple[str, ...]
    vos: int

    @property
    def complete(self) -> bool:
        """True when everything could be taken in."""
        return not self.problems and not self.unknown


def import_cards(content: bytes, source: str, into: Path) -> ImportReport:
    """Turn every card into ``vos/<name>.yaml``. ``source`` is what messages name the document by."""
    return _Import(source, Shelf.of(into, "VO"), read_lock(into, LOCK)).run(content)


class _Import:
    def __init__(self, source: str, shelf: Shelf, lock: Mapping[str, Any]) -> None:
        self.source, self.shelf = source, shelf
        self.before: dict[str, Any] = lock.get("vos", {})
        """Name -> source and spec."""
        self.problems: list[Diagnostic] = []
        self.unknown: list[Diagnostic] = []
        self.kept: list[Diagnostic] = []
        self.refused: set[str] = set()

    def run(self, content: bytes) -> ImportReport:
        cards, faults = read_cards(content)
        self.problems += [self._told(fault) for fault in faults]
        wanted = dict(self._wanted(cards))
        for name, spec in sorted(wanted.items()):
            self._put(name, spec)
        vanished = [] if faults else [n for n, old in self.before.items() if self._vanished(n, old, cards)]
        self._remember(wanted)
        return ImportReport(
            tuple(sorted({*self.problems, *self.shelf.problems})),
            tuple(sorted(self.unknown)),
            tuple(sorted(self.kept)),
            tuple(sorted(vanished)),
            tuple(sorted(self.shelf.created)),
            tuple(sorted(self.shelf.changed)),
            len(wanted.keys() - self.refused),
        )

    def _wanted(self, cards: list[Read]) -> Iterator[tuple[str, dict[str, Any]]]:
        taken: set[str] = set()
        for card in cards:
            name = vo_name(card.name)
            fault, cure = _name_fault(card.name), _NAMED
            if name in taken:
                fault, cure = f"there is another card of {name}; the first is taken", _ONE
            if fault:
                told = self._told(CardFault(card.line, 1, "IDCard@Name", fault))
                self.problems.append(replace(told, cure=cure))
                continue
            taken.add(name)
            self.problems += [self._told(one, name) for one in card.faults]
            self.unknown += [self._told(one, name, "warning") for one in card.left]
            yield name, _standing(card, self._base(name))

    def _put(self, name: str, theirs: Mapping[str, Any]) -> None:
        key = ("VO", name)
        existing = self.shelf.get(key)
        if existing is None and self.shelf.file_of(key) in {problem.file for problem in self.shelf.problems}:
            self.refused.add(name)
            return
        document = existing.data if existing is not None else _manifest(name)
        base = self._base(name) if existing is not None else {}
        spec, notes = merged(document.get("spec") or {}, base, theirs)
        if existing is not None:
            below = [note._replace(path=("spec", *note.path)) for note in notes]
            self.kept += kept_by_hand(self.shelf.file_of(key), existing, below, "vocard-kept")
        if not self._valid(name, spec):
            return
        try:
            self.shelf.put(key, {**document, "spec": spec}, self.shelf.remarks(key))
        except ManifestError as error:
            self.problems += error.diagnostics
            self.refused.add(name)

    def _valid(self, name: str, spec: Mapping[str, Any]) -> bool:
        """Whether the card and what people have written go together; each may be right by itself."""
        try:
            VOSpec.model_validate_json(encode(spec))
        except ValidationError as error:
            file = self.shelf.file_of(("VO", name))
            for one in error.errors(include_url=False):
                path = ".".join(("spec", *map(str, one["loc"])))
                said = f"with the card it would be wrong, and stays as it is: {one['msg']}"
                self.problems.append(Diagnostic(file, 1, 1, path, said, "mend it by hand", RULE))
            self.refused.add(name)
            return False
        return True

    def _base(self, name: str) -> Mapping[str, Any]:
        base: Mapping[str, Any] = self.before.get(name, {}).get("spec", {})
        return base

    def _vanished(self, name: str, old: Mapping[str, Any], cards: list[Read]) -> bool:
        here = {vo_name(card.name) for card in cards}
        return old["source"] == self.source and name not in here and self.shelf.get(("VO", name)) is not None

    def _remember(self, wanted: Mapping[str, Any]) -> None:
        """What was taken in now, and what is still there from earlier."""
        kept = {name: old for name, old in self.before.items() if self.shelf.get(("VO", name)) is not None}
        taken = {name: spec for name, spec in wanted.items() if name not in self.refused}
        vos = {**kept, **{name: {"source": self.source, "spec": spec} for name, spec in taken.items()}}
        if vos != self.before:
            write_lock(self.shelf.folder, {"vos": vos}, LOCK)

    def _told(self, fault: CardFault, name: str = "", severity: Any = "error") -> Diagnostic:
        message = f"VO/{name}: {fault.message}" if name else fault.message
        return Diagnostic(self.source, fault.line, fault.column, fault.path, message, "", RULE, severity)


def _name_fault(said: str) -> str:
    """Why no manifest can be called as a card is; "" when one can."""
    if not said:
        return "the card has no name; it is left out"
    fault = name_fault(vo_name(said)) if vo_name(said) else "nothing of it is left for a name"
    return f"card {said!r}: {fault}; it is left out" if fault else ""


def _standing(card: Read, base: Mapping[str, Any]) -> dict[str, Any]:
    """What a card says; what is wrong in it is left as an earlier import had it. Of items of lists, the rest counts."""
    spec: dict[str, Any] = json.loads(json.dumps(card.spec))
    for fault in card.faults:
        *before, last = fault.path.split(".")[1:]
        if "[" in fault.path:
            continue
        old: Any = base
        here = spec
        for part in before:
            old, here = old.get(part, {}), here.setdefault(part, {})
        if last in old:
            here[last] = old[last]
    return {field: value for field, value in spec.items() if value != {}}


def _manifest(name: str) -> dict[str, Any]:
    return {"apiVersion": "hanse/v1", "kind": "VO", "metadata": {"name": name}, "spec": {}}
