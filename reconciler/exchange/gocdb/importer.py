"""Taking GOCDB's register in as manifests, again and again: what people wrote into them stays, comments too.

What the feed has no more is told; it is removed when that is asked for, everything was read, and nobody added to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from reconciler.errors import ManifestError
from reconciler.exchange.fedcloud.shelf import Key, Shelf, read_lock, write_lock
from reconciler.exchange.fedcloud.source import name_fault, place
from reconciler.exchange.fedcloud.threeway import merged
from reconciler.exchange.gocdb import telling
from reconciler.exchange.gocdb.judging import judged
from reconciler.exchange.gocdb.keys import KEY_NOTE, key_of, number_of, service_name, site_name
from reconciler.exchange.gocdb.reading import Read
from reconciler.exchange.gocdb.telling import text_of
from reconciler.kinds.gocdb import SHORT_NAME
from reconciler.model import Diagnostic

LOCK = "gocdb.lock.json"
"""What the last import wrote, so that the next one can tell a hand edit from an old value. Belongs into git."""
_FEW = 10
"""So many may vanish at once, and half of all."""
Documents = dict[Key, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. Files are relative to the folder written."""

    problems: tuple[Diagnostic, ...]
    """What could not be taken in, and why."""
    findings: tuple[Diagnostic, ...]
    """What was mended, and taken in."""
    kept: tuple[Diagnostic, ...]
    """Hand edits that differ from the feed, and stay."""
    vanished: tuple[str, ...]
    """What an earlier import brought and the feed no longer has."""
    removed: tuple[str, ...]
    """What of it was taken away."""
    created: tuple[str, ...]
    changed: tuple[str, ...]
    counts: Mapping[str, int]
    """What -> how many were read."""

    @property
    def complete(self) -> bool:
        """True when everything could be taken in."""
        return not self.problems


def import_gocdb(read: Read, into: Path, *, remove: bool = False) -> ImportReport:
    """Turn what was read into ``sites/<name>.yaml``, a file for each site with its services."""
    return _Import(read, Shelf.of(into), read_lock(into, LOCK), remove=remove).run()


