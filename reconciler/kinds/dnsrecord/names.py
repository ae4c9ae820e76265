"""Names of the DNS: one canonical form, absolute, lower case, A-labels for other scripts."""

from __future__ import annotations

import re

MAX_NAME = 253
"""Octets of a name as text, without its final dot (RFC 1035 section 3.1)."""

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def canonical_name(name: str) -> str:
    """Lower case, other scripts as A-labels (IDNA 2008, UTS 46). Raises ValueError saying what is wrong."""
    if name.isascii():
        return name.lower()
    import idna

    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError as error:
        message = f"{name!r} is no internationalised name: {error}"
        raise ValueError(message) from error


def canonical_zone(zone: str) -> str:
    """The zone's name, absolute; as it stands when it is none."""
    return f"{_or_as_it_is(zone).rstrip('.')}."


def absolute(name: str, zone: str) -> str:
    """``name`` (absolute, relative to ``zone``, or ``@`` for the zone itself) in canonical form."""
    zone = canonical_zone(zone)
    if name == "@":
        return zone
    canonical = _or_as_it_is(name)
    return canonical if canonical.endswith(".") else f"{canonical}.{zone}"


def name_fault(name: str, *, wildcard: bool = False) -> str:
    """What is wrong with an absolute name; "" when nothing is. Underscores are for services and marks."""
    text = name.removesuffix(".")
    if len(text) > MAX_NAME:
        return f"{len(text)} octets long: a name has at most {MAX_NAME}"
    labels = text.split(".")
    if wildcard and labels[0] == "*":
        labels = labels[1:]
    for label in labels:
        if not label:
            return "a label is empty"
        if len(label) > 63:  # noqa: PLR2004
            return f"the label {label[:20]}... has {len(label)} octets: at most 63"
        if not _LABEL.fullmatch(label):
            return f"the label {label!r} holds something else than letters, digits, - and _"
    return ""


def _or_as_it_is(name: str) -> str:
    try:
        return canonical_name(name)
    except ValueError:
        return name.lower()
