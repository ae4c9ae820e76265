"""Pages for people: how the federation stands and why, made on the server from what the API answers too."""

from reconciler.web.pages.routes import refusing, routes

__all__ = ["refusing", "routes"]
