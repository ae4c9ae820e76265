"""What it takes to be a kind: a spec and four verbs. Each kind is one folder beside this file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from reconciler.kinds.when import Lifetime
from reconciler.kinds.world import Demand, Listed, Need, Offer, Question, World
from reconciler.model import (
    Action,
    Answer,
    Change,
    Choice,
    DataAccount,
    Details,
    Edge,
    Graph,
    Observed,
    Reading,
    Reason,
    Ref,
    Resource,
    Severity,
    Spec,
    Target,
    Wanted,
)
from reconciler.model.taken import Taken
from reconciler.ports import Drivers, Files, Queue, Space

SpecT = TypeVar("SpecT", bound=Spec)


class Federation(Protocol):
    """The declared resources, as a kind may look at them (read only)."""

    def get(self, ref: Ref) -> Spec | None:
        """The spec declared under ``ref``; None when there is none."""
        ...

    def of_kind(self, kind: str) -> Iterable[tuple[Ref, Spec]]:
        """Every resource of a kind, in the order of their names."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """What a rule found: ``path`` inside the document (``spec.ttl``, ``spec.values[0]``), what is wrong, the cure."""

    path: str
    message: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule beyond types. ``check`` yields a Fault for each violation in one spec."""

    id: str
    """``<kind>-<what>``, lower case: ``dns-cname-alone``."""
    text: str
    """The rule in one sentence, with its source where it has one."""
    check: Callable[[Ref, Any], Iterable[Fault]]
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Stated(Generic[SpecT]):
    """What one commit stated of a resource; ``spec`` is None where it took it away."""

    at: datetime
    """When that commit became current (committer date)."""
    spec: SpecT | None


def between(_ref: Ref, _spec: Any) -> Iterable[Fault]:
    """The check of a rule that one spec alone cannot break: ``Kind.quarrels`` looks at it."""
    return ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One possible answer to an open choice. ``why_not`` is "" when it fits."""

    name: str
    why_not: str = ""
    score: float = 0.0
    """Higher is better; equal scores are broken by a hash keyed by resource and candidate."""
    reason: str = ""
    """What speaks for it."""
    why_not_anew: str = ""
    """Against choosing it now; what was chosen earlier stays (it is full, and full with what stands there already)."""
    takes: Mapping[str, Need] = field(default_factory=dict)
    """What choosing it takes, by target id: promised to nobody else in the same plan."""
    parts: Mapping[str, float] = field(default_factory=dict)
    """What the score is made of, by name."""
    apart: str = ""
    """Of candidates that say the same here, one is chosen at most (two copies in one country); "": any number."""


@dataclass(frozen=True, slots=True)
class OpenChoice:
    """``count`` of ``candidates`` are to be chosen for ``field``; place/ chooses, and keeps what it chose before."""

    field: str
    candidates: tuple[Candidate, ...]
    count: int = 1
    """May be 0, and another one each time: then the best of the earlier ones are kept, and the rest is released."""
    reason: str = ""
    """Why so many, where that is not plain from the manifest."""
    after: Callable[[Mapping[str, tuple[str, ...]], tuple[str, ...]], tuple[Candidate, ...]] | None = None
    """The candidates once the choices before this one, of the same resource, are made: given by their fields.

    The second argument is what was chosen earlier and is to be kept: where all of it still fits, and is enough, the
    others need not be looked at.
    """


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a kind may look at when it says what it wants to know."""

    federation: Federation
    drivers: Drivers
    """For their options only: nothing is opened before the question is asked."""
    held: Details | None = None
    """As it was applied last; of a create that never came to its end, as it was begun."""
    moved: bool = True
    """False where neither git nor the world has moved: what was chosen stays."""
    whole: bool = False
    """True where a choice stands: it was applied, and no create has failed since."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A resource that another one brings along (a DatasetRule its Replicas)."""

    kind: str
    name: str
    spec: Spec
    gate: Literal["exists", "ready", "none"] = "ready"
    """How the owner depends on it; ``none``: it does not."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    files: Files | None = None
    """What a digest in its spec stands for."""


@dataclass(frozen=True, slots=True)
class Settled(Generic[SpecT]):
    """A spec with its choices made and all else filled in that follows from the world."""

    spec: SpecT
    choices: tuple[Choice, ...] = ()
    """What was decided for many at once, told as one."""
    files: tuple[Files, ...] = ()
    """What digests in the spec stand for."""
    faults: tuple[Fault, ...] = ()
    """What is odd, told by every plan."""
    undecided: Choice | None = None
    """Why nothing can be decided: then what was applied stays."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What mending drift would make anew, and how much of that is done without asking a person."""

    what: str
    """``3 of 20 machines are missing``."""
    number: int
    at_once: int | None
    """At most so many in one repair; None: any number."""
    per_hour: int
    """At most so many repairs within an hour."""


