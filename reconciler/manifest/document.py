"""One document of one file: either a Resource, or everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ValidationError

from reconciler.kinds import Kind
from reconciler.kinds.metadata import DEFAULT_NAMESPACE, NAME, Metadata
from reconciler.manifest.places import parsed, place, written
from reconciler.manifest.reader import Document
from reconciler.manifest.words import said
from reconciler.model import PLAIN, Diagnostic, Lifecycle, Location, Ref, Resource, Spec, Strict, digest_of

_NAME = re.compile(NAME.replace("$", r"\Z"))


class Envelope(Strict):
    """A manifest document."""

    apiVersion: Literal["hanse/v1"]
    """The version of the format."""
    kind: str
    """What is declared."""
    metadata: Metadata
    """What it is called."""
    lifecycle: Lifecycle = PLAIN
    """How it is handled."""
    spec: dict[str, Any]
    """What it shall be."""


class Documents:
    """Turns documents into resources."""

    def __init__(self, kinds: Mapping[str, Kind[Any]]) -> None:
        self._kinds = kinds

    def resource(self, document: Document, file: str) -> tuple[Resource | None, list[Diagnostic]]:
        """The resource, or None, with every fault and warning."""
        found = [_yaml_fault(file, fault) for fault in document.faults]
        if found:
            return None, found
        if not isinstance(document.data, dict):
            where = Diagnostic(
                file, document.line, 1, "", "is not a mapping", "begin with apiVersion:, kind:, metadata:"
            )
            return None, [where]
        return self._checked(document, file)

    def _checked(self, document: Document, file: str) -> tuple[Resource | None, list[Diagnostic]]:
        faults: list[Diagnostic] = []
        data = document.data
        envelope = _model(Envelope, {**data, "spec": data.get("spec", {})}, document, file, (), faults)
        kind = self._kind(data.get("kind"), document, file, faults)
        if "spec" not in data:
            faults.append(_at(document, file, (), "the field spec is missing", "add spec:"))
        if kind is None or not isinstance(data.get("spec", {}), dict):
            return None, faults
        spec = _model(kind.Spec, data.get("spec", {}), document, file, ("spec",), faults)
        if envelope is None or spec is None:
            return None, faults
        faults += _names(envelope.metadata, kind, document, file)
        if faults:
            return None, faults
        made = _resource(kind, kind.canonical(spec), envelope, Location(file, document.line))
        faults += _ruled(kind, made.ref, spec, document, file)
        return made, faults

    def _kind(self, name: Any, document: Document, file: str, faults: list[Diagnostic]) -> Kind[Any] | None:
        if name in self._kinds or not isinstance(name, str):
            return self._kinds.get(name) if isinstance(name, str) else None
        near = get_close_matches(name, self._kinds, n=1, cutoff=0.5)
        cure = f"did you mean {near[0]}?" if near else f"there are {', '.join(self._kinds)}"
        faults.append(_at(document, file, ("kind",), f"there is no kind {name}", cure))
        return None


def _resource(kind: Kind[Any], spec: Spec, envelope: Envelope, location: Location) -> Resource:
    metadata = envelope.metadata
    namespace = None if kind.federation_wide else metadata.namespace or DEFAULT_NAMESPACE
    ref = Ref.of(kind.name, metadata.name, namespace)
    content = spec.canonical()
    target = kind.target(ref, spec)
    return Resource(
        ref=ref,
        digest=digest_of(content),
        content=content,
        edges=tuple(kind.references(ref, spec)),
        target=target,
        location=location,
        decode=kind.Spec.model_validate_json,
        lifecycle=PLAIN if envelope.lifecycle == PLAIN else envelope.lifecycle,
        labels=metadata.labels or None,
        annotations=metadata.annotations or None,
        open=not target or type(kind).derive is not Kind.derive,
    )


def _model(
    model: Any, data: Any, document: Document, file: str, prefix: tuple[str, ...], faults: list[Diagnostic]
) -> Any:
    """The data as a model, or None with its faults added."""
    try:
        return model.model_validate_json(orjson.dumps(data))
    except ValidationError as error:
        faults.extend(_model_faults(error, model, document, file, prefix))
        return None


def _model_faults(
    error: ValidationError, model: type[BaseModel], document: Document, file: str, prefix: tuple[str, ...]
) -> Iterator[Diagnostic]:
    for fault in error.errors(include_url=False):
        message, cure = said(fault, model)
        where = (*prefix, *fault["loc"])
        above = where[:-1] if fault["type"] == "missing" else where
        line, column = place(document.node, above)
        yield Diagnostic(file, line, column, written(document.node, where), message, cure)


def _names(metadata: Metadata, kind: Kind[Any], document: Document, file: str) -> Iterator[Diagnostic]:
    for field, value in (("name", metadata.name), ("namespace", metadata.namespace)):
        if value is not None and not _NAME.match(value):
            message = f"{value!r} has not the form of a name"
            cure = "letters, digits, . _ -, beginning and ending with a letter or digit"
            yield _at(document, file, ("metadata", field), message, cure, "name-form")
    if kind.federation_wide and metadata.namespace is not None:
        message = f"a {kind.name} belongs to the whole federation"
        yield _at(document, file, ("metadata", "namespace"), message, "take namespace out", "namespace")


def _ruled(kind: Kind[Any], ref: Ref, spec: Spec, document: Document, file: str) -> Iterator[Diagnostic]:
    for rule in kind.rules:
        for fault in rule.check(ref, spec):
            line, column = place(document.node, parsed(fault.path))
            yield Diagnostic(file, line, column, fault.path, fault.message, fault.cure, rule.id, rule.severity)


def _at(
    document: Document, file: str, path: tuple[str, ...], message: str, cure: str, rule: str = "schema"
) -> Diagnostic:
    line, column = place(document.node, path)
    return Diagnostic(file, line, column, ".".join(path), message, cure, rule)


def _yaml_fault(file: str, fault: Any) -> Diagnostic:
    return Diagnostic(file, fault.line, fault.column, fault.path, fault.message, fault.cure, "yaml")
