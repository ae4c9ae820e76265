"""GitHub's REST API; what other forges took over from it stands here too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from reconciler.drivers.forge.rest import PER_PAGE, Rest
from reconciler.errors import Terminal
from reconciler.ports.forge import PullRequest, State


@dataclass(frozen=True)
class GitHub:
    """One repository, ``owner/name``."""

    rest: Rest
    repository: str
    context: str = "hanse"
    """Name of our status."""
    user: str = ""
    """Who writes our comments; "" asks."""
    paging: ClassVar[str] = "per_page"

    def pulls(self) -> tuple[PullRequest, ...]:
        """Every open pull request, by number."""
        found = self.rest.pages(f"repos/{self.repository}/pulls", state="open", **{self.paging: str(PER_PAGE)})
        return tuple(sorted((_pull(one) for one in found), key=lambda one: one.number))

    def tell(self, number: int, marker: str, body: str) -> None:
        """Write our comment, or change it. Comments of others are never touched, whatever they begin with."""
        path = f"repos/{self.repository}/issues/{number}/comments"
        me = self.user or self._me()
        for one in self.rest.pages(path, **{self.paging: str(PER_PAGE)}):
            if str(one.get("body", "")).startswith(marker) and self._mine(one.get("user"), me):
                if one.get("body") != body:
                    self.rest.send("PATCH", f"repos/{self.repository}/issues/comments/{one['id']}", {"body": body})
                return
        self.rest.send("POST", path, {"body": body})

    def mark(self, commit: str, state: State, said: str, url: str = "") -> None:
        """Give a commit our status; 140 characters are taken."""
        told = {"state": state, "context": self.context, "description": shortened(said, 140)}
        self.rest.send(
            "POST", f"repos/{self.repository}/statuses/{commit}", told | ({"target_url": url} if url else {})
        )

    def _me(self) -> str:
        try:
            return str(self.rest.get("user")["login"])
        except (Terminal, KeyError, TypeError):  # the token of a workflow may not ask
            return ""

    def _mine(self, author: Any, me: str) -> bool:
        if not isinstance(author, Mapping):
            return False
        return author.get("login") == me if me else author.get("type") == "Bot"


def _pull(told: Mapping[str, Any]) -> PullRequest:
    try:
        number, author = int(told["number"]), str((told.get("user") or {}).get("login", ""))
        head, base = str(told["head"]["sha"]), str(told["base"]["ref"])
        return PullRequest(number, head, base, f"refs/pull/{number}/head", str(told.get("title", "")), author)
    except (KeyError, TypeError, ValueError) as error:
        raise Terminal("the forge tells a pull request without number, head or base") from error


def shortened(said: str, most: int) -> str:
    """One line of at most so many characters."""
    line = " ".join(said.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
