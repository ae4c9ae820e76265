"""What is served over HTTP, what comes in over it, and where notifications go."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import urlsplit

from reconciler.doctor.findings import Finding, Ground, fault, ok, warning
from reconciler.errors import HanseError
from reconciler.model import SecretRef

_SHORT = 16
"""Characters of a secret with which others sign."""


def listening(ground: Ground) -> Iterator[Finding]:
    """Where it listens, and who can reach that."""
    given = ground.settings.web
    if not given.listen:
        yield ok("nothing is served: [web] listen is not set")
        return
    missing = [name for name in ("starlette", "uvicorn", "jinja2") if find_spec(name) is None]
    if missing:
        yield fault(f"{', '.join(missing)} is not installed", "pip install 'hanse[web]'")
    host, _, port = given.listen.rpartition(":")
    if not port.isdigit() or not host:
        yield fault(f"{given.listen} is no address to listen on", "[web] listen = 127.0.0.1:8080")
    elif not _own(host):
        guarded = given.token is not None or bool(getattr(getattr(ground.settings, "oidc", None), "issuer", ""))
        if not guarded:
            yield fault(f"{given.listen} can be reached from elsewhere, and nothing is asked for", "[web] token")
        yield warning(
            f"{given.listen} is served without TLS", "listen on 127.0.0.1 behind nginx (docs/how-to/run-on-a-vm.md)"
        )
    else:
        yield ok(f"{given.listen}: only this machine reaches it; a proxy before it does TLS")


def webhooks(ground: Ground) -> Iterator[Finding]:
    """Web hooks of forges: their secrets, and that somebody listens."""
    given = ground.settings.webhooks
    if not given:
        return
    for name, count in Counter(one.name for one in given).items():
        if count > 1:
            yield fault(f"{count} web hooks are called {name}", "one name for each: /hooks/NAME")
    if not ground.settings.web.listen:
        yield warning("web hooks are configured and [web] listen is not", "set it, or give hanse run --listen")
    for one in given:
        try:
            short = len(ground.drivers.secret(one.secret)) < _SHORT
        except HanseError:
            continue  # told among the secrets
        said = f"/hooks/{one.name} ({one.forge})"
        if short:
            yield warning(f"{said}: its secret is short", "openssl rand -hex 32, here and at the forge")
        else:
            yield ok(said)


def notifications(ground: Ground) -> Iterator[Finding]:
    """Where notifications are posted to: their form alone; nobody is sent anything."""
    for number, one in enumerate(ground.settings.notify):
        name = getattr(one, "title", "") or one.name or f"[[notify]] {number}"
        url = one.url
        try:
            where = ground.drivers.secret(url) if isinstance(url, SecretRef) else url
        except HanseError:
            continue  # told among the secrets
        if where is None:
            continue
        parts = urlsplit(where.strip())
        if parts.scheme not in ("https", "http") or not parts.hostname:
            yield fault(f"{name}: its URL is none that can be posted to", "https://HOST/PATH")
        elif parts.scheme == "http" and not _own(parts.hostname):
            yield warning(f"{name}: it is posted to {parts.hostname} in clear text", "https://")
        else:
            yield ok(f"{name}: {parts.scheme}://{parts.hostname}")


def _own(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
