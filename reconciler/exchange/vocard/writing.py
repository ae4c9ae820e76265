"""From VO manifests to VO ID cards, in the first or the second form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reconciler.exchange.vocard.form import LISTS, MANAGER, MIDDLEWARES, MULTICORE, NUMBERS
from reconciler.kinds.vo import Card, Fqan, Person, Range, Resources, VomsServer, VOSpec

Form = Literal["v1", "v2"]
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold."""


@dataclass(frozen=True, slots=True)
class Written:
    """A document, and what of the manifests it cannot tell."""

    text: str
    untold: tuple[str, ...]


def cards(vos: Mapping[str, VOSpec], form: Form = "v2") -> Written:
    """One card for each VO, in the order of their names; ``vos`` is manifest's name -> VO."""
    root = Element("root", {"current": "v2"}) if form == "v2" else Element("VoDump")
    untold: list[str] = []
    for name, vo in sorted(vos.items()):
        _card(root, vo.group or name, vo, form)
        untold += [f"{name}: {said}" for said in _untold(vo, form)]
    indent(root)
    untold += sorted({f"{e.tag}: characters that XML cannot hold are left out" for e in root.iter() if _cleaned(e)})
    return Written(tostring(root, encoding="unicode", xml_declaration=False) + "\n", tuple(untold))


def _untold(vo: VOSpec, form: Form) -> Iterable[str]:
    if form == "v2" and vo.card and vo.card.middlewares:
        yield "its middlewares have a place in the first form alone"
    for person in vo.managers:
        if person.role and person.role.casefold() != MANAGER.casefold():
            yield f"a card says of {person.name} that it is a manager, not: {person.role}"


def _cleaned(element: Element) -> bool:
    """Take away what XML cannot hold; True when there was some."""
    found = False
    if element.text and _ILLEGAL.search(element.text):
        element.text, found = _ILLEGAL.sub("", element.text), True
    for name, text in element.attrib.items():
        if _ILLEGAL.search(text):
            element.attrib[name], found = _ILLEGAL.sub("", text), True
    return found


def _card(root: Element, name: str, vo: VOSpec, form: Form) -> None:
    more = vo.card or Card()
    number = more.id if more.id is not None else None if vo.serial is None else vo.serial + 10_000
    said = {
        "CIC_ID": number,
        "Name": name,
        "Serial": vo.serial,
        "Status": vo.status,
        "Alias": more.alias,
        "GridId": more.gridId,
    }
    card = SubElement(root, "IDCard", {key: _words(value) for key, value in said.items()})
    _head(card, vo, more)
    if form == "v1":
        SubElement(card, "Middlewares", {name: str(int(name in more.middlewares)) for name in MIDDLEWARES})
    conf = SubElement(card, "gLiteConf")
    fqans = SubElement(conf, "FQANs")
    for one in vo.fqans:
        _fqan(fqans, one)
    servers = SubElement(conf, "VOMSServers")
    for server in vo.voms:
        _server(servers, server)
    for known in vo.memberLists:
        SubElement(servers, known.system, {"MembersListUrl": _words(known.url)})
    _contacts(card, vo)
    listed = SubElement(card, "Disciplines")
    for discipline in vo.disciplines:
        number_ = more.disciplineIds.get(discipline)
        SubElement(listed, "Discipline", {"id": number_} if number_ else {}).text = discipline
    _needs(card, vo.resources or Resources(), " ".join(vo.cvmfsRepositories) or more.cvmfsEndpoints)


def _head(card: Element, vo: VOSpec, more: Card) -> None:
    _moment(card, "ValidationDate", more.validated)
    _moment(card, "LastChange", more.changed)
    _text(card, "Scope", vo.scope)
    _text(card, "SupportProcedure", vo.supportProcedure)
    _text(card, "Discipline", more.discipline or (vo.disciplines[0] if vo.disciplines else None))
    _text(card, "EnrollmentUrl", vo.enrolmentUrl)
    _text(card, "HomepageUrl", vo.homepage)
    aup = vo.aup
    kind = "" if aup is None else "Url" if aup.url is not None else "Text" if aup.text is not None else "File"
    _text(card, "AUP", (aup.url or aup.text or aup.file) if aup else None, type=kind)
    _text(card, "Description", vo.description)


def _fqan(parent: Element, one: Fqan) -> None:
    element = SubElement(parent, "FQAN", {"IsGroupUsed": str(int(one.used)), "GroupType": _words(one.type)})
    _text(element, "FqanExpr", one.fqan)
    _text(element, "Description", one.description)
    _text(element, "ComputingShare", one.share)


def _server(parent: Element, server: VomsServer) -> None:
    said = {
        "HttpsPort": server.httpsPort,
        "VomsesPort": server.vomsesPort,
        "IsVomsAdminServer": int(server.admin),
        "MembersListUrl": server.membersUrl,
    }
    element = SubElement(parent, "VOMS_Server", {key: _words(value) for key, value in said.items()})
    _text(element, "hostname", server.hostname)
    certificate = SubElement(element, "X509Cert")
    _text(certificate, "DN", server.dn)
    _text(certificate, "CA_DN", server.caDn)
    _text(certificate, "X509PublicKey", server.certificate)
    _text(certificate, "SerialNumber", server.serialNumber)


def _contacts(card: Element, vo: VOSpec) -> None:
    contacts = SubElement(card, "Contacts")
    lists = SubElement(contacts, "MailingList")
    for field, name in LISTS.items():
        _text(lists, name, getattr(vo.mailingLists, field))
    people = SubElement(contacts, "Individuals")
    for manager in vo.managers:
        is_one = manager.role is not None and manager.role.casefold() == MANAGER.casefold()
        _person(people, manager, manager.role if is_one else MANAGER)
    for person in vo.contacts:
        _person(people, person, person.role)


def _person(parent: Element, person: Person, role: str | None) -> None:
    contact = SubElement(parent, "Contact")
    _text(contact, "Name", person.name)
    _text(contact, "Role", role)
    _text(contact, "Email", person.email)
    _text(contact, "DN", person.dn)
    _text(contact, "Phone", person.telephone)


def _needs(card: Element, needs: Resources, endpoints: str | None) -> None:
    parent = SubElement(card, "Ressources")
    groups = {name: SubElement(parent, name) for name in ("QueueConfiguration", "SingleCoreJobs", "MultiCoreJobs")}
    groups["CloudCompute"] = SubElement(parent, "CloudCompute")
    for field, (group, name) in NUMBERS.items():
        _text(groups[group], name, getattr(needs, field))
    for field, name in MULTICORE.items():
        values, said = SubElement(groups["MultiCoreJobs"], name), getattr(needs, field) or Range()
        _text(values, "min", said.min)
        _text(values, "prefered", said.preferred)
        _text(values, "max", said.max)
    _text(SubElement(parent, "CernCVMFS"), "endpoints", endpoints)
    _text(parent, "OtherRequirements", needs.other)


def _moment(parent: Element, name: str, moment: datetime | None) -> None:
    _text(parent, name, moment and moment.strftime("%Y-%m-%d %H:%M:%S"), TimeZone="UTC")


def _text(parent: Element, name: str, value: Any, **attributes: str) -> None:
    SubElement(parent, name, attributes).text = _words(value) or None


def _words(value: Any) -> str:
    return "" if value is None else str(value)
