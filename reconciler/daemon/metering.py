"""Metering beside the loop: machines are looked at every few minutes, jobs of batch systems read every hour."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from reconciler import metering
from reconciler.batchjobs import JobLook, read_month
from reconciler.errors import HanseError
from reconciler.model import Ref, Resource
from reconciler.ola import month_before
from reconciler.reconcile import House

_log = structlog.get_logger()
_LATE = 3
"""Days of a month in which the one before it is read too: jobs are told some time after they ended."""


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


def keep_reading_jobs(house: House, declared: Callable[[], Mapping[Ref, Resource]], stop: threading.Event) -> None:
    """Read jobs of the batch systems that are reached until ``stop`` is set; whole months, so that nothing is lost."""
    every = house.settings.run.jobs_seconds
    while every and not stop.wait(every):
        try:
            read_jobs(house, declared(), house.clock())
        except HanseError as error:
            _log.error("jobs not read", why=str(error))


def read_jobs(house: House, resources: Mapping[Ref, Resource], now: datetime) -> list[JobLook]:
    """Read the present month, and in its first days the last one; what could not be read is logged."""
    sites = {ref.name: one.spec for ref, one in resources.items() if ref.kind == "Site"}
    here = f"{now:%Y-%m}"
    months = [month_before(here), here] if now.day <= _LATE else [here]
    looks = [read_month(house.store, house.drivers, sites, month, now) for month in months]
    for look in looks:
        for name, why in look.unread.items():
            _log.warning("jobs not read", batch=name, why=why)
    return looks
