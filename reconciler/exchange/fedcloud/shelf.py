"""The shelf: the manifests that are there already, and the ones that are put there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reconciler.errors import ManifestError
from reconciler.manifest.roundtrip import Document, dump, load_documents, update
from reconciler.model import Diagnostic

LOCK = "fedcloud.lock.json"
"""What the last import wrote, so that the next one can tell a hand edit from an old value. Belongs into git."""
_VERSION = 1
_REMARK = "# import: "
_HEAD = re.compile(r"(?:[ \t]*(?:#.*)?\n|---[ \t]*(?:#.*)?\n)*")

_KIND = rb"""kind["']?\s*:\s*["']?"""
_OURS = re.compile(
    _KIND
    + rb"""(?:Site|VO|Image|Dataset|DatasetRule|Downtime|ServiceGroup|Vocabulary|MetricTemplate|MetricProfile)\b"""
)
"""Only files that may hold one of these are parsed."""

Key = tuple[str, str]
"""(kind, name)."""


@dataclass(frozen=True, slots=True)
class _Slot:
    file: str
    n: int


@dataclass
class Shelf:
    """Manifests under a folder, by kind and name, wherever people have put them."""

    folder: Path
    problems: list[Diagnostic] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    doubled: list[tuple[Key, str]] = field(default_factory=list)
    """What stands in a second file too, and which: that is neither read nor written to."""
    _parts: dict[str, list[Document]] = field(default_factory=dict)
    _slots: dict[Key, _Slot] = field(default_factory=dict)
    _unreadable: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, folder: Path, kind: str = "") -> Shelf:
        """Read every manifest under ``folder``; a file that cannot be read is a problem and is not written to.

        With a ``kind``, only files that may hold one of it: reading with every comment takes its time.
        """
        shelf = cls(folder)
        ours = re.compile(_KIND + kind.encode() + rb"\b") if kind else _OURS
        for path in manifest_files(folder):
            shelf._take(path, ours)
        return shelf

    def get(self, key: Key) -> Document | None:
        """The document of a resource; None when there is none."""
        slot = self._slots.get(key)
        return self._parts[slot.file][slot.n] if slot else None

    def held(self) -> list[Key]:
        """Every resource that was found, in order."""
        return sorted(self._slots)

    def remarks(self, key: Key) -> list[str]:
        """The import remarks that stand over a resource."""
        document = self.get(key)
        head = _HEAD.match(document.text) if document else None
        lines = head.group().splitlines() if head else []
        return [line.removeprefix(_REMARK) for line in lines if line.startswith(_REMARK)]

    def file_of(self, key: Key) -> str:
        """The file that holds a resource, relative to the folder."""
        slot = self._slots.get(key)
        return slot.file if slot else _usual(key)

    def put(self, key: Key, data: Mapping[str, Any], remarks: list[str]) -> None:
        """Make a document say ``data`` under ``remarks``; what says it already stays as it is, byte for byte."""
        file = self.file_of(key)
        if file in self._unreadable:
            return
        document = self.get(key)
        if document is None:
            text = dump(dict(data))
        else:
            text = document.text if document.data == data else update(document.text, data, file)
        text = _remarked(text, remarks)
        if document is not None and text == document.text:
            return
        self._write(key, file, Document(text, data))

    def remove(self, key: Key) -> None:
        """Take a document away, and its file when nothing else stands in it."""
        slot = self._slots.pop(key, None)
        if slot is None or slot.file in self._unreadable:
            return
        parts = self._parts[slot.file]
        parts[slot.n] = Document("", None)
        self.removed.append(slot.file)
        if any(part.text.strip() for part in parts):
            replace_file(self.folder / slot.file, "".join(part.text for part in parts))
        else:
            (self.folder / slot.file).unlink()

    def _take(self, path: Path, ours: re.Pattern[bytes]) -> None:
        file = path.relative_to(self.folder).as_posix()
        try:
            content = path.read_bytes()
            if not ours.search(content):
                return
            parts = load_documents(content.decode(), file)
        except ManifestError as error:
            self.problems += error.diagnostics
            self._unreadable.add(file)
            return
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(Diagnostic(file, 1, 1, "", f"cannot be read: {error}"))
            self._unreadable.add(file)
            return
        self._parts[file] = parts
        for n, part in enumerate(parts):
            key = _key(part.data)
            if key is not None and key in self._slots:
                self.doubled.append((key, file))
            elif key is not None:
                self._slots[key] = _Slot(file, n)

    def _write(self, key: Key, file: str, document: Document) -> None:
        path = self.folder / file
        if file not in self._parts:
            self._parts[file] = [Document(path.read_bytes().decode(), None)] if path.exists() else []
        parts = self._parts[file]
        slot = self._slots.get(key)
        said = self.changed if parts else self.created
        if slot is None:
            parts.append(replace(document, text=f"---\n{document.text}") if parts else document)
            self._slots[key] = _Slot(file, len(parts) - 1)
        else:
            parts[slot.n] = document
        replace_file(path, "".join(p.text for p in parts))
        if file not in self.created and file not in said:
            said.append(file)


