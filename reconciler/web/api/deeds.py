"""What the OpenAPI document says of what people do: consents and pauses. ``web/doing.py`` answers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from reconciler.web import shapes
from reconciler.web.asked_deeds import AskedConsent, AskedPause

_SCHEMAS = "#/components/schemas/"
_TEXT = {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
_DIGEST = {
    "name": "digest",
    "in": "path",
    "required": True,
    "schema": _TEXT,
    "description": "Of the plan, or `latest`.",
}
_SEEN = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "schema": {"type": "string"},
    "description": "The part's digest as it was seen: nobody agrees to anything else.",
}
_NUMBER = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
_SCOPE = {"name": "scope", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
_WHY = {
    "400": "This is no JSON.",
    "401": "No token, or one that does not hold; the session of a browser does not count here.",
    "403": "Policies in git do not let you do that.",
    "404": "There is no such thing.",
    "412": "It is not what you saw.",
    "413": "The body is too large.",
    "422": "What was said cannot be understood.",
    "428": "Say what you saw: `If-Match`.",
    "503": "Nothing was planned yet, or somebody does not answer.",
}


def said() -> set[type[BaseModel]]:
    """The types that these operations need."""
    return {
        shapes.PartList,
        shapes.ConsentShape,
        shapes.PauseList,
        shapes.PauseShape,
        shapes.WhoShape,
        AskedConsent,
        AskedPause,
    }


def deeds(base: str) -> dict[str, Any]:
    """The paths."""
    parts = _operation("parts", "The parts of the plan as of now, and who agreed.", [_DIGEST], "200", shapes.PartList)
    parts["responses"]["200"]["headers"] = {
        "ETag": {"description": "Digest of the plan.", "schema": {"type": "string"}}
    }
    give = _operation(
        "consent", "Agree to a part as it was seen.", [_DIGEST, _SEEN], "201", shapes.ConsentShape, AskedConsent
    )
    pauses = _operation("pauses", "What is held back now.", [], "200", shapes.PauseList)
    pause = _operation("pause", "Hold something.", [], "201", shapes.PauseShape, AskedPause)
    return {
        f"{base}/plans/{{digest}}/consents": {"get": parts, "post": give},
        f"{base}/plans/{{digest}}/consents/{{id}}": {
            "delete": _operation("withdraw", "Take back one's own word.", [_DIGEST, _NUMBER], "204")
        },
        f"{base}/pauses": {"get": pauses, "post": pause},
        f"{base}/pauses/{{scope}}": {"delete": _operation("resume", "Let something go on.", [_SCOPE], "204")},
        f"{base}/whoami": {
            "get": _operation("whoami", "Who asks, and what is known of him.", [], "200", shapes.WhoShape)
        },
    }


def _operation(
    name: str,
    about: str,
    parameters: list[dict[str, Any]],
    status: str,
    answers: type[Any] | None = None,
    asks: type[Any] | None = None,
) -> dict[str, Any]:
    done: dict[str, Any] = {"description": about}
    if answers is not None:
        done["content"] = {"application/json": {"schema": {"$ref": f"{_SCHEMAS}{answers.__name__}"}}}
    problem = {"application/problem+json": {"schema": {"$ref": f"{_SCHEMAS}Problem"}}}
    refused = {code: {"description": why, "content": problem} for code, why in _WHY.items()}
    also = {"200": {**done, "description": "It was so already."}} if asks is not None else {}
    found: dict[str, Any] = {
        "operationId": name,
        "summary": about,
        "parameters": parameters,
        "responses": {status: done, **also, **refused},
    }
    if asks is not None:
        schema = {"$ref": f"{_SCHEMAS}{asks.__name__}"}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return found
