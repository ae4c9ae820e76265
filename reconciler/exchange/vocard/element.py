"""XML with places, and with an account of what was read: what nobody asked for is told, never lost in silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from xml.parsers import expat


class Said(NamedTuple):
    """A value, and where it stands (from 1)."""

    value: Any
    line: int
    column: int


class Malformed(ValueError):
    """It is no XML, or XML that declares entities of its own."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


@dataclass
class Element:
    """One element; asking for something of it notes that it was read."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    line: int = 1
    column: int = 1
    pieces: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)
    _read: set[str] = field(default_factory=set)

    def text(self) -> Said | None:
        """Its own text without space around it; None when there is none."""
        self._read.add("")
        text = "".join(self.pieces).strip()
        return Said(text, self.line, self.column) if text else None

    def attribute(self, name: str) -> Said | None:
        """The value of an attribute; None when it is not there, or empty."""
        self._read.add(name)
        text = self.attributes.get(name, "").strip()
        return Said(text, self.line, self.column) if text else None

    def said(self, name: str) -> Said | None:
        """The text of the first child of that name; None when there is none."""
        return self.one(name).text()

    def one(self, name: str) -> Element:
        """The first child of that name; an empty element when there is none."""
        return next((child for child in self.children if child.name == name), Element(name, {}, self.line, self.column))

    def every(self, *names: str) -> list[Element]:
        """The children of these names, in order."""
        return [child for child in self.children if child.name in names]

    def left(self, path: str = "") -> Iterator[tuple[str, Said]]:
        """What says something and was not read: ``Contacts/Fax``, ``AUP@lang``."""
        for name, text in self.attributes.items():
            if name not in self._read and text.strip():
                yield f"{path}@{name}", Said(text.strip(), self.line, self.column)
        text = "".join(self.pieces).strip()
        if text and "" not in self._read:
            yield path, Said(text, self.line, self.column)
        for child in self.children:
            yield from child.left(f"{path}/{child.name}" if path else child.name)


def parse(content: bytes) -> Element:
    """The root element. Raises Malformed."""
    found: list[Element] = []
    open_: list[Element] = []
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        made = Element(name, attributes, parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)
        (open_[-1].children if open_ else found).append(made)
        open_.append(made)

    def characters(text: str) -> None:
        open_[-1].pieces.append(text)

    def entity(*_: object) -> None:
        raise Malformed("it declares entities", parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: open_.pop()
    parser.CharacterDataHandler = characters
    parser.EntityDeclHandler = entity
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise Malformed(f"no XML: {expat.ErrorString(error.code)}", error.lineno, error.offset + 1) from error
    except (LookupError, ValueError) as error:
        if isinstance(error, Malformed):
            raise
        raise Malformed(f"no XML: {error}", 1, 1) from error
    return found[0]
