"""Which commit counts: the head of a branch, where it follows on what is in force and is signed as it must be.

Where it is not, what was in force before stays so: drift is mended, nothing new is begun, and the reason is told by
every plan, by ``hanse status`` and in the records.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from reconciler import source
from reconciler.model import Graph
from reconciler.records.store import Store
from reconciler.settings import Settings
from reconciler.source import Before, Rule, Signers


@dataclass(frozen=True, slots=True)
class Incoming:
    """What is to be read, and how its branch stands."""

    revision: str
    """What is read."""
    branch: str = ""
    """"" for what is no branch: a commit, a tag, a working tree."""
    head: str = ""
    why: str = ""
    """Why the head of the branch is not in force."""
    unverified: str = ""
    """Why nothing at all is done: there is nothing else that could be in force."""
    verified: bool = False

    @property
    def remark(self) -> str:
        """What a plan says of it; "" when all is well."""
        if not self.why or self.unverified:
            return ""
        return f"{self.head[:12]} of {self.branch} is not in force, {self.revision[:12]} still is: {self.why}"


def chosen(settings: Settings, store: Store, revision: str, *, worktree: bool, verify: bool = True) -> Incoming:
    """What counts of a revision. Changes nothing. Raises SourceError when that cannot be found out.

    Without ``verify`` no commit need be signed: for what is only looked at.
    """
    given = settings.source
    signers, signed = (given.signers, given.signed) if verify else (None, ())
    if worktree:
        said = "files of a working tree are not signed"
        return Incoming(revision, unverified=said if signers or signed else "")
    repository = Path(given.repository)
    branch = source.branch_of(repository, revision)
    known = store.heads.get(branch) if branch else None
    before = Before(known.commit, known.acknowledged) if known else Before()
    rules = [Rule(Signers(one.signers, one.keyring), one.paths, one.branches) for one in signed]
    judged = source.judge(repository, revision, branch, before, signers, rules)
    asked = bool(signers or rules)
    if judged.why and known and judged.stands and judged.commit != known.commit and (known.verified or not asked):
        return Incoming(known.commit, branch, judged.commit, judged.why, verified=known.verified)
    verified = asked and not judged.why
    return Incoming(judged.commit, branch, judged.commit, judged.why, judged.why, verified)


def acknowledge(store: Store, repository: Path, branch: str, head: str, by: str, reason: str) -> str:
    """A person takes the head of a branch. Where what was accepted before is lost, everything counts as it is there.

    Gives the commit that is lost, or "".
    """
    store.heads.acknowledge(branch, head, by, reason)
    lost = source.missing(repository, store.acceptances.of(branch).commits)
    if lost:
        store.acceptances.whole(branch, head)
    return lost


def remarked(graph: Graph, incoming: Incoming) -> Graph:
    """The graph, with what is to be said of the commit."""
    return replace(graph, remarks=(incoming.remark, *graph.remarks)) if incoming.remark else graph


def settle(store: Store, incoming: Incoming | None) -> None:
    """Write down what came into force, or what did not and why."""
    if incoming is None or not incoming.branch:
        return
    if incoming.why:
        store.heads.withhold(incoming.branch, incoming.head, incoming.why)
    else:
        store.heads.accept(incoming.branch, incoming.revision, verified=incoming.verified)
