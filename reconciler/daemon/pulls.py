"""Open pull requests, planned beside the loop: each is told what it would do, in one comment that is kept up to date.

What a pull request brings is data. Its commits are fetched and never checked out; playbooks, settings and drivers are
the operator's; back ends are contacted only where the branch that counts describes them (``untrusted``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from reconciler import observe, source, untrusted
from reconciler.compare import compare, since
from reconciler.errors import HanseError, ManifestError
from reconciler.manifest import Memory
from reconciler.model import Plan, Ref, Resources
from reconciler.plan.render import MARKER, awaited, consented, faulty, markdown, overlapping, summary, within
from reconciler.ports.forge import Forge, PullRequest, State
from reconciler.reconcile import House, propose

_log = structlog.get_logger()
_MOST = 50
"""So many pull requests are planned; the rest waits until some are closed."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a pull request would do, as of one head and one base."""

    head: str
    base: str
    said: str
    """The comment, less what it says of others."""
    state: State
    short: str
    touched: frozenset[Ref] = frozenset()
    """What it declares otherwise, and what would be done about it."""
    asks: bool = False
    """Whether it needs somebody's word, given or not."""
    words: tuple[int, ...] = ()
    """Numbers of the words that counted."""
    approving: tuple[str, ...] = ()
    """Who had approved it on the forge."""


@dataclass
class Pulls:
    """The open pull requests into one branch."""

    house: House
    """For this alone: its memory is of pull requests."""
    forge: Forge
    revision: str
    fetch: Callable[[Sequence[str]], object]
    """Brings the heads of pull requests into the repository."""
    looked: dict[int, Looked] = field(default_factory=dict)
    told: dict[int, str] = field(default_factory=dict)

    def look(self) -> None:
        """Plan what is new, and tell each what is new to it. What goes wrong with one does not touch the others."""
        repository = Path(self.house.settings.source.repository)
        branch = source.branch_of(repository, self.revision) or self.revision
        found = [one for one in self.forge.pulls() if one.base == branch][:_MOST]
        base = source.head_of(repository, self.revision)
        stale = [one for one in found if self._stale(one, base)]
        self._fetched(stale)
        for one in stale:
            with_care(one.number, lambda one=one: self._plan(one, base))  # type: ignore[misc]
        self.looked = {one.number: self.looked[one.number] for one in found if one.number in self.looked}
        for one in found:
            with_care(one.number, lambda one=one: self._tell(one))  # type: ignore[misc]

    def _fetched(self, those: Sequence[PullRequest]) -> None:
        """Bring their heads, all at once; where that fails, one after the other: a head may be gone by now."""
        refs = {one.number: f"+{one.ref}:refs/hanse/pulls/{one.number}" for one in those}
        try:
            if refs:
                self.fetch([*refs.values()])
        except HanseError:
            for number, ref in refs.items():
                with_care(number, lambda ref=ref: self.fetch([ref]))  # type: ignore[misc]

    def _stale(self, pull: PullRequest, base: str) -> bool:
        known = self.looked.get(pull.number)
        if known is None or (known.head, known.base) != (pull.head, base):
            return True
        return known.asks and (
            known.words != self._words() or known.approving != self._approving(pull, known.approving)
        )

    def _plan(self, pull: PullRequest, base: str) -> None:
        self.told.pop(pull.number, None)  # its status is another one from now on, whatever comes out
        self.forge.mark(pull.head, "pending", "planning")
        _log.info("planning a pull request", number=pull.number, commit=pull.head[:12])
        self.looked[pull.number] = self._judged(pull, base)

    def _approving(self, pull: PullRequest, before: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Who approves it on the forge; as it was ``before`` where that does not say."""
        try:
            return self.forge.approving(pull.number)
        except HanseError as error:
            _log.warning("nobody knows who approves a pull request", number=pull.number, why=str(error))
            return before

    def _judged(self, pull: PullRequest, base: str) -> Looked:
        words, approving = self._words(), self._approving(pull)  # first: who agrees meanwhile is seen the next time
        try:
            plan, touched = self._planned(pull.head, base)
        except ManifestError as error:
            short = f"{len(error.diagnostics)} faults in manifests"
            return Looked(pull.head, base, faulty(pull.head, map(str, error.diagnostics)), "failure", short)
        except HanseError as error:
            return Looked(pull.head, base, faulty(pull.head, [str(error)]), "error", "it cannot be planned")
        said, state = markdown(plan), _state(plan)
        short = awaited(plan) or "; ".join(filter(None, (consented(plan), summary(plan))))
        return Looked(pull.head, base, said, state, short, touched, bool(plan.parts), words, approving)

    def _words(self) -> tuple[int, ...]:
        """The numbers of the words that count now."""
        return tuple(one.id for one in self.house.store.consents.in_force())

    def _planned(self, head: str, base: str) -> tuple[Plan, frozenset[Ref]]:
        """The part of a plan that comes from the pull request: since it left the branch, not what that did since."""
        house = self.house
        house.memory, house.earlier = Memory.open(Path(house.settings.cache), house.kinds), None
        fork = source.fork(Path(house.settings.source.repository), head, base)
        before = untrusted.described(house, fork)
        known = Resources(before.commit, dict(before.resources))
        proposal = propose(house, head, trust=base)
        wanted = {ref: one for ref, one in proposal.graph.resources.items() if one.owner is None}
        changed = {one.ref for one in compare(known, Resources(head, wanted))}
        plan = since(known, proposal)
        return plan, frozenset(changed | {action.ref for action in plan.actions})

    def _tell(self, pull: PullRequest) -> None:
        looked = self.looked[pull.number]
        body = within(looked.said + overlapping(self._shared(pull.number)))
        if self.told.get(pull.number) != looked.head + body:
            self.forge.tell(pull.number, MARKER, body)
            self.forge.mark(pull.head, looked.state, looked.short)
            self.told[pull.number] = looked.head + body

    def _shared(self, number: int) -> Mapping[int, Sequence[Ref]]:
        """Other pull requests, and what they touch of what this one touches."""
        mine = self.looked[number].touched
        return dict(_common(mine, ((n, one.touched) for n, one in sorted(self.looked.items()) if n != number)))


def _state(plan: Plan) -> State:
    return "failure" if plan.blocked else "success"


def apart(house: House) -> House:
    """A house for pull requests over the same records. Their commits need not be signed: nothing is done by them.

    What back ends say on behalf of a pull request is kept apart from what the loop goes by.
    """
    return replace(
        house,
        verify=False,
        memory=Memory.open(Path(house.settings.cache), house.kinds),
        earlier=None,
        held=None,
        offers=observe.Offers(),
        readings=observe.Readings(),
        fence=None,
    )


def with_care(number: int, do: Callable[[], object]) -> None:
    """Do something about one pull request; what goes wrong is logged."""
    try:
        do()
    except (HanseError, KeyError) as error:
        _log.warning("pull request not told", number=number, why=str(error))


def _common(mine: frozenset[Ref], others: Iterable[tuple[int, frozenset[Ref]]]) -> Iterator[tuple[int, Sequence[Ref]]]:
    for number, theirs in others:
        if shared := sorted(mine & theirs):
            yield number, shared
