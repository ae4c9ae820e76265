"""What the forge knows: who reviewed or merged the pull request that brought a commit, asked once for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.authority.evidence import Reviews
from reconciler.errors import DriverError
from reconciler.model import Who

if TYPE_CHECKING:
    from reconciler.reconcile import House

MOST = 100
"""So many commits are asked about; of more nothing is known."""


def reviews(house: House, branch: str) -> Reviews:
    """How to ask the forge of the settings; where there is none, or it does not answer, nobody has agreed."""
    given = house.settings.forge
    if given is None:
        return lambda _commit: ()
    from reconciler.drivers.forge import forge

    secret = house.drivers.secret
    ours = forge(given.kind, given.url, given.repository, lambda: secret(given.token), ca=given.ca)
    known: dict[str, tuple[Who, ...]] = {}

    def asked(commit: str) -> Iterable[Who]:
        if commit not in known and len(known) < MOST:
            try:
                known[commit] = tuple(_who(name, given.url or given.kind) for name in ours.agreed(commit, branch))
            except DriverError:
                known[commit] = ()
        return known.get(commit, ())

    return asked


def _who(name: str, issuer: str) -> Who:
    return Who(f"@{name}", "forge", name, issuer)
