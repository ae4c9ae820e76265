"""Taking the federation's files in as manifests, again and again: what people wrote into the manifests stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reconciler.errors import ManifestError
from reconciler.exchange.fedcloud.form import cloud_of, entries, vo_of
from reconciler.exchange.fedcloud.lint import Finding, lint
from reconciler.exchange.fedcloud.shelf import LOCK, Key, Shelf, read_lock, write_lock
from reconciler.exchange.fedcloud.source import (
    MAPPINGS,
    SiteFile,
    Source,
    kept_by_hand,
    name_fault,
    place,
    read_source,
)
from reconciler.exchange.fedcloud.threeway import merged
from reconciler.kinds.gocdb import SHORT_NAME
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.vo import CLOUD_ROLE, vo_name
from reconciler.model import Diagnostic, encode

FILE_NOTE = "fedcloud/file."
"""Annotation ``fedcloud/file.<cloud>``: the site file, where it is not called as the cloud."""

Documents = dict[Key, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. Files are relative: sources to the directory read, manifests to the folder written."""

    problems: tuple[Diagnostic, ...]
    """What could not be taken in, and why."""
    findings: tuple[Diagnostic, ...]
    """What is odd about the data; it was taken in."""
    kept: tuple[Diagnostic, ...]
    """Hand edits that differ from the source, and stay."""
    vanished: tuple[str, ...]
    """What an earlier import brought and the source no longer has; nothing was deleted."""
    created: tuple[str, ...]
    changed: tuple[str, ...]
    sites: int
    clouds: int
    vos: int

    @property
    def complete(self) -> bool:
        """True when everything could be taken in."""
        return not self.problems


def import_fedcloud(directory: Path, into: Path) -> ImportReport:
    """Turn ``sites/*.yaml`` and ``vo-mappings.yaml`` into ``sites/<name>.yaml`` and ``vos/<name>.yaml``."""
    return _Import(read_source(directory), Shelf.of(into), read_lock(into)).run()


