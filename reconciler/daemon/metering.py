"""Metering beside the loop: which machines stand is looked at every few minutes, and noted for accounting."""

from __future__ import annotations

import threading
from datetime import datetime

import structlog

from reconciler import metering
from reconciler.errors import HanseError
from reconciler.reconcile import House

_log = structlog.get_logger()


def keep_metering(house: House, stop: threading.Event) -> None:
    """Look until ``stop`` is set. What goes wrong is logged, and the next look sees what this one could not."""
    every = house.settings.run.meter_seconds
    while every and not stop.wait(every):
        try:
            meter(house, house.clock())
        except HanseError as error:
            _log.error("machines not noted", why=str(error))


def meter(house: House, now: datetime) -> metering.Look:
    """One look, logged where something could not be seen."""
    found = metering.look(house.store, house.drivers, now)
    for target, why in found.unread.items():
        _log.warning("machines not seen", target=target, why=why)
    return found
