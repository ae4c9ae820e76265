"""How an OpenStack project is reached: as its site declares, completed by the operator, checked before the first call.

Secrets are references (``{env: NAME}`` or ``{file: PATH}``) and are read at the moment of use.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from reconciler.drivers.options import checked
from reconciler.errors import Terminal
from reconciler.model import SecretRef, Target

Auth = Literal["v3oidcaccesstoken", "v3password", "v3applicationcredential"]
Seconds = Annotated[float, Field(gt=0)]
_NEEDS: dict[str, tuple[str, ...]] = {
    "v3password": ("username", "password"),
    "v3applicationcredential": ("application_credential_id", "application_credential_secret"),
    "v3oidcaccesstoken": (),
}


def _spelt(value: Any) -> Any:
    """``password`` for ``v3password``: both are in use."""
    return f"v3{value}" if isinstance(value, str) and f"v3{value}" in _NEEDS else value


def _root(value: str) -> str:
    """Keystone's address without its version: libcloud adds it."""
    return value.rstrip("/").removesuffix("/v3")


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Issuer(_Options):
    """Where access tokens are asked for: by a refresh token where one is given, else by the client's own right."""

    url: str = ""
    """The issuer; its token endpoint is discovered (OpenID Connect Discovery 1.0)."""
    token_endpoint: str = ""
    """The token endpoint, where it shall not be discovered."""
    client_id: SecretRef | str
    client_secret: SecretRef | None = None
    refresh_token: SecretRef | None = None
    scope: str = "openid email profile eduperson_entitlement"
    audience: str = ""


class Options(_Options):
    """One project of one OpenStack."""

    endpoint: Annotated[str, AfterValidator(_root)]
    """Keystone."""
    auth: Annotated[Auth, BeforeValidator(_spelt)] = "v3oidcaccesstoken"
    region: str = ""
    """"" is the only one that the catalogue has."""
    interface: Literal["public", "internal", "admin"] = "public"
    api_overrides: dict[str, str] = {}
    """Service type -> URL used instead of the catalogue's."""
    project_id: str = ""
    project_name: str = ""
    project_domain_id: str = ""
    project_domain_name: str = ""

    username: SecretRef | str = ""
    password: SecretRef | None = None
    user_domain_id: str = ""
    user_domain_name: str = "Default"
    application_credential_id: SecretRef | str = ""
    application_credential_secret: SecretRef | None = None
    identity_provider: str = "egi.eu"
    """The identity provider as keystone names it."""
    protocol: str = "openid"
    access_token: SecretRef | None = None
    """An access token that somebody else renews."""
    issuer: Issuer | None = None
    """Who gives access tokens; then we renew them."""
    least_seconds: Annotated[float, Field(ge=0)] = 300.0
    """An access token is used again as long as it is valid for so long."""

    networks: tuple[str, ...] = ()
    """Networks of machines that name none."""
    floating_network: str = ""
    """External network, by name or id, that public addresses are taken from; "" is the only one."""
    prefer_address: Literal["public", "fixed"] = "public"
    """Which address of a machine that has both is used to reach it."""
    server_group: Literal["", "affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"] = ""
    """Policy of a server group of each cluster's own; "" makes none."""
    availability_zone: str = ""
    config_drive: bool = False
    microversion: str = "2.69"
    """Of nova's API. From 2.69 on a list says which machines it cannot see (a cell is down)."""
    user_names: bool = False
    """Tell for accounting what keystone calls the user whose machines these are; otherwise the user's id alone."""
    traffic: bool = False
    """Ask nova about the traffic of each machine, for accounting. Most clouds tell administrators alone."""
    traffic_calls: Annotated[int, Field(ge=1)] = 100
    """So many machines are asked about at one look; where there are more, others each time."""
    timeout_seconds: Seconds = 30.0
    """How long a service may keep silent."""
    ca_file: str = ""
    """Certificates of authorities besides those that the system trusts."""

    image_directory: str = ""
    """Where images wait between download and upload; "" is the system's directory for temporary files."""

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
    given = dict(target.options)
    share = dict(given.pop("project_auth", None) or {})
    options = checked(Target(target.id, target.driver, {**share, **given}), Options)
    missing = [name for name in _NEEDS[options.auth] if not getattr(options, name)]
    if missing:
        raise Terminal(f"{target.id}: auth {options.auth} needs the options {', '.join(missing)}")
    if options.auth == "v3oidcaccesstoken" and (options.access_token is None) == (options.issuer is None):
        raise Terminal(f"{target.id}: auth v3oidcaccesstoken needs exactly one of the options access_token, issuer")
    if options.auth != "v3applicationcredential" and not (options.project_id or options.project_name):
        raise Terminal(f"{target.id}: which project? Give the option project_id or project_name, or the site's share")
    return options
