"""``python -m reconciler.cli`` is ``hanse``."""

import sys

from reconciler.cli import main

sys.exit(main())
