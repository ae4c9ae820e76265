"""XML elements as GOCDB writes them: names in capitals, two spaces a level, empty ones left out where it does so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reconciler.exchange.gocdb.keys import number

_UNTELLABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document may hold."""


def put(parent: Element, name: str, value: object) -> None:
    """Append an element, empty or not."""
    SubElement(parent, name).text = _UNTELLABLE.sub("", str(value)) or None


def tell(parent: Element, name: str, value: object) -> None:
    """Append an element that says something; nothing for None and ""."""
    if value is not None and value != "":
        put(parent, name, value)


def flag(parent: Element, name: str, value: bool) -> None:
    """Append Y or N."""
    put(parent, name, "Y" if value else "N")


def scopes(parent: Element, names: Iterable[str]) -> None:
    """Append SCOPES, empty or not."""
    held = SubElement(parent, "SCOPES")
    for name in names:
        put(held, "SCOPE", name)


def extensions(parent: Element, owner: tuple[str, ...], pairs: Iterable[tuple[str, str]]) -> None:
    """Append EXTENSIONS, empty or not: clients look for it."""
    held = SubElement(parent, "EXTENSIONS")
    for key, value in pairs:
        one = SubElement(held, "EXTENSION")
        put(one, "LOCAL_ID", number(*owner, key, value))
        put(one, "KEY", key)
        put(one, "VALUE", value)


def written(element: Element) -> str:
    """An element of ``results`` as text, with its line."""
    indent(element, level=1)
    return f"  {tostring(element, encoding='unicode').rstrip()}\n"
