"""Primary keys as GOCDB has them, ``<number>G0``: its own where something was imported, else made from the name.

A made one has 48 bits and its highest is set, so that it is never one of GOCDB's, and stays as long as the name does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

KEY_NOTE = "gocdb/key"
"""Annotation of a resource that was imported: GOCDB's key of it."""
_SUFFIX = "G0"
_KEY = re.compile(r"[1-9][0-9]{0,17}G0")
_HIGHEST = 1 << 47


def number(*name: str) -> int:
    """The number made from a name."""
    digest = hashlib.sha256("\n".join(name).encode()).digest()
    return _HIGHEST | (int.from_bytes(digest[:6], "big") & (_HIGHEST - 1))


def key_of(made_from: tuple[str, ...], given: str | None) -> str:
    """The key that was ``given``, where it is one; else the one that is made."""
    return given if given and _KEY.fullmatch(given) else f"{number(*made_from)}{_SUFFIX}"


def number_of(key: str) -> int:
    """The number in a key."""
    return int(key.removesuffix(_SUFFIX))


def noted(annotations: Mapping[str, str] | None) -> str:
    """The key that a manifest notes; "" for none."""
    return (annotations or {}).get(KEY_NOTE, "")


def site_name(site: str) -> tuple[str, ...]:
    """What a site's key is made from."""
    return ("Site", site)


def service_name(site: str, service: str) -> tuple[str, ...]:
    """What a service's key is made from."""
    return ("Site", site, "service", service)
