"""The routes of the pages."""

from __future__ import annotations

from starlette.routing import BaseRoute

from reconciler.web.sight import Sight


def routes(sight: Sight) -> list[BaseRoute]:  # noqa: ARG001
    """None yet."""
    return []
