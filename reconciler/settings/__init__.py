"""The operator's configuration: hanse.toml, overridden by HANSE_* variables. Secrets in it are references."""

from reconciler.settings.forge import WebhookSettings
from reconciler.settings.limits import LimitSettings
from reconciler.settings.loading import FILE, load
from reconciler.settings.people import IssuerSettings, OidcSettings, OwnerSettings
from reconciler.settings.source import Source
from reconciler.settings.telling import Happening, NotifySettings
from reconciler.settings.web import WebSettings
from reconciler.settings.whole import Settings
from reconciler.settings.work import ApplySettings, RunSettings

__all__ = [
    "FILE",
    "ApplySettings",
    "Happening",
    "IssuerSettings",
    "LimitSettings",
    "NotifySettings",
    "OidcSettings",
    "OwnerSettings",
    "RunSettings",
    "Settings",
    "Source",
    "WebSettings",
    "WebhookSettings",
    "load",
]
