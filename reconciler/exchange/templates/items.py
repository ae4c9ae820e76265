"""A template as a tree whose parts know where they stand and whether they were spoken of; the account of remarks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.errors import ManifestError
from reconciler.manifest.roundtrip import Document, load_documents
from reconciler.model import Diagnostic

Scalar = str | int | float | bool | None


@dataclass(slots=True, eq=False)
class Item:
    """One part of a template."""

    file: str
    line: int
    column: int
    path: str
    """Where it stands, in dots."""
    data: Scalar | dict[str, Item] | list[Item]
    text: str = ""
    """A scalar as it is written."""
    mentioned: bool = False

    @property
    def fields(self) -> dict[str, Item]:
        """The parts of a mapping; empty for anything else."""
        return self.data if isinstance(self.data, dict) else {}

    @property
    def entries(self) -> list[Item]:
        """The entries of a list; empty for anything else."""
        return self.data if isinstance(self.data, list) else []

    @property
    def scalar(self) -> bool:
        """True for a text, number, truth value or nothing."""
        return not isinstance(self.data, dict | list)

    def get(self, *keys: str) -> Item | None:
        """What stands under the keys, one below the other; None when one of them is missing."""
        found: Item | None = self
        for key in keys:
            found = found.fields.get(key) if found is not None else None
        return found

    def below(self) -> list[Item]:
        """Its parts, of either form."""
        return [*self.fields.values()] or self.entries

    def leaves(self) -> Iterator[Item]:
        """Every scalar and every empty collection in it."""
        if not self.below():
            yield self
        for part in self.below():
            yield from part.leaves()

    def plain(self) -> Any:
        """It as plain data; nothing is marked."""
        if isinstance(self.data, dict):
            return {key: item.plain() for key, item in self.data.items()}
        return [item.plain() for item in self.data] if isinstance(self.data, list) else self.data

    def mention(self) -> None:
        """Mark it and all in it as spoken of."""
        self.mentioned = True
        for part in self.below():
            part.mention()

    def take(self) -> Any:
        """It as plain data, spoken of."""
        self.mention()
        return self.plain()


@dataclass(slots=True)
class Account:
    """What is said of a template, and what was not spoken of in the end."""

    unmapped: list[Diagnostic] = field(default_factory=list)
    """Nothing was made of it: somebody must do something."""
    changed: list[Diagnostic] = field(default_factory=list)
    """It means something a little different now."""
    needless: list[Diagnostic] = field(default_factory=list)
    """Hanse does it by itself, or nobody needs it."""

    def lost(self, item: Item, message: str, cure: str) -> None:
        """Nothing is made of it."""
        self.unmapped.append(_said(item, message, cure, "template-unmapped"))

    def altered(self, item: Item, message: str, cure: str = "") -> None:
        """It is mapped, to something that is not quite the same."""
        self.changed.append(_said(item, message, cure, "template-changed"))

    def spared(self, item: Item, message: str) -> None:
        """It is not needed any more."""
        self.needless.append(_said(item, message, "", "template-needless"))

    def close(self, root: Item) -> None:
        """Say what nobody has spoken of."""
        for leaf in root.leaves():
            if not leaf.mentioned:
                self.lost(leaf, "is not known to this import", "if the cluster needs it, say it in the manifest")


def moved(item: Item, line: int, column: int) -> Item:
    """The same, with another place for all of it."""
    for leaf in [item, *item.below()]:
        leaf.line, leaf.column = line, column
    for part in item.below():
        moved(part, line, column)
    return item


def read(text: str, file: str) -> Item:
    """One YAML or JSON document. Raises ManifestError with the place when it is none."""
    documents = [d for d in load_documents(text, file) if d.data is not None]
    if len(documents) != 1:
        raise ManifestError([Diagnostic(file, 1, 1, "", "is not one document", "give one template to a file")])
    return of_document(documents[0], file)


def of_document(document: Document, file: str, before: tuple[str, ...] = ()) -> Item:
    """A document as a tree; ``before`` stands before every path in it."""

    def item(data: Any, at: tuple[str | int, ...]) -> Item:
        line, column = document.marks.get(at) or document.marks.get(at[:-1], (1, 1))
        path = ".".join([*before, *(str(part) for part in at)])
        made = Item(file, line, column, path, None)
        if isinstance(data, Mapping):
            made.data = {key: item(value, (*at, key)) for key, value in data.items()}
        elif isinstance(data, list):
            made.data = [item(value, (*at, n)) for n, value in enumerate(data)]
        else:
            made.data, made.text = data, document.scalars.get(at, "")
        return made

    return item(document.data, ())


def given(value: str, file: str, path: str) -> Item:
    """A value from the command line, read as YAML is."""
    made = of_document(load_documents(value, file)[0], file, (path,))
    made.mention()
    return made


def merged(first: Item, second: Item, account: Account) -> Item:
    """Two templates as one: mappings part by part, lists together, of anything else the second, which is said."""
    if isinstance(first.data, list) and isinstance(second.data, list):
        here = [entry.plain() for entry in first.data]
        same = [entry for entry in second.data if entry.plain() in here]
        for entry in same:
            entry.mention()
        return replace(first, data=[*first.data, *(entry for entry in second.data if entry not in same)])
    if not (isinstance(first.data, dict) and isinstance(second.data, dict)):
        if first.plain() != second.plain():
            account.altered(first, f"{second.file}:{second.line} says otherwise, and stands later")
        first.mention()
        return second
    both = dict(first.data)
    for key, item in second.data.items():
        both[key] = merged(both[key], item, account) if key in both else item
    return replace(first, data=both)


def _said(item: Item, message: str, cure: str, rule: str) -> Diagnostic:
    item.mention()
    return Diagnostic(item.file, item.line, item.column, item.path, message, cure, rule)
