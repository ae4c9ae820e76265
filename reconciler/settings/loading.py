"""Reading hanse.toml and HANSE_* variables; every fault is told with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reconciler.errors import SettingsError
from reconciler.model import SecretRef
from reconciler.settings.whole import Settings

FILE = "hanse.toml"
_SECRET = (
    "a secret does not stand here itself",
    'give { env = "NAME" } or { file = "PATH" }, or one of { sops = {...} }, { openbao = {...} }',
)


def load(root: Path, environment: Mapping[str, str], file: Path | None = None) -> Settings:
    """Read ``hanse.toml`` under ``root`` (or ``file``) and the environment.

    ``HANSE_RECORDS__URL`` stands for ``[records] url``: sections and names are joined by two underscores. Raises
    SettingsError with every fault: field, what is wrong, what would be right.
    """
    path = file or root / FILE
    given: dict[str, Any] = {}
    text = ""
    if path.exists():
        try:
            text = path.read_text(encoding="utf-8")
            given = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: not valid TOML: {error}") from error
    elif file is not None:
        raise SettingsError(f"{path}: no such file; hanse init writes one")
    for name, value in sorted(environment.items()):
        if name.startswith("HANSE_"):
            _set(given, name.removeprefix("HANSE_").lower().split("__"), value)
    try:
        return Settings.model_validate(given, strict=False).pathed(path.parent if file else root)
    except ValidationError as error:
        raise SettingsError("\n".join(_faults(error, path, text))) from error


def _faults(error: ValidationError, path: Path, text: str) -> Iterator[str]:
    from reconciler.manifest import words  # it takes a while to load, and settings are seldom wrong

    for fault in error.errors():
        names = [str(part) for part in fault["loc"]]
        line = _line(text, names)
        secret = fault.get("ctx", {}).get("class_name") == SecretRef.__name__
        wrong, right = _SECRET if secret else words.said(fault, Settings)
        where = f"{path}:{line}" if line else f"the environment variable HANSE_{'__'.join(names).upper()}"
        yield f"{where}: {'.'.join(names)}: {wrong}{f'; {right}' if right else ''}"


def _line(text: str, names: list[str]) -> int:
    """The line on which a setting stands, or else the nearest table around it; 0 when the file does not have it."""
    found, depth = 0, 0
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        code = line.strip()
        if code.startswith("["):
            table = _parts(code.strip("[] "))
            named = table
        else:
            key, equals, _ = code.partition("=")
            named = [*table, *_parts(key.strip())] if equals and not code.startswith("#") else []
        if named and named == names[: len(named)] and len(named) > depth:
            found, depth = number, len(named)
    return found


def _parts(key: str) -> list[str]:
    """The names in a dotted key; quoted ones may have dots of their own."""
    return [(quoted or bare).strip() for quoted, bare in re.findall(r"[\"']([^\"']*)[\"']|([^.\"'\s]+)", key)]


def _set(given: dict[str, Any], path: list[str], value: str) -> None:
    for step in path[:-1]:
        inner = given.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        given = inner
    given[path[-1]] = value
