"""What a register says, put so that a manifest may hold it: real entries break the rules of their own register.

Each function returns the value to keep and, where that is not what was said, what was done to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Network

from reconciler.exchange.gocdb.countries import NAMES, code_of

Mended = tuple[str, str]
_SEPARATORS = re.compile(r"[;,\s]+")
_FORBIDDEN = re.compile("[`'\";<>]")


def as_it_is(text: str) -> Mended:
    """The text, without spaces around it."""
    return text, ""


def addresses(text: str) -> Mended:
    """E-mail addresses, one behind the other with a semicolon."""
    joined = ";".join(listed(text))
    return joined, "" if joined in (text, text.replace(",", ";")) else "its separators were put right"


def prose(text: str) -> Mended:
    """Text without the characters that GOCDB forbids in descriptions."""
    kept = _FORBIDDEN.sub("", " ".join(text.split()) if "\n" in text else text)
    return kept, "" if kept == text else "without ` ' \" ; < > and line breaks"


def timezone(text: str) -> Mended:
    """A time zone as Area/City."""
    return (text, "") if "/" in text or not text.isalpha() else (f"Etc/{text}", f"{text} is Etc/{text}")


def last_digit(text: str) -> Mended:
    """A tier by its number."""
    digits = re.findall(r"\d", text)
    return (digits[-1], "") if digits else (text, "")


def country(code: str, name: str) -> Mended:
    """An ISO code from code and name; as it was said where neither is known."""
    found = code_of(code, name)
    if not found:
        return code or name, ""
    return found, "" if found == code else f"{code or name} is {found}, {NAMES[found]}"


def ranges(text: str) -> Iterator[Mended]:
    """IPv4 ranges with their masks; CIDR is put into masks."""
    for part in listed(text):
        yield _masked(part)


def listed(text: str) -> list[str]:
    """The parts of a list by ``,``, ``;`` or space."""
    return [part for part in _SEPARATORS.split(text) if part]


def _masked(part: str) -> Mended:
    _, slash, mask = part.partition("/")
    if slash and "." in mask:
        return part, ""
    try:
        network = IPv4Network(part, strict=False)
    except ValueError:
        return part, ""
    masked = f"{part.partition('/')[0]}/{network.netmask}"
    return masked, f"{part} is {masked}"


def moment(text: str) -> datetime | None:
    """A time from Unix seconds, UTC; None when it is none."""
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None


Mend = Callable[[str], Mended]
