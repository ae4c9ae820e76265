"""Services of a site, as GOCDB keeps them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.kinds.gocdb import (
    Address,
    Description,
    Emails,
    HostDn,
    Hostname,
    PlainText,
    PropertyName,
    PropertyValue,
    RequiredEmails,
    Scope,
    ServicePropertyValue,
    ServiceType,
    ShortName,
    Url,
)
from reconciler.model import Strict

PrimaryKey = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,17}G0$")]
"""GOCDB's key of what it holds."""


class Extension(Strict):
    """An extension property. A key may be repeated with another value."""

    key: PropertyName
    value: PropertyValue


class ServiceExtension(Strict):
    """An extension property of a service or an endpoint."""

    key: PropertyName
    value: ServicePropertyValue


class Endpoint(Strict):
    """One endpoint of a service."""

    name: Annotated[PlainText, Field(min_length=1)]
    """Unique within the service."""
    url: Url | None = None
    interface: PlainText | None = None
    """Interface name, usually the service type."""
    monitored: bool = True
    email: Emails | None = None
    """One or several addresses, separated by ``;`` or ``,``."""
    description: Description | None = None
    extensions: tuple[ServiceExtension, ...] = ()


class Service(Strict):
    """One service: a type at a host."""

    name: ShortName
    """Name within the site, for references from probes and downtimes."""
    primaryKey: PrimaryKey | None = None
    """GOCDB's key of it (``1234G0``), where it was imported; one made from its name is served otherwise."""
    type: ServiceType
    """Service type of the closed list, for instance ``org.openstack.nova``."""
    hostname: Hostname
    url: Url | None = None
    endpoints: tuple[Endpoint, ...] = ()
    production: bool = False
    """In production; then it must be monitored, except the types that cannot be."""
    monitored: bool = True
    beta: bool = False
    notifications: bool = False
    core: bool = False
    """A core service of the infrastructure."""
    hostDn: HostDn | None = None
    """Distinguished name of the host certificate: ``/DC=org/CN=host.example.org``."""
    hostOs: PlainText | None = None
    hostArch: PlainText | None = None
    ips: tuple[Address, ...] = ()
    """IPv4 and IPv6 addresses."""
    email: RequiredEmails | None = None
    """Contact of the service: one or several addresses, separated by ``;`` or ``,``."""
    description: Description | None = None
    scopes: tuple[Scope, ...] = ()
    extensions: tuple[ServiceExtension, ...] = ()
