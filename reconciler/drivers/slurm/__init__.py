"""Slurm's queue and workers, read and steered over SSH on a cluster's front end.

One connection reads everything, as JSON, from Slurm 22.05 on. Whatever was not said or not understood makes the
reading incomplete: nobody boots or stops a machine on it.
"""

from __future__ import annotations

from reconciler.drivers.slurm.controller import Slurm
from reconciler.drivers.slurm.options import Options, options_of
from reconciler.model import Target
from reconciler.ports import Drivers

__all__ = ["Options", "Slurm", "open", "options_of"]


def open(target: Target, drivers: Drivers | None = None) -> Slurm:  # noqa: A001, ARG001
    """The Slurm whose controller runs on ``options["address"]``. Raises SettingsError."""
    return Slurm(options_of(target.options))
