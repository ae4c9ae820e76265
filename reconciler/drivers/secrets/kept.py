"""What a store answered a moment ago: a plan that names a hundred values of one file asks for it once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

SECONDS: Final = 15.0
"""So long an answer is taken again: a secret that was replaced is known soon."""


class Kept:
    """Answers by what was asked, in memory and for a moment."""

    def __init__(self, monotonic: Callable[[], float], seconds: float = SECONDS) -> None:
        self._monotonic, self._seconds = monotonic, seconds
        self._lock = threading.Lock()
        self._answers: dict[Any, tuple[float, Any]] = {}

    def get(self, asked: Any, answer: Callable[[], Any]) -> Any:
        """The answer; ``answer`` is called when there is none that is fresh. What it raises is not kept."""
        with self._lock:
            now = self._monotonic()
            self._answers = {key: known for key, known in self._answers.items() if now - known[0] < self._seconds}
            if asked not in self._answers:
                self._answers[asked] = (self._monotonic(), answer())
            return self._answers[asked][1]
