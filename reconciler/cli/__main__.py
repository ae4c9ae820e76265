"""``python -m reconciler.cli`` is ``hanse``."""

from reconciler.cli import main

main()