def manifest_files(folder: Path) -> Iterator[Path]:
    """YAML files under ``folder``, in the order of their names, hidden ones left out."""
    for path in sorted(folder.rglob("*.y*ml")) if folder.is_dir() else ():
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix in (".yaml", ".yml") and path.is_file() and not hidden:
            yield path


def read_lock(folder: Path, name: str = LOCK) -> dict[str, Any]:
    """What the last import wrote; empty when there was none. Raises ManifestError.

    Without a lock that cannot be read every old value would count as a hand edit.
    """
    try:
        lock = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise lock_fault(folder, name, f"it cannot be read: {error}") from error
    if not isinstance(lock, dict) or lock.get("version") != _VERSION:
        raise lock_fault(folder, name, f"it is no lock of version {_VERSION}")
    return lock


def lock_fault(folder: Path, name: str, message: str) -> ManifestError:
    """What is wrong with a lock, and what can be done."""
    cure = "take it from git again, or remove it: then what differs from the source counts as edited by hand"
    return ManifestError([Diagnostic(str(folder / name), 1, 1, "", message, cure, "import-lock")])


def write_lock(folder: Path, said: Mapping[str, Any], name: str = LOCK) -> None:
    """Write the lock, if it says something else than before."""
    text = json.dumps({"version": _VERSION, **said}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    path = folder / name
    if not path.exists() or path.read_bytes() != text.encode():
        replace_file(path, text)


def replace_file(path: Path, text: str) -> None:
    """Write a file so that a crash leaves the old or the new one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(text.encode())
    temporary.replace(path)


def _key(data: Any) -> Key | None:
    if not isinstance(data, dict) or not isinstance(data.get("metadata"), dict):
        return None
    kind, name = data.get("kind"), data["metadata"].get("name")
    return (kind, name) if isinstance(kind, str) and isinstance(name, str) else None


def _usual(key: Key) -> str:
    kind, name = key
    return f"{kind.lower()}s/{name}.yaml"


def _remarked(text: str, remarks: list[str]) -> str:
    """The text with ``remarks`` as its only import remarks, at its top, behind the document's marker."""
    wanted = [_REMARK + remark for remark in remarks]
    found = _HEAD.match(text)
    head = text[: found.end()] if found else ""
    lines = head.splitlines(keepends=True)
    if [line.rstrip("\n") for line in lines if line.startswith(_REMARK)] == wanted:
        return text
    kept = [line for line in lines if not line.startswith(_REMARK)]
    at = next((n + 1 for n, line in enumerate(kept) if line.startswith("---")), 0)
    return "".join(kept[:at] + [f"{line}\n" for line in wanted] + kept[at:]) + text[len(head) :]
