"""One document of one file: either a Resource, or everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from reconciler.kinds import Kind
from reconciler.kinds.metadata import DEFAULT_NAMESPACE, NAME
from reconciler.manifest.envelope import Envelope
from reconciler.manifest.faults import mistakes
from reconciler.manifest.places import Path, parsed, place, written
from reconciler.manifest.reader import Document
from reconciler.manifest.words import nearest
from reconciler.model import PLAIN, Diagnostic, Lifecycle, Location, Ref, Resource, Spec, digest_of

_NAME = re.compile(NAME.replace("$", r"\Z"))
_FORM = "letters, digits, . _ -, beginning and ending with a letter or digit"


def resource(document: Document, file: str, kinds: Mapping[str, Kind[Any]]) -> tuple[Resource | None, list[Diagnostic]]:
    """The resource that a document declares, or None, with every fault and warning."""
    check = _Check(document, file)
    return check.resource(kinds), check.found


class _Check:
    """The checks of one document, in the order in which one makes sense after the other."""

    def __init__(self, document: Document, file: str) -> None:
        self._document, self._file = document, file
        self.found = [
            Diagnostic(file, fault.line, fault.column, fault.path, fault.message, fault.cure, "yaml")
            for fault in document.faults
        ]

    def resource(self, kinds: Mapping[str, Kind[Any]]) -> Resource | None:
        data = self._document.data
        if self.found:
            return None
        if not isinstance(data, dict):
            self._add((), "is not a mapping", "begin with apiVersion:, kind:, metadata:")
            return None
        envelope: Envelope | None = self._model(Envelope, self._around(data), ())
        kind = self._kind(data.get("kind"), kinds)
        said = data.get("spec")
        spec = self._model(kind.Spec, said, ("spec",)) if kind is not None and isinstance(said, dict) else None
        if envelope is not None and kind is not None:
            self._names(envelope, kind)
        if envelope is None or kind is None or spec is None or self.found:
            return None
        return self._made(kind, spec, envelope)

    def _around(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The document without what its kind checks."""
        return {**data, "spec": {}} if isinstance(data.get("spec"), dict) else dict(data)

    def _model(self, model: type[BaseModel], data: Any, prefix: tuple[str, ...]) -> Any:
        """The data as a model, or None with its faults noted. As JSON, in which tuples and times have a form too."""
        try:
            return model.model_validate_json(orjson.dumps(data))
        except ValidationError as error:
            for fault in mistakes(error, model, self._document.node, prefix):
                self.found.append(Diagnostic(self._file, *fault))
            return None

    def _kind(self, name: Any, kinds: Mapping[str, Kind[Any]]) -> Kind[Any] | None:
        if not isinstance(name, str):
            return None  # said of the envelope already
        if name not in kinds:
            near = nearest(name, kinds)
            self._add(("kind",), f"there is no kind {name}", _or_all(near, kinds))
        return kinds.get(name)

    def _names(self, envelope: Envelope, kind: Kind[Any]) -> None:
        metadata = envelope.metadata
        for field, value in (("name", metadata.name), ("namespace", metadata.namespace)):
            if value is not None and not _NAME.match(value):
                self._add(("metadata", field), f"{value!r} has not the form of a name", _FORM, "name-form")
        if kind.federation_wide and metadata.namespace is not None:
            message = f"a {kind.name} belongs to the whole federation"
            self._add(("metadata", "namespace"), message, "take namespace out", "namespace")
        if envelope.lifecycle is not PLAIN:
            self._lifecycle(envelope.lifecycle, kind, metadata.name)

    def _lifecycle(self, lifecycle: Lifecycle, kind: Kind[Any], name: str) -> None:
        former = lifecycle.moved
        parts = [] if former is None else former.split("/")
        if len(parts) > 1 + (not kind.federation_wide) or not all(map(_NAME.match, parts)):
            form = "name" if kind.federation_wide else "name or namespace/name"
            self._add(("lifecycle", "moved"), f"{former!r} is not the form of a former name", form, "moved-form")
        elif former == name:
            self._add(("lifecycle", "moved"), f"{former!r} is its name now", "give the former one", "moved-form")
        for n, path in enumerate(lifecycle.ignore):
            self._ignored(n, parsed(path), kind)

    def _ignored(self, n: int, steps: Path, kind: Kind[Any]) -> None:
        fields = {field.alias or name for name, field in kind.Spec.model_fields.items()}
        if len(steps) < 2 or steps[0] != "spec" or steps[1] not in fields:  # noqa: PLR2004 (spec, and a field of it)
            near = nearest(str(steps[-1]) if steps else "", fields)
            cure = f"did you mean spec.{near}?" if near else f"spec. and one of {', '.join(sorted(fields))}"
            self._add(
                ("lifecycle", "ignore", n), f"{written(steps)!r} is no field of a {kind.name}", cure, "ignore-path"
            )

    def _made(self, kind: Kind[Any], spec: Spec, envelope: Envelope) -> Resource | None:
        metadata = envelope.metadata
        namespace = None if kind.federation_wide else metadata.namespace or DEFAULT_NAMESPACE
        ref = Ref.of(kind.name, metadata.name, namespace)
        self.found += self._ruled(kind, ref, spec)
        try:
            return _resource(kind, ref, kind.canonical(spec), envelope, Location(self._file, self._document.line))
        except ValueError as error:
            if not self.found:  # else it is what a rule has said better
                self._add(("spec",), str(error), "")
            return None

    def _ruled(self, kind: Kind[Any], ref: Ref, spec: Spec) -> Iterator[Diagnostic]:
        for rule in kind.rules:
            for fault in rule.check(ref, spec):
                where = place(self._document.node, parsed(fault.path))
                yield Diagnostic(self._file, *where, fault.path, fault.message, fault.cure, rule.id, rule.severity)

    def _add(self, path: Path, message: str, cure: str, rule: str = "schema") -> None:
        line, column = place(self._document.node, path)
        if not path:
            line = self._document.line
        self.found.append(Diagnostic(self._file, line, column, written(path), message, cure, rule))


def _resource(kind: Kind[Any], ref: Ref, spec: Spec, envelope: Envelope, location: Location) -> Resource:
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
        labels=envelope.metadata.labels or None,
        annotations=envelope.metadata.annotations or None,
        open=not target or type(kind).derive is not Kind.derive or kind.leaves_open(spec),
    )


def _or_all(near: str | None, kinds: Mapping[str, Any]) -> str:
    return f"did you mean {near}?" if near else f"there are {', '.join(kinds)}"
