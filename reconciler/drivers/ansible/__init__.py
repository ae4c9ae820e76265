"""Playbooks on hosts, by ansible-runner: each run a process of its own, which outlives the reconciler that began it.

A run is a directory: what was asked for, who supervises it, what came of it. Whoever asks later, in this process or in
the next one after a crash, reads the directory. Secrets never are in it: they go through a pipe into memory.
"""

from __future__ import annotations

from reconciler.drivers.ansible.options import Options, options_of
from reconciler.drivers.ansible.runs import Runs
from reconciler.model import Target
from reconciler.ports import Drivers

__all__ = ["Options", "Runs", "open", "options_of"]


def open(target: Target, drivers: Drivers | None = None) -> Runs:  # noqa: A001, ARG001
    """What runs playbooks on the nodes of ``target``; its behaviour stands in ``options["ansible"]``.

    Runs are kept in ``<state>/runs``, whatever the target. Raises SettingsError.
    """
    return Runs(options_of(target.options))
