"""The routes of the API: who may ask, what is asked, the answer with its ETag, and refusals as RFC 9457 has them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from reconciler.errors import HanseError
from reconciler.web.api.asked import Wrong, asked
from reconciler.web.api.document import document
from reconciler.web.api.endpoints import BASE, ENDPOINTS, Endpoint, Missing, NotYet
from reconciler.web.api.stream import stream
from reconciler.web.known import in_thread, refused
from reconciler.web.sight import Sight, looking


def routes(sight: Sight) -> list[BaseRoute]:
    """The document, every endpoint, the stream, and a refusal for all other paths below."""
    described = orjson.dumps(document(ENDPOINTS), option=orjson.OPT_INDENT_2)

    def openapi(request: Request) -> Response:
        return tagged(request, described, "application/json")

    def nowhere(request: Request) -> Response:
        return refused(404, f"there is no {request.url.path}: see /api/openapi.json")

    found = [Route("/api/openapi.json", looking(sight, in_thread(openapi)), methods=["GET"])]
    found += [
        Route(f"{BASE}{one.path}", looking(sight, in_thread(_answered(sight, one))), methods=["GET"])
        for one in ENDPOINTS
    ]
    found.append(Route(f"{BASE}/stream", looking(sight, stream(sight)), methods=["GET"]))
    return [*found, Route(f"{BASE}/{{rest:path}}", looking(sight, in_thread(nowhere)), methods=["GET"])]


def _answered(sight: Sight, one: Endpoint) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        try:
            told = one.tell(sight, asked(request, one.asks), request.path_params)
        except Wrong as error:
            return refused(400, str(error))
        except Missing as error:
            return refused(404, str(error))
        except NotYet as error:
            return refused(503, str(error), {"Retry-After": "5"})
        except HanseError as error:
            return refused(503, str(error), {"Retry-After": "30"})
        return tagged(request, told.model_dump_json().encode(), "application/json")

    return answer


def tagged(request: Request, body: bytes, media_type: str) -> Response:
    """The answer with its ETag; 304 for who has it already."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)
