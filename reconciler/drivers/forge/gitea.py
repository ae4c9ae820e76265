"""Gitea and Forgejo: GitHub's shapes under ``/api/v1``, pages called otherwise, and authors that have no type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote, unquote

from reconciler.drivers.forge.github import GitHub
from reconciler.drivers.forge.rest import PER_PAGE, named
from reconciler.errors import Terminal

_LATEST = 20
"""So many pull requests, those that changed last, are searched for a commit."""


@dataclass(frozen=True)
class Gitea(GitHub):
    """One repository, ``owner/name``."""

    paging: ClassVar[str] = "limit"
    brought: dict[int, frozenset[str]] = field(default_factory=dict, compare=False)
    """Commits of pull requests, as they were when this one was made: it is for one look."""
    latest: list[Mapping[str, Any]] = field(default_factory=list, compare=False)

    def belongs(self, user: str, team: str) -> bool:
        """Whether a user is a member of a team."""
        match named(team):
            case [org, name]:
                found = self._there(f"orgs/{org}/teams/search", q=unquote(name), limit=str(PER_PAGE))
                those = found.get("data") if isinstance(found, Mapping) else None
                ids = [one["id"] for one in those or () if str(one.get("name", "")).lower() == unquote(name).lower()]
                members = [self._there(f"teams/{int(one)}/members/{quote(user, safe='')}") for one in ids[:1]]
                return any(isinstance(one, Mapping) and _same(one.get("login"), user) for one in members)
            case _:
                return False

    def _bringing(self, commit: str, branch: str) -> Iterable[Mapping[str, Any]]:
        """The pull request whose merge a commit is; else those among the latest that it is part of.

        These forges tell of merges only; of what was merged by them, and of what is still open, its commits are asked.
        """
        merged = self._there(f"repos/{self.repository}/commits/{commit}/pull")
        if isinstance(merged, Mapping):
            return (merged,)
        if not self.latest:
            asked = {"state": "all", "sort": "recentupdate", "limit": str(_LATEST)}
            found = self.rest.get(f"repos/{self.repository}/pulls", **asked)
            self.latest.extend(found if isinstance(found, list) else ())
        those = [one for one in self.latest if (one.get("base") or {}).get("ref") == branch]
        heads = [one for one in those if (one.get("head") or {}).get("sha") == commit]
        return heads or [one for one in those if commit in self._commits(int(one.get("number", 0)))]

    def _commits(self, number: int) -> frozenset[str]:
        if number not in self.brought:
            found = self.rest.pages(f"repos/{self.repository}/pulls/{number}/commits", limit=str(PER_PAGE))
            self.brought[number] = frozenset(str(one.get("sha", "")) for one in found)
        return self.brought[number]

    def _me(self) -> str:
        told: Any = self.rest.get("user")
        if not isinstance(told, dict) or not told.get("login"):
            raise Terminal("the forge does not say whose token this is: give user in [forge]")
        return str(told["login"])


def _same(login: Any, user: str) -> bool:
    return isinstance(login, str) and login.lower() == user.lower()
