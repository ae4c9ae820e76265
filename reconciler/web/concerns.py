"""Whom a delivery concerns: repository and branches, as each forge names them. It is only asked to save a fetch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs

from reconciler.settings import WebhookSettings


def concerns(hook: WebhookSettings, body: bytes) -> bool:
    """Whether there may be something to fetch. What cannot be understood may mean anything: it does."""
    told = _told(body)
    repository = _repository(told)
    if repository and not fnmatchcase(repository, hook.repository):
        return False
    branches = list(_branches(told))
    return not branches or any(fnmatchcase(one, pattern) for one in branches for pattern in hook.branches)


def _told(body: bytes) -> Any:
    """JSON, or a form that holds it (GitHub)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(parse_qs(body.decode())["payload"][0])
    except (KeyError, ValueError, RecursionError):
        return None


def _repository(told: Any) -> str:
    data_centre = _at(told, "repository", "project", "key"), _at(told, "repository", "slug")
    if all(data_centre):
        return "/".join(data_centre)
    return _at(told, "project", "path_with_namespace") or _at(told, "repository", "full_name")


def _branches(told: Any) -> Iterator[str]:
    """The branches that were pushed; none for all that is no push: pull requests, pings."""
    ref = _at(told, "ref")
    if ref.startswith("refs/heads/"):
        yield ref.removeprefix("refs/heads/")
    changes = _under(_under(told, "push"), "changes") or _under(told, "changes")
    for change in changes if isinstance(changes, list) else ():
        name = _at(change, "ref", "displayId") or _at(change, "new", "name") or _at(change, "old", "name")
        if name:
            yield name


def _at(told: Any, *names: str) -> str:
    for name in names:
        told = _under(told, name)
    return told if isinstance(told, str) else ""


def _under(told: Any, name: str) -> Any:
    return told.get(name) if isinstance(told, dict) else None