class _Import:
    def __init__(self, source: Source, shelf: Shelf, lock: Mapping[str, Any]) -> None:
        self.source = source
        self.shelf = shelf
        self.before: dict[str, Any] = lock.get("documents", {})
        self.files: dict[str, list[str]] = lock.get("files", {})
        self.problems = list(source.problems)
        self.kept: list[Diagnostic] = []
        self.clouds: dict[str, list[str]] = {}
        """File -> [site, cloud], of this run."""

    def run(self) -> ImportReport:
        sites = self._sites()
        mapped = self._mapped()
        supported = self._supported(sites)
        wanted = {**sites, **self._vos(supported, mapped)}
        found = lint(supported, mapped)
        for key in sorted(wanted):
            self._put(key, wanted[key], found)
        self._lock(wanted)
        return ImportReport(
            problems=tuple(sorted({*self.problems, *self.shelf.problems})),
            findings=tuple(sorted(self._told(f) for f in found)),
            kept=tuple(sorted(self.kept)),
            vanished=tuple(sorted(self._vanished(wanted))),
            created=tuple(sorted(self.shelf.created)),
            changed=tuple(sorted(self.shelf.changed)),
            sites=len(sites),
            clouds=len(self.clouds),
            vos=len(wanted) - len(sites),
        )

    # --- what the source says -----------------------------------------------------------------------------------

    def _sites(self) -> Documents:
        documents: Documents = {}
        for file in self.source.sites:
            cloud = cloud_of(file.document, self._cloud_name(file))
            if not self._valid(file, cloud):
                continue
            key = ("Site", file.site)
            document = documents.setdefault(key, _manifest(key, {"clouds": []}))
            document["spec"]["clouds"].append(cloud)
            if file.file != f"{cloud['name']}.yaml":
                document["metadata"].setdefault("annotations", {})[FILE_NOTE + cloud["name"]] = file.file
            self.clouds[file.file] = [file.site, cloud["name"]]
        return documents

    def _cloud_name(self, file: SiteFile) -> str:
        """A cloud that is known by its endpoint keeps its name; a new one is called as its file."""
        taken = {name for site, name in self.clouds.values() if site == file.site}
        for name, cloud in self._declared(file.site).items():
            if cloud.get("endpoint") == file.endpoint and name not in taken:
                return name
        stem = Path(file.file).stem
        name = "".join(c if SHORT_NAME.fault(c) == "" else "-" for c in stem)
        return name if name not in taken else next(f"{name}-{n}" for n in range(2, 1000) if f"{name}-{n}" not in taken)

    def _declared(self, site: str) -> dict[str, dict[str, Any]]:
        """The clouds that the site's manifest has already, by name."""
        existing = self.shelf.get(("Site", site))
        spec = (existing.data.get("spec") if existing and isinstance(existing.data, dict) else None) or {}
        return {str(c.get("name")): c for c in spec.get("clouds") or () if isinstance(c, dict)}

    def _valid(self, file: SiteFile, cloud: Mapping[str, Any]) -> bool:
        try:
            SiteSpec.model_validate_json(encode({"clouds": [cloud]}))
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                path = ".".join(str(part) for part in fault["loc"])
                self.problems.append(Diagnostic(file.shown(), 1, 1, path, fault["msg"], rule="fedcloud"))
            return False
        return True

    def _mapped(self) -> dict[str, str] | None:
        """Group -> entitlement; None when the mappings could not be read: then nothing is concluded from it."""
        document = self.source.mappings
        if document is None:
            return None
        names: dict[str, str] = {}
        for group in document.data["vos"]:
            text = document.scalars.get(("vos", group))
            if text and not name_fault(vo_name(group)) and vo_name(group) not in map(vo_name, names):
                names[group] = text
        return names

    def _supported(self, sites: Documents) -> dict[str, list[str]]:
        """Site -> VOs, with what is known from earlier of files that are faulty now."""
        documents = {**sites}
        for file in self.source.faulty & self.files.keys():
            site, cloud = self.files[file]
            known = [c for c in _clouds(self.before.get(f"Site/{site}")) if c["name"] == cloud]
            present = documents.get(("Site", site))
            documents["Site", site] = {"spec": {"clouds": [*_clouds(present), *known]}}
        return {
            name: [share["vo"] for cloud in _clouds(document) for share in cloud.get("shares", ())]
            for (_, name), document in sorted(documents.items())
        }

    def _vos(self, supported: Mapping[str, list[str]], mapped: Mapping[str, str] | None) -> Documents:
        groups = {vo_name(vo): vo for vos in supported.values() for vo in vos}
        groups |= {vo_name(group): group for group in mapped or ()}
        documents: Documents = {}
        for name, group in groups.items():
            key = ("VO", name)
            spec: dict[str, Any] = {} if group == name else {"group": group}
            if mapped is None:
                spec = (self.before.get(f"VO/{name}") or {"spec": spec})["spec"]
            elif group in mapped:
                spec["entitlements"] = [{"role": CLOUD_ROLE, "value": mapped[group]}]
            documents[key] = _manifest(key, spec)
        return documents

    # --- what is written ----------------------------------------------------------------------------------------

    def _put(self, key: Key, theirs: Mapping[str, Any], findings: list[Finding]) -> None:
        existing = self.shelf.get(key)
        data: Any = theirs
        if existing is not None:
            base = _only(self.before.get("/".join(key), {}), theirs)
            data, notes = merged(existing.data, base, theirs)
            self.kept += kept_by_hand(self.shelf.file_of(key), existing, notes, "fedcloud-kept")
        try:
            self.shelf.put(key, data, [_remark(f) for f in findings if f.about == key] + self._origin(key))
        except ManifestError as error:
            self.problems += error.diagnostics

    def _origin(self, key: Key) -> list[str]:
        if key[0] != "Site":
            return []
        files = [f"sites/{file}" for file, (site, _) in sorted(self._known_files().items()) if site == key[1]]
        return [f"from {', '.join(files)}"]

    def _known_files(self) -> dict[str, list[str]]:
        return {**{f: self.files[f] for f in self.source.faulty & self.files.keys()}, **self.clouds}

    def _lock(self, wanted: Documents) -> None:
        """What was written, and what is still there from earlier."""
        documents = {"/".join(key): dict(document) for key, document in wanted.items()}
        for name, old in self.before.items():
            kind, _, rest = name.partition("/")
            if self.shelf.get((kind, rest)) is None:
                continue
            documents[name] = _with_clouds_of(old, documents[name]) if name in documents else old
        here = [*self.clouds.values()]
        gone = {f: at for f, at in self.files.items() if f"Site/{at[0]}" in documents and at not in here}
        files = {**gone, **self.clouds}
        if documents != self.before or files != self.files:
            write_lock(self.shelf.folder, {"documents": documents, "files": files})

    def _vanished(self, wanted: Documents) -> Iterator[str]:
        for file, (site, cloud) in self.files.items():
            here = file in self.clouds or file in self.source.faulty or [site, cloud] in self.clouds.values()
            if not here and cloud in self._declared(site):
                yield f"Site/{site}: the cloud {cloud}, once from sites/{file}"
        faulty = {self.files[f][0] for f in self.source.faulty & self.files.keys()}
        for name in self.before:
            kind, _, rest = name.partition("/")
            if kind == "VO" and (kind, rest) not in wanted and self.shelf.get((kind, rest)) and not faulty:
                yield f"VO/{rest}: neither mapped nor at a site"

    # --- what is said -------------------------------------------------------------------------------------------

    def _told(self, finding: Finding) -> Diagnostic:
        file, (line, column) = self._where(finding)
        kind, name = finding.about
        what = f"{kind}/{name}: {finding.message}"
        return Diagnostic(file, line, column, "", what, finding.cure, finding.rule, "warning")

    def _where(self, finding: Finding) -> tuple[str, tuple[int, int]]:
        mappings = self.source.mappings
        if mappings is not None and finding.group and ("vos", finding.group) in mappings.marks:
            line, column = mappings.marks["vos", finding.group]
            quoted = mappings.text.splitlines()[line - 1][column - 1] in "\"'"
            return MAPPINGS, (line, column + finding.offset + quoted)
        for file in self.source.sites:
            if not finding.group and file.site == finding.about[1]:
                return file.shown(), place(file.document, ("vos",))
            for path, _ in entries(file.document.data.get("vos", [])):
                if vo_of(file.document, path) == finding.group:
                    return file.shown(), place(file.document, path)
        return LOCK, (1, 1)


