"""Forge: where pull requests are. A comment is told once and kept up to date; a commit has one status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

State = Literal["pending", "success", "failure", "error"]


@dataclass(frozen=True, slots=True)
class PullRequest:
    """An open pull request. All of it is what its author says."""

    number: int
    head: str
    """Commit, 40 hex digits."""
    base: str
    """Branch that it is to be merged into."""
    ref: str
    """What git fetches its head as: ``refs/pull/7/head``."""
    title: str = ""
    author: str = ""


class Forge(Protocol):
    """One repository on a forge. Every call raises DriverError; no error tells the token."""

    def pulls(self) -> tuple[PullRequest, ...]:
        """Every open pull request, by number."""
        ...

    def tell(self, number: int, marker: str, body: str) -> None:
        """Write a comment of our own that begins with ``marker``, or put ``body`` in place of what it says."""
        ...

    def mark(self, commit: str, state: State, said: str, url: str = "") -> None:
        """Give a commit our status. ``said`` is cut where the forge takes no more."""
        ...

    def agreed(self, commit: str, branch: str) -> tuple[str, ...]:
        """Users who approved the last state of a pull request into ``branch`` that brings a commit, or merged it.

        Nobody's approval of his own counts, nor does that of an earlier state, nor one that was taken back.
        """
        ...

    def approving(self, number: int) -> tuple[str, ...]:
        """Users whose last word on a pull request is an approval of what it holds now."""
        ...

    def belongs(self, user: str, team: str) -> bool:
        """Whether a user is an active member of a team (``@org/team``; of GitLab a group: ``@group/subgroup``)."""
        ...
