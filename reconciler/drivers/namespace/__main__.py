"""What an operator does by hand, with a state folder or none.

``python -m reconciler.drivers.namespace root FOLDER [PACKAGE ...]`` builds the nodes' root ahead of the first node.
``python -m reconciler.drivers.namespace down STATE`` takes every node, bridge and file of every world under STATE away.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from reconciler.drivers.namespace.options import options_of
from reconciler.drivers.namespace.rootfs import ready_root
from reconciler.drivers.namespace.world import World
from reconciler.errors import DriverError


def main(arguments: Sequence[str]) -> int:
    """Do it; 1 when it cannot be done."""
    try:
        match arguments:
            case ["root", folder, *packages]:
                sys.stdout.write(f"{ready_root(Path(folder), packages)}\n")
            case ["down", state]:
                close_all(state)
            case _:
                sys.stderr.write(f"{__doc__}\n")
                return 1
    except DriverError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def close_all(state: str) -> None:
    """Close every world under ``state``, the folder of the compute port."""
    for directory in sorted((Path(state).resolve() / "namespace").glob("*/")):
        World(directory, options_of({"state": state})).close_down()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
