"""Zones behind each driver."""

from tests.real.bind import bind
from tests.real.nsupdate import nsupdate
from tests.real.powerdns import powerdns
from tests.real.zones import (
    bind_options,
    bind_zone,
    dyndns2_options,
    dyndns2_zone,
    egi_zone,
    file_zone,
    hosts,
    powerdns_options,
    powerdns_records_zone,
    powerdns_zone,
    zone,
)

__all__ = [
    "bind",
    "bind_options",
    "bind_zone",
    "dyndns2_options",
    "dyndns2_zone",
    "egi_zone",
    "file_zone",
    "hosts",
    "nsupdate",
    "powerdns",
    "powerdns_options",
    "powerdns_records_zone",
    "powerdns_zone",
    "zone",
]
