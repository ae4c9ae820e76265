"""Sites, services, downtimes and groups as elements of GOCDB's interface: its names, its order, what may be empty.

Element names, their order and which stay when empty: ``lib/Gocdb_Services/PI`` of GOCDB.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, SubElement

from reconciler.exchange.gocdb.countries import NAMES
from reconciler.exchange.gocdb.element import extensions, flag, put, scopes, tell
from reconciler.exchange.gocdb.keys import number
from reconciler.exchange.gocdb.topology import DowntimeEntry, GroupEntry, ServiceEntry, SiteEntry
from reconciler.kinds.site import Endpoint


@dataclass(frozen=True)
class View:
    """How entries are shown."""

    base: str = ""
    """URL of the interface, which links begin with; "" for no links."""
    contacts: bool = True
    """False: e-mail addresses and telephone numbers are left out."""

    def link(self, method: str, **parameters: str) -> str:
        """What stands for a page of GOCDB's portal: the entry itself."""
        return f"{self.base}?{urlencode({'method': method, **parameters, 'scope': ''})}" if self.base else ""


def site(entry: SiteEntry, view: View) -> Element:
    """``SITE`` of get_site."""
    spec, contacts = entry.spec, entry.spec.contacts
    made = Element("SITE", ID=str(entry.id), PRIMARY_KEY=entry.key, NAME=entry.name)
    tell(made, "PRIMARY_KEY", entry.key)
    tell(made, "SHORT_NAME", entry.name)
    tell(made, "OFFICIAL_NAME", spec.officialName)
    tell(made, "SITE_DESCRIPTION", spec.description)
    tell(made, "GOCDB_PORTAL_URL", view.link("get_site", sitename=entry.name))
    tell(made, "HOME_URL", spec.homeUrl)
    if view.contacts:
        tell(made, "CONTACT_EMAIL", contacts.email)
        tell(made, "CONTACT_TEL", contacts.telephone)
        tell(made, "ALARM_EMAIL", contacts.alarmEmail)
    tell(made, "GIIS_URL", spec.giisUrl)
    tell(made, "TIER", spec.tier)
    tell(made, "COUNTRY_CODE", spec.country)
    tell(made, "COUNTRY", country(entry))
    tell(made, "ROC", spec.ngi)
    tell(made, "SUBGRID", spec.subgrid)
    tell(made, "PRODUCTION_INFRASTRUCTURE", spec.infrastructure)
    tell(made, "CERTIFICATION_STATUS", spec.certification)
    tell(made, "TIMEZONE", spec.timezone)
    tell(made, "LATITUDE", spec.latitude)
    tell(made, "LONGITUDE", spec.longitude)
    if view.contacts:
        tell(made, "CSIRT_EMAIL", contacts.csirtEmail)
    put(made, "NOTIFICATIONS", "TRUE" if spec.notifications else "FALSE")
    tell(SubElement(made, "DOMAIN"), "DOMAIN_NAME", spec.domain)
    tell(made, "SITE_IP", ",".join(spec.ipRanges))
    tell(made, "SITE_IPV6", ",".join(spec.ipv6Ranges))
    scopes(made, spec.scopes)
    extensions(made, ("Site", entry.key), ((x.key, x.value) for x in spec.extensions))
    return made


def site_short(entry: SiteEntry, _view: View) -> Element:
    """``SITE`` of get_site_list: attributes alone."""
    spec = entry.spec
    told = {
        "ID": str(entry.id),
        "PRIMARY_KEY": entry.key,
        "NAME": entry.name,
        "COUNTRY": country(entry),
        "COUNTRY_CODE": spec.country or "",
        "ROC": spec.ngi or "",
        "SUBGRID": spec.subgrid or "",
        "GIIS_URL": spec.giisUrl or "",
    }
    return Element("SITE", told)


def site_security(entry: SiteEntry, _view: View) -> Element:
    """``SITE`` of get_site_security_info."""
    contacts = entry.spec.contacts
    made = Element("SITE", ID=entry.key, PRIMARY_KEY=entry.key, NAME=entry.name)
    put(made, "PRIMARY_KEY", entry.key)
    put(made, "SHORT_NAME", entry.name)
    put(made, "CSIRT_EMAIL", contacts.csirtEmail or "")
    put(made, "CSIRT_TEL", contacts.csirtTelephone or "")
    return made


