"""CODEOWNERS: which manifest whose review needs, from the roles that RoleAssignments state.

A forge sees files, not fields, and takes one review of any owner. So a file's owners are those who may change all that
stands in it; and the certification of a site, which takes an NGI's or the project's word, is beyond it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import orjson

from reconciler.exchange.rendered.files import Rendered, header
from reconciler.kinds.roleassignment import ACTIONS, Action, RoleAssignmentSpec
from reconciler.model import Ref, Resource

Key = tuple[str, str]
"""(level, name): what a role is held over."""

_CHANGE: Mapping[str, Action] = {"site": "change a site", "serviceGroup": "change a service group", "vo": "change a VO"}
_GRANT: Mapping[str, Action] = {
    "site": "grant roles over a site",
    "ngi": "grant roles over an NGI",
    "serviceGroup": "grant roles over a service group",
    "vo": "grant roles over a VO",
}
_SPECIAL = re.compile(r"([\\\s*?\[\]!#])")


class Roles:
    """Who may do what to which thing, from every assignment."""

    def __init__(self, resources: Mapping[Ref, Resource]) -> None:
        self._held: dict[Key, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._ngi: dict[str, str] = {}
        self.vos = frozenset(ref.name for ref in resources if ref.kind == "VO")
        self.projects: set[str] = set()
        for ref, resource in resources.items():
            if ref.kind == "RoleAssignment" and isinstance(resource.spec, RoleAssignmentSpec):
                self._take(resource.spec)
            elif ref.kind == "Site":
                self._ngi[ref.name] = str(orjson.loads(resource.content).get("ngi") or "")

    def _take(self, spec: RoleAssignmentSpec) -> None:
        over = spec.over
        if over.level == "project":
            self.projects.add(over.name)
        for role, holders in spec.roles.items():
            self._held[over.level, over.name][role] |= set(holders)

    def may(self, action: Action, *over: Key) -> frozenset[str]:
        """Holders, over any of these things or over the project, of a role that may do it."""
        keys = [*over, *(("project", project) for project in self.projects)]
        found = (self._held[key][role] for key in keys if key in self._held for role in ACTIONS[action])
        return frozenset[str]().union(*found)

    def ngi_of(self, site: str) -> str:
        """The NGI of a site; "" when it has none."""
        return self._ngi.get(site, "")

    def common(self) -> frozenset[str]:
        """Those who may change what belongs to nobody else."""
        return self.may("change what is common")

    def at(self, action: Action, site: str) -> frozenset[str]:
        """Those who may do something to a site: by a role over it, over its NGI, or over the project."""
        return self.may(action, ("site", site), ("ngi", self.ngi_of(site)))


def codeowners(resources: Mapping[Ref, Resource], paths: Iterable[str] = ("manifests",)) -> Rendered:
    """The file, ordered so that the last line that fits counts. ``paths`` are the folders that hold manifests."""
    roles = Roles(resources)
    files: dict[str, list[Ref]] = defaultdict(list)
    for ref, resource in resources.items():
        if resource.owner is None:
            files[resource.location.file].append(ref)
    lines = [_line("*", roles.common())]
    untold: list[str] = []
    remarks: list[str] = []
    if not roles.common():
        untold.append("nobody holds a role over the project: what belongs to nobody else has no owner")
    lines += [_line(_pattern(f"{folder}/"), owners) for folder, owners in _folders(files, roles, frozenset(paths))]
    for file, refs in sorted(files.items()):
        owners, why = _owners(sorted(refs), resources, roles)
        lines += [_line(_pattern(file), owners)] if owners else []
        (remarks if owners else untold).extend([f"{file}: {why}"] if why else [])
    told = (
        "A file's owners may change all that stands in it; the review of one is enough.",
        "Fields cannot be told apart: a site's own roles may change its certification here, which",
        f"takes one of: {', '.join(ACTIONS['change a certification'])}.",
    )
    text = header("codeowners", "manifests", *told) + "".join(lines)
    return Rendered({"CODEOWNERS": text}, tuple(untold), tuple(remarks))


def _owners(refs: list[Ref], resources: Mapping[Ref, Resource], roles: Roles) -> tuple[frozenset[str], str]:
    """Those who may change every one of these resources; and why it is somebody else, where it is."""
    each = [_of(ref, resources[ref], roles) for ref in refs]
    both = frozenset.intersection(*each)
    if both:
        return both, ""
    lonely = [ref for ref, owners in zip(refs, each, strict=True) if not owners]
    whose = f"nobody holds a role over {lonely[0]}" if lonely else "nobody may change all that stands in it"
    return roles.common(), f"{whose}: it is the project's" if roles.common() else f"{whose}: it has no owner"


def _of(ref: Ref, resource: Resource, roles: Roles) -> frozenset[str]:
    content: Mapping[str, Any] = orjson.loads(resource.content)
    if ref.kind == "Site":
        return roles.at("change a site", ref.name)
    if ref.kind == "VO":
        return roles.may("change a VO", ("vo", ref.name))
    if ref.kind == "ServiceGroup":
        return roles.may("change a service group", ("serviceGroup", ref.name))
    if ref.kind == "RoleAssignment":
        return _granting(content["over"], roles)
    if ref.kind == "Downtime":
        return frozenset.intersection(*(_affected(one, roles) for one in content["affects"]))
    return _by_content(ref, content, roles)


def _granting(over: Mapping[str, str], roles: Roles) -> frozenset[str]:
    ((level, name),) = ((level, name) for level, name in over.items() if name)
    if level == "site":
        return roles.at("grant roles over a site", name)
    return roles.may(_GRANT[level], (level, name)) if level in _GRANT else roles.common()


def _affected(one: Mapping[str, Any], roles: Roles) -> frozenset[str]:
    """Those who may change the sites that a downtime is about: many sites are their NGI's, or the project's."""
    if one.get("site"):
        return roles.at("change a site", one["site"])
    ngi = (one.get("selector") or {}).get("ngi")
    return roles.may("change a site", ("ngi", ngi)) if ngi else roles.common()


def _by_content(ref: Ref, content: Mapping[str, Any], roles: Roles) -> frozenset[str]:
    """A VO's, when it stands in the VO's namespace or names it; a site's, when it names one; else the project's."""
    vo = ref.namespace if ref.namespace in roles.vos else content.get("vo")
    if isinstance(vo, str) and vo in roles.vos:
        return roles.may("change a VO", ("vo", vo))
    site = content.get("site")
    return roles.at("change a site", site) if isinstance(site, str) and site != "auto" else roles.common()


def _folders(
    files: Mapping[str, list[Ref]], roles: Roles, tops: frozenset[str]
) -> Iterator[tuple[str, frozenset[str]]]:
    """Folders that are called as an NGI and hold its sites: whoever may add one owns what is new there."""
    for folder in sorted({str(PurePosixPath(file).parent) for file in files} - tops):
        inside = [ref for file, refs in files.items() if file.startswith(f"{folder}/") for ref in refs]
        ngis = {roles.ngi_of(ref.name) for ref in inside if ref.kind == "Site"}
        if len(ngis) == 1 and PurePosixPath(folder).name.casefold() == (ngi := ngis.pop()).casefold():
            owners = roles.may("add a site to an NGI", ("ngi", ngi))
            if owners:
                yield folder, owners


def _line(pattern: str, owners: Iterable[str]) -> str:
    return " ".join((pattern, *sorted(owners))) + "\n"


def _pattern(path: str) -> str:
    """A path as CODEOWNERS has it: from the root, with what is special in patterns escaped."""
    return "/" + _SPECIAL.sub(r"\\\1", path)
