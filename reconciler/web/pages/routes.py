"""The routes of the pages: who may look, what is asked, and refusals as pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from reconciler.errors import HanseError
from reconciler.web.api.asked import OfDays, OfResources, OfRuns, OfUsage, Query, Wrong, asked
from reconciler.web.api.routes import tagged
from reconciler.web.door import Refuse, RouteRight, needing
from reconciler.web.known import in_thread
from reconciler.web.pages import views
from reconciler.web.pages.look import FOLDER, dressed, page
from reconciler.web.sight import Sight, looking

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_TITLES = {
    400: "That cannot be understood",
    401: "Who are you?",
    403: "That may not be",
    404: "There is no such page",
    503: "Not now",
}


@dataclass(frozen=True)
class _Page:
    path: str
    tell: Callable[[Sight, Any, Mapping[str, str]], bytes]
    asks: type[Query] = Query


_PAGES = (
    _Page("/", views.overview),
    _Page("/resources", views.resources, OfResources),
    _Page("/resources/{kind}/{name}", views.resource),
    _Page("/resources/{kind}/{namespace}/{name}", views.resource),
    _Page("/plan", views.plan),
    _Page("/graph", views.graph, views.OfGraph),
    _Page("/runs", views.runs, OfRuns),
    _Page("/runs/{run}", views.run, views.OfRun),
    _Page("/availability", views.availability, OfDays),
    _Page("/sites/{name}/days/{day}", views.day, views.OfDay),
    _Page("/usage", views.usage, OfUsage),
    _Page("/map", views.world),
)


def routes(sight: Sight) -> list[BaseRoute]:
    """Every page, and the three files they are dressed with."""
    refuse = refusing(sight)
    dress: RouteRight = "read" if sight.people is None else "open"  # the login page is dressed too

    def site(request: Request) -> Response:
        return RedirectResponse(str(request.url.replace(path=f"/resources/Site/{request.path_params['name']}")))

    found: list[BaseRoute] = [
        Route(one.path, looking(sight, in_thread(_answered(sight, one)), refuse), methods=["GET"]) for one in _PAGES
    ]
    found.append(Route("/sites/{name}", looking(sight, in_thread(site), refuse), methods=["GET"]))
    for file in sorted((FOLDER / "static").iterdir()):
        answer = _file(file.read_bytes(), _TYPES[file.suffix])
        found.append(
            Route(f"/static/{file.name}", needing(sight.door, dress, in_thread(answer), refuse), methods=["GET"])
        )
    return found


def refusing(sight: Sight) -> Refuse:
    """Refusals as pages."""

    def refuse(status: int, why: str) -> Response:
        return dressed(HTMLResponse(_missing(sight, status, why), status))

    return refuse


def _answered(sight: Sight, one: _Page) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        try:
            body = one.tell(sight, asked(request, one.asks), request.path_params)
        except Wrong as error:
            return dressed(HTMLResponse(_missing(sight, 400, str(error)), 400))
        except views.Gone as error:
            return dressed(HTMLResponse(_missing(sight, 404, str(error)), 404))
        except HanseError as error:
            return dressed(HTMLResponse(_missing(sight, 503, str(error)), 503))
        return dressed(tagged(request, body, "text/html"))

    return answer


def _missing(sight: Sight, status: int, why: str) -> bytes:
    return page("missing.html", "", sight.clock(), title=_TITLES.get(status, "Something is wrong"), said=why)


def _file(body: bytes, media_type: str) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        return dressed(tagged(request, body, media_type))

    return answer
