"""Elasticity: how many nodes a queue needs, decided by a pure function over readings of queue and cloud.

No clock, no memory, no I/O: all state is in the arguments, so a restart forgets nothing, and a simulation runs the
very function that runs the clusters.
"""

from reconciler.elastic.decide import decide
from reconciler.elastic.nouns import Boot, Decisions, Group, JobDecision, Machine, MachineState, NodeDecision
from reconciler.elastic.policy import Elasticity

__all__ = [
    "Boot",
    "Decisions",
    "Elasticity",
    "Group",
    "JobDecision",
    "Machine",
    "MachineState",
    "NodeDecision",
    "decide",
]