def service(entry: ServiceEntry, view: View) -> Element:
    """``SERVICE_ENDPOINT`` of get_service_endpoint."""
    spec, held = entry.spec, entry.site
    made = Element("SERVICE_ENDPOINT", PRIMARY_KEY=entry.key)
    tell(made, "PRIMARY_KEY", entry.key)
    tell(made, "HOSTNAME", spec.hostname)
    tell(made, "GOCDB_PORTAL_URL", service_link(entry, view))
    tell(made, "HOSTDN", spec.hostDn)
    tell(made, "HOST_OS", spec.hostOs)
    tell(made, "HOST_ARCH", spec.hostArch)
    flag(made, "BETA", spec.beta)
    tell(made, "SERVICE_TYPE", spec.type)
    tell(made, "HOST_IP", addresses(spec.ips, 4))
    tell(made, "HOST_IPV6", addresses(spec.ips, 6))
    put(made, "CORE", "Y" if spec.core else "")
    flag(made, "IN_PRODUCTION", spec.production)
    flag(made, "NODE_MONITORED", spec.monitored)
    flag(made, "NOTIFICATIONS", spec.notifications)
    tell(made, "SITENAME", held.name)
    tell(made, "COUNTRY_NAME", country(held))
    tell(made, "COUNTRY_CODE", held.spec.country)
    tell(made, "ROC_NAME", held.spec.ngi)
    put(made, "URL", spec.url or "")
    endpoints(made, "ENDPOINTS", entry, spec.endpoints)
    scopes(made, spec.scopes)
    extensions(made, ("Service", entry.key), ((x.key, x.value) for x in spec.extensions))
    return made


def endpoints(parent: Element, name: str, entry: ServiceEntry, some: Iterable[Endpoint], *, full: bool = True) -> None:
    """Append a list of endpoints, empty or not: clients look for it. Those of a downtime are told in brief."""
    held = SubElement(parent, name)
    for endpoint in some:
        owner = ("Endpoint", entry.key, endpoint.name)
        one = SubElement(held, "ENDPOINT")
        put(one, "ID", number(*owner))
        put(one, "NAME", endpoint.name)
        if full:
            extensions(one, owner, ((x.key, x.value) for x in endpoint.extensions))
        put(one, "URL", endpoint.url or "")
        put(one, "INTERFACENAME", endpoint.interface or "")
        if full:
            flag(one, "ENDPOINT_MONITORED", endpoint.monitored)


def downtime(entry: DowntimeEntry, of: ServiceEntry, view: View) -> Element:
    """``DOWNTIME`` of get_downtime: what it is to one service."""
    made = _downtime(entry)
    tell(made, "PRIMARY_KEY", entry.key)
    _affected(made, of)
    tell(made, "GOCDB_PORTAL_URL", view.link("get_downtime", id=str(entry.id)))
    endpoints(made, "AFFECTED_ENDPOINTS", of, of.spec.endpoints, full=False)
    _when(made, entry)
    return made


def downtime_to_broadcast(entry: DowntimeEntry, of: ServiceEntry, view: View) -> Element:
    """``DOWNTIME`` of get_downtime_to_broadcast; reminders are none of Hanse's, so their times are empty."""
    made, one = _downtime(entry), entry.interval
    put(made, "PRIMARY_KEY", entry.key)
    put(made, "SITENAME", of.site.name)
    put(made, "HOSTNAME", of.spec.hostname)
    put(made, "SERVICE_TYPE", of.spec.type)
    put(made, "HOSTED_BY", of.site.name)
    put(made, "GOCDB_PORTAL_URL", view.link("get_downtime", id=str(entry.id)))
    endpoints(made, "AFFECTED_ENDPOINTS", of, of.spec.endpoints, full=False)
    put(made, "SEVERITY", one.severity)
    put(made, "DESCRIPTION", one.description)
    for name, moment in (("INSERT_DATE", one.declared), ("START_DATE", one.start), ("END_DATE", one.end)):
        put(made, name, int(moment.timestamp()))
    put(made, "REMINDER_START_DOWNTIME", "")
    put(made, "BROADCASTING_START_DOWNTIME", "")
    return made


