"""What the forge knows: who reviewed or merged the pull request that brought a commit, and who is in which team."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.authority.evidence import Belongs, Reviews, alone, nobody
from reconciler.errors import DriverError
from reconciler.model import Who
from reconciler.ports.forge import Forge

if TYPE_CHECKING:
    from reconciler.reconcile import House

MOST = 100
"""So many commits are asked about; of more nothing is known."""


def reviews(house: House, branch: str) -> Reviews:
    """How to ask the forge of the settings; where there is none, or it does not answer, nobody has agreed."""
    given, ours = house.settings.forge, _client(house)
    if given is None or ours is None:
        return nobody
    known: dict[str, tuple[Who, ...]] = {}

    def asked(commit: str) -> Iterable[Who]:
        if commit not in known and len(known) < MOST:
            try:
                known[commit] = tuple(_who(name, given.url or given.kind) for name in ours.agreed(commit, branch))
            except DriverError:
                known[commit] = ()
        return known.get(commit, ())

    return asked


def belonging(house: House) -> Belongs:
    """How to ask it who is in a team: what it said counts for a few minutes; where it does not say, nobody is."""
    ours = _client(house)
    if ours is None:
        return alone
    return lambda user, team: house.memberships.of(user, team, ours.belongs, house.clock())


def _client(house: House) -> Forge | None:
    given = house.settings.forge
    if given is None:
        return None
    from reconciler.drivers.forge import forge

    secret = house.drivers.secret
    return forge(given.kind, given.url, given.repository, lambda: secret(given.token), ca=given.ca)


def _who(name: str, issuer: str) -> Who:
    return Who(f"@{name}", "forge", name, issuer)
