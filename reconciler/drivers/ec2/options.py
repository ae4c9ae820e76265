"""How an EC2 is reached, checked before the first call."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from reconciler.drivers.options import checked
from reconciler.model import SecretRef, Target


class Options(BaseModel):
    """One key in one region. Secrets are references: ``{env: NAME}`` or ``{file: PATH}``."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)

    region: str = "us-east-1"
    key: SecretRef | str
    """Access key id."""
    secret: SecretRef
    """Secret access key."""
    host: str = ""
    """"" is Amazon's in the region."""
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
    return checked(target, Options)
