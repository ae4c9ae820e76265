"""A GOCDB of the tests' own: XML written by hand, in pages of 100, over a real HTTP server on loopback.

It shares nothing with the product: what is read here is what GOCDB is known to write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

from tests.real.answering import answering

PAGE = 100


@dataclass
class Site:
    number: int
    elements: dict[str, str]
    scopes: list[str] = field(default_factory=lambda: ["EGI"])
    extensions: list[tuple[str, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.elements["SHORT_NAME"]

    def xml(self) -> str:
        inner = "".join(told(name, text) for name, text in self.elements.items())
        domain = f"<DOMAIN>{told('DOMAIN_NAME', f's{self.number}.example.org')}</DOMAIN>"
        return (
            f'<SITE ID="{self.number + 9000}" PRIMARY_KEY="{self.number}G0" NAME="{escape(self.name)}">'
            f"<PRIMARY_KEY>{self.number}G0</PRIMARY_KEY>{inner}{domain}{lists(self.scopes, self.extensions)}</SITE>"
        )


@dataclass
class Service:
    number: int
    elements: dict[str, str]
    endpoints: list[tuple[str, str]] = field(default_factory=list)
    scopes: list[str] = field(default_factory=lambda: ["EGI"])
    extensions: list[tuple[str, str]] = field(default_factory=list)

    def xml(self) -> str:
        inner = "".join(told(name, text) for name, text in self.elements.items())
        endpoints = "".join(
            f"<ENDPOINT><ID>{self.number}{n}</ID><NAME>{escape(name)}</NAME><EXTENSIONS/><URL>{escape(url)}</URL>"
            f"<INTERFACENAME>x</INTERFACENAME><ENDPOINT_MONITORED>Y</ENDPOINT_MONITORED></ENDPOINT>"
            for n, (name, url) in enumerate(self.endpoints)
        )
        return (
            f'<SERVICE_ENDPOINT PRIMARY_KEY="{self.number}G0"><PRIMARY_KEY>{self.number}G0</PRIMARY_KEY>{inner}'
            f"<ENDPOINTS>{endpoints}</ENDPOINTS>{lists(self.scopes, self.extensions)}</SERVICE_ENDPOINT>"
        )


@dataclass
class Downtime:
    number: int
    services: list[Service]
    elements: dict[str, str]
    classification: str = "SCHEDULED"

    def xml(self) -> str:
        return "".join(
            f'<DOWNTIME ID="{self.number + 500}" PRIMARY_KEY="{self.number}G0" CLASSIFICATION="{self.classification}">'
            f"<PRIMARY_KEY>{self.number}G0</PRIMARY_KEY>"
            f"<HOSTNAME>{one.elements['HOSTNAME']}</HOSTNAME><SERVICE_TYPE>{one.elements['SERVICE_TYPE']}</SERVICE_TYPE>"
            f"<ENDPOINT>{one.elements['HOSTNAME']}{one.elements['SERVICE_TYPE']}</ENDPOINT>"
            f"<HOSTED_BY>{one.elements['SITENAME']}</HOSTED_BY><AFFECTED_ENDPOINTS/>"
            + "".join(told(name, text) for name, text in self.elements.items())
            + "</DOWNTIME>"
            for one in self.services
        )


def told(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>\n" if text else ""


def lists(scopes: list[str], extensions: list[tuple[str, str]]) -> str:
    pairs = "".join(
        f"<EXTENSION><LOCAL_ID>{n}</LOCAL_ID><KEY>{escape(key)}</KEY><VALUE>{escape(value)}</VALUE></EXTENSION>"
        for n, (key, value) in enumerate(extensions)
    )
    return f"<SCOPES>{''.join(told('SCOPE', s) for s in scopes)}</SCOPES><EXTENSIONS>{pairs}</EXTENSIONS>"


def site(number: int, name: str = "", **elements: str) -> Site:
    known = {
        "SHORT_NAME": name or f"SITE-{number:04}",
        "OFFICIAL_NAME": f"Computing Centre {number}",
        "SITE_DESCRIPTION": f"The centre of region {number}",
        "GOCDB_PORTAL_URL": f"https://goc.example.org/portal/index.php?Page_Type=Site&id={number}",
        "HOME_URL": f"https://www.s{number}.example.org/",
        "CONTACT_EMAIL": f"grid@s{number}.example.org",
        "CONTACT_TEL": "+34 91 123",
        "GIIS_URL": f"ldap://bdii.s{number}.example.org:2170/mds-vo-name=S{number},o=grid",
        "COUNTRY_CODE": "ES",
        "COUNTRY": "Spain",
        "ROC": f"NGI_{number % 7}",
        "PRODUCTION_INFRASTRUCTURE": "Production",
        "CERTIFICATION_STATUS": "Certified",
        "TIMEZONE": "Europe/Madrid",
        "LATITUDE": "42.88",
        "LONGITUDE": "-8.54",
        "CSIRT_EMAIL": f"csirt@s{number}.example.org",
    }
    return Site(number, known | elements)


def service(number: int, at: Site, type: str = "CE", **elements: str) -> Service:
    known = {
        "HOSTNAME": f"h{number}.s{at.number}.example.org",
        "HOSTDN": f"/DC=org/CN=h{number}.s{at.number}.example.org",
        "BETA": "N",
        "SERVICE_TYPE": type,
        "CORE": "",
        "IN_PRODUCTION": "Y",
        "NODE_MONITORED": "Y",
        "SITENAME": at.name,
        "COUNTRY_NAME": "Spain",
        "COUNTRY_CODE": "ES",
        "ROC_NAME": at.elements["ROC"],
        "URL": f"https://h{number}.example.org:8443/ce",
    }
    return Service(number, known | elements)


@dataclass
class Register:
    """What the server tells; a test changes it between two imports."""

    sites: list[Site] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    downtimes: list[Downtime] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    broken: Callable[[dict[str, str]], bool] = lambda _asked: False
    """Which requests break down."""
    asked: list[dict[str, str]] = field(default_factory=list)

    def of(self, method: str) -> list[tuple[int, str]]:
        if method == "get_service_group":
            return list(enumerate(self.groups, 1))
        told = {"get_site": self.sites, "get_service_endpoint": self.services, "get_downtime": self.downtimes}[method]
        return sorted((one.number, one.xml()) for one in told)

    def answer(self, asked: dict[str, str]) -> str:
        cursor = int(asked["next_cursor"])
        rows = [row for row in self.of(asked["method"]) if row[0] > cursor][:PAGE]
        rest = "&amp;".join(f"{k}={v}" for k, v in asked.items() if k != "next_cursor")
        links = [("self", cursor), *([("next", rows[-1][0])] if rows else []), ("start", 0)]
        meta = "".join(
            f'<link rel="{rel}" href="https://elsewhere.example.org/?{rest}&amp;next_cursor={n}"/>' for rel, n in links
        )
        counts = f"<count>{len(rows)}</count><max_page_size>{PAGE}</max_page_size>"
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<results><meta>{meta}{counts}</meta>{"".join(r[1] for r in rows)}</results>'


@contextmanager
def served(register: Register) -> Iterator[str]:
    """The URL of its interface."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
            register.asked.append(asked)
            broken = register.broken(asked)
            body = b"out of order" if broken else register.answer(asked).encode()
            self.send_response(500 if broken else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with answering(server):
        yield f"http://127.0.0.1:{server.server_port}/gocdbpi/public/"


def federation(sites: int, services: int) -> Register:
    """So many sites with so many services each."""
    some = [site(n) for n in range(1, sites + 1)]
    types = ("CE", "SRM", "org.openstack.nova", "Site-BDII")
    every = [service(1000 + s.number * 50 + n, s, types[n % 4]) for s in some for n in range(services)]
    return Register(some, every)
