"""One YAML file that is no manifest, read as strictly: every fault with its line, column, path and cure."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from reconciler.errors import ManifestError
from reconciler.manifest.faults import mistakes
from reconciler.manifest.reader import documents
from reconciler.model import Diagnostic

ModelT = TypeVar("ModelT", bound=BaseModel)


def single(path: Path, model: type[ModelT]) -> ModelT:
    """The file's one document as a ``model``. Raises ManifestError with every fault, OSError when it is not there."""
    found = list(documents(path.read_bytes()))
    name = str(path)
    if not found:
        raise ManifestError([Diagnostic(name, 1, 1, "", "is empty", "")])
    faults = [Diagnostic(name, f.line, f.column, f.path, f.message, f.cure, "yaml") for d in found for f in d.faults]
    faults += [Diagnostic(name, d.line, 1, "", "is one document too many", "keep one") for d in found[1:]]
    if faults:
        raise ManifestError(faults)
    try:
        return model.model_validate_json(orjson.dumps(found[0].data))
    except ValidationError as error:
        raise ManifestError(
            [Diagnostic(name, *fault) for fault in mistakes(error, model, found[0].node, ())]
        ) from error
