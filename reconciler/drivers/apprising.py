"""Apprise: one message to one of its hundred and more services, named by a URL.

Such URLs carry passwords. What Apprise logs is thrown away, and what it raises is told without its words.
"""

from __future__ import annotations

import logging
from typing import Any

from reconciler.errors import SettingsError, Terminal, Transient


def send(url: str, title: str, body: str) -> None:
    """Send a message. Raises Terminal for a URL that Apprise does not know, Transient where it was not taken."""
    from apprise import NotifyFormat, NotifyType

    service = _service(url)
    try:
        taken = service.notify(body=body, title=title, notify_type=NotifyType.INFO, body_format=NotifyFormat.TEXT)
    except (TypeError, ValueError, OSError) as error:
        raise Transient(f"{_scheme(url)}: {type(error).__name__}") from None
    if not taken:
        raise Transient(f"{_scheme(url)}: it was not taken")


def check(url: str) -> None:
    """Raise Terminal for a URL that Apprise does not know, and SettingsError where there is no Apprise."""
    _service(url)


def _service(url: str) -> Any:
    try:
        from apprise import Apprise, AppriseAsset
    except ImportError as error:
        raise SettingsError("[[notify]] apprise needs the extra notify: hanse[notify]") from error
    log = logging.getLogger("apprise")
    log.disabled, log.propagate = True, False
    asset = AppriseAsset(app_id="Hanse", app_desc="Hanse", app_url="", async_mode=False, http_redirects=False)
    service = Apprise.instantiate(url.strip(), asset=asset)
    if service is None:
        raise Terminal("it is no URL that Apprise knows: see https://appriseit.com/services/")
    return service


def _scheme(url: str) -> str:
    """What may be told of a URL: its service."""
    return f"{url.strip().partition('://')[0][:20]}://"
