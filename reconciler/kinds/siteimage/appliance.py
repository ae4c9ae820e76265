"""What an image is, wherever it stands: its content, the system in it, and what it needs."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from reconciler.model import Strict

Word = Annotated[str, Field(min_length=1, max_length=255)]
Format = Literal["raw", "qcow2", "vmdk", "vdi", "vhd", "vhdx", "iso", "ova", "ami", "aki", "ari", "ploop"]
"""Disk formats as glance names them."""


def _web(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or not value.isprintable() or " " in value:
        message = f"{value[:80]!r} is not a http or https URL"
        raise ValueError(message)
    return value


WebUrl = Annotated[str, Field(max_length=2048), AfterValidator(_web)]


def _property(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}", value):
        message = f"{value!r} is no name of a property: letters, digits, _ . : and -"
        raise ValueError(message)
    return value


PropertyName = Annotated[str, AfterValidator(_property)]


class Checksums(Strict):
    """Checksums of the file, in hexadecimal; every one that is given is verified before anything is uploaded."""

    sha512: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{128}$")] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$")] | None = None

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if self.sha512 is None and self.sha256 is None:
            message = "give at least one of sha512, sha256"
            raise ValueError(message)
        return self

    def listed(self) -> frozenset[str]:
        """``<algorithm>:<hex>``, as the images port writes them."""
        return frozenset(f"{name}:{value}" for name, value in self.model_dump(exclude_none=True).items())

    def lower(self) -> Checksums:
        """The same in lower case."""
        return Checksums(**{name: value.lower() for name, value in self.model_dump(exclude_none=True).items()})


class System(Strict):
    """What runs in it, in the words of glance's common properties."""

    type: Word | None = None
    """``linux``, ``windows``."""
    distribution: Word | None = None
    """``ubuntu``, ``debian``, ``almalinux``."""
    version: Word | None = None
    """Of the distribution: ``24.04``."""
    architecture: Word | None = None
    """``x86_64``, ``aarch64``."""


class Minimum(Strict):
    """What a machine must have to run it."""

    cores: Annotated[int, Field(ge=1)] | None = None
    memoryMiB: Annotated[int, Field(ge=1)] | None = None
    diskGiB: Annotated[int, Field(ge=1)] | None = None
