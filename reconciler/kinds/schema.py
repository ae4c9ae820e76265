"""JSON Schemas of the manifests, for editors and for checks without Hanse: one per kind, and one for all of them.

They are generated from the specs, whose docstrings are the descriptions. ``hanse.json`` looks at ``kind:`` first, so
that an editor offers only what that kind has. What a schema cannot say is a named rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import orjson
from pydantic import BaseModel, Field, create_model
from pydantic.json_schema import models_json_schema

from reconciler.kinds.base import Kind
from reconciler.kinds.metadata import FederationMetadata, Metadata
from reconciler.model import Lifecycle, Strict

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ALL = "hanse.json"

Schema = dict[str, Any]


def document(kind: Kind[Any]) -> type[BaseModel]:
    """The whole document of a kind as a model."""
    metadata = FederationMetadata if kind.federation_wide else Metadata
    fields: dict[str, Any] = {
        "apiVersion": (Literal["hanse/v1"], Field(description="The version of the format.")),
        "kind": (Literal[kind.name], Field(description="What is declared.")),
        "metadata": (metadata, Field(description="What it is called.")),
        "lifecycle": (Lifecycle, Field(default=Lifecycle(), description="How it is handled; the default is safe.")),
        "spec": (kind.Spec, Field(description="What it shall be.")),
    }
    made: type[BaseModel] = create_model(f"{kind.name}Manifest", __base__=Strict, __doc__=kind.Spec.__doc__, **fields)
    return made


def of(kind: Kind[Any]) -> Schema:
    """The JSON Schema (draft 2020-12) of one kind's documents."""
    made = document(kind).model_json_schema(by_alias=True)
    return {"$schema": DIALECT, "$id": file_name(kind), **made, "title": kind.name}


def of_all(kinds: Mapping[str, Kind[Any]]) -> Schema:
    """One JSON Schema for documents of any kind. It refers to nothing outside itself."""
    models = {name: document(kind) for name, kind in kinds.items()}
    refs, made = models_json_schema([(model, "validation") for model in models.values()], by_alias=True)
    return {
        "$schema": DIALECT,
        "$id": ALL,
        "title": "hanse/v1",
        "description": "A manifest of Hanse; its kind decides what else it holds.",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": "hanse/v1", "description": "The version of the format."},
            "kind": {"enum": list(models), "description": "What is declared."},
        },
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                "then": refs[model, "validation"],
            }
            for name, model in models.items()
        ],
        "$defs": made.get("$defs", {}),
    }


def file_name(kind: Kind[Any]) -> str:
    """The file of a kind's schema: ``dnsrecord.json``."""
    return f"{kind.name.lower()}.json"


def write(directory: Path, kinds: Mapping[str, Kind[Any]] | None = None) -> list[Path]:
    """Write every schema; what is up to date is left alone. Returns what was written anew."""
    directory.mkdir(parents=True, exist_ok=True)
    contents = _files(kinds)
    stale = [directory / name for name in _stale(directory, contents)]
    for path in stale:
        path.write_bytes(contents[path.name])
    return stale


def stale(directory: Path, kinds: Mapping[str, Kind[Any]] | None = None) -> list[str]:
    """Names of the schema files that are missing or not what the code says."""
    return _stale(directory, _files(kinds))


def _stale(directory: Path, contents: Mapping[str, bytes]) -> list[str]:
    return [name for name, content in contents.items() if _content(directory / name) != content]


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _files(kinds: Mapping[str, Kind[Any]] | None) -> dict[str, bytes]:
    from reconciler.kinds import registry  # this package's own face, which cannot be imported before its modules

    known = registry() if kinds is None else kinds
    schemas = {file_name(kind): of(kind) for kind in known.values()} | {ALL: of_all(known)}
    return {name: orjson.dumps(_portable(made), option=orjson.OPT_INDENT_2) + b"\n" for name, made in schemas.items()}


def _portable(node: Any) -> Any:
    """Patterns as every dialect reads them: Python lets a quote be escaped, ECMA 262 in editors does not."""
    if isinstance(node, dict):
        return {
            key: re.sub(r"""\\(["'])""", r"\1", value)
            if key == "pattern" and isinstance(value, str)
            else _portable(value)
            for key, value in node.items()
        }
    return [_portable(item) for item in node] if isinstance(node, list) else node
