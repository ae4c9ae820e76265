"""Secrets by reference: where one is found at the moment of use, and whose manifests may name it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Annotated, Final, Self

from pydantic import Field, field_validator, model_validator

from reconciler.model.ref import Ref
from reconciler.model.spec import Strict

SOURCES: Final = ("env", "file", "sops", "openbao")
"""Where a secret may be."""
_KEY = re.compile(r'"([^"]+)"|([^".]+)')
_SEGMENTS = r"^[A-Za-z0-9_][A-Za-z0-9_.@+-]*(/[A-Za-z0-9_][A-Za-z0-9_.@+-]*)*$"
_PROGRAM_ENDS = (".yaml", ".yml", ".json", ".env")


class SopsRef(Strict):
    """A value in a file that SOPS has encrypted for an age key."""

    file: Annotated[str, Field(min_length=1, max_length=1024)]
    """``.yaml``, ``.json`` or ``.env``: inside the repository as of the commit in force (``secrets/dns.yaml``), or
    anywhere on the reconciler's machine (``/etc/hanse/dns.yaml``)."""
    key: Annotated[str, Field(min_length=1, max_length=1024)]
    """Where in the file: keys joined by dots, those with dots of their own quoted: ``zones."fed.example.org".key``."""

    @field_validator("file")
    @classmethod
    def _plain(cls, given: str) -> str:
        parts = given.removeprefix("/").split("/")
        if any(part in ("", ".", "..") for part in parts) or "\\" in given or not given.isprintable():
            raise ValueError("a path without . and .., inside the repository or absolute")
        if not given.endswith(_PROGRAM_ENDS):
            raise ValueError(f"the name of the file ends in one of {', '.join(_PROGRAM_ENDS)}")
        return given

    @field_validator("key")
    @classmethod
    def _keys(cls, given: str) -> str:
        if not re.fullmatch(rf"(?:{_KEY.pattern})(?:\.(?:{_KEY.pattern}))*", given):
            raise ValueError('keys joined by dots: tsig.key, or zones."fed.example.org".key')
        return given

    @property
    def steps(self) -> tuple[str, ...]:
        """The keys, one after the other."""
        return tuple(quoted or bare for quoted, bare in _KEY.findall(self.key))


class OpenBaoRef(Strict):
    """A value in the key-value store (version 2) of OpenBao or Vault."""

    path: Annotated[str, Field(pattern=_SEGMENTS, max_length=1024)]
    """Path of the secret below the mount: ``tides/dns``."""
    key: Annotated[str, Field(min_length=1, max_length=1024)]
    """Which of its values."""
    mount: Annotated[str, Field(pattern=_SEGMENTS, max_length=256)] = "secret"
    """Where the store is mounted."""


class SecretRef(Strict):
    """Where a secret is found at the moment of use. The secret itself never stands in a manifest."""

    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """Name of an environment variable of the reconciler."""
    file: Annotated[str, Field(min_length=1)] | None = None
    """Path of a file on the reconciler's machine; the trailing newline is dropped."""
    sops: SopsRef | None = None
    """A file that SOPS has encrypted. Needs the extra ``secrets``, or sops on the PATH."""
    openbao: OpenBaoRef | None = None
    """OpenBao or Vault, as ``[openbao]`` of hanse.toml reaches it. Needs the extra ``secrets``."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(getattr(self, source) is not None for source in SOURCES) != 1:
            message = f"give exactly one of {', '.join(SOURCES)}"
            raise ValueError(message)
        return self

    @property
    def place(self) -> str:
        """Source and place in one word, as ``[[secrets]]`` allows them: ``env:NAME``, ``sops:secrets/dns.yaml``."""
        if self.openbao is not None:
            return f"openbao:{self.openbao.mount}/{self.openbao.path}"
        if self.sops is not None:
            return f"sops:{self.sops.file}"
        return f"env:{self.env}" if self.env is not None else f"file:{self.file}"

    def __str__(self) -> str:
        """What may be printed about it."""
        if self.openbao is not None:
            return f"the value {self.openbao.key} of {self.openbao.mount}/{self.openbao.path} in OpenBao"
        if self.sops is not None:
            return f"the value {self.sops.key} of {self.sops.file}"
        return f"the environment variable {self.env}" if self.env is not None else f"the file {self.file}"


class SecretScope(Strict):
    """Which secrets some manifests may name. Where any is given, what none allows is refused."""

    namespace: Annotated[str, Field(min_length=1)] | None = None
    """Manifests of this namespace, or of those that fit a pattern."""
    resources: Annotated[str, Field(min_length=1)] | None = None
    """Or the resources that fit a pattern: ``Site/CESGA``, ``Site/*``."""
    allow: tuple[str, ...] = ()
    """``SOURCE:PLACE``: ``env:TIDES_*``, ``file:/etc/hanse/tides/``, ``sops:secrets/tides/``,
    ``openbao:secret/tides/``. What ends in a slash holds for everything below."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.namespace is None) == (self.resources is None):
            raise ValueError("give exactly one of namespace, resources")
        return self

    @field_validator("allow")
    @classmethod
    def _sources(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for one in given:
            source, _, place = one.partition(":")
            if source not in SOURCES or not place:
                raise ValueError(f"{one}: SOURCE:PLACE, where SOURCE is one of {', '.join(SOURCES)}")
        return given

    def concerns(self, ref: Ref) -> bool:
        """Whether it is about this resource."""
        if self.resources is not None:
            return fnmatchcase(ref, self.resources)
        return ref.namespace is not None and fnmatchcase(ref.namespace, self.namespace or "")

    def allows(self, reference: SecretRef) -> bool:
        """Whether the secret may be named. A file must be written as it is: no ``..``, no way around."""
        place = reference.place
        if reference.file is not None and not _straight(reference.file):
            return False
        return any(_fits(place, pattern) for pattern in self.allow)


def allowed(scopes: Iterable[SecretScope], ref: Ref) -> tuple[SecretScope, ...]:
    """The scopes that are about a resource."""
    return tuple(scope for scope in scopes if scope.concerns(ref))


def _fits(place: str, pattern: str) -> bool:
    return fnmatchcase(place, f"{pattern}*" if pattern.endswith("/") else pattern)


def _straight(path: str) -> bool:
    """An absolute path that leads where it says."""
    return path.startswith("/") and str(PurePosixPath(path)) == path and ".." not in path.split("/")
