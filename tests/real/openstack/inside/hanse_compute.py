"""nova-compute with a driver of our own: nova looks for drivers below its own package only."""

# ruff: noqa: I001
from nova.cmd.compute import main  # first: it decides how nova runs threads

import sys
from pathlib import Path

import nova.virt

nova.virt.__path__.append(str(Path(__file__).parent))
sys.exit(main())
