"""Zones behind each driver."""

from tests.real.bind import bind
from tests.real.zones import bind_options, bind_zone, file_zone, zone

__all__ = ["bind", "bind_options", "bind_zone", "file_zone", "zone"]
