"""One document of one file: either a Resource, or everything that is wrong with it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel, ValidationError

from reconciler.kinds import Fault, Kind, Rule
from reconciler.kinds.metadata import DEFAULT_NAMESPACE, NAME, Metadata
from reconciler.manifest import secrets
from reconciler.manifest.envelope import Envelope
from reconciler.manifest.faults import mistakes
from reconciler.manifest.places import Path, parsed, place, written
from reconciler.manifest.reader import Document
from reconciler.manifest.rest import Rest, rest
from reconciler.manifest.words import nearest
from reconciler.model import PLAIN, Diagnostic, Edge, Lifecycle, Location, Ref, Resource, Spec, digest_of

_NAME = re.compile(NAME.replace("$", r"\Z"))
_PLAINLY = Envelope(apiVersion="hanse/v1", kind="", metadata=Metadata(name="unnamed"), spec={})
"""What stands around a spec where that is faulty itself."""
_FORM = "letters, digits, . _ -, beginning and ending with a letter or digit"


class Read(NamedTuple):
    """What a document declares, whole or torn, with every fault and warning."""

    resource: Resource | None
    torn: Resource | None
    """What it means to declare, when it is faulty: enough to know its name by."""
    faults: list[Diagnostic]


def resource(document: Document, file: str, kinds: Mapping[str, Kind[Any]], *, suspected: bool = True) -> Read:
    """What a document declares. ``suspected``: its file may hold a secret."""
    check = _Check(document, file)
    made = check.resource(kinds)
    torn = check.torn(kinds) if made is None else None
    return Read(made, torn, check.discreet() if suspected else check.found)


class _Check:
    """The checks of one document, in the order in which one makes sense after the other."""

    def __init__(self, document: Document, file: str) -> None:
        self._document, self._file = document, file
        self._rest: Rest | None = None
        self._spec: Spec | None = None
        self._envelope: Envelope | None = None
        self.found = [
            Diagnostic(file, fault.line, fault.column, fault.path, fault.message, fault.cure, "yaml")
            for fault in document.faults
        ]

    def resource(self, kinds: Mapping[str, Kind[Any]]) -> Resource | None:
        data = self._document.data
        if not isinstance(data, dict):
            if not self.found:
                self._add((), "is not a mapping", "begin with apiVersion:, kind:, metadata:")
            return None
        if self._document.endless:
            return None
        self._envelope = envelope = self._model(Envelope, self._around(data), ())
        kind = self._kind(data.get("kind"), kinds)
        said = data.get("spec")
        spec = self._model(kind.Spec, said, ("spec",)) if kind is not None and isinstance(said, dict) else None
        if envelope is not None and kind is not None:
            self._names(envelope, kind)
        if envelope is None or kind is None or spec is None or self.found:
            if kind is not None and isinstance(said, dict):
                self._look_further(kind, said, spec)
            return None
        return self._made(kind, spec, envelope)

    def _look_further(self, kind: Kind[Any], said: Mapping[str, Any], spec: Spec | None) -> None:
        """The faults of a faulty document that its rules find in what is left of it."""
        self._spec = spec
        if spec is None:
            self._rest = rest(kind.Spec, said)
            self._spec = self._rest.spec if self._rest else None
        if self._spec is not None:
            known = {fault.path for fault in self.found}
            ref = self._ref(kind) or Ref.of(kind.name, "unnamed", None if kind.federation_wide else DEFAULT_NAMESPACE)
            for fault in self._ruled(kind, ref, self._spec):
                if fault.path not in known and not fault.path.startswith("metadata"):
                    self.found.append(fault)

    def torn(self, kinds: Mapping[str, Kind[Any]]) -> Resource | None:
        """What a faulty document means to declare; None when not even its name is known."""
        data = self._document.data
        said = data.get("kind") if isinstance(data, dict) else None
        kind = kinds.get(said if said in kinds else nearest(said, kinds) or "") if isinstance(said, str) else None
        ref = self._ref(kind) if kind is not None else None
        if kind is None or ref is None:
            return None
        location = Location(self._file, self._document.line)
        bare = Resource(ref, "", b"", (), "", location, kind.Spec.model_validate_json)
        if self._spec is None:
            return bare
        if (self._rest is None or self._rest.whole) and not self._document.faults:
            with contextlib.suppress(ValueError):
                return _resource(kind, ref, kind.canonical(self._spec), self._envelope, location)
        with contextlib.suppress(ValueError, AttributeError):  # of fields that were cut out nothing is known
            return bare._replace(edges=tuple(self._edge(edge) for edge in kind.references(ref, self._spec)))
        return bare

    def _ref(self, kind: Kind[Any]) -> Ref | None:
        """The name that the document gives, well formed or not; None when it gives none."""
        metadata = self._document.data.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if not isinstance(name, str) or not name or "/" in name:
            return None
        namespace = metadata.get("namespace")
        given = namespace if isinstance(namespace, str) and namespace else DEFAULT_NAMESPACE
        return Ref.of(kind.name, name, None if kind.federation_wide else given)

    def _edge(self, edge: Edge) -> Edge:
        return edge._replace(path=self._in_file(edge.path))

    def _in_file(self, path: str) -> str:
        """Where in the file something stands that was found in the rest of a faulty spec."""
        steps = parsed(path)
        if self._rest is None or steps[:1] != ["spec"]:
            return path
        return written(("spec", *self._rest.written(tuple(steps[1:]))))

    def discreet(self) -> list[Diagnostic]:
        """The faults, with those of secrets among them and no secret in their words."""
        found = list(secrets.secrets(self._document.data))
        if not found:
            return self.found
        told = list(secrets.diagnostics(found, self._file, self._place))
        return [*told, *secrets.discreet(self.found, found, {fault.path for fault in told})]

    def _place(self, path: Path) -> tuple[int, int, str]:
        return *place(self._document.node, path), written(path)

    def _around(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The document without what its kind checks."""
        return {**data, "spec": {}} if isinstance(data.get("spec"), dict) else dict(data)

    def _model(self, model: type[BaseModel], data: Any, prefix: tuple[str, ...]) -> Any:
        """The data as a model, or None with its faults noted. As JSON, in which tuples and times have a form too."""
        try:
            return model.model_validate_json(orjson.dumps(data))
        except ValidationError as error:
            told = {fault.path for fault in self._document.faults}  # no value was made of what stands there
            for fault in mistakes(error, model, self._document.node, prefix):
                if fault.path not in told:
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
            if all(fault.severity != "error" for fault in self.found):  # else it is what a rule has said better
                self._add(("spec",), str(error), "")
            return None

    def _ruled(self, kind: Kind[Any], ref: Ref, spec: Spec) -> Iterator[Diagnostic]:
        for rule in kind.rules:
            for fault in self._checked(rule, ref, spec):
                path = self._in_file(fault.path)
                where = place(self._document.node, parsed(path))
                yield Diagnostic(self._file, *where, path, fault.message, fault.cure, rule.id, rule.severity)

    def _checked(self, rule: Rule, ref: Ref, spec: Spec) -> Iterator[Fault]:
        try:
            yield from rule.check(ref, spec)
        except AttributeError:
            if self._rest is None:  # else it wants a field that is faulty itself
                raise

    def _add(self, path: Path, message: str, cure: str, rule: str = "schema") -> None:
        line, column = place(self._document.node, path)
        if not path:
            line = self._document.line
        self.found.append(Diagnostic(self._file, line, column, written(path), message, cure, rule))


def _resource(kind: Kind[Any], ref: Ref, spec: Spec, envelope: Envelope | None, location: Location) -> Resource:
    around = envelope or _PLAINLY
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
        lifecycle=PLAIN if around.lifecycle == PLAIN else around.lifecycle,
        labels=around.metadata.labels or None,
        annotations=around.metadata.annotations or None,
        open=not target or _brings(kind) or kind.leaves_open(spec),
    )


def _brings(kind: Kind[Any]) -> bool:
    """Whether resources of a kind are told, or bring along, what only place/ knows."""
    return type(kind).derive is not Kind.derive or type(kind).complete is not Kind.complete


def _or_all(near: str | None, kinds: Mapping[str, Any]) -> str:
    return f"did you mean {near}?" if near else f"there are {', '.join(kinds)}"
