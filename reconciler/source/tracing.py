"""Who made each file what it is: the commits that changed it since a commit that counts, and who signed them.

All is read in bulk: git lists the new commits once, compares each with its parents once, and looks at the signatures of
those alone that changed a file in question. A file is followed backwards by content: where a merge left it as one of
its parents had it, that line made it so; where it is as none of them had it, the merge did.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import git

from reconciler.errors import SourceError
from reconciler.source.names import resolved
from reconciler.source.repository import opened
from reconciler.source.signatures import Signers, checking, settings_of

MOST = 10_000
"""So many new commits are looked at."""
TRAILER = "Hanse-Agreed"
"""``Hanse-Agreed: DIGEST`` in a signed commit: its signer agrees to a part of a plan."""
_FEW = 200
"""So many files are named to git; of more, all that changed is listed."""
_GONE = "0" * 40
"""How git names what is not there."""
_UNIT, _GROUP = "\x1f", "\x1d"


@dataclass(frozen=True, slots=True)
class Traced:
    """What git tells of some files."""

    makers: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """File -> the new commits that made it what it is; none where that cannot be told."""
    mergers: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """File -> the merges that brought it in from another line, as it is now."""
    words: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """Commit -> what its trailers agree to; the commit may be anybody's until it is known who signed it."""
    why: str = ""
    """Why nothing can be told."""


class Author(NamedTuple):
    """Whose a commit is."""

    principal: str
    """Who signed it, as the lists name him; "" for nobody on them."""
    name: str
    """What the commit says of its author, which proves nothing."""
    email: str


def traced(
    repository: Path, base: str, head: str, files: Collection[str], later: Collection[str] = frozenset()
) -> Traced:
    """The commits that are in ``head`` and not in ``base``, as far as they made ``files`` what they are at ``head``.

    ``base`` is "" for the beginning. What is again as it was at ``base`` nobody made, but for files that counted as
    they were ``later`` than that. Raises SourceError for commits that are not there.
    """
    repo = opened(repository)
    since = [f"^{resolved(repo, base)}"] if base else []
    tip = resolved(repo, head)
    lines = repo.git.rev_list("--parents", "--topo-order", f"--max-count={MOST + 1}", tip, *since).splitlines()
    if len(lines) > MOST:
        return Traced(
            why=f"there are more than {MOST} commits since {base[:12] or 'the beginning'}: too many to look at"
        )
    parents = {one: rest for one, *rest in map(str.split, lines)}
    changed = _changed(repo, parents, files)
    known = _blobs(repo, since[0][1:], files) if since else {}
    now = _blobs(repo, tip, files)
    ends = {file: known.get(file, _GONE) if since and file not in later else "" for file in files}
    forks = _Forks(repo, files)
    walked = {file: _walked(file, (tip, now.get(file, _GONE)), parents, changed, ends[file], forks) for file in files}
    return Traced(
        {file: makers for file, (makers, _) in walked.items()},
        {file: mergers for file, (_, mergers) in walked.items()},
        _words(repo, tip, since),
    )


def since(repository: Path, base: str, commit: str) -> frozenset[str]:
    """A commit and what it rests on, as far as that is not in ``base``. Raises SourceError where there is none."""
    repo = opened(repository)
    before = [f"^{resolved(repo, base)}"] if base else []
    return frozenset(str(repo.git.rev_list(resolved(repo, commit), *before)).split())


def authors(repository: Path, commits: Iterable[str], lists: Sequence[Signers]) -> Mapping[str, Author]:
    """Whose each commit is. Raises SourceError for lists that cannot be read."""
    asked = sorted(set(commits))
    repo = opened(repository)
    form = _UNIT.join(("%H", "%an", "%ae"))
    found = dict.fromkeys(asked, Author("", "", ""))
    found |= {one: Author("", name, email) for one, name, email in _told(repo, [], {}, asked, form)}
    for signers in lists:
        with checking(signers) as environment:
            told = _told(repo, settings_of(signers), environment, asked, _UNIT.join(("%H", "%G?", "%GS")))
        for commit, verdict, principal in told:
            if verdict == "G" and principal and not found[commit].principal:
                found[commit] = found[commit]._replace(principal=_address(principal))
    return found


def _address(principal: str) -> str:
    """The address of a GPG key's user (``Ana <ana@example.org>``); an SSH principal as it is."""
    _, bracket, rest = principal.rpartition("<")
    return rest.removesuffix(">").strip() if bracket and rest.endswith(">") else principal


def _told(
    repo: git.Repo, given: Sequence[str], environment: Mapping[str, str], commits: Sequence[str], form: str
) -> list[list[str]]:
    if not commits:
        return []
    command = ["git", *given, "log", "--no-walk=unsorted", "--stdin", f"--format={form}"]
    said = _fed(repo, command, commits, environment)
    return [line.split(_UNIT) for line in said.split("\n") if line.count(_UNIT) == form.count(_UNIT)]


