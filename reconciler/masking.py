"""The second net: a secret that was read is taken out of whatever this process writes by mistake.

The first one is that nothing writes secrets. Log lines and the words of drivers' errors pass through here, and with
those what the database, the pages and notifications repeat of them.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

HIDDEN: Final = "********"
SHORTEST: Final = 8
"""Shorter values are not looked for: they would blank out half of every message."""
BEGINNING: Final = 12
"""Characters of a long value that give it away where a text was cut in the middle of it."""
MOST: Final = 1000
"""The values that were read last are known."""


class Mask:
    """Values that this process has read, and texts without them. May be used by many threads."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._forms: tuple[str, ...] = ()

    def learn(self, value: str) -> None:
        """Hide this value from now on."""
        if self._known.get(value) is not None:
            return
        forms = tuple(sorted({form for form in _forms(value) if len(form) >= SHORTEST}))
        with self._lock:
            self._known[value] = forms
            while len(self._known) > self._most:
                self._known.popitem(last=False)
            every = {form for known in self._known.values() for form in known}
            self._forms = tuple(sorted(every, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """``text`` without any of them."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, HIDDEN)
        return text


MASK: Final = Mask()
"""What this process has read."""


def _forms(value: str) -> Iterator[str]:
    """As it is, line by line, and as JSON, Python, URLs and base64 show it; and the beginning of what is long."""
    beginning = value[:BEGINNING]
    if len(value) >= 2 * BEGINNING and not any(common in beginning for common in ("://", "--", " ")):
        yield beginning
    yield from (value, value.strip(), *(line.strip() for line in value.splitlines()))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1])
    yield from (quote(value, safe=""), quote(value), base64.b64encode(value.encode()).decode())
