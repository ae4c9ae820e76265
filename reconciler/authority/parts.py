"""Parts: what of a plan needs whose word, and who may give it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.authority.changes import Asked
from reconciler.model import Ref, Who, digest_of
from reconciler.model.part import Agreed, Part, Wanted
from reconciler.tenancy import Need, Subject


@dataclass(frozen=True, slots=True)
class Lacking:
    """A word that a change needs and that its makers cannot give themselves."""

    change: Asked
    need: Need
    why: str
    given: str = ""
    """Who agreed; "" while nobody did."""

    @property
    def cure(self) -> str:
        """Who may agree, and how."""
        if not self.need.of:
            return f"nobody can agree for {self.need.part}: nobody holds a role that may"
        return f"{' or '.join(self.need.of)} may agree: hanse consent latest --part {self.need.part}"


def parts(lacking: Iterable[Lacking]) -> tuple[Part, ...]:
    """The parts, each with what of it is agreed to and what is not, in the order of their names."""
    found: dict[str, list[Wanted]] = defaultdict(list)
    for one in lacking:
        by = tuple(Agreed(giver.sort, giver.identity, giver.issuer) for giver in sorted(one.need.givers))
        wanted = Wanted(one.change.ref, one.need.what, one.change.digest, one.why, by, one.given)
        found[one.need.part].append(wanted)
    return tuple(
        Part(
            name,
            digest_of_part({one.digest for one in those}),
            tuple(sorted(those, key=lambda one: (one.ref, one.what))),
        )
        for name, those in sorted(found.items())
    )


def digest_of_part(changes: Iterable[str]) -> str:
    """The digest of a part: of the changes that it is made of."""
    return digest_of("\n".join(sorted(changes)).encode())


def agreeable(part: Part, who: Who) -> frozenset[str]:
    """Digests of the changes of a part to which somebody may agree."""
    return frozenset(
        one.digest for one in part.wanted if who.proof == "machine" or any(_subject(by).means(who) for by in one.by)
    )


def only(part: Part, refs: Iterable[Ref]) -> Part:
    """The part as far as it is about some resources."""
    kept = frozenset(refs)
    return replace(part, wanted=tuple(one for one in part.wanted if one.ref in kept))


def _subject(by: Agreed) -> Subject:
    return Subject(by.sort, by.identity, by.issuer)  # type: ignore[arg-type]  # the sort was a subject's
