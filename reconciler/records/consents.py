"""Consents: who agreed to which part of which plan.

A consent is to changes that git made, each named by a digest of what it was before and what it is now; the part is the
list that somebody looked at. So neither another change elsewhere, nor a world that moves, takes a word back; and what
is added to a part later asks for a word of its own. A word is for one time: once a change was accepted, the same change
made again asks for another one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, insert, select, update

from reconciler.errors import RecordsError
from reconciler.model import Proof, Who
from reconciler.records.database import Database
from reconciler.records.tables import ConsentRow, table

_CONSENTS = table(ConsentRow)
ENDS = "-"
"""Stands behind the beginning that words share which end together."""
_USED = "used:"
"""Stands before the digest of a change that was accepted."""


@dataclass(frozen=True, slots=True)
class Consent:
    """Somebody's word."""

    id: int
    plan: str
    """Digest of the plan that was looked at."""
    part: str
    """What of it: ``site:CESGA``."""
    changes: frozenset[str]
    """Digests of the changes that it was made of then."""
    who: Who
    reason: str
    given_at: datetime
    expires: datetime | None
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""
    used: frozenset[str] = frozenset()
    """Digests of those of the changes that were accepted since: the word counts for them no more."""

    def holds(self, now: datetime) -> bool:
        """Whether it counts now."""
        return self.withdrawn_at is None and (self.expires is None or now < self.expires)


@dataclass(frozen=True)
class Consents:
    """The consents of one database. None is ever taken away: what was withdrawn stays to be read."""

    database: Database

    def give(
        self,
        plan: str,
        part: str,
        who: Who,
        reason: str,
        expires: datetime | None = None,
        *,
        changes: Collection[str],
    ) -> Consent:
        """Write down that somebody agrees to a part of a plan. Raises RecordsError for a part without changes."""
        if not changes:
            raise RecordsError(f"{part} of plan {plan[:12]} has no change that anybody could agree to")
        row = {
            "plan": plan,
            "part": part,
            "changes": sorted(changes),
            "name": who.name,
            "proof": who.proof,
            "identity": who.identity,
            "issuer": who.issuer,
            "entitlements": sorted(who.entitlements),
            "reason": reason,
            "given_at": self.database.now(),
            "expires": expires,
            "withdrawn_at": None,
            "withdrawn_by": "",
        }
        with self.database.writing() as connection:
            made = connection.execute(insert(_CONSENTS).returning(_CONSENTS.c.id), row).scalar_one()
            found = connection.execute(select(_CONSENTS).where(_CONSENTS.c.id == made)).mappings().one()
        return _consent(found)

    def of(self, plan: str) -> tuple[Consent, ...]:
        """What was said about one plan, in order, withdrawn words too."""
        return self._those(_CONSENTS.c.plan == plan)

    def in_force(self) -> tuple[Consent, ...]:
        """Every word that counts now, in order."""
        now = self.database.now()
        return tuple(one for one in self._those(_CONSENTS.c.withdrawn_at.is_(None)) if one.holds(now))

    def to(self, changes: Iterable[str]) -> tuple[Consent, ...]:
        """The words that count now and are about any of these changes."""
        asked = frozenset(changes)
        return tuple(one for one in self.in_force() if one.changes & asked) if asked else ()

    def use(self, changes: Iterable[str]) -> None:
        """These changes were accepted: no word that was given by now counts for them again."""
        done = frozenset(changes)
        for one in self.to(done):
            self._spend(one, one.changes & done)

    def end(self, beginnings: Iterable[str]) -> None:
        """No word counts again that was given by now for anything that begins so: all that was said of a rule."""
        known = [(one, heads) for one in self.in_force() if (heads := _heads(one))]
        over = frozenset(beginnings) if known else frozenset()  # many change, of few of which anything was said
        for one, heads in known:
            if ended := {change for head in heads.keys() & over for change in heads[head]}:
                self._spend(one, ended)

    def _spend(self, one: Consent, done: Collection[str]) -> None:
        kept = [*(one.changes - frozenset(done)), *(f"{_USED}{change}" for change in one.used.union(done))]
        with self.database.writing() as connection:
            connection.execute(update(_CONSENTS).where(_CONSENTS.c.id == one.id).values(changes=sorted(kept)))

    def withdraw(self, id: int, by: str) -> bool:
        """Take a word back; False when there is none of that number that counts."""
        here = (_CONSENTS.c.id == id, _CONSENTS.c.withdrawn_at.is_(None))
        with self.database.writing() as connection:
            done = update(_CONSENTS).where(*here).values(withdrawn_at=self.database.now(), withdrawn_by=by)
            return bool(connection.execute(done).rowcount)

    def _those(self, asked: object) -> tuple[Consent, ...]:
        with self.database.reading() as connection:
            rows = connection.execute(select(_CONSENTS).where(asked).order_by(_CONSENTS.c.id))  # type: ignore[arg-type]
            return tuple(_consent(row) for row in rows.mappings())


def _heads(one: Consent) -> dict[str, list[str]]:
    """The changes of a word that begin as others do, by how they begin."""
    found: dict[str, list[str]] = {}
    for change in one.changes:
        head, mark, _ = change.partition(ENDS)
        if mark:
            found.setdefault(head, []).append(change)
    return found


def _consent(row: RowMapping) -> Consent:
    proof: Proof = row["proof"]
    who = Who(row["name"], proof, row["identity"], row["issuer"], frozenset(row["entitlements"]))
    return Consent(
        row["id"],
        row["plan"],
        row["part"],
        frozenset(one for one in row["changes"] if not one.startswith(_USED)),
        who,
        row["reason"],
        row["given_at"],
        row["expires"],
        row["withdrawn_at"],
        row["withdrawn_by"],
        frozenset(one.removeprefix(_USED) for one in row["changes"] if one.startswith(_USED)),
    )