class _Import:
    def __init__(self, read: Read, shelf: Shelf, lock: Mapping[str, Any], *, remove: bool) -> None:
        self.read = read
        self.shelf = shelf
        self.before: dict[str, Any] = lock.get("documents", {})
        self.remove = remove
        self.problems = list(read.problems)
        self.findings: list[Diagnostic] = []
        self.kept: list[Diagnostic] = []
        self.vanished: list[str] = []
        self.removed: list[str] = []
        self.counts: Counter[str] = Counter()
        self.documents: Documents = {}
        """What the feed says, as it is kept for the next time."""

    def run(self) -> ImportReport:
        told = self._sites_told()
        for name, (site, services) in sorted(told.items()):
            self._site(name, site, services)
        self._gone("Site", {name for name, (site, _) in told.items() if site is not None}, "SITE")
        self._lock()
        return ImportReport(
            problems=tuple(sorted({*self.problems, *self.shelf.problems})),
            findings=tuple(sorted(self.findings)),
            kept=tuple(sorted(self.kept)),
            vanished=tuple(sorted(self.vanished)),
            removed=tuple(sorted(self.removed)),
            created=tuple(sorted(self.shelf.created)),
            changed=tuple(sorted(self.shelf.changed)),
            counts=dict(self.counts),
        )

    # --- sites --------------------------------------------------------------------------------------------------

    def _sites_told(self) -> dict[str, tuple[Element | None, list[Element]]]:
        """Site -> what is said of it, and of its services; the last word counts where one was told twice."""
        sites: dict[str, Element] = {}
        for element, where in self.read.elements["SITE"]:
            name = text_of(element, "SHORT_NAME") or element.get("NAME", "")
            fault = SHORT_NAME.fault(name) or name_fault(name)
            if fault:
                self._fault(where, f"SITE[{name}]/SHORT_NAME", f"{fault}; the site is left out")
                self.read.spoilt.add("SITE")
            else:
                sites[name] = element
        services: dict[str, Element] = {}
        for element, _where in self.read.elements["SERVICE_ENDPOINT"]:
            services[element.get("PRIMARY_KEY") or text_of(element, "PRIMARY_KEY")] = element
        told: dict[str, tuple[Element | None, list[Element]]] = {name: (one, []) for name, one in sites.items()}
        for element in services.values():
            told.setdefault(text_of(element, "SITENAME"), (None, []))[1].append(element)
        self.counts.update({"site": len(sites), "service": len(services)})
        return told

    def _site(self, name: str, site: Element | None, services: Iterable[Element]) -> None:
        key = ("Site", name)
        ours = self._ours(key)
        before = _renamed(self.before.get(f"Site/{name}", {}), ours)
        if site is None and not before and not ours:
            self._fault(
                "get_site", f"SITE[{name}]", "services name this site, and it is not told of; they are left out"
            )
            return
        remark = partial(self._remark, f"SITE[{name}]")
        old = before.get("spec", {})
        spec = (
            telling.site(site, remark)
            if site is not None
            else {k: deepcopy(v) for k, v in old.items() if k != "services"}
        )
        here = self._services(name, services, ours)
        held = [*here, *self._not_judged(name, here, old, closed=spec.get("certification") == "Closed")]
        spec |= {"services": held} if held else {}
        kept = judged(name, spec, old, partial(self._judged, name))
        if kept is not None:
            notes = self._notes(site_name(name), site, before)
            self._put(key, {"metadata": {"name": name, **notes}, "spec": kept}, before)

    def _services(self, site: str, elements: Iterable[Element], ours: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The services of a site, each under the name that it has already, or a new one that tells what it is."""
        names = _Names(site, [one for one in ours.get("spec", {}).get("services") or () if isinstance(one, Mapping)])
        made = []
        for element in sorted(elements, key=_order):
            told = telling.service(element, partial(self._remark, f"SITE[{site}]/SERVICE_ENDPOINT"))
            key = element.get("PRIMARY_KEY") or text_of(element, "PRIMARY_KEY")
            name = names.of(key, told.get("hostname", ""), told.get("type", ""))
            noted = {} if key_of(service_name(site, name), None) == key else {"primaryKey": key}
            made.append({"name": name, **noted, **told})
        return made

    def _not_judged(
        self, site: str, here: Iterable[Mapping[str, Any]], old: Mapping[str, Any], *, closed: bool
    ) -> Iterator[Mapping[str, Any]]:
        """Services of the last import that the feed does not tell of, and that stay; of closed sites it tells none."""
        names = {one["name"] for one in here}
        missing = [one for one in old.get("services", ()) if one["name"] not in names]
        judge = self._whole("SERVICE_ENDPOINT") and not closed
        for one in missing:
            said = f"Site/{site}: the service {one['name']}"
            if judge:
                self.vanished.append(said)
            if judge and self.remove:
                self.removed.append(said)
            else:
                yield deepcopy(one)

    def _whole(self, tag: str) -> bool:
        """Whether all of it was read, and there was something: an empty answer proves nothing."""
        return tag in self.read.complete and bool(self.read.elements[tag])

    # --- what is written ----------------------------------------------------------------------------------------

    def _ours(self, key: Key) -> Mapping[str, Any]:
        existing = self.shelf.get(key)
        return existing.data if existing is not None and isinstance(existing.data, dict) else {}

    def _notes(
        self, made_from: tuple[str, ...], element: Element | None, before: Mapping[str, Any]
    ) -> dict[str, dict[str, str]]:
        """The annotation of GOCDB's key, unless the key is the one that the name gives."""
        if element is None:
            notes = before.get("metadata", {}).get("annotations", {})
            return {"annotations": notes} if notes else {}
        key = element.get("PRIMARY_KEY") or text_of(element, "PRIMARY_KEY")
        made = key_of(made_from, None)
        return {"annotations": {KEY_NOTE: key}} if key and key_of(made_from, key) == key != made else {}

    def _put(self, key: Key, said: dict[str, Any], before: Mapping[str, Any]) -> None:
        theirs = {"apiVersion": "hanse/v1", "kind": key[0], **said}
        self.documents[key] = theirs
        existing = self.shelf.get(key)
        data: Any = theirs
        if existing is not None:
            wanted = _alike(theirs, existing.data)
            data, notes = merged(existing.data, _alike(before, existing.data), wanted)
            file = self.shelf.file_of(key)
            for note in notes:
                line, column = place(existing, note.path)
                path = ".".join(str(part) for part in note.path)
                self.kept.append(Diagnostic(file, line, column, path, note.message, "", "gocdb-kept", "warning"))
        try:
            self.shelf.put(key, data, self.shelf.remarks(key))
        except ManifestError as error:
            self.problems += error.diagnostics

    def _gone(self, kind: str, told: set[str], tag: str) -> None:
        """What an earlier import brought and is told of no more."""
        known = [name.partition("/")[2] for name in self.before if name.startswith(f"{kind}/")]
        missing = [name for name in known if name not in told and self.shelf.get((kind, name))]
        if not self._whole(tag):
            return
        many = len(missing) > max(_FEW, len(known) // 2)
        if many and self.remove:
            self._fault(tag, "", f"{len(missing)} of {len(known)} have vanished: none of them is removed")
        for name in missing:
            self.vanished.append(f"{kind}/{name}")
            if self.remove and not many:
                self._take_away((kind, name))

    def _take_away(self, key: Key) -> None:
        name = "/".join(key)
        if self._ours(key) != self.before[name]:
            message = "no longer in the feed, and kept: it was changed by hand"
            self.kept.append(Diagnostic(self.shelf.file_of(key), 1, 1, "", message, "", "gocdb-kept", "warning"))
            return
        self.removed.append(name)
        self.shelf.remove(key)
        del self.before[name]

    def _lock(self) -> None:
        """What was written, and what is still there from earlier."""
        held = {name: old for name, old in self.before.items() if self.shelf.get(_key(name)) is not None}
        documents = {**held, **{"/".join(key): said for key, said in self.documents.items()}}
        if documents != self.before or self.removed:
            write_lock(self.shelf.folder, documents, {}, LOCK)

    # --- what is said -------------------------------------------------------------------------------------------

    def _fault(self, where: str, path: str, message: str) -> None:
        self.problems.append(Diagnostic(where, 1, 1, path, message, "", "gocdb"))

    def _remark(self, where: str, element: str, done: str) -> None:
        self.findings.append(Diagnostic("feed", 1, 1, f"{where}/{element}", done, "", "gocdb", "warning"))

    def _judged(self, site: str, where: str, message: str, mended: bool) -> None:
        cure = "" if mended else "correct it in GOCDB; what an earlier import brought stays"
        severity: Any = "warning" if mended else "error"
        to = self.findings if mended else self.problems
        to.append(Diagnostic("feed", 1, 1, f"SITE[{site}]/{where}", message, cure, "gocdb", severity))


def _renamed(before: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """What was imported, with services called as people have called them since."""
    made: dict[str, Any] = deepcopy(dict(before))
    services = made.get("spec", {}).get("services", ())
    named = {
        one["primaryKey"]: one["name"]
        for one in ours.get("spec", {}).get("services") or ()
        if isinstance(one, Mapping) and one.get("primaryKey") and one.get("name")
    }
    for one in services:
        one["name"] = named.get(one.get("primaryKey"), one["name"])
    return made


class _Names:
    """The names of a site's services."""

    def __init__(self, site: str, ours: Iterable[Mapping[str, Any]]) -> None:
        known = [one for one in ours if isinstance(one.get("name"), str)]
        self._taken = {one["name"] for one in known}
        self._by_key = {one.get("primaryKey") or key_of(service_name(site, one["name"]), None): one for one in known}
        self._by_place: dict[tuple[Any, Any], list[str]] = {}
        for one in known:
            if not one.get("primaryKey"):
                self._by_place.setdefault((one.get("hostname"), one.get("type")), []).append(one["name"])
        self._given: set[str] = set()

    def of(self, key: str, hostname: str, type_: str) -> str:
        """That of the service with this key, else of one at this host of this type, else a new one."""
        known = self._by_key.get(key)
        alike = [name for name in self._by_place.get((hostname, type_), ()) if name not in self._given]
        if known is not None:
            name = known["name"]
        elif len(alike) == 1:
            name = alike[0]
        else:
            name = self._new(key, f"{hostname}_{type_}"[:200])
        self._given.add(name)
        return str(name)

    def _new(self, key: str, name: str) -> str:
        name = "".join(c if SHORT_NAME.fault(c) == "" else "-" for c in name)
        return name if name not in self._taken | self._given else f"{name}_{key.removesuffix('G0')}"


def _order(element: Element) -> tuple[int, str]:
    key = element.get("PRIMARY_KEY") or text_of(element, "PRIMARY_KEY")
    digits = key.removesuffix("G0")
    return (number_of(key) if digits.isascii() and digits.isdigit() else 0, key)


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
