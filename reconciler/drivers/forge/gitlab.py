"""GitLab's REST API: merge requests, notes, statuses of commits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from reconciler.drivers.forge.github import shortened
from reconciler.drivers.forge.rest import PER_PAGE, Rest, absent, named
from reconciler.errors import Terminal
from reconciler.ports.forge import PullRequest, State

_STATES: Mapping[State, str] = {"pending": "pending", "success": "success", "failure": "failed", "error": "failed"}
_APPROVED, _TAKEN_BACK = "approved this merge request", ("unapproved this merge request", "requested changes")
_NEVER = datetime.min.replace(tzinfo=UTC)


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
        """Users who approved the last state of a merge request into ``branch`` that brings a commit, or merged it."""
        path = f"{self._project}/repository/commits/{commit}/merge_requests"
        found = set[str]()
        for one in self.rest.pages(path, per_page=str(PER_PAGE)):
            if one.get("target_branch") == branch and one.get("state") in ("opened", "merged"):
                found |= set(self.approving(int(one.get("iid", 0))))
                merged = one.get("state") == "merged"
                found |= {_user(one.get("merge_user") or one.get("merged_by"))} if merged else set()
        return tuple(sorted(found - {""}))

    def approving(self, number: int) -> tuple[str, ...]:
        """Users but the author whose last word on a merge request is an approval that came after its last push.

        Whether a push takes approvals back is a setting of the project: so the time of the push, as GitLab itself keeps
        it, is compared with that of its note of the approval. The time that a commit bears says nothing.
        """
        path = f"{self._project}/merge_requests/{number}"
        standing: Any = self.rest.get(f"{path}/approvals")
        now = {_user(one.get("user")) for one in standing.get("approved_by") or () if isinstance(one, Mapping)} - {""}
        if not now:
            return ()
        told: Any = self.rest.get(path)
        pushed = self._pushed(path, str(told.get("sha", "")))
        last = dict(self._words(path)) if pushed else {}
        fresh = {user for user in now if pushed and last.get(user, _NEVER) > pushed}
        return tuple(sorted(fresh - {_user(told.get("author"))}))

    def belongs(self, user: str, team: str) -> bool:
        """Whether a user is an active member of a group, by himself or through the groups above it."""
        names = named(team)
        if not names:
            return False
        path = f"groups/{quote('/'.join(map(unquote, names)), safe='')}/members/all"
        try:
            found = list(self.rest.pages(path, query=user, per_page=str(PER_PAGE)))
        except Terminal as error:
            if absent(error):
                return False
            raise
        return any(
            _user(one).lower() == user.lower()
            and one.get("state") == "active"
            and one.get("membership_state", "active") == "active"
            for one in found
        )

    def _pushed(self, path: str, head: str) -> datetime | None:
        """When the head was pushed; None where the last version is of something else."""
        versions = [*self.rest.pages(f"{path}/versions", per_page=str(PER_PAGE))]
        last = max(versions, key=lambda one: int(one.get("id", 0)), default={})
        return _time(last.get("created_at")) if head and last.get("head_commit_sha") == head else None

    def _words(self, path: str) -> Iterator[tuple[str, datetime]]:
        """Who approved and when, or that he did not after all: in order, as GitLab itself notes it."""
        for one in self.rest.pages(f"{path}/notes", sort="asc", order_by="created_at", per_page=str(PER_PAGE)):
            said = str(one.get("body", ""))
            if one.get("system") is True and said == _APPROVED:
                yield _user(one.get("author")), _time(one.get("created_at"))
            elif one.get("system") is True and said.startswith(_TAKEN_BACK):
                yield _user(one.get("author")), _NEVER

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


def _user(told: Any) -> str:
    return str(told.get("username") or "") if isinstance(told, Mapping) else ""


def _time(told: Any) -> datetime:
    try:
        found = datetime.fromisoformat(str(told))
    except ValueError as error:
        raise Terminal("the forge tells no time where there is one") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
