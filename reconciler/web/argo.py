"""``/api/v2`` and ``/api/v3``: availability and statuses as ARGO's web API answers, for clients that know it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reconciler.exchange import argo, argotree
from reconciler.exchange.argotree import NGI, SITES, Node
from reconciler.kinds.report import BUILTIN
from reconciler.model import Ref
from reconciler.model.uptime import UptimeLevel, UptimeRecord
from reconciler.web.known import Known, bearing, in_thread

_LONGEST = 800
"""Days of one answer."""
_ZULU = "%Y-%m-%dT%H:%M:%SZ"
_MESSAGES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 406: "Not Acceptable"}


class _Refused(Exception):
    """What is answered in place of results."""

    def __init__(self, code: int, message: str, details: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details or message


@dataclass(frozen=True)
class _Asked:
    """What was asked for."""

    report: str
    steps: Sequence[str]
    """What follows the report in the path."""
    first: date
    last: date
    granularity: argo.Granularity
    latest: bool
    page: int
    """So many in one answer; -1 for all."""
    after: int
    """So many have been told before."""


def routes(known: Known) -> list[Route]:
    """The routes of both versions."""
    paths: Mapping[str, Callable[[Known, _Asked], Any]] = {
        "/api/v2/results/{report}/{steps:path}": _results,
        "/api/v2/status/{report}/{steps:path}": _statuses,
        "/api/v3/results/{report}": _results_v3,
        "/api/v3/results/{report}/id/{steps:path}": _results_of_id,
        "/api/v3/status/{report}": _statuses_v3,
    }
    return [
        Route(path, bearing(known, "read", in_thread(_answered(known, tell, path)), _unlet), methods=["GET"])
        for path, tell in paths.items()
    ]


def _answered(known: Known, tell: Callable[[Known, _Asked], Any], path: str) -> Callable[[Request], Response]:
    status = "/status/" in path

    def answer(request: Request) -> Response:
        form = _form(request)
        if not form:
            said = "Accept header provided did not contain any valid content types. Acceptable content types are "
            return _error(
                _Refused(406, "Content Not Acceptable", f"{said}'application/xml' and 'application/json'"), "json"
            )
        try:
            told = tell(known, _asked(known, request, status=status))
        except _Refused as error:
            return _error(error, form)
        if isinstance(told, dict):
            return _json(told)
        if form == "xml":
            body = argotree.status_xml(told) if status else argotree.results_xml(told)
            return Response(body, media_type="application/xml")
        return _json(argotree.status_json(told) if status else argotree.results_json(told))

    return answer


def _json(told: dict[str, Any], code: int = 200) -> Response:
    return Response(orjson.dumps(told, option=orjson.OPT_INDENT_2), code, media_type="application/json")


def _form(request: Request) -> str:
    """Json or xml, as accepted; "" for neither. Who does not say takes JSON."""
    for one in request.headers.get("accept", "*/*").split(","):
        kind = one.partition(";")[0].strip().lower()
        if kind in ("application/json", "*/*", "application/*"):
            return "json"
        if kind == "application/xml":
            return "xml"
    return ""


def _asked(known: Known, request: Request, *, status: bool) -> _Asked:
    given = request.query_params
    report = request.path_params["report"]
    if report not in _reports(known):
        raise _Refused(404, f"The report with the name {report} does not exist")
    today = known.clock().astimezone(UTC)
    first = _time(given, "start_time", today.replace(hour=0, minute=0, second=0) if status else None)
    last = _time(given, "end_time", today if status else None)
    if not timedelta() <= last - first <= timedelta(days=_LONGEST):
        raise _Refused(400, "Wrong time span", f"end_time must follow start_time, by at most {_LONGEST} days")
    granularity = given.get("granularity", "daily")
    if granularity not in ("daily", "monthly", "custom"):
        raise _Refused(400, "Wrong Granularity", f"{granularity} is not accepted: give daily, monthly or custom")
    steps = [step for step in request.path_params.get("steps", "").split("/") if step]
    days = (first.date(), last.date())
    page, after = _paged(given)
    latest = given.get("view") == "latest"
    return _Asked(report, steps, *days, granularity, latest, page, after)  # type: ignore[arg-type]


def _paged(given: Mapping[str, str]) -> tuple[int, int]:
    """The size of a page and what came before it: a token is the number in base64."""
    try:
        page = int(given.get("pageSize", "-1"))
        after = int(base64.b64decode(given.get("nextPageToken", "") or b"MA==", validate=True))
    except ValueError:
        raise _Refused(400, "Wrong page", "pageSize is a number, nextPageToken what an answer gave") from None
    if page == 0 or page < -1 or after < 0:
        raise _Refused(400, "Wrong page", "pageSize is -1 for all, or a number from 1 on")
    return page, after


def _reports(known: Known) -> set[str]:
    standing = known.declared()
    declared = {ref.name for ref in standing.resources if ref.kind == "Report"} if standing else set()
    return {*declared, *BUILTIN, *known.store.uptime.reports()}


def _time(given: Mapping[str, str], name: str, otherwise: datetime | None) -> datetime:
    text = given.get(name, "")
    if not text and otherwise is not None:
        return otherwise
    try:
        return datetime.strptime(text, _ZULU).replace(tzinfo=UTC)
    except ValueError:
        said = f"Please use {name} url parameter in zulu format (like 2006-01-02T15:04:05Z)"
        raise _Refused(400, f"Wrong {name}" if text else f"No {name} set", said) from None


# -- v2 ----------------------------------------------------------------------------------------------------------------


def _results(known: Known, asked: _Asked) -> list[Node] | dict[str, Any]:
    fill = argotree.numbered(asked.granularity)
    if list(asked.steps) == ["endpoints"]:
        return _flat(known, asked, "results", fill)
    ngi, site, steps = _groups(asked)
    if not steps:
        rows = _rows(known, asked, "group", site, ngi)
        if asked.steps[0] == NGI and SITES not in asked.steps[2:3]:
            return argotree.by_ngi(rows, argotree.numbered(asked.granularity, ngi=True))
        return argotree.sites_of_ngis(rows, fill)
    return _parts(known, asked, (ngi, site, steps), fill)


def _statuses(known: Known, asked: _Asked) -> list[Node] | dict[str, Any]:
    fill = argotree.changing(_over(known, asked), latest=asked.latest)
    if list(asked.steps) == ["endpoints"]:
        return _flat(known, asked, "statuses", fill)
    ngi, site, steps = _groups(asked)
    if not steps:
        if asked.steps[0] == NGI:
            raise _Refused(404, "No results found for given query", "statuses are told of sites and what is below them")
        return argotree.by_site(_rows(known, asked, "group", site, ngi), fill)
    if len(steps) >= 5 and steps[0] == "services" and steps[2] == "endpoints" and steps[4] == "metrics":  # noqa: PLR2004
        return _metrics(known, asked, site, steps)
    return _parts(known, asked, (ngi, site, steps), fill)


def _parts(known: Known, asked: _Asked, wanted: tuple[str, str, Sequence[str]], fill: argotree.Fill) -> list[Node]:
    """What is asked for below sites: their services, or the endpoints of these."""
    ngi, site, steps = wanted
    service, host = _below(steps)
    if host is None:
        return argotree.services_of_sites(_rows(known, asked, "service", site, ngi, service), fill)
    return argotree.endpoints_of_services(_rows(known, asked, "endpoint", site, ngi, service, host), fill)


def _over(known: Known, asked: _Asked) -> Callable[[date], bool]:
    """Which days are closed."""
    days = known.store.uptime.days(asked.report, asked.first, asked.last)
    return lambda day: day in days and days[day].complete


def _flat(known: Known, asked: _Asked, name: str, fill: argotree.Fill) -> dict[str, Any]:
    """Every endpoint of the report in one list, a page at a time; JSON only."""
    found: dict[tuple[str, str, str], list[UptimeRecord]] = {}
    for row in _rows(known, asked, "endpoint", ""):
        found.setdefault((row.hostname, row.service, row.site), []).append(row)
    listed = sorted(found.items())
    end = len(listed) if asked.page < 0 else asked.after + asked.page
    told: dict[str, Any] = {
        "endpoints": [
            {"name": host, "service": service, "supergroup": site, name: list(fill(rows))}
            for (host, service, site), rows in listed[asked.after : end]
        ]
    }
    if end < len(listed):
        told["nextPageToken"] = base64.b64encode(str(end).encode()).decode()
    return told if asked.page < 0 else {**told, "pageSize": asked.page}


def _groups(asked: _Asked) -> tuple[str, str, Sequence[str]]:
    """The NGI and the site that are asked for, "" for all, and what is asked for below."""
    steps, ngi = list(asked.steps), ""
    if not steps:
        raise _Refused(404, "Item not Found", f"give a type of groups: {NGI} or {SITES}")
    if steps[0] == NGI:
        ngi, steps = (steps[1] if len(steps) > 1 else ""), steps[2:]
        if not steps:
            return ngi, "", ()
    if steps[0] != SITES:
        said = f"Endpoint Group type {steps[0]} not present in report {asked.report}. Try using {SITES} instead"
        raise _Refused(400, "Endpoint Group type not in report", said)
    return ngi, (steps[1] if len(steps) > 1 else ""), steps[2:]


def _below(steps: Sequence[str]) -> tuple[str, str | None]:
    """Service type and host, "" for all; no host where services are asked for."""
    match steps:
        case ["services"]:
            return "", None
        case ["services", service]:
            return service, None
        case ["services", service, "endpoints"]:
            return service, ""
        case ["services", service, "endpoints", host]:
            return service, host
        case ["endpoints"]:
            return "", ""
        case ["endpoints", host]:
            return "", host
        case _:
            pass
    raise _Refused(404, "Item not Found", f"there is nothing at {'/'.join(steps)}")


def _rows(
    known: Known, asked: _Asked, level: UptimeLevel, site: str, ngi: str = "", service: str = "", host: str = ""
) -> list[UptimeRecord]:
    """The rows. Raises _Refused where there are none."""
    found = known.store.uptime.rows(asked.report, asked.first, asked.last, (level,), site or None)
    rows = [
        row
        for row in found
        if (not ngi or row.ngi == ngi)
        and (not service or row.service == service)
        and (not host or row.hostname == host)
    ]
    if not rows:
        raise _Refused(404, "No results found for given query")
    return rows


def _metrics(known: Known, asked: _Asked, site: str, steps: Sequence[str]) -> list[Node]:
    """Statuses of the metrics of one endpoint: what its probes have said, where that counts."""
    service, host, only = steps[1], steps[3], steps[5] if len(steps) > 5 else ""  # noqa: PLR2004
    checks = known.checks()
    about = checks.about if checks else {}
    refs = {
        looked.metric: ref
        for ref, looked in sorted(about.items())
        if (looked.service, looked.hostname) == (service, host) and only in ("", looked.metric)
    }
    made = [Node(metric, "metric", _said(known, ref, asked)) for metric, ref in refs.items()]
    nodes = tuple(node for node in made if node.values)
    if not nodes:
        raise _Refused(404, "No results found for given query")
    return [Node(site, SITES, parts=(Node(service, "service", parts=(Node(host, "endpoint", parts=nodes),)),))]


def _said(known: Known, ref: Ref, asked: _Asked) -> tuple[dict[str, str], ...]:
    start, end = (datetime(one.year, one.month, one.day, tzinfo=UTC) for one in (asked.first, asked.last))
    before = known.store.uptime.result_at(ref, start)
    found: list[tuple[datetime, str]] = [(before.at, before.status)] if before else []
    results = known.store.uptime.results([ref], start, end + timedelta(days=1), changes_only=True)
    found += [(at, status) for _, at, status, _ in results]
    values = tuple({"timestamp": at.strftime(_ZULU), "value": status} for at, status in found)
    return values[-1:] if asked.latest else values


# -- v3 ----------------------------------------------------------------------------------------------------------------


def _results_v3(known: Known, asked: _Asked) -> dict[str, Any]:
    return argo.results(_rows(known, asked, "group", ""), asked.granularity)


def _statuses_v3(known: Known, asked: _Asked) -> dict[str, Any]:
    groups = _rows(known, asked, "group", "")
    endpoints = known.store.uptime.rows(asked.report, asked.first, asked.last, ("endpoint",))
    told: dict[str, Any] = argo.statuses(groups, endpoints, _over(known, asked))
    if asked.latest:
        for group in told["groups"]:
            for one in (group, *group["endpoints"]):
                one["statuses"] = one["statuses"][-1:]
    return told


def _results_of_id(known: Known, asked: _Asked) -> dict[str, Any]:
    """Endpoints of services with a resource id: the name of a service, or the value of its extension ``ID``."""
    identity = "/".join(asked.steps)
    standing = known.declared()
    sites = {r.name: one.spec for r, one in standing.resources.items() if r.kind == "Site"} if standing else {}
    wanted = {
        (site, service.type, service.hostname): service.url
        for site, spec in sites.items()
        for service in spec.services
        if identity == service.name or any(one.key == "ID" and one.value == identity for one in service.extensions)
    }
    told = []
    for (site, service, host), url in sorted(wanted.items()):
        found = known.store.uptime.rows(asked.report, asked.first, asked.last, ("endpoint",), site)
        rows = [row for row in found if (row.service, row.hostname) == (service, host)]
        if rows:
            info = {"info": {"URL": url}} if url else {}
            about = {"name": host, "service": service, "group": site, **info}
            told.append({**about, "results": argo.dated(rows, asked.granularity)})
    if not told:
        raise _Refused(404, "No results found for given query")
    return {"id": identity, "endpoints": told}


# -- errors ------------------------------------------------------------------------------------------------------------


def _error(refused: _Refused, form: str) -> Response:
    message = refused.message if refused.code in (404, 406) else _MESSAGES[refused.code]
    if form == "xml":
        return Response(
            argotree.error_xml(message, refused.code, refused.details), refused.code, media_type="application/xml"
        )
    error = {"message": refused.message, "code": str(refused.code), "details": refused.details}
    said = {"status": {"message": message, "code": str(refused.code)}, "errors": [error]}
    return _json(said, refused.code)


def _unlet(code: int, why: str) -> Response:
    return _error(_Refused(code, _MESSAGES.get(code, "Error"), why), "json")
