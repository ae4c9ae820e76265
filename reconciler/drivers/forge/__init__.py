"""Forges behind their REST APIs: pull requests, one comment kept up to date, the status of a commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.drivers.forge.gitea import Gitea
from reconciler.drivers.forge.github import GitHub
from reconciler.drivers.forge.gitlab import GitLab
from reconciler.drivers.forge.rest import Rest
from reconciler.ports.forge import Forge

_URLS: Mapping[str, str] = {"github": "https://api.github.com", "gitlab": "https://gitlab.com"}


def forge(
    kind: str,
    url: str,
    repository: str,
    token: Callable[[], str],
    *,
    context: str = "hanse",
    user: str = "",
    ca: str = "",
) -> Forge:
    """The forge of a kind (github, gitlab, gitea, forgejo). ``token`` reads the token, anew for each call.

    ``user`` is who writes our comments; "" asks the forge.
    """
    base = (url or _URLS.get(kind, "")).rstrip("/")
    if kind == "github":
        return GitHub(Rest(base, lambda: {"Authorization": f"Bearer {token()}"}, ca), repository, context, user)
    if kind == "gitlab":
        return GitLab(Rest(f"{base}/api/v4", lambda: {"PRIVATE-TOKEN": token()}, ca), repository, context, user)
    return Gitea(Rest(f"{base}/api/v1", lambda: {"Authorization": f"token {token()}"}, ca), repository, context, user)
