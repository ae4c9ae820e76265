"""What others wrote (servers, people, manifests), as it may be shown: it moves no cursor and is no formula."""

from __future__ import annotations

import re

_ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Controls of terminals, and what turns the direction of writing; line ends and tabs may stay."""
_OURS = re.compile("(\x1b\\[(?:[0-2]|3[1-6]|1;31)m)")
"""The colours that this command uses itself."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*(?:[eE][+-]?[0-9]+)?")


def inert(text: str) -> str:
    """The text with every active character written out, as a backslash and its number."""
    return _ACTIVE.sub(_written, text) if _ACTIVE.search(text) else text


def line(text: str) -> str:
    """The same in one line: what has line ends in it cannot pass for several."""
    return inert(text).replace("\n", "\\x0a")


def coloured(text: str) -> str:
    """The same for text that holds our own colours: they stay."""
    if not _ACTIVE.search(text):
        return text
    return "".join(part if n % 2 else inert(part) for n, part in enumerate(_OURS.split(text)))


def cell(value: object) -> object:
    """A value of a table for spreadsheets: text that one would take for a formula gets an apostrophe before it."""
    if not isinstance(value, str):
        return value
    said = inert(value)
    return f"'{said}" if said.startswith(_FORMULA) and not _NUMBER.fullmatch(said) else said


def _written(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004 (what two digits hold)
