"""Simulation of elasticity: workloads replayed in virtual time under several policies, one of them Hanse's own."""

from reconciler.simulation.run import Result, simulate
from reconciler.simulation.scenario import Contender, Scenario
from reconciler.simulation.traces import TraceError, sacct, swf
from reconciler.simulation.workload import Task, generated, ordered

__all__ = ["Contender", "Result", "Scenario", "Task", "TraceError", "generated", "ordered", "sacct", "simulate", "swf"]
