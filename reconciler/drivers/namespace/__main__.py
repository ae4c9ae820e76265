"""``python -m reconciler.drivers.namespace ROOTS [PACKAGE ...]`` builds the nodes' root ahead of the first node."""

from __future__ import annotations

import sys
from pathlib import Path

from reconciler.drivers.namespace.rootfs import ready_root
from reconciler.errors import Terminal


def main() -> int:
    """Print the root's path; 1 when it cannot be built."""
    if len(sys.argv) < 2:  # noqa: PLR2004
        sys.stderr.write(f"{__doc__}\n")
        return 1
    try:
        root = ready_root(Path(sys.argv[1]), sys.argv[2:])
    except Terminal as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{root}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
