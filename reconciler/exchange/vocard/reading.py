"""From a card's XML to what a VO manifest says: every value with its place, and what has no place in a manifest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from reconciler.exchange.vocard.element import Element, Malformed, Said, parse
from reconciler.exchange.vocard.form import AUP, LISTS, MANAGER, MIDDLEWARES, MULTICORE, NUMBERS, ROOTS
from reconciler.kinds.gocdb import HOSTNAME
from reconciler.kinds.vo import VOSpec, vo_name
from reconciler.model import encode

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)")
_BOOLEANS = {"1": True, "true": True, "0": False, "false": False}
_ROUNDS = 1000
"""Faults of one card that are told one by one; a card with more is no card."""


@dataclass(frozen=True, slots=True, order=True)
class CardFault:
    """What cannot be taken in: where it stands (from 1), its path in the manifest or the card, and why."""

    line: int
    column: int
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Read:
    """One card. ``spec`` is what is right of it, as plain data."""

    name: str
    spec: dict[str, Any]
    line: int
    faults: tuple[CardFault, ...]
    left: tuple[CardFault, ...]
    """What the card says and a manifest has no field for."""


def read_cards(content: bytes) -> tuple[list[Read], list[CardFault]]:
    """Every card of a document, and what is wrong with the document as a whole."""
    try:
        root = parse(content)
    except Malformed as error:
        return [], [CardFault(error.line, error.column, "", error.message)]
    if root.name not in ROOTS:
        return [], [CardFault(root.line, root.column, root.name, "it is neither a VoDump nor a root of cards")]
    root.attribute("current")
    cards = [_card(card) for card in root.every("IDCard")]
    rest = Element(root.name, root.attributes, root.line, root.column, root.pieces)
    rest.attribute("current")
    rest.children = [child for child in root.children if child.name != "IDCard"]
    return cards, [_unknown(path, said) for path, said in rest.left()]


def _card(card: Element) -> Read:
    name = card.attribute("Name")
    tree = _plainly({"group": _group(name), **_head(card), **_people(card), **_servers(card), **_needs(card)})
    ordered = {field: tree[field] for field in VOSpec.model_fields if field in tree}
    spec, faults = sound(ordered, VOSpec)
    left = tuple(_unknown(path, said) for path, said in card.left())
    return Read(name.value if name else "", spec, card.line, faults, left)


def _unknown(path: str, said: Said) -> CardFault:
    shown = said.value if len(said.value) <= 60 else f"{said.value[:57]}..."  # noqa: PLR2004 (of a line)
    return CardFault(said.line, said.column, path, f"a manifest has no field for it: {shown!r}")


def _group(name: Said | None) -> Said | None:
    return name if name and vo_name(name.value) != name.value else None


def _head(card: Element) -> dict[str, Any]:
    listed = list(_disciplines(card.one("Disciplines")))
    first = card.said("Discipline")
    names = [text for text, _ in listed] or ([first] if first else [])
    other = first if listed and first and first.value != listed[0][0].value else None
    return {
        "description": card.said("Description"),
        "disciplines": names,
        "scope": card.said("Scope"),
        "status": card.attribute("Status"),
        "serial": _number(card.attribute("Serial")),
        "homepage": card.said("HomepageUrl"),
        "enrolmentUrl": card.said("EnrollmentUrl"),
        "aup": _aup(card.one("AUP")),
        "supportProcedure": card.said("SupportProcedure"),
        "card": {
            "id": _id(card),
            "alias": card.attribute("Alias"),
            "gridId": card.attribute("GridId"),
            "validated": _moment(card.one("ValidationDate")),
            "changed": _moment(card.one("LastChange")),
            "discipline": other,
            "disciplineIds": {text.value: number for text, number in listed if number},
            "middlewares": _middlewares(card),
            "cvmfsEndpoints": _endpoints(card)[1],
        },
    }


def _id(card: Element) -> Said | None:
    """The number at the portal, where it does not follow from the serial number."""
    number, serial = _number(card.attribute("CIC_ID")), _number(card.attribute("Serial"))
    follows = number and serial and isinstance(serial.value, int) and number.value == serial.value + 10_000
    return None if follows else number


def _disciplines(element: Element) -> Iterator[tuple[Said, Said | None]]:
    """Every discipline of the list, and of the lists in it, with its number."""
    for child in element.children:
        text, number = child.text(), child.attribute("id")
        if text:
            yield text, number
        yield from _disciplines(child)


def _aup(element: Element) -> dict[str, Any] | None:
    """A type that nobody knows is left, and so told; the text shows then what it is."""
    text, kind = element.text(), element.attributes.get("type", "").strip().casefold()
    if text is None:
        return None
    if kind in AUP:
        element.attribute("type")
        return {AUP[kind]: text}
    is_url = text.value.startswith(("http://", "https://")) and not re.search(r"\s", text.value)
    return {"url" if is_url else "text": text}


def _moment(element: Element) -> Said | None:
    """A time in UTC; a day of zeros is none."""
    text, zone = element.text(), element.attribute("TimeZone")
    if text is None or text.value.startswith("0000"):
        return None
    found = _MOMENT.fullmatch(text.value)
    utc = zone is None or zone.value.upper() in ("UTC", "GMT", "Z")
    return text._replace(value=f"{found[1]}T{found[2]}Z") if found and utc else text


def _middlewares(card: Element) -> list[Said]:
    element = card.one("Middlewares")
    said = [(name, element.attribute(name)) for name in MIDDLEWARES]
    return [text._replace(value=name) for name, text in said if text and _BOOLEANS.get(text.value.casefold())]


def _people(card: Element) -> dict[str, Any]:
    contacts = card.one("Contacts")
    people = [_person(one) for one in contacts.one("Individuals").every("Contact")]
    lists = contacts.one("MailingList")
    managers = [one for one in people if _is_manager(one)]
    return {
        "managers": [{**one, "role": None if one["role"].value == MANAGER else one["role"]} for one in managers],
        "contacts": [one for one in people if not _is_manager(one)],
        "mailingLists": {field: lists.said(name) for field, name in LISTS.items()},
    }


def _person(contact: Element) -> dict[str, Any]:
    name = contact.said("Name") or contact.one("Email").text()
    return {
        "name": name and name._replace(value=" ".join(name.value.split())),
        "email": contact.said("Email"),
        "dn": contact.said("DN"),
        "role": contact.said("Role"),
        "telephone": contact.said("Phone"),
    }


def _is_manager(person: Mapping[str, Any]) -> bool:
    role = person["role"]
    return role is not None and role.value.casefold() == MANAGER.casefold()


def _servers(card: Element) -> dict[str, Any]:
    conf = card.one("gLiteConf")
    servers = conf.one("VOMSServers")
    return {
        "fqans": [_fqan(one) for one in conf.one("FQANs").every("FQAN") if one.one("FqanExpr").text()],
        "voms": [_server(one) for one in servers.every("VOMS_Server")],
        "memberLists": [
            {"system": Said(one.name, one.line, one.column), "url": one.attribute("MembersListUrl")}
            for one in servers.every("Perun", "Comanage")
        ],
    }


def _fqan(element: Element) -> dict[str, Any]:
    used = _boolean(element.attribute("IsGroupUsed"))
    return {
        "fqan": element.said("FqanExpr"),
        "description": element.said("Description"),
        "type": element.attribute("GroupType"),
        "used": used if used and used.value is not True else None,
        "share": element.said("ComputingShare"),
    }


def _server(element: Element) -> dict[str, Any]:
    certificate = element.one("X509Cert")
    admin = _boolean(element.attribute("IsVomsAdminServer"))
    return {
        "hostname": element.said("hostname"),
        "vomsesPort": _number(element.attribute("VomsesPort")),
        "httpsPort": _number(element.attribute("HttpsPort")),
        "admin": admin if admin and admin.value is not False else None,
        "membersUrl": element.attribute("MembersListUrl"),
        "dn": certificate.said("DN"),
        "caDn": certificate.said("CA_DN"),
        "certificate": certificate.said("X509PublicKey"),
        "serialNumber": certificate.said("SerialNumber"),
    }


def _needs(card: Element) -> dict[str, Any]:
    needs = card.one("Ressources")
    said: dict[str, Any] = {}
    for field, (group, name) in NUMBERS.items():
        said[field] = _number(needs.one(group).said(name) or needs.said(name))
    for field, name in MULTICORE.items():
        values = needs.one("MultiCoreJobs").one(name)
        words = {"min": "min", "preferred": "prefered", "max": "max"}
        said[field] = {one: _number(values.said(word)) for one, word in words.items()}
    said["other"] = needs.said("OtherRequirements")
    return {"cvmfsRepositories": _endpoints(card)[0], "resources": said}


def _endpoints(card: Element) -> tuple[list[Said], Said | None]:
    """Names of repositories, when all endpoints are such; else the text as it is."""
    text = card.one("Ressources").one("CernCVMFS").said("endpoints")
    if text is None:
        return [], None
    names = [re.sub(r"^/cvmfs/|/$", "", word) for word in re.split(r"[\s,;]+", text.value) if word]
    if any(HOSTNAME.fault(name) for name in names):
        return [], text
    return [text._replace(value=name) for name in names], None


def _number(said: Said | None) -> Said | None:
    return said._replace(value=int(said.value)) if said and re.fullmatch(r"[0-9]{1,15}", said.value) else said


def _boolean(said: Said | None) -> Said | None:
    return said._replace(value=_BOOLEANS.get(said.value.casefold(), said.value)) if said else None


# --- what is right of it --------------------------------------------------------------------------------------------


def _plainly(tree: Any) -> Any:
    """The tree without what says nothing."""
    if isinstance(tree, dict):
        found = {key: _plainly(value) for key, value in tree.items()}
        return {key: value for key, value in found.items() if value not in (None, {}, [])}
    if isinstance(tree, list):
        return [value for value in map(_plainly, tree) if value not in (None, {}, [])]
    return tree


def sound(tree: dict[str, Any], form: type[VOSpec]) -> tuple[dict[str, Any], tuple[CardFault, ...]]:
    """What of a tree of Said is right, as plain data, and what is not, each with its place."""
    faults: list[CardFault] = []
    for _ in range(_ROUNDS):
        try:
            form.model_validate_json(encode(_values(tree)))
        except ValidationError as error:
            found = error.errors(include_url=False)[0]
            path = list(found["loc"])
            faults.append(_fault(tree, path, found["msg"]))
            _cut(tree, path)
            tree = _plainly(tree)
        else:
            break
    return _values(tree), tuple(faults)


def _fault(tree: Any, path: list[str | int], message: str) -> CardFault:
    said = _first(_down(tree, path))
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return CardFault(said.line, said.column, f"spec.{place}", message.removeprefix("Value error, "))


def _down(tree: Any, path: list[str | int]) -> Any:
    """What stands at a path, or at the last part of it that is there."""
    for part in path:
        inside = (isinstance(tree, dict) and part in tree) or (isinstance(tree, list) and isinstance(part, int))
        if not inside:
            break
        tree = tree[part]
    return tree


def _first(tree: Any) -> Said:
    while not isinstance(tree, Said):
        tree = next(iter(tree.values() if isinstance(tree, dict) else tree))
    return tree


def _cut(tree: Any, path: list[str | int]) -> None:
    """Take away what stands at a path; what lacks something that it must have goes as a whole."""
    *before, last = path
    holder = tree
    for n, part in enumerate(before):
        if isinstance(holder, dict) and part not in holder:
            return _cut(tree, path[:n])
        holder = holder[part]
    if isinstance(holder, dict) and last not in holder:
        return _cut(tree, before)
    del holder[last]
    return None


def _values(tree: Any) -> Any:
    if isinstance(tree, Said):
        return tree.value
    if isinstance(tree, dict):
        return {key: _values(value) for key, value in tree.items()}
    return [_values(value) for value in tree] if isinstance(tree, list) else tree
