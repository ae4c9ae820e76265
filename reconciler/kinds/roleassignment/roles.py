"""The roles, by what they are held over, and what each may do: GOCDB's table, and the VO's beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Level = Literal["site", "ngi", "serviceGroup", "vo", "project"]
Action = Literal[
    "change a site",
    "grant roles over a site",
    "add a site to an NGI",
    "grant roles over an NGI",
    "change a certification",
    "change a service group",
    "grant roles over a service group",
    "change a VO",
    "grant roles over a VO",
    "change what is common",
]

_ADMINISTRATOR: Final = "Site Administrator"
_SITE: Final = ("Site Security Officer", "Site Operations Deputy Manager", "Site Operations Manager")
_NGI: Final = ("NGI Security Officer", "NGI Operations Deputy Manager", "NGI Operations Manager")
_STAFF: Final = ("Regional Staff (ROD)", "Regional First Line Support")
_PROJECT: Final = ("COD Staff", "COD Administrator", "EGI CSIRT Officer", "Chief Operations Officer")
_GROUP: Final = ("Service Group Administrator",)
_VO: Final = ("VO Manager", "VO Deputy")

ROLES: Final[Mapping[Level, tuple[str, ...]]] = {
    "site": (_ADMINISTRATOR, *_SITE),
    "ngi": (*_STAFF, *_NGI),
    "serviceGroup": _GROUP,
    "vo": _VO,
    "project": _PROJECT,
}
"""Every role, by what it is held over."""

ACTIONS: Final[Mapping[Action, tuple[str, ...]]] = {
    "change a site": (_ADMINISTRATOR, *_SITE, *_STAFF, *_NGI),
    "grant roles over a site": (*_SITE, *_NGI),
    "add a site to an NGI": _NGI,
    "grant roles over an NGI": (*_NGI, *_PROJECT),
    "change a certification": (*_NGI, *_PROJECT),
    "change a service group": _GROUP,
    "grant roles over a service group": _GROUP,
    "change a VO": _VO,
    "grant roles over a VO": ("VO Manager", *_PROJECT),
    "change what is common": _PROJECT,
}
"""Who may do what. Whatever nobody else may do, the project's roles may."""
