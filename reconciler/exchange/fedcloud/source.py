"""Reading the federation's files. A file that is wrong is told with its place and stops no other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.errors import ManifestError, SourceError
from reconciler.exchange.fedcloud.form import entries
from reconciler.exchange.fedcloud.threeway import Note
from reconciler.kinds.gocdb import SHORT_NAME, URL
from reconciler.kinds.vo.group import vo_name
from reconciler.manifest.roundtrip import Document, load_documents
from reconciler.model import Diagnostic

MAPPINGS = "vo-mappings.yaml"
_LIMIT = 1 << 20
_LONGEST_NAME = 253
At = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A site file that can be taken in."""

    file: str
    """Its name, without the folder."""
    document: Document

    @property
    def site(self) -> str:
        """The site's name in GOCDB."""
        return self.document.scalars["gocdb",]

    @property
    def endpoint(self) -> str:
        """Its identity endpoint: with the site's name, what identifies the cloud."""
        return self.document.scalars["endpoint",]

    def shown(self) -> str:
        """Where it is, for messages."""
        return f"sites/{self.file}"


@dataclass(frozen=True, slots=True)
class Source:
    """All that could be read."""

    sites: tuple[SiteFile, ...]
    mappings: Document | None
    """None when there is no such file, or it cannot be read."""
    faulty: frozenset[str] = frozenset()
    """Names of site files that are there and cannot be taken in."""
    problems: tuple[Diagnostic, ...] = field(default=())


def read_source(directory: Path) -> Source:
    """Read ``sites/*.yaml`` and ``vo-mappings.yaml``. Raises SourceError when there is no folder ``sites``."""
    folder = directory / "sites"
    if not folder.is_dir():
        raise SourceError(f"{directory} has no folder sites; it should hold sites/*.yaml and {MAPPINGS}")
    files = sorted(f for f in folder.iterdir() if f.suffix in (".yaml", ".yml") and f.is_file())
    problems: list[Diagnostic] = []
    sites, seen, faulty = [], dict[tuple[str, str], str](), set()
    for file in files:
        found = _site(file, problems)
        if found is None:
            faulty.add(file.name)
            continue
        first = seen.setdefault((found.site, found.endpoint), file.name)
        if first != file.name:
            faulty.add(file.name)
            problems.append(_fault(found.document, found.shown(), ("endpoint",), f"stands already in sites/{first}"))
            continue
        sites.append(found)
    return Source(tuple(sites), _mappings(directory / MAPPINGS, problems), frozenset(faulty), tuple(problems))


def _site(file: Path, problems: list[Diagnostic]) -> SiteFile | None:
    shown = f"sites/{file.name}"
    document = _document(file, shown, problems)
    faults = [] if document is None else list(_site_faults(document, shown))
    problems += faults
    return None if document is None or faults else SiteFile(file.name, document)


def _mappings(file: Path, problems: list[Diagnostic]) -> Document | None:
    if not file.exists():
        problems.append(Diagnostic(MAPPINGS, 1, 1, "", "there is no such file", "VOs get no entitlements without it"))
        return None
    document = _document(file, MAPPINGS, problems)
    if document is None:
        return None
    faults = list(_mapping_faults(document))
    problems += faults
    return None if any(not f.path for f in faults) else document


def _document(file: Path, shown: str, problems: list[Diagnostic]) -> Document | None:
    try:
        if file.stat().st_size > _LIMIT:
            problems.append(Diagnostic(shown, 1, 1, "", f"is larger than {_LIMIT} bytes"))
            return None
        documents = [d for d in load_documents(file.read_bytes().decode(), shown) if d.data is not None]
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Diagnostic(shown, 1, 1, "", f"cannot be read: {error}"))
    except ManifestError as error:
        problems.extend(error.diagnostics)
    else:
        if len(documents) == 1 and isinstance(documents[0].data, dict):
            return documents[0]
        problems.append(Diagnostic(shown, 1, 1, "", "is not one mapping"))
    return None


def _site_faults(document: Document, shown: str) -> Iterator[Diagnostic]:
    data = document.data
    for key in ("gocdb", "endpoint"):
        if key not in data:
            yield _fault(document, shown, (key,), "is missing", "add it")
    for key in ("gocdb", "endpoint", "auth", "region", "protocol"):
        if key in data:
            yield from _text(document, shown, (key,))
    said = name_fault(document.scalars.get(("gocdb",)) or "x")
    if said:
        yield _fault(document, shown, ("gocdb",), said)
    said = URL.fault(document.scalars.get(("endpoint",), ""))
    if said:
        yield _fault(document, shown, ("endpoint",), said)
    yield from _images_faults(document, shown)
    if "accounting" in data and not isinstance(data["accounting"], dict):
        yield _fault(document, shown, ("accounting",), "is not a mapping")
    elif "accounting" in data:
        yield from _accounting_faults(document, shown)
    yield from _vos_faults(document, shown)