def _manifest(key: Key, spec: dict[str, Any]) -> dict[str, Any]:
    kind, name = key
    return {"apiVersion": "hanse/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _remark(finding: Finding) -> str:
    return f"{finding.message}; {finding.cure}" if finding.cure else finding.message


def _clouds(document: Any) -> list[dict[str, Any]]:
    return list(document["spec"].get("clouds", ())) if document else []


def _only(base: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """The base without clouds whose files are gone: they are not deleted, so nothing is to be concluded from them."""
    if not base or "clouds" not in base["spec"]:
        return dict(base)
    names = {c["name"] for c in _clouds(theirs)}
    notes = base["metadata"].get("annotations", {})
    kept = {k: v for k, v in notes.items() if k.removeprefix(FILE_NOTE) in names}
    metadata = {**base["metadata"], "annotations": kept} if notes else base["metadata"]
    clouds = [c for c in _clouds(base) if c["name"] in names]
    return {**base, "metadata": metadata, "spec": {**base["spec"], "clouds": clouds}}


def _with_clouds_of(old: Mapping[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    names = {c["name"] for c in _clouds(new)}
    gone = [c for c in _clouds(old) if c["name"] not in names]
    return {**new, "spec": {**new["spec"], "clouds": [*_clouds(new), *gone]}} if gone else new
