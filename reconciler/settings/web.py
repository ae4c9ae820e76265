"""What is served over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.model import SecretRef, Strict


class GocdbSettings(Strict):
    """GOCDB's programmatic interface, ``/gocdbpi``, as ``hanse run`` serves it."""

    public: bool = False
    """``/gocdbpi/public`` answers without the token then, and tells no e-mail address and no telephone number."""
    scope: str = ""
    """What counts where a request names no scope: GOCDB takes EGI; "" for all."""
    url: str = ""
    """``https://registry.example.org``: under which clients reach it, for links; "" for that of the request."""


class WebSettings(Strict):
    """What ``hanse run`` serves over HTTP."""

    listen: str = ""
    """``127.0.0.1:8080``; "" for nothing. Needs the extra ``web``."""
    token: SecretRef | None = None
    """What callers must send as bearer token; needed where others than this machine can reach it."""
    url: str = ""
    """``https://hanse.example.org``: where people reach the page, and return to from logging in; "" for what they asked
    for."""
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    """Addresses or networks of reverse proxies: ``X-Forwarded-Proto`` and ``X-Forwarded-For`` count from them only."""
    open: tuple[Literal["read", "metrics"], ...] = ()
    """What needs no token (``hanse token``): ``read`` for availability and statuses, ``metrics``."""
    per_resource_metrics: bool = False
    """Whether ``GET /metrics`` tells of each resource, too: a federation has thousands."""
    results_per_minute: Annotated[int, Field(ge=1)] = 300_000
    """So many results one token may tell in a minute."""
    results_days: Annotated[int, Field(ge=1, le=36_500)] = 400
    """Results that are older than so many days are refused."""
    body_megabytes: Annotated[int, Field(ge=1)] = 32
    """The largest body that is taken."""
    gocdb: GocdbSettings = GocdbSettings()
    """GOCDB's programmatic interface."""
