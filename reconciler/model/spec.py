"""Spec: what stands under ``spec:``; desired and observed state share this type."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """Base of everything that users write: unknown fields and wrong types are faults, values never change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, populate_by_name=True, use_attribute_docstrings=True
    )


class Spec(Strict):
    """Base of every kind's spec."""

    def canonical(self) -> bytes:
        """The one JSON form of this spec: keys sorted, unset and None fields left out, UTF-8."""
        return encode(self.model_dump(mode="json", by_alias=True, exclude_none=True))

    def digest(self) -> str:
        """SHA-256 over ``canonical()``, 32 hex digits."""
        return digest_of(self.canonical())


class ValueFrom(Strict):
    """A value that another resource gives once it is ready: one of its outputs."""

    kind: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$")]
    name: Annotated[str, Field(min_length=1)]
    namespace: Annotated[str, Field(min_length=1)] | None = None
    """The other's namespace; left out, that of the resource itself."""
    output: Annotated[str, Field(min_length=1)]
    """Name of the output: ``frontend_address``."""


def encode(value: Any) -> bytes:
    """Canonical JSON of plain data: sorted keys, no white space."""
    made = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return bytes(memoryview(made))  # a copy of its own size: orjson's has kilobytes to spare, times a hundred thousand


def digest_of(content: bytes) -> str:
    """SHA-256 of ``content``, cut to 32 hex digits (128 bits)."""
    return hashlib.sha256(content).hexdigest()[:32]
