"""Values of attributes at one service: who may say them, and in which order they are asked.

An override for the host comes first, then the operator, then what the service itself says (its extensions), then the
port that is usual, then what an attribute means by its name. A name that ends like a secret's is one: its value comes
from the operator's secrets, when the plugin is run and not before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

_SECRET = ("_TOKEN", "_LOGIN", "_SALT", "_ID", "_PASSWORD", "_USER", "_SECRET", "_USERNAME", "_CREDENTIALS")
_FILES = {
    "NAGIOS_HOST_CERT": "/etc/sensu/certs/hostcert.pem",
    "NAGIOS_HOST_KEY": "/etc/sensu/certs/hostkey.pem",
    "KEYSTORE": "/etc/sensu/certs/keystore.jks",
    "TRUSTSTORE": "/etc/sensu/certs/truststore.ts",
}
_ROBOTS = {"NAGIOS_HOST_CERT": "ROBOT_CERT", "NAGIOS_HOST_KEY": "ROBOT_KEY"}
_ACTUAL = {"NAGIOS_ACTUAL_HOST_CERT": "NAGIOS_HOST_CERT", "NAGIOS_ACTUAL_HOST_KEY": "NAGIOS_HOST_KEY"}
_OWN_URLS = ("ARGO_WEBDAV_OPS_URL", "ARGO_XROOTD_OPS_URL")
"""URLs that only the service itself, or an override, can say."""
_FLAGS = ("0", "1")
"""An extension with such a value is an option without one."""
DEFAULT_PORTS: Mapping[str, str] = {
    "BDII_PORT": "2170",
    "CREAM_PORT": "8443",
    "FTS_PORT": "8446",
    "GRAM_PORT": "2119",
    "GRIDFTP_PORT": "2811",
    "GRIDICE_PORT": "2136",
    "GSISSH_PORT": "1975",
    "HTCondorCE_PORT": "9619",
    "LB_PORT": "9000",
    "LL_PORT": "9002",
    "MDS_PORT": "2135",
    "MYPROXY_PORT": "7512",
    "OPENWIRE_PORT": "6166",
    "OPENWIRE_SSL_PORT": "6167",
    "QCG-BROKER_PORT": "8443",
    "QCG-COMPUTING_PORT": "19000",
    "QCG-NOTIFICATION_PORT": "19001",
    "RB_PORT": "7772",
    "RGMA_PORT": "8443",
    "SITE_BDII_PORT": "2170",
    "SRM1_PORT": "8443",
    "SRM2_PORT": "8443",
    "STOMP_PORT": "6163",
    "STOMP_SSL_PORT": "6162",
    "TOMCAT_PORT": "8443",
    "VOMS_PORT": "8443",
    "WMPROXY_PORT": "7443",
    "WMS_PORT": "7772",
}
"""Ports that are usual, where a template asks for them by name."""


class Lacking(ValueError):
    """A value that the metric cannot do without, and nobody says."""


@dataclass(frozen=True)
class Place:
    """The service that is looked at, as the topology tells of it."""

    hostname: str
    site: str
    service: str
    """Service type."""
    url: str = ""
    """The service's own."""
    endpoint_urls: tuple[str, ...] = ()
    """Those of its monitored endpoints."""
    host_dn: str = ""
    extensions: Mapping[str, str] = field(default_factory=dict)
    site_bdii: str = ""
    """Host of the site's Site-BDII."""

    @property
    def endpoint_url(self) -> str:
        """The URL of the first monitored endpoint, or else the service's own."""
        return self.endpoint_urls[0] if self.endpoint_urls else self.url


@dataclass(frozen=True)
class Surroundings:
    """What the operator and the federation say, for every service."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, str] = field(default_factory=lambda: DEFAULT_PORTS)
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Attribute -> its value at this host."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Parameter -> its value at this host, for this metric."""


@dataclass(frozen=True)
class Value:
    """What comes to an option. ``bare``: it replaces the option, too; ``flag``: the option stands alone."""

    text: str = ""
    bare: bool = False
    flag: bool = False
    secret: bool = False


def is_secret(name: str) -> bool:
    """Whether an attribute is a secret, by the end of its name."""
    return name.endswith(_SECRET)


def value(name: str, place: Place, said: Surroundings) -> Value | None:
    """The value of an attribute; None when it is left out with its option. Raises Lacking."""
    if name in _FILES or name in _ACTUAL:
        return Value(_file(name, said))
    if name in said.overrides:
        given = said.overrides[name]
        return Value(given.removeprefix("$"), secret=True) if is_secret(name) else Value(given)
    if name in said.attributes:
        return Value(said.attributes[name])
    if is_secret(name):
        return Value(name.upper().replace(".", "_") if "." in name else name, secret=True)
    if name in said.ports:
        return Value(place.extensions.get(name, said.ports[name]))
    return _special(name, place, said)


def _file(name: str, said: Surroundings) -> str:
    real = _ACTUAL.get(name, name)
    robot = said.attributes.get(_ROBOTS.get(name, ""), "")
    return robot or said.attributes.get(real) or _FILES[real]


def _special(name: str, place: Place, said: Surroundings) -> Value | None:
    """What an attribute means by its name."""
    parts = _parts(place.url)
    optional = {
        "TOP_BDII": said.attributes.get("BDII_HOST", ""),
        "SITE_BDII": place.site_bdii,
        "PATH": parts.path,
        "PORT": _port(parts),
    }
    needed = {"URL": place.endpoint_url, "SITENAME": place.site, "HOSTDN": place.host_dn}
    if name in optional:
        return Value(optional[name]) if optional[name] else None
    if name in needed:
        return _needed(needed[name], name)
    if name == "SSL":
        return Value("-S --sni", bare=True) if parts.scheme == "https" else None
    if name in ("BDII_DN", "GLUE2_BDII_DN"):
        return _bdii(name, place)
    return _of_service(name, place)


def _of_service(name: str, place: Place) -> Value | None:
    if name.endswith("GOCDB_SERVICE_URL"):
        return _needed(place.url, name)
    if name in place.extensions:
        given = place.extensions[name]
        return Value(flag=True) if given in _FLAGS else Value(given)
    if name.startswith("OS_KEYSTONE_"):
        return _keystone(name, place)
    if name.endswith("_URL") and name not in _OWN_URLS:
        return _needed(place.endpoint_url, name)
    return None


def _keystone(name: str, place: Place) -> Value:
    parts = _parts(place.url)
    known = {
        "OS_KEYSTONE_PORT": _port(parts) or "443",
        "OS_KEYSTONE_HOST": parts.hostname or "",
        "OS_KEYSTONE_URL": place.url,
    }
    return _needed(known.get(name, ""), name)


def _bdii(name: str, place: Place) -> Value:
    top = place.service == "Top-BDII"
    if not top and place.service != "Site-BDII":
        raise Lacking(f"a service of type {place.service} has no {name}")
    if name == "GLUE2_BDII_DN":
        return Value(f"GLUE2DomainID={place.site},o=glue")
    return Value(f"Mds-Vo-Name={'local' if top else place.site},O=Grid")


def _needed(text: str, name: str) -> Value:
    if not text:
        raise Lacking(f"the service has no URL for {name}" if name.endswith("URL") else f"the service has no {name}")
    return Value(text)


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _port(parts: SplitResult) -> str:
    try:
        return str(parts.port or "")
    except ValueError:
        return ""
