"""Evidence: what is proved of those who made a change, and of those who agreed to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from reconciler.authority.changes import Asked
from reconciler.model import Ref, Who
from reconciler.records.consents import Consent
from reconciler.settings import Settings
from reconciler.source import Signers
from reconciler.source.tracing import Author, Traced, authors, since, traced

Reviews = Callable[[str], Iterable[Who]]
"""Those who agreed on the forge to the pull request that brought a commit."""


Belongs = Callable[[str, str], bool]
"""Whether a user of the forge is in a team."""


def nobody(_commit: str) -> Iterable[Who]:
    """Where no forge is asked."""
    return ()


def alone(_user: str, _team: str) -> bool:
    """Where no forge is asked."""
    return False


@dataclass
class Evidence:
    """What is known of the changes between two commits."""

    traced: Traced = field(default_factory=Traced)
    authors: Mapping[str, Author] = field(default_factory=dict)
    consents: Sequence[Consent] = ()
    believed: bool = False
    """Whether the address of an unsigned commit is believed."""
    reviews: Reviews = nobody
    belongs: Belongs = alone
    spent: Mapping[Ref, frozenset[str]] = field(default_factory=dict)
    """Commits that were there when a resource was accepted last: what they say was for that."""

    def makers(self, change: Asked) -> tuple[Who, ...]:
        """Those who made it what it is; nobody where that cannot be told."""
        each = [self.traced.makers.get(file, frozenset()) for file in sorted(change.files)]
        if not each or not all(each):
            return ()
        return tuple(dict.fromkeys(self._who(one) for one in sorted(frozenset[str]().union(*each))))

    def agreed(self, change: Asked, part: str = "") -> tuple[Who, ...]:
        """Those who agreed to it; ``part`` is the digest of the part of the plan that it stands in."""
        brought = {one for file in change.files for one in self.traced.mergers.get(file, ())}
        said = {one for one, words in self.traced.words.items() if words & {change.digest, part} - {""}}
        now = (brought | said) - self.spent.get(change.ref, frozenset())
        signed = [self._who(one) for one in sorted(now) if self._signed(one)]
        given = [one.who for one in self.consents if change.digest in one.changes]
        return tuple(dict.fromkeys([*given, *signed]))

    def reviewed(self, change: Asked) -> tuple[Who, ...]:
        """Those who agreed on the forge to every commit that it comes from. Asks the forge."""
        commits = sorted({one for file in change.files for one in self.traced.makers.get(file, ())})
        each = [{who.identity: who for who in self.reviews(one)} for one in commits]
        if not each:
            return ()
        return tuple(who for name, who in sorted(each[0].items()) if all(name in one for one in each))

    def in_teams(self, those: Iterable[Who], teams: Iterable[str]) -> Iterator[Who]:
        """Those of them who are in one of these teams, with that team among their rights. Asks the forge."""
        asked = [(who, team) for who in those for team in sorted(teams)]
        return (replace(who, entitlements=frozenset({team})) for who, team in asked if self.belongs(who.identity, team))

    def told(self, change: Asked) -> str:
        """Who made it, as people read it."""
        names = [who.name for who in self.makers(change)]
        return ", ".join(names) if names else "nobody knows whom" + (f": {self.traced.why}" if self.traced.why else "")

    def _signed(self, commit: str) -> bool:
        return commit in self.authors and bool(self.authors[commit].principal)

    def _who(self, commit: str) -> Who:
        found = self.authors.get(commit, Author("", "", ""))
        if found.principal:
            return Who(found.principal, "signature", found.principal)
        said = f"{found.name} <{found.email}>"
        if self.believed and found.email:
            return Who(said, "author", found.email)
        return Who(f"{said}, who did not sign {commit[:12]}", "author", "")


def gathered(
    settings: Settings,
    base: str,
    head: str,
    those: Iterable[Asked],
    consents: Sequence[Consent],
    reviews: Reviews = nobody,
    later: Mapping[Ref, str] = MappingProxyType({}),
) -> Evidence:
    """What git and the records know of these changes. ``head`` is "" for files that nobody has committed.

    ``later`` were accepted after ``base``, each as it was at a commit.
    """
    believed = settings.tenancy.trust == "author"
    if not head:
        return Evidence(Traced(why="it is not committed"), {}, consents, believed)
    if head == base and not later:
        return Evidence(Traced(), {}, consents, believed, reviews)
    repository = Path(settings.source.repository)
    those = tuple(those)
    late = {file for change in those if change.ref in later for file in change.files}
    found = traced(repository, base, head, {file for change in those for file in change.files}, late)
    commits = {one for many in (*found.makers.values(), *found.mergers.values()) for one in many} | found.words.keys()
    past = {one: since(repository, base, one) for one in {later[change.ref] for change in those if change.ref in later}}
    spent = {change.ref: past[later[change.ref]] for change in those if change.ref in later}
    return Evidence(found, authors(repository, commits, lists(settings)), consents, believed, reviews, spent=spent)


def lists(settings: Settings) -> list[Signers]:
    """Every list of signers that the operator has configured."""
    source, tenancy = settings.source, settings.tenancy
    given = [
        Signers(source.signers),
        *(Signers(one.signers, one.keyring) for one in source.signed),
        Signers(tenancy.signers, tenancy.keyring),
    ]
    return [one for one in dict.fromkeys(given) if one.ssh or one.gpg]
