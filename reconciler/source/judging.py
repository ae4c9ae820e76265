"""Whether the head of a branch may come into force: it follows on what is in force, and who must has signed it.

A commit is looked at for the paths that it changes against its first parent, a merge of another line against every
parent: else a merge could undo, unsigned, what was signed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import git

from reconciler.errors import SourceError
from reconciler.source.names import resolved
from reconciler.source.repository import opened
from reconciler.source.signatures import Signers, checking, unsigned, unverified

MOST = 10_000
"""So many commits are looked at between two heads."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who must have signed each commit that changes ``paths`` (folders or patterns) on ``branches`` (patterns)."""

    signers: Signers
    paths: tuple[str, ...] = ("*",)
    branches: tuple[str, ...] = ("*",)

    def covers(self, path: str) -> bool:
        """Whether a file is among the paths."""
        return any(fnmatchcase(path, one) or path.startswith(f"{one.rstrip('/')}/") for one in self.paths)


@dataclass(frozen=True, slots=True)
class Judged:
    """The head of a branch."""

    commit: str
    why: str
    """Why it may not come into force; "" when it may."""
    stands: bool
    """Whether what is in force can still be read."""


@dataclass(frozen=True, slots=True)
class Before:
    """What a branch had before."""

    commit: str = ""
    """In force; "" for nothing."""
    acknowledged: str = ""
    """A commit that a person takes although it does not follow on that."""


def branch_of(repository: Path, revision: str) -> str:
    """The local branch that a revision names (HEAD: the one it points to); "" when it names none."""
    repo = opened(repository)
    try:
        name = str(repo.git.rev_parse("--symbolic-full-name", "--end-of-options", revision))
    except git.GitCommandError:
        return ""
    name = name.removeprefix("--end-of-options").strip()  # older git repeats it
    return name.removeprefix("refs/heads/") if name.startswith("refs/heads/") else ""


def head_of(repository: Path, revision: str) -> str:
    """The commit that a revision means. Raises SourceError when there is none."""
    return resolved(opened(repository), revision)


def missing(repository: Path, commits: Iterable[str]) -> str:
    """The first of these commits that the repository has not; "" when it has them all."""
    repo = opened(repository)
    return next((one for one in commits if not _there(repo, one)), "")


def fork(repository: Path, one: str, other: str) -> str:
    """The commit at which two lines parted. Raises SourceError where they have none in common."""
    repo = opened(repository)
    found = _fork(repo, resolved(repo, one), resolved(repo, other))
    if not found:
        message = f"{one} and {other} have no commit in common"
        raise SourceError(f"{message}: is the history all there (git fetch --unshallow)?")
    return found


def judge(
    repository: Path, revision: str, branch: str, before: Before, signers: Path | None, rules: Sequence[Rule]
) -> Judged:
    """Look at the head of a branch; for what is no branch ("") every rule holds.

    Raises SourceError when it, or a list of signers, cannot be read.
    """
    repo = opened(repository)
    commit = resolved(repo, revision)
    stands = bool(before.commit) and _there(repo, before.commit)
    follows = not before.commit or (stands and _follows(repo, before.commit, commit))
    if not follows and before.acknowledged != commit:
        said = f"history was rewritten: {commit[:12]} does not follow on {before.commit[:12]}, which is in force"
        return Judged(commit, f"{said}; hanse acknowledge {commit[:12]} takes it", stands)
    since = before.commit if follows else _fork(repo, before.commit, commit) if stands else ""
    why = unverified(repo, commit, signers)
    for rule in rules:
        if not why and (not branch or any(fnmatchcase(branch, one) for one in rule.branches)):
            why = _distrusted(repo, commit, since, rule)
    return Judged(commit, why, stands)


def _distrusted(repo: git.Repo, commit: str, since: str, rule: Rule) -> str:
    """Why one of the commits since does not count; without any before, the latest that the rule covers."""
    those = list(_touching(repo, commit, since, rule)) if since else _latest(repo, commit, rule)
    if len(those) > MOST:
        return f"more than {MOST} commits since {since[:12]}: too many to look at"
    with checking(rule.signers) as environment:
        found = (unsigned(repo, one, rule.signers, environment) for one in those)
        why = next((one for one in found if one), "")
    return f"{why}, who must sign {', '.join(rule.paths)}" if why else ""


def _touching(repo: git.Repo, commit: str, since: str, rule: Rule) -> Iterator[str]:
    """The commits that are new and change what the rule covers, the oldest first."""
    lines = repo.git.rev_list("--parents", "--reverse", f"--max-count={MOST + 1}", commit, f"^{since}").splitlines()
    for line in lines:
        one, *parents = line.split()
        against = parents[:1]
        if len(parents) > 1 and not _follows(repo, since, parents[0]):
            against = parents
        if any(rule.covers(path) for parent in against or [""] for path in _changed(repo, parent, one)):
            yield one


def _latest(repo: git.Repo, commit: str, rule: Rule) -> list[str]:
    """The last commit of the first line that changes what the rule covers; none where there never was any."""
    folders = sorted({_folder(path) for path in rule.paths})
    where = [] if "" in folders else ["--", *folders]
    found = repo.git.rev_list("--first-parent", f"--max-count={MOST}", commit, *where).split()
    for one in found:
        parents = repo.git.rev_list("--parents", "--max-count=1", one).split()[1:]
        if any(rule.covers(path) for path in _changed(repo, parents[0] if parents else "", one)):
            return [one]
    return [commit] if len(found) == MOST else []


def _folder(path: str) -> str:
    """The part of a pattern that names a file or folder as it is."""
    wild = re.search(r"[*?\[]", path)
    return path[: wild.start()].rpartition("/")[0] if wild else path.strip("/")


def _changed(repo: git.Repo, parent: str, commit: str) -> list[str]:
    between = [parent, commit] if parent else ["--root", commit]
    told = repo.git.diff_tree("-r", "-z", "--name-only", "--no-commit-id", "--no-renames", *between)
    return [name for name in str(told).split("\0") if name]


def _there(repo: git.Repo, commit: str) -> bool:
    try:
        repo.git.cat_file("-e", f"{commit}^{{commit}}")
    except git.GitCommandError:
        return False
    return True


def _follows(repo: git.Repo, earlier: str, later: str) -> bool:
    try:
        repo.git.merge_base("--is-ancestor", earlier, later)
    except git.GitCommandError:
        return False
    return True


def _fork(repo: git.Repo, one: str, other: str) -> str:
    try:
        return str(repo.git.merge_base(one, other)).partition("\n")[0]
    except git.GitCommandError:
        return ""
