"""Gitea and Forgejo: GitHub's shapes under ``/api/v1``, pages called otherwise, and authors that have no type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from reconciler.drivers.forge.github import GitHub
from reconciler.errors import Terminal


@dataclass(frozen=True)
class Gitea(GitHub):
    """One repository, ``owner/name``."""

    paging: ClassVar[str] = "limit"

    def _bringing(self, commit: str) -> Iterable[Mapping[str, Any]]:
        """The pull request that a commit came with: these forges tell one at most."""
        try:
            found = self.rest.get(f"repos/{self.repository}/commits/{commit}/pull")
        except Terminal as error:
            if " answers 404 " in str(error):
                return ()
            raise
        return (found,) if isinstance(found, Mapping) else ()

    def _me(self) -> str:
        told: Any = self.rest.get("user")
        if not isinstance(told, dict) or not told.get("login"):
            raise Terminal("the forge does not say whose token this is: give user in [forge]")
        return str(told["login"])
