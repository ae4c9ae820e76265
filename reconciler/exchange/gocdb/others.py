"""Downtimes and service groups of a feed: a manifest for each, about services that are declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element

from pydantic import ValidationError

from reconciler.exchange.gocdb import mending, telling
from reconciler.exchange.gocdb.keys import KEY_NOTE
from reconciler.exchange.gocdb.merging import Merging, notes_of
from reconciler.exchange.gocdb.reading import Found
from reconciler.exchange.gocdb.sites import key_in
from reconciler.exchange.gocdb.standing import Service, Standing
from reconciler.exchange.gocdb.telling import text_of
from reconciler.kinds import registry
from reconciler.kinds.downtime.affected import services as chosen
from reconciler.kinds.downtime.classes import DECLARED
from reconciler.kinds.gocdb import GROUP_NAME
from reconciler.kinds.servicegroup import ServiceGroupSpec
from reconciler.model import Ref, encode

_LONG = timedelta(days=31)
_SILENT = "no description in GOCDB"


# -- downtimes ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Told:
    """A downtime of a feed."""

    key: str
    element: Element
    """The first that tells of it."""
    parts: tuple[Element, ...]
    """One for each service."""
    place: tuple[str, int]
    """Where it stands in the feed."""

    def moment(self, name: str) -> datetime | None:
        return mending.moment(text_of(self.element, name))

    @property
    def shown(self) -> str:
        return f"DOWNTIME[{self.key}]"


def take_downtimes(merging: Merging, standing: Standing, now: datetime) -> None:
    """Take in every downtime of services that are known."""
    told = _downtimes(merging.read.elements["DOWNTIME"])
    merging.counts.update({"downtime": len(told)})
    if not told:
        return
    names, own = standing.noted("Downtime"), standing.own_intervals(now)
    here = set[str]()
    for one in told:
        merging.place = one.place
        start, end = one.moment("START_DATE"), one.moment("END_DATE")
        if start is None or end is None or end <= start:
            merging.fault(one.shown, "it has no start and end, one behind the other; it is left out")
            merging.read.spoilt.add("DOWNTIME")
            continue
        if end < now and one.key in names:  # it is history: services that have gone since do not leave it
            here.add(names[one.key])
            continue
        affected = _services_of(merging, one, standing, over=end < now)
        known = [(i.site, i.service) for i in own if i.start <= start and end <= i.end and _says(i.severity, one)]
        if not affected or affected <= set(known):
            here |= {names[one.key]} if one.key in names else set()
            continue
        name = names.get(one.key) or _name(start, affected, one.key)
        here.add(name)
        spec = _spec(merging, one, start, end, affected)
        inserted = one.moment("INSERT_DATE")
        notes = {KEY_NOTE: one.key} | ({DECLARED: shown(inserted)} if inserted else {})
        _put(merging, "Downtime", name, notes, spec, one.shown)
    merging.gone("Downtime", here, "DOWNTIME", lambda name: _ahead(merging, name, now))


def _downtimes(found: Iterable[Found]) -> list[_Told]:
    """One for each key, whether a feed tells service by service, or has them inside."""
    by_key: dict[str, list[Found]] = {}
    for one in found:
        by_key.setdefault(key_in(one.element), []).append(one)
    told = []
    for key, some in sorted(by_key.items()):
        parts = [part for one in some for part in (one.element, *one.element.findall("SERVICES/SERVICE"))]
        services = tuple(part for part in parts if part.find("HOSTNAME") is not None)
        told.append(_Told(key, some[0].element, services, (some[0].where, some[0].line)))
    return told


def _services_of(merging: Merging, told: _Told, standing: Standing, *, over: bool) -> set[Service]:
    """The services that a downtime affects, as far as they are known; of what is over that is no fault."""
    found = set[Service]()
    for part in told.parts:
        key = text_of(part, "PRIMARY_KEY") if part.tag == "SERVICE" else ""
        host, type_ = text_of(part, "HOSTNAME"), text_of(part, "SERVICE_TYPE")
        here = standing.services(key, text_of(part, "HOSTED_BY"), host, type_)
        if here:
            found |= here
            continue
        where, message = f"{told.shown}/SERVICE[{host} {type_}]", "no manifest has this service; it is left out"
        if over:
            merging.remark(told.shown, f"SERVICE[{host} {type_}]", message)
        else:
            merging.fault(where, message)
    return found


def _spec(merging: Merging, told: _Told, start: datetime, end: datetime, affected: Iterable[Service]) -> dict[str, Any]:
    description, done = mending.prose(text_of(told.element, "DESCRIPTION"))
    if done:
        merging.remark(told.shown, "DESCRIPTION", done)
    reason = {"reason": "declared so in GOCDB"} if end - start > _LONG else {}
    return {
        "description": description or _SILENT,
        "severity": text_of(told.element, "SEVERITY"),
        "start": shown(start),
        "end": shown(end),
        **reason,
        "affects": _by_site(affected),
    }


def _says(severity: str, told: _Told) -> bool:
    return severity == text_of(told.element, "SEVERITY")


def _name(start: datetime, affected: Iterable[Service], key: str) -> str:
    sites = sorted({site for site, _ in affected})
    return f"{start:%Y-%m-%d}-{sites[0] if len(sites) == 1 else 'sites'}-{key.removesuffix('G0')}"


def _ahead(merging: Merging, name: str, now: datetime) -> bool:
    """Whether a downtime may be said to be gone: it has not begun, and its days were asked for."""
    spec = merging.last(("Downtime", name)).get("spec", {})
    first = merging.read.since
    begins, ends = (datetime.fromisoformat(spec[field]) for field in ("start", "end"))
    return begins > now and (not first or ends > datetime.fromisoformat(first).replace(tzinfo=UTC))


def shown(moment: datetime) -> str:
    """A time as manifests write it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


