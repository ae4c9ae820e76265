"""Where manifests are, and who must have signed them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from reconciler.model import SecretRef, Strict


class SignedSettings(Strict):
    """Who must have signed what. A commit that none of them has signed is not in force; the one before it stays so."""

    paths: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    """Folders or patterns: each commit that changes a file there must be signed."""
    branches: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    """Patterns of branches for which this holds."""
    signers: Path | None = None
    """List of allowed signers (ssh-keygen)."""
    keyring: Path | None = None
    """Public keys (``gpg --export --armor``)."""

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.signers is None and self.keyring is None:
            raise ValueError("give signers, keyring or both")
        return self

    def pathed(self, root: Path) -> Self:
        """The same with paths counted from ``root``."""
        found = {name: root / path for name in ("signers", "keyring") if (path := getattr(self, name))}
        return self.model_copy(update=found)


class Source(Strict):
    """Where the manifests are."""

    repository: str = "."
    """Path of a git repository, bare or not; with ``remote``, where Hanse keeps its copy (.hanse/source.git)."""
    remote: str = ""
    """``https://git.example.org/federation.git``: what is fetched before each reconcile; "" for nothing."""
    username: str = "git"
    """As whom it is fetched, where there is a password."""
    password: SecretRef | None = None
    """Password or token that may read it."""
    ca: str = ""
    """File of the authorities that are trusted; "" for the machine's own."""
    revision: str = "HEAD"
    """Branch, tag or commit that is reconciled."""
    paths: tuple[str, ...] = ("manifests",)
    """Folders inside the repository that hold manifests."""
    signers: Path | None = None
    """List of allowed signers (ssh-keygen): when given, a commit that none of them signed changes nothing."""
    signed: tuple[SignedSettings, ...] = ()
    """Who must have signed the commits that change certain paths."""

    @field_validator("remote")
    @classmethod
    def _no_secret(cls, given: str) -> str:
        parts = urlsplit(given)
        if parts.password or (parts.username and parts.scheme in ("http", "https")):
            raise ValueError("neither user nor password stand in a URL: give username and password")
        return given
