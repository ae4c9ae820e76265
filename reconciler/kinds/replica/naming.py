"""Where each file of a dataset lies under a storage's root: in a folder of its own, or where Rucio's naming puts it.

Rucio's naming (its ``hash``, the usual one of deterministic storages) is that of ``RSEDeterministicTranslation`` in its
``lib/rucio/rse/translation.py``: the scope, two folders named after the MD5 of ``scope:name``, and the name. In scopes
that begin with ``user`` or ``group`` each dot is a folder.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal, NamedTuple

Naming = Literal["plain", "rucio"]
HASHED = re.compile(r"(?<=/)[0-9a-f]{2}/[0-9a-f]{2}/")
"""The two folders between a scope and a name."""


class Layout(NamedTuple):
    """The way from a file's path in its dataset to its path at a storage."""

    folder: str
    """All of the files lie somewhere below; perhaps others as well."""
    scope: str = ""
    """By whose name Rucio names them; "": they lie in the folder itself."""

    @classmethod
    def rucio(cls, dataset: str, path: str = "") -> Layout:
        """Rucio's naming of the files of ``scope:name``, below ``path``."""
        scope = dataset.partition(":")[0]
        folder = scope.replace(".", "/") if scope.startswith(("user", "group")) else scope
        return cls(f"{path}/{folder}" if path else folder, scope)

    def at(self, path: str) -> str:
        """Where a file lies."""
        if not self.scope:
            return f"{self.folder}/{path}"
        digest = hashlib.md5(f"{self.scope}:{path}".encode(), usedforsecurity=False).hexdigest()
        return f"{self.folder}/{digest[:2]}/{digest[2:4]}/{path}"

    def within(self, path: str) -> str | None:
        """The path in its dataset of something at a storage, by where it lies; None when it is none of the files."""
        lead = f"{self.folder}/" if self.folder else ""
        if not path.startswith(lead):
            return None
        if not self.scope:
            return path[len(lead) :]
        hashed = HASHED.match(path, len(lead))
        below = path[hashed.end() :] if hashed is not None else ""
        return below if below and self.at(below) == path else None
