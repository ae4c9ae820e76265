"""Registered: what every kind has in common that lives in a register (sites, VOs, probes, rules, approvals).

Such a resource is a document under its own name. One read shows all of a kind, one transaction writes a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import orjson
from pydantic import ValidationError

from reconciler.kinds.base import Kind, SpecT
from reconciler.model import (
    Absent,
    Answer,
    Change,
    Done,
    Observation,
    Present,
    Reading,
    Ref,
    Stray,
    Target,
    Unknown,
    Wanted,
    digest_of,
    encode,
)
from reconciler.ports import Document, Drivers


class Registered(Kind[SpecT]):
    """A kind whose resources are documents of ``registry:<plural>``: the body is the spec, the uid the mark."""

    batch: ClassVar[int] = 500

    def target(self, ref: Ref, spec: SpecT) -> str:  # noqa: ARG002
        return f"registry:{self.plural}"

    def outputs(self, ref: Ref, spec: SpecT) -> Mapping[str, Any]:  # noqa: ARG002
        """Values that others may take from a registered resource; a kind that has some says which."""
        return {}

    def observe(self, target: Target, wanted: Sequence[Wanted], drivers: Drivers, token: str = "") -> Reading:
        register = drivers.registry(target).read(token)
        if register.unchanged:
            return Reading({}, token=register.token, unchanged=True)
        held = {w.uid for w in wanted}
        by_uid = {d.uid: d for d in register.documents.values() if d.uid}
        results = {w.ref: self._look(w, _document_of(w, register.documents, by_uid, held)) for w in wanted}
        strays = tuple(Stray(target.id, uid, d.name, self.name) for uid, d in sorted(by_uid.items()) if uid not in held)
        return Reading(results, strays, register.token)

    def put(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        drivers.registry(target).put(
            [Document(document_name(c.ref), orjson.loads(c.spec.canonical()), c.uid) for c in changes]
        )
        return {c.ref: Done(self.outputs(c.ref, c.spec)) for c in changes}  # type: ignore[arg-type]

    def remove(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        drivers.registry(target).remove([document_name(c.ref) for c in changes])
        return {c.ref: Done() for c in changes}

    def _look(self, wanted: Wanted, document: Document | None) -> Observation:
        if document is None:
            return Absent()
        content = encode(document.body)
        try:
            spec = self._read(wanted, content)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            return Unknown(f"the register's document {document.name} is not a {self.name}: {where}: {first['msg']}")
        present = Present(
            spec, owned=bool(document.uid), uid=document.uid, outputs=self.outputs(wanted.ref, spec), healthy=True
        )
        return present if document.name == document_name(wanted.ref) else _renamed(present, document.name)

    def _read(self, wanted: Wanted, content: bytes) -> SpecT:
        if content == wanted.spec.canonical():
            return wanted.spec  # type: ignore[return-value]
        return self.canonical(self.Spec.model_validate_json(content))


def document_name(ref: Ref) -> str:
    """The name under which a resource is registered: ``name`` or ``namespace/name``."""
    return ref.partition("/")[2]


def _document_of(
    wanted: Wanted, documents: Mapping[str, Document], by_uid: Mapping[str, Document], held: set[str]
) -> Document | None:
    """The document at its name; when that is another resource's or none, the one with its mark (a former name)."""
    here = documents.get(document_name(wanted.ref))
    if here is not None and (here.uid == wanted.uid or here.uid not in held):
        return here
    return by_uid.get(wanted.uid)


def _renamed(present: Present, former: str) -> Present:
    """A document still under its former name: another digest, so that a put moves it."""
    digest = digest_of(f"{former}\n{present.digest}".encode())
    return Present(
        present.spec,
        present.owned,
        present.uid,
        present.outputs,
        present.healthy,
        f"registered under its former name {former}",
        digest,
    )