def downtime_nested(entry: DowntimeEntry, services: Iterable[ServiceEntry], view: View) -> Element:
    """``DOWNTIME`` of get_downtime_nested_services: with all its services inside."""
    made = _downtime(entry)
    _when(made, entry)
    tell(made, "GOCDB_PORTAL_URL", view.link("get_downtime", id=str(entry.id)))
    held = SubElement(made, "SERVICES")
    for one in services:
        told = SubElement(held, "SERVICE")
        tell(told, "PRIMARY_KEY", one.key)
        _affected(told, one)
        endpoints(told, "AFFECTED_ENDPOINTS", one, one.spec.endpoints, full=False)
    return made


def _downtime(entry: DowntimeEntry) -> Element:
    told = {"ID": str(entry.id), "PRIMARY_KEY": entry.key, "CLASSIFICATION": entry.interval.classification}
    return Element("DOWNTIME", told)


def _affected(parent: Element, of: ServiceEntry) -> None:
    tell(parent, "HOSTNAME", of.spec.hostname)
    tell(parent, "SERVICE_TYPE", of.spec.type)
    tell(parent, "ENDPOINT", f"{of.spec.hostname}{of.spec.type}")
    tell(parent, "HOSTED_BY", of.site.name)


def _when(parent: Element, entry: DowntimeEntry) -> None:
    one = entry.interval
    tell(parent, "SEVERITY", one.severity)
    tell(parent, "DESCRIPTION", one.description)
    for name, moment in (("INSERT_DATE", one.declared), ("START_DATE", one.start), ("END_DATE", one.end)):
        tell(parent, name, int(moment.timestamp()))
    tell(parent, "FORMATED_START_DATE", f"{one.start:%Y-%m-%d %H:%M}")
    tell(parent, "FORMATED_END_DATE", f"{one.end:%Y-%m-%d %H:%M}")


def group(entry: GroupEntry, view: View) -> Element:
    """``SERVICE_GROUP`` of get_service_group."""
    spec = entry.spec
    made = Element("SERVICE_GROUP", PRIMARY_KEY=entry.key)
    put(made, "NAME", entry.name)
    put(made, "DESCRIPTION", spec.description)
    flag(made, "MONITORED", spec.monitored)
    put(made, "CONTACT_EMAIL", spec.email if view.contacts else "")
    tell(made, "GOCDB_PORTAL_URL", view.link("get_service_group", service_group_name=entry.name))
    for one in entry.services:
        _member(made, one, view)
    scopes(made, spec.scopes)
    extensions(made, ("ServiceGroup", entry.key), ((x.key, x.value) for x in spec.extensions))
    return made


def _member(parent: Element, entry: ServiceEntry, view: View) -> None:
    """A service inside of its group: its empty elements stay."""
    spec = entry.spec
    made = SubElement(parent, "SERVICE_ENDPOINT", PRIMARY_KEY=entry.key)
    put(made, "HOSTNAME", spec.hostname)
    tell(made, "GOCDB_PORTAL_URL", service_link(entry, view))
    put(made, "SERVICE_TYPE", spec.type)
    put(made, "HOST_IP", addresses(spec.ips, 4))
    put(made, "HOST_IPV6", addresses(spec.ips, 6))
    put(made, "HOSTDN", spec.hostDn or "")
    flag(made, "IN_PRODUCTION", spec.production)
    flag(made, "NODE_MONITORED", spec.monitored)
    endpoints(made, "ENDPOINTS", entry, spec.endpoints)
    scopes(made, spec.scopes)
    extensions(made, ("Service", entry.key), ((x.key, x.value) for x in spec.extensions))


def service_link(entry: ServiceEntry, view: View) -> str:
    """Where a service is told of."""
    return view.link("get_service_endpoint", hostname=entry.spec.hostname, service_type=entry.spec.type)


def country(entry: SiteEntry) -> str:
    """Name of a site's country; "" when it does not say."""
    return NAMES.get(entry.spec.country or "", "")


def addresses(ips: Sequence[str], version: int) -> str:
    """The addresses of one version, as GOCDB lists them."""
    return ",".join(ip for ip in ips if isinstance(ip_address(ip.partition("/")[0]), IPv6Address) == (version == 6))  # noqa: PLR2004
