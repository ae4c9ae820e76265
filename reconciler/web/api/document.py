"""The OpenAPI document, made from the endpoints and from the types of what they ask and answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import reconciler
from reconciler.web.api.asked import Query
from reconciler.web.api.deeds import deeds, said
from reconciler.web.api.endpoints import BASE, Endpoint
from reconciler.web.shapes import Problem

_SCHEMAS = "#/components/schemas/"
_ABOUT = """\
What a federation is meant to be, how it stands, what was done, how available it was and what was used. To read,
but for consents and pauses.

Lists come in portions: give `next` as `cursor` for what follows. Every answer has an `ETag`; who sends it back as
`If-None-Match` is told 304 while nothing has changed.
"""
_REFUSALS = {
    "400": "What was asked cannot be understood.",
    "401": "No token, or one that does not hold.",
    "403": "The token may not read.",
}
_ETAG = {"ETag": {"description": "Of this answer.", "schema": {"type": "string"}}}


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """OpenAPI 3.1."""
    those = list(endpoints)
    models: set[type[BaseModel]] = {*(one.answers for one in those), Problem, *said()}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, made = models_json_schema([(m, "serialization") for m in ordered], ref_template=f"{_SCHEMAS}{{model}}")
    ways = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        "basic": {"type": "http", "scheme": "basic", "description": "For browsers: the token as password."},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hanse", "version": reconciler.__version__, "description": _ABOUT},
        "paths": {f"{BASE}{one.path}": {"get": _operation(one)} for one in those}
        | {f"{BASE}/stream": _STREAM}
        | deeds(BASE),
        "components": {"schemas": made["$defs"], "securitySchemes": ways},
        "security": [{way: []} for way in ways],
    }


def _operation(one: Endpoint) -> dict[str, Any]:
    answer = {
        "description": one.answers.__doc__ or one.about,
        "headers": _ETAG,
        "content": {"application/json": {"schema": {"$ref": f"{_SCHEMAS}{one.answers.__name__}"}}},
    }
    refusals = dict(_REFUSALS)
    if one.may_miss:
        refusals["404"] = "There is no such thing."
    refusals["503"] = "Nothing was planned yet, or the database does not answer."
    return {
        "operationId": _name(one.path),
        "summary": one.about,
        "parameters": [*_in_path(one.path), *_in_query(one.asks)],
        "responses": {"200": answer, "304": {"description": "Nothing has changed."}, **_refused(refusals)},
    }


def _refused(refusals: dict[str, str]) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": f"{_SCHEMAS}Problem"}}}
    return {status: {"description": said, "content": content} for status, said in refusals.items()}


def _name(path: str) -> str:
    return "_".join(part.strip("{}") for part in path.strip("/").split("/"))


def _in_path(path: str) -> list[dict[str, Any]]:
    text = {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
    names = re.findall(r"{(\w+)}", path)
    return [{"name": name, "in": "path", "required": True, "schema": text} for name in names]


def _in_query(asks: type[Query]) -> list[dict[str, Any]]:
    fields = asks.model_json_schema().get("properties", {})
    return [
        {"name": name, "in": "query", "description": schema.pop("description", ""), "schema": _plain(schema)}
        for name, schema in fields.items()
    ]


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is left out is not null."""
    schema.pop("title", None)
    if schema.get("default", "") is None:
        schema.pop("default")
    options = [one for one in schema.pop("anyOf", []) if one != {"type": "null"}]
    return {**schema, **options[0]} if options else schema


_STREAM: dict[str, Any] = {
    "get": {
        "operationId": "stream",
        "summary": "Server-Sent Events: `changed` when anything was done, `moving` with what is under way.",
        "responses": {
            "200": {"description": "Goes on until closed.", "content": {"text/event-stream": {}}},
            **_refused({"401": _REFUSALS["401"], "403": _REFUSALS["403"]}),
        },
    }
}