# -- groups ------------------------------------------------------------------------------------------------------------


def take_groups(merging: Merging, standing: Standing) -> None:
    """Take in every group of services that are known."""
    elements = merging.read.elements["SERVICE_GROUP"]
    merging.counts.update({"group": len(elements)})
    if not elements:
        return
    here = set[str]()
    for element, where, line in elements:
        merging.place = (where, line)
        name = text_of(element, "NAME")
        if fault := GROUP_NAME.fault(name):
            merging.fault(f"SERVICE_GROUP[{name}]/NAME", f"{fault}; the group is left out")
            merging.read.spoilt.add("SERVICE_GROUP")
            continue
        here.add(name)
        notes = notes_of(("ServiceGroup", name), element)
        _put(merging, "ServiceGroup", name, notes, _group(merging, name, element, standing), f"SERVICE_GROUP[{name}]")
    merging.gone("ServiceGroup", here, "SERVICE_GROUP")


def _group(merging: Merging, name: str, element: Element, standing: Standing) -> dict[str, Any]:
    shown = f"SERVICE_GROUP[{name}]"
    description, done = mending.prose(text_of(element, "DESCRIPTION"))
    if done:
        merging.remark(shown, "DESCRIPTION", done)
    email, joined = mending.addresses(text_of(element, "CONTACT_EMAIL"))
    if joined:
        merging.remark(shown, "CONTACT_EMAIL", joined)
    spec: dict[str, Any] = {"description": description or _SILENT, "email": email}
    spec |= {"monitored": False} if text_of(element, "MONITORED").upper() == "N" else {}
    return spec | {"members": _members(merging, name, element, standing)} | telling.lists(element)


def _members(merging: Merging, name: str, element: Element, standing: Standing) -> list[Any]:
    """The members by name; as the manifest chooses them where that means the same."""
    found = set[Service]()
    for one in element.findall("SERVICE_ENDPOINT"):
        host, type_ = text_of(one, "HOSTNAME"), text_of(one, "SERVICE_TYPE")
        service = standing.service(key_in(one), "", host, type_)
        if service is None:
            where = f"SERVICE_GROUP[{name}]/SERVICE_ENDPOINT[{host} {type_}]"
            merging.fault(where, "no manifest has this service; it is left out")
        else:
            found.add(service)
    ours = standing.resources.get(Ref.of("ServiceGroup", name))
    spec: ServiceGroupSpec | None = ours.spec if ours else None
    if spec is not None and {key for entry in spec.members for key, _ in chosen(entry, standing.places)} == found:
        members: list[Any] = (merging.ours(("ServiceGroup", name)).get("spec") or {}).get("members", [])
        return members
    return _by_site(found)


# -- both --------------------------------------------------------------------------------------------------------------


def _by_site(services: Iterable[Service]) -> list[dict[str, Any]]:
    by_site: dict[str, list[str]] = {}
    for site, name in sorted(services):
        by_site.setdefault(site, []).append(name)
    return [{"site": site, "services": names} for site, names in by_site.items()]


def _put(merging: Merging, kind: str, name: str, notes: Mapping[str, str], spec: dict[str, Any], where: str) -> None:
    """Write it, where it is one; else what an earlier import brought stays."""
    for fault in _faults(kind, name, spec):
        merging.fault(where, f"{fault}; it is left out")
        return
    metadata = {"name": name, **({"annotations": dict(notes)} if notes else {})}
    merging.put((kind, name), {"metadata": metadata, "spec": spec}, merging.last((kind, name)))


def _faults(kind: str, name: str, spec: Mapping[str, Any]) -> Iterator[str]:
    behaviour = registry()[kind]
    try:
        made = behaviour.Spec.model_validate_json(encode(spec))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        yield f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
        return
    for rule in behaviour.rules:
        if rule.severity == "error":
            yield from (f"{fault.path}: {fault.message}" for fault in rule.check(Ref.of(kind, name), made))
