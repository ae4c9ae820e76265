"""Which downtimes a request of get_downtime means, and which services of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from reconciler.exchange.gocdb.asked import Asked, Refused
from reconciler.exchange.gocdb.elements import country
from reconciler.exchange.gocdb.topology import DowntimeEntry, ServiceEntry
from reconciler.kinds.downtime import Interval

_TIMES = ("ongoing_only", "startdate", "enddate", "windowstart", "windowend")
DOWNTIME = (
    "topentity",
    *_TIMES,
    "all_lastmonth",
    "id",
    "severity",
    "classification",
    "production",
    "monitored",
    "certification_status",
    "service_type_list",
    "sitelist",
    "servicelist",
    "ngilist",
    "site_extensions",
    "service_extensions",
)
"""Parameters of get_downtime, beside scopes and cursors."""
_DAY = timedelta(days=1)
_LAST_MONTH = timedelta(days=32)
"""A month and a day."""


def chosen(
    downtimes: Iterable[DowntimeEntry], asked: Asked, now: datetime
) -> list[tuple[DowntimeEntry, list[ServiceEntry]]]:
    """The downtimes that are meant, each with the services that are; the latest start first."""
    fits, meant = _times(asked, now), _services(asked)
    found = [(entry, [one for one in entry.services if meant(one)]) for entry in downtimes if fits(entry)]
    return sorted(
        ((entry, services) for entry, services in found if services),
        key=lambda one: (one[0].interval.start, one[0].id),
        reverse=True,
    )


def _times(asked: Asked, now: datetime) -> Callable[[DowntimeEntry], bool]:
    """What is said of a downtime itself."""
    checks = _bounds(asked, now)
    severity, classification, id_ = asked.get("severity"), asked.get("classification"), asked.get("id")

    def fits(entry: DowntimeEntry) -> bool:
        one = entry.interval
        return (
            severity in (None, one.severity)
            and classification in (None, one.classification)
            and id_ in (None, str(entry.id))
            and all(check(one) for check in checks)
        )

    return fits


def _bounds(asked: Asked, now: datetime) -> list[Callable[[Interval], bool]]:
    ongoing = asked.one_of("ongoing_only", ("yes", "no")) == "yes"
    after, before = asked.day("startdate"), asked.day("enddate")
    opens, closes = asked.day("windowstart"), asked.day("windowend")
    if ongoing and (after or before):
        raise Refused("Invalid parameter combination - do not specify startdate or enddate with ongoing_only")
    checks: list[Callable[[Interval], bool]] = []
    if asked.get("all_lastmonth") is not None:
        if any(asked.get(name) is not None for name in _TIMES):
            raise Refused("Invalid parameters - no other times are allowed when specifying all_lastmonth")
        checks.append(lambda one: one.start > now - _LAST_MONTH)
    if ongoing:
        checks.append(lambda one: one.start < now < one.end)
    if after:
        checks.append(lambda one: one.start > after)
    if before:
        checks.append(lambda one: one.end < before)
    if opens:
        checks.append(lambda one: one.end > opens)
    if closes:
        checks.append(lambda one: one.start < closes + _DAY)
    return checks


def _services(asked: Asked) -> Callable[[ServiceEntry], bool]:
    """What is said of the services of a downtime, and of their sites."""
    entity, status = asked.like("topentity"), asked.like("certification_status")
    types, sites, ngis = asked.among("service_type_list"), asked.among("sitelist"), asked.among("ngilist")
    hosts, production, monitored = asked.among("servicelist"), asked.flag("production"), asked.flag("monitored")
    of_site, of_service = asked.extensions("site_extensions"), asked.extensions("service_extensions")
    scopes = asked.scopes

    def meant(entry: ServiceEntry) -> bool:
        spec, site = entry.spec, entry.site
        return (
            any(entity(name) for name in (spec.hostname, site.name, site.spec.ngi, country(site)))
            and status(site.spec.certification)
            and types(spec.type)
            and sites(site.name)
            and hosts(spec.hostname)
            and ngis(site.spec.ngi)
            and production(spec.production)
            and monitored(spec.monitored)
            and scopes.fit(spec.scopes)
            and of_site([(x.key, x.value) for x in site.spec.extensions])
            and of_service([(x.key, x.value) for x in spec.extensions])
        )

    return meant