def _changed(
    repo: git.Repo, parents: Mapping[str, Sequence[str]], files: Collection[str]
) -> Mapping[tuple[str, str], Mapping[str, str]]:
    """(commit, parent) -> the files in which they differ, with what the parent has; that of a first commit is ""."""
    pairs = [(commit, parent) for commit, those in parents.items() for parent in those or [""]]
    if not pairs or not files:
        return {}
    where = ["--", *sorted(files)] if len(files) <= _FEW else []
    words = ["diff-tree", "--stdin", "--always", "-r", "--raw", "-z", "--no-renames", "--root", *where]
    said = _fed(repo, ["git", "--literal-pathspecs", *words], [f"{c} {p}".strip() for c, p in pairs], {})
    found: dict[tuple[str, str], dict[str, str]] = {}
    rest = iter(pairs)
    now: dict[str, str] = {}
    tokens = iter(said.split("\0"))
    for token in tokens:
        if token.startswith(":"):
            now[next(tokens)] = token.split(" ")[2]
        elif token.strip():
            now = found.setdefault(next(rest), {})
    return found


def _blobs(repo: git.Repo, commit: str, files: Collection[str]) -> dict[str, str]:
    """File -> its content at a commit, as git names it."""
    where = ["--", *sorted(files)] if len(files) <= _FEW else []
    said = _fed(repo, ["git", "--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", commit, *where], (), {})
    lines = (line.partition("\t") for line in said.split("\0") if line)
    wanted = frozenset(files)
    return {file: head.split(" ")[2] for head, _, file in lines if file in wanted}


def _fed(repo: git.Repo, command: Sequence[str], lines: Iterable[str], environment: Mapping[str, str]) -> str:
    with tempfile.TemporaryFile() as given:
        given.write("".join(f"{line}\n" for line in lines).encode())
        given.seek(0)
        try:
            return str(
                repo.git.execute([*command], istream=given, env=dict(environment), strip_newline_in_stdout=False)
            )
        except git.GitCommandError as error:
            raise SourceError(f"the history cannot be read: {str(error.stderr).strip()}") from error


@dataclass
class _Forks:
    """What files were like where two lines parted; asked once for each two."""

    repo: git.Repo
    files: Collection[str]
    known: dict[tuple[str, str], list[dict[str, str]]] = field(default_factory=dict)

    def untouched(self, file: str, was: str, line: str, other: str) -> bool:
        """Whether a line left a file as it was where it parted from another one."""
        if (line, other) not in self.known:
            self.known[line, other] = [_blobs(self.repo, one, self.files) for one in self._bases(line, other)]
        return {one.get(file, _GONE) for one in self.known[line, other] or [{}]} == {was}

    def _bases(self, line: str, other: str) -> list[str]:
        try:
            return str(self.repo.git.merge_base("--all", line, other)).split()
        except git.GitCommandError:  # they never were one
            return []


def _walked(
    file: str,
    tip: tuple[str, str],
    parents: Mapping[str, Sequence[str]],
    changed: Mapping[tuple[str, str], Mapping[str, str]],
    known: str,
    forks: _Forks,
) -> tuple[frozenset[str], frozenset[str]]:
    """(makers, mergers) of one file, followed backwards until it is as it was ``known``.

    A merge that takes it from one line although another one had changed it has chosen: it is a maker. A merge counts
    as one that brought it as long as nobody has changed it since.
    """
    makers: set[str] = set()
    mergers: set[str] = set()
    seen: set[tuple[str, str, bool]] = set()
    left = [(*tip, True)]
    while left:
        commit, blob, unchanged = left.pop()
        if (commit, blob, unchanged) in seen or commit not in parents or blob == known:
            continue
        seen.add((commit, blob, unchanged))
        before = [(parent, changed.get((commit, parent), {}).get(file, blob)) for parent in parents[commit]]
        same = [(parent, was) for parent, was in before if was == blob]
        made = not same and bool(before or file in changed.get((commit, ""), {}))
        others = [one for one in before if one not in same] if same else []
        chose = not all(any(forks.untouched(file, was, one, taken) for taken, _ in same) for one, was in others)
        if made or chose:
            makers.add(commit)
        if same and before[0] not in same and unchanged:
            mergers.add(commit)
        left += [(*one, unchanged and not (made or chose)) for one in same or before]
    return frozenset(makers), frozenset(mergers)


def _words(repo: git.Repo, tip: str, since: Sequence[str]) -> Mapping[str, frozenset[str]]:
    trailers = f"%(trailers:key={TRAILER},valueonly,unfold,separator={_GROUP})".replace(_GROUP, "%x1d")
    words = [f"--grep=^{TRAILER}:", f"--format=%H%x1f{trailers}", f"--max-count={MOST}", tip, *since]
    lines = str(repo.git.log(*words)).split("\n")
    found = {commit: said for commit, mark, said in (line.partition(_UNIT) for line in lines) if mark}
    told = {commit: frozenset(filter(None, map(str.strip, said.split(_GROUP)))) for commit, said in found.items()}
    return {commit: said for commit, said in told.items() if said}
