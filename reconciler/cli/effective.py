"""The settings in force, one by one, each with where it came from; secrets masked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reconciler.settings import FILE, Settings

_SECRET = re.compile(r"(?i)(password|passwd|passphrase|secret|token|credential|private|api_?key|access_?key|\bkey)")
_IN_URL = re.compile(r"(?P<head>[a-z0-9+.-]+://[^/:@\s]*):[^@/\s]*@")
MASK = "********"

Row = tuple[str, Any, str]


def effective(settings: Settings, root: Path, environment: Mapping[str, str], file: Path | None) -> list[Row]:
    """(name, value, where from) of every setting: ``default``, a file, or a variable."""
    path = file or root / FILE
    written = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    variables = {name.removeprefix("HANSE_").lower(): name for name in environment if name.startswith("HANSE_")}
    found = []
    for name, value in _leaves("", settings.model_dump(mode="json")):
        variable = variables.get(name.replace(".", "__"))
        source = variable or (path.name if _stands(written, name) else "default")
        found.append((name, _masked(name, value), source))
    return found


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Settings by their dotted names; what maps freely chosen names (targets, rules) is one value per name."""
    if not isinstance(value, dict):
        yield path, value
        return
    if not value and path:
        yield path, value
    for key, inner in value.items():
        name = f"{path}.{key}" if path else str(key)
        if path in ("targets", "rules"):
            yield name, inner
        else:
            yield from _leaves(name, inner)


def _stands(written: Mapping[str, Any], name: str) -> bool:
    """Whether a dotted name is in the file. Names of targets may have dots themselves: what is left is one name."""
    here: Any = written
    steps = name.split(".")
    for number, step in enumerate(steps):
        if not isinstance(here, Mapping):
            return False
        rest = ".".join(steps[number:])
        if rest in here:
            return True
        if step not in here:
            return False
        here = here[step]
    return True


def _masked(name: str, value: Any) -> Any:
    """The value without what must not be seen. A reference to a secret is not one."""
    if isinstance(value, dict):
        if value.keys() <= {"env", "file"} and value:
            return value
        return {key: _masked(key, inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(name, item) for item in value]
    if isinstance(value, str):
        return MASK if value and _SECRET.search(name) else _IN_URL.sub(rf"\g<head>:{MASK}@", value)
    return value
