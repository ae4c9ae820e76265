"""The forge: what it may say over HTTP, and what it is told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.model import SecretRef, Strict


class WebhookSettings(Strict):
    """A web hook of a forge: it says that there may be something to fetch, and nothing else."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    """The forge posts to ``/hooks/NAME``."""
    forge: Literal["github", "gitlab", "gitea", "forgejo", "bitbucket"]
    """Whose signatures they are."""
    secret: SecretRef
    """What the forge signs with; for GitLab its secret token, or its signing token (``whsec_...``)."""
    repository: Annotated[str, Field(min_length=1)] = "*"
    """Full name of the repository (``ocean/federation``), or a pattern: what comes from others is passed over."""
    branches: tuple[str, ...] = ("*",)
    """Patterns: pushes to other branches are passed over."""
    body_megabytes: Annotated[int, Field(ge=1, le=25)] = 5
    """The largest body that is taken."""


class ForgeSettings(Strict):
    """The forge on which pull requests are told their plan, and commits their status."""

    kind: Literal["github", "gitlab", "gitea", "forgejo"]
    """Which API it speaks."""
    repository: Annotated[str, Field(min_length=1)]
    """``owner/name``; of GitLab the path of the project, or its number."""
    token: SecretRef
    """May read pull requests, and write comments and statuses."""
    url: str = ""
    """``https://git.example.org``; "" for github.com (its API: ``https://api.github.com``) and gitlab.com."""
    context: Annotated[str, Field(min_length=1)] = "hanse"
    """Name of the status."""
    user: str = ""
    """Who the token belongs to; "" asks the forge. Only comments of this user are changed."""
    ca: str = ""
    """File of the authorities that are trusted; "" for the machine's own."""
    pulls: bool = True
    """Whether ``hanse run`` plans open pull requests."""
    page: str = ""
    """``https://hanse.example.org``: where people look; statuses link to it."""
