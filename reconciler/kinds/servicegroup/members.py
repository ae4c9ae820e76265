"""Which services a group has: its entries read against the sites that are declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from reconciler.kinds.downtime.affected import Places, services
from reconciler.kinds.servicegroup.spec import ServiceGroupSpec
from reconciler.kinds.site.service import Service
from reconciler.model import Ref, Resource


class GroupMember(NamedTuple):
    """A service of a group."""

    site: str
    service: Service


def members(spec: ServiceGroupSpec, resources: Mapping[Ref, Resource]) -> list[GroupMember]:
    """The services of a group, each once, by site and name."""
    places = Places(resources)
    keys = {key for entry in spec.members for key, level in services(entry, places)}
    return [GroupMember(key[0], places.service(key)) for key in sorted(keys)]
