"""One import under way: what was told is merged with what is there, and what is gone is told, or taken away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from reconciler.errors import ManifestError
from reconciler.exchange.fedcloud.shelf import Key, Shelf, write_lock
from reconciler.exchange.fedcloud.source import kept_by_hand
from reconciler.exchange.fedcloud.threeway import merged
from reconciler.exchange.gocdb.keys import KEY_NOTE, key_of
from reconciler.exchange.gocdb.reading import Read
from reconciler.exchange.gocdb.telling import text_of
from reconciler.model import Diagnostic

LOCK = "gocdb.lock.json"
"""What the last import wrote, so that the next one can tell a hand edit from an old value. Belongs into git."""
_FEW = 10
"""So many may vanish at once, and half of all."""
Documents = dict[Key, dict[str, Any]]


class Merging:
    """One import under way."""

    def __init__(self, read: Read, shelf: Shelf, before: dict[str, Any], *, remove: bool) -> None:
        self.read = read
        self.shelf = shelf
        self.before = before
        self.remove = remove
        self.problems = list(read.problems)
        self.findings: list[Diagnostic] = []
        self.kept: list[Diagnostic] = []
        self.vanished: list[str] = []
        self.removed: list[str] = []
        self.counts: Counter[str] = Counter()
        self.place = ("", 1)
        """Where what is taken in stands in the feed: its page, and the line."""
        self.documents: Documents = {}
        """What the feed says, as it is kept for the next time."""

    def whole(self, tag: str) -> bool:
        """Whether all of it was read, and there was something: an empty answer proves nothing."""
        return tag in self.read.complete and bool(self.read.elements[tag])

    def ours(self, key: Key) -> Mapping[str, Any]:
        """The manifest as it stands; empty where there is none."""
        existing = self.shelf.get(key)
        return existing.data if existing is not None and isinstance(existing.data, dict) else {}

    def last(self, key: Key) -> Mapping[str, Any]:
        """What the last import wrote; empty where it was none."""
        found: Mapping[str, Any] = self.before.get("/".join(key), {})
        return found

    def put(self, key: Key, said: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        """Make a manifest say what the feed says, where nobody has changed it; ``before`` is what was imported last."""
        theirs = {"apiVersion": "hanse/v1", "kind": key[0], **said}
        self.documents[key] = theirs
        existing = self.shelf.get(key)
        data: Any = theirs
        if existing is not None:
            wanted = _alike(theirs, existing.data)
            data, notes = merged(existing.data, _alike(before, existing.data), wanted)
            self.kept += kept_by_hand(self.shelf.file_of(key), existing, notes, "gocdb-kept")
        try:
            self.shelf.put(key, data, self.shelf.remarks(key))
        except ManifestError as error:
            self.problems += error.diagnostics

    def gone(
        self, kind: str, told: Collection[str], tag: str, removable: Callable[[str], bool] = lambda _name: True
    ) -> None:
        """Tell of what an earlier import brought and the feed has no more; take it away where that is asked."""
        known = [name.partition("/")[2] for name in self.before if name.startswith(f"{kind}/")]
        missing = [name for name in known if name not in told and self.shelf.get((kind, name)) and removable(name)]
        if not self.whole(tag):
            return
        many = len(missing) > max(_FEW, len(known) // 2)
        if many and self.remove:
            self.place = (tag, 1)
            self.fault("", f"{len(missing)} of {len(known)} have vanished: none of them is removed")
        for name in missing:
            self.vanished.append(f"{kind}/{name}")
            if self.remove and not many:
                self._take_away((kind, name))

    def _take_away(self, key: Key) -> None:
        name = "/".join(key)
        if self.ours(key) != self.before[name]:
            message = "no longer in the feed, and kept: it was changed by hand"
            self.kept.append(Diagnostic(self.shelf.file_of(key), 1, 1, "", message, "", "gocdb-kept", "warning"))
            return
        self.removed.append(name)
        self.shelf.remove(key)
        del self.before[name]

    def lock(self) -> None:
        """What was written, and what is still there from earlier."""
        held = {name: old for name, old in self.before.items() if self.shelf.get(_key(name)) is not None}
        documents = {**held, **{"/".join(key): said for key, said in self.documents.items()}}
        if documents != self.before or self.removed:
            write_lock(self.shelf.folder, {"documents": documents, "files": {}}, LOCK)

    def fault(self, path: str, message: str, cure: str = "") -> None:
        """Tell of what could not be taken in."""
        self.problems.append(Diagnostic(*self.place, 1, path, message, cure, "gocdb"))

    def remark(self, where: str, element: str, done: str) -> None:
        """Tell of what was put right."""
        self.findings.append(Diagnostic(*self.place, 1, f"{where}/{element}", done, "", "gocdb", "warning"))


def notes_of(made_from: tuple[str, ...], element: Element) -> dict[str, str]:
    """The annotation of GOCDB's key, unless the key is the one that the name gives."""
    key = element.get("PRIMARY_KEY") or text_of(element, "PRIMARY_KEY")
    return {KEY_NOTE: key} if key and key_of(made_from, key) == key != key_of(made_from, None) else {}


def _key(name: str) -> Key:
    kind, _, rest = name.partition("/")
    return kind, rest


def _alike(said: Any, ours: Any) -> Any:
    """What is said, in the order in which ours has it where the order means nothing: lists of words."""
    if isinstance(said, Mapping) and isinstance(ours, Mapping):
        return {key: _alike(value, ours.get(key)) for key, value in said.items()}
    if not isinstance(said, list) or not isinstance(ours, list):
        return said
    if all(isinstance(one, str) for one in (*said, *ours)):
        return ours if sorted(said) == sorted(ours) else said
    named = {one["name"]: one for one in ours if isinstance(one, Mapping) and "name" in one}
    return [_alike(one, named.get(one.get("name"))) if isinstance(one, Mapping) else one for one in said]
