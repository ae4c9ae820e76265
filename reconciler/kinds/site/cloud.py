"""Clouds of a site and the shares of VOs in them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from reconciler.kinds.gocdb import ShortName, Url
from reconciler.kinds.site.onboarding import Onboarding
from reconciler.kinds.vo.group import vo_name
from reconciler.model import Strict

Word = Annotated[str, Field(min_length=1)]


class Network(Strict):
    """A network that machines may be attached to."""

    name: Word
    public: bool = False
    """Its addresses are reachable from outside."""
    vos: tuple[Word, ...] = ()
    """VOs that may use it; empty: all."""


class Accounting(Strict):
    """Accounting of the cloud's usage."""

    enabled: bool | None = None
    """Off when not given."""
    siteName: Word | None = None
    """Site to account under, instead of this one."""
    properties: dict[str, JsonValue] = Field(default={})
    """Further keys, handed to the accounting as they are."""


class Share(Strict):
    """The part of a cloud that one VO may use: a project."""

    vo: Word
    """The VO: the name of its manifest, or its group with the path (``/biomed/vip``)."""
    projectId: Word | None = None
    projectName: Word | None = None
    region: Word | None = None
    """Region of this share, when not the cloud's."""
    auth: dict[str, JsonValue] = Field(default={})
    """Further keys of the authentication, handed to the driver; secrets are references:
    ``application_credential_secret: {env: NAME}``."""
    properties: dict[str, JsonValue] = Field(default={})
    """Further keys of the share, kept as they are."""

    @property
    def vo_name(self) -> str:
        """Name of the VO's manifest."""
        return vo_name(self.vo)


class Cloud(Strict):
    """One cloud: an endpoint with its driver. The site and the endpoint together identify it."""

    name: ShortName
    """Name within the site; with the site's it names the target ``compute:<site>/<cloud>``."""
    driver: Word
    """Driver that speaks to it: ``openstack``, ``simulated``, ``namespace``, ..."""
    endpoint: Url
    """Identity endpoint (Keystone for OpenStack)."""
    auth: Word | None = None
    """Authentication method as keystoneauth1 names it; ``v3oidcaccesstoken`` when not given."""
    region: Word | None = None
    protocol: Word | None = None
    """Federation protocol of the identity provider; ``openid`` when not given."""
    identityProvider: Word | None = None
    """Identity provider as the cloud names it; ``egi.eu`` when not given."""
    networks: tuple[Network, ...] = ()
    imageFormats: tuple[Word, ...] | None = None
    """Formats of machine images it takes: ``qcow2``, ``raw``."""
    imageSync: bool | None = None
    """Synchronise the federation's images to it; not, when not given."""
    accounting: Accounting | None = None
    shares: tuple[Share, ...] = ()
    apiOverrides: dict[str, Url] = Field(default={})
    """Service type (``compute``, ``image``, ``network``, ``volume``) -> URL to use instead of the catalogue's."""
    onboarding: Onboarding | None = None
    """Make the shares in the cloud's keystone; they are left to the site when not given."""
    options: dict[str, JsonValue] = Field(default={})
    """Connection data for the driver; secrets are references (``{env: NAME}`` or ``{file: PATH}``)."""
    properties: dict[str, JsonValue] = Field(default={})
    """Further keys, kept as they are."""

    def shares_of(self, vo: str) -> tuple[Share, ...]:
        """Shares of a VO, given by the name of its manifest or by its group."""
        return tuple(s for s in self.shares if s.vo_name == vo_name(vo))
