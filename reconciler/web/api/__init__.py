"""``/api/v1``: what is recorded and what was planned last, as JSON; read only. ``/api/openapi.json`` describes it."""

from reconciler.web.api.routes import routes

__all__ = ["routes"]
