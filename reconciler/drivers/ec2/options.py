"""How an EC2 is reached, checked before the first call."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from reconciler.drivers.options import checked
from reconciler.model import SecretRef, Target

_OF_SITES = frozenset(
    {"endpoint", "auth", "protocol", "identity_provider", "api_overrides", "project_id", "project_name", "project_auth"}
)
"""What a site's manifest says of a cloud; of it the endpoint alone means something here."""


class Options(BaseModel):
    """One key in one region. Secrets are references: ``{env: NAME}`` or ``{file: PATH}``."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    region: str = "us-east-1"
    key: SecretRef | str
    """Access key id."""
    secret: SecretRef
    """Secret access key."""
    host: str = ""
    """"" is that of the site's endpoint."""
    port: int | None = None
    secure: bool = True
    images: dict[str, str] = {}
    """Name -> id of images: a region has thousands, and their names are nobody's."""
    image_owners: tuple[str, ...] = ("self",)
    """Owners whose images are listed besides, under their own names."""
    networks: tuple[str, ...] = ()
    """The subnet, by id, of machines that name none; none: the default one."""
    instance_types: tuple[str, ...] = ()
    """Instance types on offer; none: all that the region has."""
    timeout_seconds: Annotated[float, Field(gt=0)] = 30.0
    """How long the service may keep silent."""
    state: str = ""
    playbooks: str = ""
    private_key: str = ""
    """SSH key that playbooks use; "" is the reconciler's own. Its public half is the machines' key pair."""
    public_keys: tuple[str, ...] = ()
    """Further keys that may log in."""
    ansible: dict[str, Any] = {}
    """Of the configure port; not looked at here."""


def options_of(target: Target) -> Options:
    """The target's options. Raises Terminal naming the option and what is wrong with it."""
    given = {name: value for name, value in target.options.items() if name not in _OF_SITES}
    return checked(
        Target(target.id, target.driver, {**_of_url(str(target.options.get("endpoint", ""))), **given}), Options
    )


def _of_url(url: str) -> dict[str, Any]:
    """The options that an endpoint stands for; none when it is not a URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return {}
    secure = parts.scheme == "https"
    return {"host": parts.hostname, "port": parts.port or (443 if secure else 80), "secure": secure}
