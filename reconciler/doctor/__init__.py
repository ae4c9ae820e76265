"""``hanse doctor``: everything that an operator would look at, looked at in one go; nothing is changed by it.

Each check stands alone: what one cannot find out does not stop the others. Secrets are read and never shown.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.doctor.findings import Check, Finding, Ground, State
from reconciler.doctor.git import repository, signatures
from reconciler.doctor.places import folders, load, playbooks
from reconciler.doctor.programs import drivers, programs
from reconciler.doctor.records import backups, database, leader, shared
from reconciler.doctor.secrets import scopes, secrets
from reconciler.doctor.web import listening, notifications, webhooks
from reconciler.errors import HanseError
from reconciler.masking import MASK

__all__ = ["CHECKS", "Finding", "Ground", "State", "examine"]

CHECKS: tuple[Check, ...] = (
    *(repository, signatures, database, leader, shared, backups, secrets, scopes, drivers, programs),
    *(folders, playbooks, load, listening, webhooks, notifications),
)


def examine(ground: Ground) -> Iterator[Finding]:
    """Every finding, in the order of the checks."""
    for check in CHECKS:
        name = check.__name__
        try:
            yield from (Finding(name, one.state, MASK(one.said), one.cure) for one in check(ground))
        except (HanseError, OSError) as error:
            yield Finding(name, State.FAULT, MASK(str(error)), "")
