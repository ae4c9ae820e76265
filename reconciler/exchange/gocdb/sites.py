"""Sites of a feed, with their services: a manifest for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any
from xml.etree.ElementTree import Element

from reconciler.exchange.fedcloud.source import name_fault
from reconciler.exchange.gocdb import telling
from reconciler.exchange.gocdb.judging import judged
from reconciler.exchange.gocdb.keys import key_of, number_of, service_name, site_name
from reconciler.exchange.gocdb.merging import Merging, notes_of
from reconciler.exchange.gocdb.reading import Found
from reconciler.exchange.gocdb.standing import words_of
from reconciler.exchange.gocdb.telling import text_of
from reconciler.kinds.gocdb import SHORT_NAME
from reconciler.kinds.site.certification import STEPS
from reconciler.kinds.vocabulary import Words

_MANDATORY = ("officialName", "ngi", "country", "domain", "timezone", "contacts", "certification", "infrastructure")
"""What a register has of every site: a feed that does not tell it withholds it, as public ones do with contacts."""


def take_sites(merging: Merging) -> None:
    """Take in every site, and the services of sites that are known."""
    told, words = _told(merging), words_of(merging.shelf)
    for name, (site, services) in sorted(told.items()):
        _Site(merging, name, words).take(site, services)
    merging.gone("Site", {name for name, (site, _) in told.items() if site is not None}, "SITE")


def _told(merging: Merging) -> dict[str, tuple[Found | None, list[Found]]]:
    """Site -> what is said of it, and of its services; the first word counts where one was told twice."""
    sites: dict[str, Found] = {}
    for found in merging.read.elements["SITE"]:
        name = text_of(found.element, "SHORT_NAME") or found.element.get("NAME", "")
        fault = SHORT_NAME.fault(name) or name_fault(name)
        if fault:
            merging.place = (found.where, found.line)
            merging.fault(f"SITE[{name}]/SHORT_NAME", f"{fault}; the site is left out")
            merging.read.spoilt.add("SITE")
        elif name in sites:
            _twice(merging, found, sites[name], name, f"SITE[{name}]/SHORT_NAME")
        else:
            sites[name] = found
    services = _services_told(merging)
    told: dict[str, tuple[Found | None, list[Found]]] = {name: (one, []) for name, one in sites.items()}
    for found in services.values():
        told.setdefault(text_of(found.element, "SITENAME"), (None, []))[1].append(found)
    merging.counts.update({"site": len(sites), "service": len(services)})
    return told


def _services_told(merging: Merging) -> dict[str, Found]:
    services: dict[str, Found] = {}
    for found in merging.read.elements["SERVICE_ENDPOINT"]:
        one, key = found.element, key_in(found.element)
        if key in services:
            where = f"SITE[{text_of(one, 'SITENAME')}]/SERVICE_ENDPOINT[{text_of(one, 'HOSTNAME')}]/PRIMARY_KEY"
            _twice(merging, found, services[key], key or "a service without a key", where)
        else:
            services[key] = found
    return services


def _twice(merging: Merging, found: Found, first: Found, name: str, path: str) -> None:
    """Tell of what is told twice; which of the two is meant is not known, so nothing is said to be gone."""
    merging.place = (found.where, found.line)
    message = f"{name} is told of already, at {first.where}:{first.line}; the first is taken"
    merging.fault(path, message, "correct it in GOCDB, or give each answer once")
    merging.read.spoilt.add(found.element.tag)


def key_in(element: Element) -> str:
    """The primary key of an element."""
    return element.get("PRIMARY_KEY") or text_of(element, "PRIMARY_KEY")


class _Site:
    """One site of a feed."""

    def __init__(self, merging: Merging, name: str, words: Words) -> None:
        self.merging = merging
        self.words = words
        self.name = name
        self.ours = merging.ours(("Site", name))
        self.before = _renamed(merging.last(("Site", name)), self.ours)
        self.old: Mapping[str, Any] = self.before.get("spec", {})

    def take(self, found: Found | None, services: Sequence[Found]) -> None:
        """Make a manifest of what is said, as far as it can be one."""
        here = found or services[0]
        self.merging.place = (here.where, here.line)
        site = found.element if found else None
        if site is None and not self.before and not self.ours:
            message = "services name this site, and it is not told of; they are left out"
            self.merging.fault(f"SITE[{self.name}]", message)
            return
        remark = partial(self.merging.remark, f"SITE[{self.name}]")
        spec = telling.site(site, remark) if site is not None else self._as_before()
        spec |= {name: deepcopy(self.old[name]) for name in _MANDATORY if name in self.old and name not in spec}
        spec |= self._change(spec.get("certification"))
        named = self._services(services)
        self.merging.place = (here.where, here.line)
        held = [*named, *self._not_judged(named, closed=spec.get("certification") == "Closed")]
        spec |= {"services": held} if held else {}
        kept = judged(self.name, spec, self.old, self.words, self._tell)
        if kept is None:
            return
        known = self.before.get("metadata", {}).get("annotations", {})
        notes = notes_of(site_name(self.name), site) if site is not None else known
        metadata = {"name": self.name, **({"annotations": notes} if notes else {})}
        self.merging.put(("Site", self.name), {"metadata": metadata, "spec": kept}, self.before)

    def _as_before(self) -> dict[str, Any]:
        return {key: deepcopy(value) for key, value in self.old.items() if key != "services"}

    def _change(self, status: str | None) -> dict[str, Any]:
        """Why a status is another one than before: GOCDB's public interface does not tell the reason."""
        known = self.old.get("certification")
        if known == status or known is None or status is None:
            change = self.old.get("certificationChange") if known == status else None
            return {"certificationChange": deepcopy(change)} if change else {}
        said = {"reason": f"{known} to {status} in GOCDB"}
        return {"certificationChange": said if status in STEPS.get(known, ()) else said | {"force": True}}

    def _services(self, some: Iterable[Found]) -> list[dict[str, Any]]:
        """The services, each under the name that it has already, or a new one that tells what it is."""
        names = _Names(
            self.name, [one for one in self.ours.get("spec", {}).get("services") or () if isinstance(one, Mapping)]
        )
        made = []
        for element, where, line in sorted(some, key=lambda one: _order(one.element)):
            self.merging.place = (where, line)
            told = telling.service(element, partial(self._remark, element))
            key = key_in(element)
            name = names.of(key, told.get("hostname", ""), told.get("type", ""))
            noted = {} if key_of(service_name(self.name, name), None) == key else {"primaryKey": key}
            made.append({"name": name, **noted, **told})
        return made

    def _remark(self, element: Element, path: str, done: str) -> None:
        where = f"SITE[{self.name}]/SERVICE_ENDPOINT[{text_of(element, 'HOSTNAME')}]"
        self.merging.remark(where, path, done)

    def _not_judged(self, here: Iterable[Mapping[str, Any]], *, closed: bool) -> Iterator[Mapping[str, Any]]:
        """Services of the last import that the feed does not tell of, and that stay; of closed sites it tells none."""
        names = {one["name"] for one in here}
        missing = [one for one in self.old.get("services", ()) if one["name"] not in names]
        judge = self.merging.whole("SERVICE_ENDPOINT") and not closed
        for one in missing:
            said = f"Site/{self.name}: the service {one['name']}"
            if judge:
                self.merging.vanished.append(said)
            if judge and self.merging.remove:
                self.merging.removed.append(said)
            else:
                yield deepcopy(one)

    def _tell(self, where: str, message: str, mended: bool) -> None:
        if mended:
            path, _, element = where.rpartition("/")
            self.merging.remark(f"SITE[{self.name}]/{path}", element, message)
            return
        cure = "correct it in GOCDB; what an earlier import brought stays"
        self.merging.fault(f"SITE[{self.name}]/{where}", message, cure)


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
    key = key_in(element)
    digits = key.removesuffix("G0")
    return (number_of(key) if digits.isascii() and digits.isdigit() else 0, key)
