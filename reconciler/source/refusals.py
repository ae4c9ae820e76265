"""Which files are manifests, by name and kind of file; what is refused is said beside all other faults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from reconciler.model import Diagnostic

MAX_BYTES = 1 << 20
"""The largest manifest."""
MAX_FILES = 1_000_000

_LINK = "is a symbolic link", "put the file itself there"
_SUBMODULE = "is a submodule", "copy its files here"
_MODES = {"120000": _LINK, "160000": _SUBMODULE}
_MANIFEST = re.compile(r"\.ya?ml\Z", re.IGNORECASE)
_ASIDE = re.compile(r"\.json\Z|\.ya?ml(~|\.(?!license\Z|sig\Z|asc\Z)\w+)\Z", re.IGNORECASE)
"""What looks like a manifest and is none; licences and signatures stand beside files by custom."""


def is_manifest(name: str) -> bool:
    """Whether a file is read, by its name: one in capitals is read and refused, so that its faults are found too."""
    return name.endswith((".yaml", ".yml")) or bool(_MANIFEST.search(name))


def misnamed(names: Iterable[str]) -> Iterator[Diagnostic]:
    """What is wrong with the names of files, of manifests and of others."""
    for name in names:
        if name.endswith(".lock.json"):  # what an import remembers of its source
            continue
        if any("\udc80" <= letter <= "\udcff" for letter in name):
            yield refused(name, "the name is not UTF-8", "rename it")
        elif name.endswith((".yaml", ".yml")):
            continue
        elif _MANIFEST.search(name):
            cure = f"rename it to {PurePosixPath(name).stem}{PurePosixPath(name).suffix.lower()}"
            yield refused(name, "manifests are called .yaml or .yml, in small letters", cure)
        elif _ASIDE.search(name) and not any(part.startswith(".") for part in PurePosixPath(name).parts):
            cure = f"rename it to {_ASIDE.sub('', PurePosixPath(name).name)}.yaml, or put it elsewhere"
            message = "is not read: manifests are called .yaml or .yml"
            yield Diagnostic(name, 1, 1, "", message, cure, "file-ignored", "warning")


def no_file(name: str, mode: str) -> Diagnostic | None:
    """The refusal of what git lists under ``mode`` and is no regular file; None for files."""
    return refused(name, *_MODES[mode]) if mode in _MODES else None


def too_large(name: str) -> Diagnostic:
    """The refusal of a file over ``MAX_BYTES``."""
    return refused(name, f"over {MAX_BYTES} bytes", "split it")


def refused(name: str, message: str, cure: str) -> Diagnostic:
    """A file that no revision may have. Bytes of its name that are not UTF-8 are shown as such."""
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return Diagnostic(shown, 1, 1, "", message, cure, "file")
