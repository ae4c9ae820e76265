"""What a plain scalar means: the core schema of YAML 1.2 (section 10.3), and nothing of YAML 1.1.

``no``, ``12:30``, ``1_000`` and ``2026-01-01`` are text, ``1e3`` is a number, ``0o7`` is seven and ``010`` is ten.
"""

from __future__ import annotations

import re
from typing import Any

_INT = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMERIC = frozenset("+-.0123456789")
SUSPECT = frozenset("+-.0123456789~nNtTfF") | {""}
"""First characters (or none) of the plain scalars that may be something else than text."""


def plain(value: str) -> Any:
    """The value of a plain scalar. Raises ValueError for numbers that JSON cannot hold."""
    if value in _WORDS:
        return _WORDS[value]
    if value[0] not in _NUMERIC:
        return value
    if _INT.match(value):
        return _integer(value, value, 10)
    if _FLOAT.match(value):
        return _float(value)
    if _OCTAL.match(value):
        return _integer(value, value[2:], 8)
    return _integer(value, value[2:], 16) if _HEX.match(value) else _text(value)


def _text(value: str) -> str:
    if _SPECIAL.match(value):
        raise ValueError(f"{value} is not a number that may stand in a manifest")
    return value


def _float(value: str) -> float:
    number = float(value)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{shown(value)} is too large a number")
    return number


def _integer(value: str, digits: str, base: int) -> int:
    number = int(digits, base) if len(digits) < 25 else 1 << 64  # noqa: PLR2004 (24 digits hold every 64-bit number)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"{shown(value)} does not fit in 64 bits")
    return number


def shown(value: str) -> str:
    """A scalar short enough for a message."""
    return value if len(value) <= 50 else f"{value[:47]}..."  # noqa: PLR2004
