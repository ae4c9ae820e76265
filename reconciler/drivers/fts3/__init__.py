"""The fts3 driver of the transfer port: jobs of an FTS3 server, through its REST interface.

Ids are deterministic: what was submitted before a crash is found again, and a second submission of the same job is
refused by the server itself. Options: see ``options.py``.
"""

from __future__ import annotations

from reconciler.drivers.fts3.options import Options
from reconciler.drivers.fts3.rest import Rest
from reconciler.drivers.fts3.service import FTS3
from reconciler.drivers.options import checked
from reconciler.model import Target
from reconciler.ports import Drivers
from reconciler.ports.transfer import Mover


def open(target: Target, drivers: Drivers) -> Mover:  # noqa: A001
    """The server behind ``target``. Nothing is asked yet."""
    options = checked(target, Options)
    return FTS3(Rest(target.id, options, drivers.secret), options)
