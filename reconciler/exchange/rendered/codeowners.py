"""CODEOWNERS: which manifest whose review needs, from the roles that RoleAssignments state.

A forge sees files, not fields, and takes one review of any owner. So a file's owners are those who may change all that
stands in it; and the certification of a site, which takes an NGI's or the project's word, is beyond it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from reconciler.exchange.rendered.files import Rendered, header
from reconciler.exchange.rendered.roles import Roles, owners_of
from reconciler.model import Ref, Resource

_SPECIAL = re.compile(r"([\\\s*?\[\]!#])")


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
        "It cannot tell fields apart: a certification takes the word of the NGI or the project,",
        "and a site's own roles may change it here. `hanse approvers BASE` says whose word a change needs.",
    )
    text = header("codeowners", "manifests", *told) + "".join(lines)
    return Rendered({"CODEOWNERS": text}, tuple(untold), tuple(remarks))


def _owners(refs: list[Ref], resources: Mapping[Ref, Resource], roles: Roles) -> tuple[frozenset[str], str]:
    """Those who may change every one of these resources; and why it is somebody else, where it is."""
    each = [owners_of(ref, resources[ref], roles) for ref in refs]
    both = frozenset.intersection(*each)
    if both:
        return both, ""
    lonely = [ref for ref, owners in zip(refs, each, strict=True) if not owners]
    whose = f"nobody holds a role over {lonely[0]}" if lonely else "nobody may change all that stands in it"
    return roles.common(), f"{whose}: it is the project's" if roles.common() else f"{whose}: it has no owner"


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
