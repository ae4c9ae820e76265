"""The events port: a storage that tells when something in some of its folders comes, changes or goes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class StorageEvent:
    """Something has happened to a file. It is a reason to look, and nothing more."""

    path: str
    """Below the storage's root; "" when the storage only says that something may have been missed."""
    what: Literal["came", "went", "changed"] = "changed"


class Events(Protocol):
    """The events of one storage."""

    def follow(self, folders: Collection[str], told: Callable[[StorageEvent], None], stop: threading.Event) -> None:
        """Tell of what happens below ``folders`` until ``stop`` is set; folders that are to come are waited for.

        Once nothing escapes it any more it says so by an event without a path: what came before is to be looked for.

        Raises Transient when the storage has fallen silent or hung up (something may have been missed since), Terminal
        when it never will tell.
        """
        ...
