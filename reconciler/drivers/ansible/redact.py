"""Secrets taken out of text, in the forms in which programs print them. Standard library only: the callback uses it."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Iterable

HIDDEN = "********"
SHORTEST = 4
"""Shorter values are not looked for: they would blank out half of every message."""


class Redactor:
    """Replaces every secret by asterisks."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST}
        self._forms = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """``text`` without any secret."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text


def _forms(secret: str) -> Iterable[str]:
    """As it is, line by line, and as JSON (once and twice), shells, Python and base64 show it."""
    yield secret
    yield from (line.strip() for line in secret.splitlines())
    once = json.dumps(secret)[1:-1]
    yield from (once, json.dumps(once)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    yield from (shlex.quote(secret), repr(secret)[1:-1])
    yield base64.b64encode(secret.encode()).decode()