class Kind(ABC, Generic[SpecT]):
    """One kind of resource. Methods are listed in the order in which the line calls them."""

    name: ClassVar[str]
    plural: ClassVar[str]
    """Lower case, for folders and the command line: ``dnsrecords``."""
    Spec: type[SpecT]
    federation_wide: ClassVar[bool] = False
    """True: names are unique in the federation and manifests give no namespace."""
    immutable: ClassVar[frozenset[str]] = frozenset()
    """Spec paths (``spec.zone``) that cannot change in place: a change becomes a replace, delete first."""
    beside: ClassVar[frozenset[str]] = frozenset()
    """Fields that say how something comes to stand, and not what: where it is brought along, their change alone asks
    for nobody's word."""
    batch: ClassVar[int] = 1
    """The most changes that one ``put`` or ``remove`` takes."""
    describes_targets: ClassVar[bool] = False
    """True when ``connect`` of other kinds reads this kind's specs (a Site describes its clouds and storages)."""
    searchable: ClassVar[bool] = True
    """True when an object can be found again by its mark or deterministic name after a crash."""
    follows: ClassVar[bool] = False
    """True when it is nothing without what it refers to (a name, a probe): it goes with it when a lifetime ends."""
    rules: ClassVar[tuple[Rule, ...]] = ()

    def canonical(self, spec: SpecT) -> SpecT:
        """The same spec in its one canonical form, so that equal meaning is equal bytes. Idempotent."""
        return spec

    def references(self, ref: Ref, spec: SpecT) -> Iterable[Edge]:  # noqa: ARG002
        """The resources it needs, typed and gated. Order comes only from these."""
        return ()

    def quarrels(
        self,
        resources: Mapping[Ref, Resource],  # noqa: ARG002
        changed: Collection[Ref],  # noqa: ARG002
    ) -> Iterable[tuple[Ref, str, Fault]]:
        """(resource, rule id, fault) for what is wrong between resources, as far as ``changed`` touches it."""
        return ()

    def lifetime(self, spec: SpecT) -> Lifetime | None:  # noqa: ARG002
        """How long it is wanted; None: as long as it is declared."""
        return None

    def reminders(
        self,
        resources: Mapping[Ref, Resource],  # noqa: ARG002
        now: datetime,  # noqa: ARG002
    ) -> Iterable[tuple[Ref, str, Fault]]:
        """(resource, rule id, fault) for what time has made odd, or will soon: told by every plan until mended."""
        return ()

    def remembers(self, resource: Resource) -> bool:  # noqa: ARG002
        """Whether ``hindsight`` needs to know what commits have stated of a resource, and when."""
        return False

    def hindsight(
        self,
        resources: Mapping[Ref, Resource],  # noqa: ARG002
        stated: Mapping[Ref, Sequence[Stated[SpecT]]],  # noqa: ARG002
        now: datetime,  # noqa: ARG002
    ) -> Iterable[tuple[Ref, str, Fault]]:
        """(resource, rule id, fault) for what is wrong by the clock, or by when commits stated what."""
        return ()

    def turned(
        self,
        before: SpecT,  # noqa: ARG002
        wanted: SpecT | None,  # noqa: ARG002
        now: datetime,  # noqa: ARG002
    ) -> Iterable[tuple[str, Fault]]:
        """(rule id, fault) for what is wrong with this step: from ``before``, as applied or as git had it last.

        ``wanted`` is None where it is to be taken away. In a plan a fault that is an error holds the step back, until
        an Approval names it.
        """
        return ()

    def step(self, before: SpecT, wanted: SpecT) -> str:  # noqa: ARG002
        """What a change means, for plans; "" when its fields say it all."""
        return ""

    def awaited(self, resources: Mapping[Ref, Resource]) -> Iterable[tuple[Ref, Edge]]:  # noqa: ARG002
        """(resource, edge) for who waits for one of this kind without a reference to it in its manifest."""
        return ()

    def leaves_open(self, spec: SpecT) -> bool:  # noqa: ARG002
        """Whether there is something to choose in a spec whose target is known. Of one without a target there is."""
        return False

    @abstractmethod
    def target(self, ref: Ref, spec: SpecT) -> str:
        """Id of the back end it lives on (``dns:fed.example.org.``); "" while a choice is open."""

    def connect(self, target_id: str, federation: Federation, drivers: Drivers) -> Target:  # noqa: ARG002
        """The back end behind ``target_id``: driver and options, from the manifests and the operator's settings."""
        driver, options = drivers.options(target_id, "")
        return Target(target_id, driver, options)

    def described(self, target_id: str, federation: Federation) -> bool:  # noqa: ARG002
        """Whether the manifests still describe a back end on which nothing of this kind is wanted any more."""
        return False

    def asks(self, ref: Ref, spec: SpecT, occasion: Occasion) -> Iterable[Question]:  # noqa: ARG002
        """What must be known of the world before something is chosen or promised.

        Called for what is undecided and for what git or the world has moved; of the rest nothing is asked.
        """
        return ()

    def answer(self, question: Question, drivers: Drivers, earlier: Any) -> Offer | Queue | Listed | Space:
        """Read what one of its questions is about. Raises DriverError when it cannot be read.

        ``earlier`` is what the target offered a while ago: flavours and images may be taken from it, a quota may not.
        Of files it is what was read last, with the token that tells whether anything has moved since.
        """
        raise NotImplementedError(f"{self.name} does not ask for {question.topic}, or does not say how to answer")

    def choices(self, ref: Ref, spec: SpecT, federation: Federation, world: World) -> Sequence[OpenChoice]:  # noqa: ARG002
        """What is left open in the spec, with every candidate and why it fits or not. Pure."""
        return ()

    def demand(self, ref: Ref, spec: SpecT, world: World) -> Demand:  # noqa: ARG002
        """What making a decided spec so asks of clouds besides what stands already. Pure."""
        return Demand()

    def takes(self, spec: SpecT, federation: Federation, world: World) -> Iterable[Taken]:  # noqa: ARG002
        """What it takes of sites as its spec says: wanted, or as it stands. Pure."""
        return ()

    def picked(self, spec: SpecT) -> Mapping[str, tuple[str, ...]]:  # noqa: ARG002
        """The choices that a filled spec was made with (``chosen`` backwards), so that a create begun is finished."""
        return {}

    def chosen(self, spec: SpecT, picks: Mapping[str, tuple[str, ...]]) -> SpecT:  # noqa: ARG002
        """The spec with its open choices filled in."""
        return spec

    def complete(self, ref: Ref, spec: SpecT, federation: Federation, world: World) -> Settled[SpecT]:  # noqa: ARG002
        """What follows from the world besides, once its choices are made. Pure."""
        return Settled(spec)

    def repair(self, before: SpecT, wanted: SpecT) -> Repair | None:  # noqa: ARG002
        """What bringing drift back would make anew; None when nothing. Pure."""
        return None

    def derive(self, ref: Ref, spec: SpecT, federation: Federation) -> Iterable[Derived]:  # noqa: ARG002
        """Resources that this one brings along, after its choices are made."""
        return ()

    def gather(self, federation: Federation, world: World) -> Iterable[tuple[Ref, Derived]]:  # noqa: ARG002
        """(owner, resource) for what follows from the choices of many together, once all are made. Pure.

        What two owners bring along is brought along once: whoever yields it joins what they want.
        """
        return ()

    def parting(self, spec: SpecT) -> str:  # noqa: ARG002
        """What taking it away means, where that is not what it seems; "" else. Pure."""
        return ""

    def sheds(self, before: SpecT, wanted: SpecT) -> SpecT | None:  # noqa: ARG002
        """The part of what was seen that an update takes away; None when nothing. Pure."""
        return None

    def precious(
        self,
        going: Mapping[Ref, SpecT],  # noqa: ARG002
        staying: Mapping[Ref, SpecT],  # noqa: ARG002
    ) -> Mapping[Ref, str]:
        """Which of ``going`` (to be taken away, as they are) may only go if an Approval names each, and why.

        ``staying`` are the others of this kind, as they were observed in this run: what was not seen does not count.
        """
        return {}

    def holders(self, spec: SpecT) -> Iterable[Ref]:  # noqa: ARG002
        """Who wants it besides its owner: when the lifetimes of all of them have ended, so has its own."""
        return ()

    def lingers(
        self,
        going: Mapping[Ref, SpecT],  # noqa: ARG002
        there: Mapping[Ref, SpecT],  # noqa: ARG002
        wanted: Mapping[Ref, SpecT],  # noqa: ARG002
    ) -> Mapping[Ref, tuple[Reason, str]]:
        """Which of ``going`` (to be taken away, as they are) stay for the time being, and why.

        ``there`` are the others of this kind, as they are; ``wanted`` is what git wants of it.
        """
        return {}

    def account(
        self,
        actions: Sequence[Action],  # noqa: ARG002
        graph: Graph,  # noqa: ARG002
        observed: Observed,  # noqa: ARG002
        federation: Federation,  # noqa: ARG002
        world: World,  # noqa: ARG002
    ) -> DataAccount | None:
        """What a whole plan means for data; None when this kind has nothing to say about it. Pure."""
        return None

    def fill(self, spec: SpecT, values: Mapping[str, Any]) -> SpecT:  # noqa: ARG002
        """The spec with outputs of other resources filled in; keys are the paths of edges that name an output."""
        return spec

    @abstractmethod
    def observe(self, target: Target, wanted: Sequence[Wanted], drivers: Drivers, token: str = "") -> Reading:
        """One bulk read of everything wanted on one target. Changes nothing.

        Raises DriverError when the target cannot be read; every resource on it is then unknown.
        """

    @abstractmethod
    def put(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        """Make each change so; safe to repeat. One answer per change; raises DriverError when all failed alike."""

    @abstractmethod
    def remove(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        """Take each away; safe to repeat; what is gone already is done."""
