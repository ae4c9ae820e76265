"""Stage 7, Plan -> Outcomes: the only stage that changes the world.

Nothing is touched before the journal has it. What is ready goes out in batches per target, in the order of the plan's
references; what takes minutes is asked about again and holds no worker; a failure stops only what depends on it.
"""

from __future__ import annotations

from reconciler.apply.conduct import Conduct
from reconciler.apply.executor import Executor, Serial, Threads
from reconciler.apply.lanes import Breaker, Pace
from reconciler.apply.loop import Loop
from reconciler.apply.work import Work
from reconciler.model import Outcome
from reconciler.ports import Journal

__all__ = ["Breaker", "Conduct", "Executor", "Pace", "Serial", "Threads", "Work", "apply"]


def apply(work: Work, journal: Journal, executor: Executor, conduct: Conduct | None = None) -> tuple[Outcome, ...]:
    """Do the plan; one outcome for each of its actions that is not a noop, in the order of the plan."""
    how = conduct or Conduct()
    loop = Loop(work, journal, executor, how)
    with executor:
        outcomes = loop.run()
    return tuple(outcomes[action.ref] for action in work.plan.actions if action.ref in outcomes)
