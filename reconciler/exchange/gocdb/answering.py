"""Answers of GOCDB's programmatic interface (``/gocdbpi``): which methods there are, and what a request gets.

The entries of a commit are put into XML once; a page costs the comparison of its filters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import partial
from html import escape
from operator import attrgetter
from typing import NamedTuple, TypeVar
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, SubElement

from reconciler.exchange.gocdb import elements
from reconciler.exchange.gocdb.asked import CURSORS, Asked, Refused
from reconciler.exchange.gocdb.countries import NAMES
from reconciler.exchange.gocdb.downtimes import DOWNTIME, chosen
from reconciler.exchange.gocdb.element import put, tell, written
from reconciler.exchange.gocdb.elements import View
from reconciler.exchange.gocdb.keys import key_of, number
from reconciler.exchange.gocdb.topology import DowntimeEntry, GroupEntry, ServiceEntry, SiteEntry, Topology

PAGE = 100
"""Entries of a page."""
EntryT = TypeVar("EntryT", SiteEntry, ServiceEntry, GroupEntry)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


class Row(NamedTuple):
    """One entry of an answer, with its place among the pages."""

    id: int
    told: Callable[[], str]


@dataclass(frozen=True)
class Feed:
    """A commit as it is shown. What was put into XML is kept."""

    topology: Topology
    view: View
    texts: dict[tuple[str, int], str] = field(default_factory=dict)

    def row(self, method: str, entry: EntryT, make: Callable[[EntryT, View], Element]) -> Row:
        """An entry, put into XML when it is wanted for the first time."""
        key = (method, id(entry))  # entries live as long as their topology

        def told() -> str:
            if key not in self.texts:
                self.texts[key] = written(make(entry, self.view))
            return self.texts[key]

        return Row(entry.id, told)


class Question(NamedTuple):
    """One request: about what, asked how, and when."""

    feed: Feed
    asked: Asked
    now: datetime


@dataclass(frozen=True)
class Method:
    """One method of the interface."""

    rows: Callable[[Question], list[Row]]
    """What fits, as it is ordered when all is asked for at once."""
    parameters: tuple[str, ...] = ()
    pages: bool = True

    @property
    def known(self) -> Collection[str]:
        """Every parameter that may be given."""
        return (*self.parameters, *(CURSORS if self.pages else ()))


def answer(feed: Feed, method: str, parameters: Mapping[str, str], now: datetime, scope: str = "") -> str:
    """The XML that answers a request. ``scope`` counts where none is named. Raises Refused."""
    known = METHODS.get(method)
    if known is None:
        near = get_close_matches(method, METHODS, n=1)
        raise Refused(f"Unknown method: {method}" + (f" (did you mean {near[0]}?)" if near else ""))
    asked = Asked(parameters, known.known, scope)
    rows = known.rows(Question(feed, asked, now))
    if known.pages and asked.cursor:
        return _page(feed.view, method, parameters, asked.cursor, rows)
    return _results(row.told() for row in rows)


def refusal(error: Refused) -> str:
    """The XML that says why a request is refused."""
    return f"<error>{escape(str(error), quote=False)}</error>\n"


def _results(texts: Iterable[str]) -> str:
    inner = "".join(texts)
    return f"{_HEAD}<results>\n{inner}</results>\n" if inner else f"{_HEAD}<results/>\n"


# -- pages -------------------------------------------------------------------------------------------------------------


def _page(view: View, method: str, given: Mapping[str, str], cursor: tuple[str, int], rows: Sequence[Row]) -> str:
    """The rows behind a cursor, or the last before one, in the order of their numbers."""
    name, at = cursor
    ordered = sorted(rows, key=attrgetter("id"))
    if name == "next_cursor":
        here = [row for row in ordered if row.id > at]
        here = [row for row in here if row.id <= here[PAGE - 1].id] if len(here) > PAGE else here
    else:
        here = [row for row in ordered if row.id < at]
        here = [row for row in here if row.id >= here[-PAGE].id] if len(here) > PAGE else here
    rest = {key: value for key, value in given.items() if key not in CURSORS}

    def href(**more: object) -> str:
        return f"{view.base}?{urlencode({'method': method, **rest, **more})}"

    links = {"self": href(**{name: at})}
    if here:
        links |= {"prev": href(prev_cursor=here[0].id), "next": href(next_cursor=here[-1].id)}
    return _results([_meta({**links, "start": href(next_cursor=0)}, len(here)), *(row.told() for row in here)])


def _meta(links: Mapping[str, str], count: int) -> str:
    meta = Element("meta")
    for relation, href in links.items():
        SubElement(meta, "link", rel=relation, href=href)
    put(meta, "count", count)
    put(meta, "max_page_size", PAGE)
    return written(meta)


def _row(made: Element, number: int = 0) -> Row:
    """An element that is made for this answer."""
    return Row(number, partial(written, made))


# -- sites -------------------------------------------------------------------------------------------------------------


def _chosen_sites(asked: Asked) -> Callable[[SiteEntry], bool]:
    name, roc, country = asked.like("sitename"), asked.like("roc"), asked.like("country")
    status, production = asked.like("certification_status"), asked.like("production_status")
    without = asked.get("exclude_certification_status")
    excluded = asked.like("exclude_certification_status") if without is not None else lambda _status: False
    extensions, scopes = asked.extensions("extensions"), asked.scopes

    def fits(entry: SiteEntry) -> bool:
        spec = entry.spec
        return (
            name(entry.name)
            and roc(spec.ngi)
            and country(elements.country(entry))
            and status(spec.certification)
            and not excluded(spec.certification)
            and production(spec.infrastructure)
            and scopes.fit(spec.scopes)
            and extensions([(x.key, x.value) for x in spec.extensions])
        )

    return fits


def _sites_found(question: Question) -> list[SiteEntry]:
    fits = _chosen_sites(question.asked)
    return sorted((site for site in question.feed.topology.sites if fits(site)), key=lambda site: site.name.casefold())


def _sites(question: Question) -> list[Row]:
    feed = question.feed
    return [feed.row("site", one, elements.site) for one in _sites_found(question)]


def _sites_in_short(question: Question) -> list[Row]:
    feed = question.feed
    return [feed.row("short", one, elements.site_short) for one in _sites_found(question)]


def _sites_security(question: Question) -> list[Row]:
    feed = question.feed
    if not feed.view.contacts:
        raise Refused("get_site_security_info is not public")
    return [feed.row("security", one, elements.site_security) for one in _sites_found(question)]


def _countries(question: Question) -> list[Row]:
    """How many sites each country has; those without any too."""
    counts = dict.fromkeys(sorted(NAMES.values(), key=str.casefold), 0)
    for site in _sites_found(question):
        name = elements.country(site)
        counts[name] = counts.get(name, 0) + 1

    rows = []
    for name, count in counts.items():
        made = Element("SITE")
        tell(made, "COUNTRY", name)
        put(made, "COUNT", count)
        rows += [_row(made)] if name else []
    return rows


def _certification_steps(question: Question) -> list[Row]:
    """Changes of certification, the oldest first."""
    asked = question.asked
    site, after, before = asked.like("site"), asked.day("startdate"), asked.day("enddate")
    rows = []
    for step in question.feed.topology.steps():
        if site(step.site) and (after is None or step.at > after) and (before is None or step.at < before):
            made = Element("result")
            put(made, "TIME", f"{step.at:%d}-{_MONTHS[step.at.month - 1]}-{step.at:%Y %H.%M.%S}")
            put(made, "UNIX_TIME", int(step.at.timestamp()))
            put(made, "SITE", step.site)
            put(made, "OLD_STATUS", step.old)
            put(made, "NEW_STATUS", step.new)
            put(made, "CHANGED_BY", "")
            put(made, "COMMENT", step.reason)
            rows.append(_row(made))
    return rows


# -- NGIs --------------------------------------------------------------------------------------------------------------


def _ngis_found(question: Question) -> dict[str, list[SiteEntry]]:
    """NGIs and their sites; an NGI has the scopes that any of its sites has."""
    fits, scopes = question.asked.like("roc"), question.asked.scopes
    found: dict[str, list[SiteEntry]] = {}
    for site in question.feed.topology.sites:
        if site.spec.ngi and fits(site.spec.ngi):
            found.setdefault(site.spec.ngi, []).append(site)
    return {
        ngi: held for ngi, held in sorted(found.items()) if scopes.fit(s for site in held for s in site.spec.scopes)
    }


def _ngis(question: Question) -> list[Row]:
    rows = []
    for ngi, sites in _ngis_found(question).items():
        made = Element("NGI", NAME=ngi)
        put(made, "PRIMARY_KEY", number("NGI", ngi))
        put(made, "NAME", ngi)
        put(made, "OBJECT_ID", number("NGI", ngi))
        for empty in ("DESCRIPTION", "EMAIL", "GGUS_SU", "ROD_EMAIL", "HELPDESK_EMAIL", "SECURITY_EMAIL"):
            put(made, empty, "")
        put(made, "SITE_COUNT", len(sites))
        rows.append(_row(made, number("NGI", ngi)))
    return rows


def _rocs(question: Question) -> list[Row]:
    made = [Element("ROC", PRIMARY_KEY=key_of(("NGI", ngi), None), ROC_NAME=ngi) for ngi in _ngis_found(question)]
    return [_row(one) for one in made]


def _subgrids(question: Question) -> list[Row]:
    found = {(s.spec.subgrid, s.spec.ngi or "") for s in question.feed.topology.sites if s.spec.subgrid}
    rows = []
    for subgrid, ngi in sorted(found):
        made = Element("SUBGRID", PRIMARY_KEY=key_of(("SubGrid", subgrid or "", ngi), None))
        put(made, "SUBGRID_NAME", subgrid)
        put(made, "ROC_NAME", ngi)
        rows.append(_row(made))
    return rows


# -- services ----------------------------------------------------------------------------------------------------------


def _services(question: Question) -> list[Row]:
    feed, asked = question.feed, question.asked
    host, kind, monitored = asked.like("hostname"), asked.like("service_type"), asked.flag("monitored")
    name, roc, country = asked.like("sitename"), asked.like("roc"), asked.like("country")
    extensions, scopes = asked.extensions("extensions"), asked.scopes

    def fits(entry: ServiceEntry) -> bool:
        spec, site = entry.spec, entry.site
        return (
            site.spec.certification != "Closed"
            and host(spec.hostname)
            and kind(spec.type)
            and monitored(spec.monitored)
            and name(site.name)
            and roc(site.spec.ngi)
            and country(elements.country(site))
            and scopes.fit(spec.scopes)
            and extensions([(x.key, x.value) for x in spec.extensions])
        )

    found = [entry for entry in feed.topology.services if fits(entry)]
    return [feed.row("service", one, elements.service) for one in found]


def _service_types(question: Question) -> list[Row]:
    """The types that services may have."""
    rows = []
    for name, description in question.feed.topology.types.items():
        key = key_of(("ServiceType", name), None)
        made = Element("SERVICE_TYPE", TYPE_ID=key, PRIMARY_KEY=key)
        put(made, "SERVICE_TYPE_NAME", name)
        put(made, "SERVICE_TYPE_DESC", description)
        rows.append(_row(made))
    return rows


# -- downtimes ---------------------------------------------------------------------------------------------------------


def _downtimes(question: Question) -> list[Row]:
    """One element for each service; the latest downtime first."""
    feed = question.feed

    def told(entry: DowntimeEntry, services: Sequence[ServiceEntry]) -> Callable[[], str]:
        parts = [feed.row(entry.key, one, partial(elements.downtime, entry)) for one in services]
        return lambda: "".join(part.told() for part in parts)

    found = chosen(feed.topology.downtimes, question.asked, question.now)
    return [Row(entry.id, told(entry, services)) for entry, services in found]


def _downtimes_nested(question: Question) -> list[Row]:
    feed = question.feed

    def told(entry: DowntimeEntry, services: Sequence[ServiceEntry]) -> Callable[[], str]:
        return lambda: written(elements.downtime_nested(entry, services, feed.view))

    found = chosen(feed.topology.downtimes, question.asked, question.now)
    return [Row(entry.id, told(entry, services)) for entry, services in found]


def _downtimes_to_broadcast(question: Question) -> list[Row]:
    """Those that were declared in the last day, or ``interval`` days."""
    feed, days = question.feed, question.asked.get("interval") or "1"
    if not (days.isascii() and days.isdigit() and len(days) < 5):  # noqa: PLR2004
        raise Refused("interval is not a number")
    since = question.now - timedelta(days=int(days))
    recent = [one for one in feed.topology.downtimes if one.interval.declared > since]
    return [
        feed.row(f"broadcast {entry.key}", one, partial(elements.downtime_to_broadcast, entry))
        for entry, services in chosen(recent, question.asked, question.now)
        for one in services
    ]


def _groups(question: Question) -> list[Row]:
    feed, asked = question.feed, question.asked
    name, extensions, scopes = asked.like("service_group_name"), asked.extensions("extensions"), asked.scopes
    return [
        feed.row("group", one, elements.group)
        for one in feed.topology.groups
        if name(one.name)
        and scopes.fit(one.spec.scopes)
        and extensions([(x.key, x.value) for x in one.spec.extensions])
    ]


_SCOPE = ("scope", "scope_match")
_SITE = (
    "sitename",
    "roc",
    "country",
    "certification_status",
    "exclude_certification_status",
    "production_status",
    *_SCOPE,
    "extensions",
)
_SERVICE = ("hostname", "sitename", "roc", "country", "service_type", "monitored", *_SCOPE, "extensions")
METHODS: dict[str, Method] = {
    "get_site": Method(_sites, _SITE),
    "get_site_list": Method(_sites_in_short, _SITE, pages=False),
    "get_site_security_info": Method(_sites_security, _SITE[:-1], pages=False),
    "get_site_count_per_country": Method(
        _countries, ("certification_status", "production_status", "scope"), pages=False
    ),
    "get_cert_status_changes": Method(_certification_steps, ("site", "startdate", "enddate"), pages=False),
    "get_ngi": Method(_ngis, ("roc", *_SCOPE)),
    "get_roc_list": Method(_rocs, ("roc",), pages=False),
    "get_subgrid_list": Method(_subgrids, pages=False),
    "get_service": Method(_services, _SERVICE),
    "get_service_endpoint": Method(_services, _SERVICE),
    "get_downtime": Method(_downtimes, (*DOWNTIME, *_SCOPE)),
    "get_downtime_nested_services": Method(_downtimes_nested, (*DOWNTIME, *_SCOPE)),
    "get_downtime_to_broadcast": Method(_downtimes_to_broadcast, ("interval", "id", *_SCOPE), pages=False),
    "get_service_group": Method(_groups, ("service_group_name", *_SCOPE, "extensions")),
    "get_service_types": Method(_service_types, pages=False),
}
"""Every method, by its name."""
