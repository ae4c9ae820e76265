"""Stage 8, Outcomes -> Report: everything that must outlive the process, in one database.

The inventory (what Hanse has made), the journal (what it is about to do), runs, events, conditions, what probes said,
what was used, who allowed what. Conditions are computed here and nowhere else, from outcomes and observations.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model import Observed, Outcome, Plan, Policy, Report
from reconciler.records.recording import recorded
from reconciler.records.store import Store

__all__ = ["record"]


def record(
    store: Store, run: str, plan: Plan, outcomes: Sequence[Outcome], observed: Observed, policy: Policy
) -> Report:
    """Write down what a run did and saw, and say how everything it touched stands now.

    One transaction: conditions that changed, observed digests, tokens for the next read, and the run's end. What is
    simply in sync costs nothing.
    """
    return recorded(store.database, run, plan, outcomes, observed, policy)
