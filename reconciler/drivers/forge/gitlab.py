"""GitLab's REST API: merge requests, notes, statuses of commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from reconciler.drivers.forge.github import shortened
from reconciler.drivers.forge.rest import PER_PAGE, Rest
from reconciler.errors import Terminal
from reconciler.ports.forge import PullRequest, State

_STATES: Mapping[State, str] = {"pending": "pending", "success": "success", "failure": "failed", "error": "failed"}


@dataclass(frozen=True)
class GitLab:
    """One project, by its path or number."""

    rest: Rest
    repository: str
    context: str = "hanse"
    user: str = ""

    def pulls(self) -> tuple[PullRequest, ...]:
        """Every open merge request, by number."""
        found = self.rest.pages(f"{self._project}/merge_requests", state="opened", per_page=str(PER_PAGE))
        return tuple(sorted((_pull(one) for one in found), key=lambda one: one.number))

    def tell(self, number: int, marker: str, body: str) -> None:
        """Write our note, or change it. Notes of others are never touched, whatever they begin with."""
        path = f"{self._project}/merge_requests/{number}/notes"
        me = self.user or str(self.rest.get("user").get("username", ""))
        for one in self.rest.pages(path, per_page=str(PER_PAGE)):
            if str(one.get("body", "")).startswith(marker) and me and (one.get("author") or {}).get("username") == me:
                if one.get("body") != body:
                    self.rest.send("PUT", f"{path}/{one['id']}", {"body": body})
                return
        self.rest.send("POST", path, {"body": body})

    def mark(self, commit: str, state: State, said: str, url: str = "") -> None:
        """Give a commit our status; that it has this state already is no fault."""
        told = {"state": _STATES[state], "name": self.context, "description": shortened(said, 255)}
        try:
            sent = told | ({"target_url": url} if url else {})
            self.rest.send("POST", f"{self._project}/statuses/{commit}", sent)
        except Terminal as error:
            if "Cannot transition status" not in str(error):
                raise

    def agreed(self, commit: str, branch: str) -> tuple[str, ...]:
        """Those who merged what brought a commit into ``branch``. Approvals do not say of which state they are."""
        path = f"{self._project}/repository/commits/{commit}/merge_requests"
        found = (one for one in self.rest.pages(path, per_page=str(PER_PAGE)) if one.get("target_branch") == branch)
        merged = (one.get("merge_user") or one.get("merged_by") for one in found if one.get("state") == "merged")
        return tuple(
            sorted({str(user["username"]) for user in merged if isinstance(user, Mapping) and "username" in user})
        )

    @property
    def _project(self) -> str:
        return f"projects/{quote(self.repository, safe='')}"


def _pull(told: Mapping[str, Any]) -> PullRequest:
    try:
        number, author = int(told["iid"]), str((told.get("author") or {}).get("username", ""))
        ref = f"refs/merge-requests/{number}/head"
        return PullRequest(
            number, str(told["sha"]), str(told["target_branch"]), ref, str(told.get("title", "")), author
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Terminal("the forge tells a merge request without iid, sha or target_branch") from error
