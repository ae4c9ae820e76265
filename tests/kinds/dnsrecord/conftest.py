"""Zones behind each driver."""

from tests.real.bind import bind
from tests.real.powerdns import powerdns
from tests.real.zones import (
    bind_options,
    bind_zone,
    file_zone,
    powerdns_options,
    powerdns_records_zone,
    powerdns_zone,
    zone,
)

__all__ = [
    "bind",
    "bind_options",
    "bind_zone",
    "file_zone",
    "powerdns",
    "powerdns_options",
    "powerdns_records_zone",
    "powerdns_zone",
    "zone",
]
