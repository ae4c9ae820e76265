"""Nodes as network namespaces: real hosts with sshd on one Linux machine, for tests, demonstrations and teaching.

A node is a network namespace with its own root (an overlay over one Debian root), its own process, mount, host name and
IPC namespaces, and sshd as process 1. It comes up in a tenth of a second and is configured over SSH like any other
machine. It shares the kernel with its host and limits neither CPU nor memory: it isolates for order, not for security.
Nobody but the machine itself reaches the nodes' bridge, so open ports are written down and not enforced. Needs Linux
and root. ``python -m reconciler.drivers.namespace`` builds the root ahead of time and takes whole worlds away.
"""

from __future__ import annotations

from reconciler.drivers.namespace.options import Options, options_of
from reconciler.drivers.namespace.world import World, world_directory
from reconciler.model import Target
from reconciler.ports import Drivers

__all__ = ["Options", "World", "open", "options_of", "world_directory"]


def open(target: Target, drivers: Drivers | None = None) -> World:  # noqa: A001, ARG001
    """The world of ``target`` under ``options["state"]``; its behaviour stands in ``options["namespace"]``.

    Nothing is made before the first create. Raises SettingsError.
    """
    state = str(target.options["state"])
    return World(world_directory(state, target.name), options_of(target.options))