def _images_faults(document: Document, shown: str) -> Iterator[Diagnostic]:
    images = document.data.get("images", {})
    if not isinstance(images, dict):
        yield _fault(document, shown, ("images",), "is not a mapping")
        return
    if "sync" in images and not isinstance(images["sync"], bool):
        yield _fault(document, shown, ("images", "sync"), "is neither true nor false")
    formats = images.get("formats", [])
    if not isinstance(formats, list):
        yield _fault(document, shown, ("images", "formats"), "is not a list")
        return
    for n in range(len(formats)):
        yield from _text(document, shown, ("images", "formats", n))


def _accounting_faults(document: Document, shown: str) -> Iterator[Diagnostic]:
    accounting = document.data["accounting"]
    if "enabled" in accounting and not isinstance(accounting["enabled"], bool):
        yield _fault(document, shown, ("accounting", "enabled"), "is neither true nor false")
    if "site_name" in accounting:
        yield from _text(document, shown, ("accounting", "site_name"))


def _vos_faults(document: Document, shown: str) -> Iterator[Diagnostic]:
    vos = document.data.get("vos", [])
    if not isinstance(vos, (list, dict)):
        yield _fault(document, shown, ("vos",), "is neither a list nor a mapping")
        return
    for path, entry in entries(vos):
        if not isinstance(entry, dict):
            yield _fault(document, shown, path, "is not a mapping")
            continue
        yield from _share_faults(document, shown, path, entry)


def _share_faults(document: Document, shown: str, path: At, entry: Mapping[str, Any]) -> Iterator[Diagnostic]:
    listed = isinstance(path[-1], int)
    if listed and "name" not in entry:
        yield _fault(document, shown, (*path, "name"), "is missing", "add it")
    elif listed:
        yield from _text(document, shown, (*path, "name"))
    name = document.scalars.get((*path, "name"), "x") if listed else str(path[-1])
    said = name_fault(vo_name(name))
    if said:
        yield _fault(document, shown, (*path, "name") if listed else path, said)
    auth = entry.get("auth") or {}
    if not isinstance(auth, dict):
        yield _fault(document, shown, (*path, "auth"), "is not a mapping")
        return
    for key in ("project_id", "project_name", "region"):
        if key in auth:
            yield from _text(document, shown, (*path, "auth", key))


def _mapping_faults(document: Document) -> Iterator[Diagnostic]:
    """A fault without a path is the whole file's; the others are of one mapping, which is left out."""
    vos = document.data.get("vos")
    if not isinstance(vos, dict):
        yield Diagnostic(MAPPINGS, 1, 1, "", "has no mapping vos")
        return
    names: dict[str, str] = {}
    for group in vos:
        at: At = ("vos", group)
        said = name_fault(vo_name(group))
        first = names.setdefault(vo_name(group), group)
        if said:
            yield _fault(document, MAPPINGS, at, said)
        elif first != group:
            yield _fault(document, MAPPINGS, at, f"is the VO {vo_name(group)}, as {first} is")
        else:
            yield from _text(document, MAPPINGS, at)


def _text(document: Document, shown: str, path: At) -> Iterator[Diagnostic]:
    """A scalar that is written counts as text, whatever YAML makes of it (a project id of only digits)."""
    if not document.scalars.get(path):
        yield _fault(document, shown, path, "is not text")


def _fault(document: Document, shown: str, path: At, message: str, cure: str = "") -> Diagnostic:
    line, column = place(document, path)
    return Diagnostic(shown, line, column, ".".join(str(p) for p in path), message, cure, "fedcloud")


def name_fault(name: str) -> str:
    """Why a manifest cannot be called so; "" when it can."""
    if SHORT_NAME.fault(name):
        return SHORT_NAME.fault(name)
    fits = len(name) <= _LONGEST_NAME and name[0].isalnum() and name[-1].isalnum()
    return "" if fits else f"{name!r} does not begin and end with a letter or digit, or is too long"


def place(document: Document, path: At) -> tuple[int, int]:
    """Line and column of a path, or of the nearest thing above it."""
    while path and path not in document.marks:
        path = path[:-1]
    return document.marks.get(path, (1, 1))


def kept_by_hand(file: str, document: Document, notes: Iterable[Note], rule: str) -> Iterator[Diagnostic]:
    """What people have written otherwise than the source says, each with its place in a manifest."""
    for note in notes:
        line, column = place(document, note.path)
        path = ".".join(str(part) for part in note.path)
        yield Diagnostic(file, line, column, path, note.message, "", rule, "warning")
