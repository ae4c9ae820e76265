"""From a share to the keystone it lives in: what its site declares, completed by the operator's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from reconciler.kinds.base import Federation
from reconciler.model import Ref, Strict, Target
from reconciler.ports import Drivers

PREFIX = "identity:"


class Onboarding(Protocol):
    """How a site wants its shares made."""

    @property
    def administrator(self) -> Strict | None: ...


class Cloud(Protocol):
    """A cloud of a site."""

    @property
    def name(self) -> str: ...
    @property
    def driver(self) -> str: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def region(self) -> str | None: ...
    @property
    def apiOverrides(self) -> Mapping[str, str]: ...  # noqa: N802
    @property
    def onboarding(self) -> Onboarding | None: ...


class Site(Protocol):
    """A site, as this kind looks at it: kinds know no other kind."""

    @property
    def clouds(self) -> Sequence[Cloud]: ...


def target_id(site: str, cloud: str) -> str:
    """``identity:<site>/<cloud>``."""
    return f"{PREFIX}{site}/{cloud}"


def connect(identity: str, federation: Federation, drivers: Drivers) -> Target:
    """The keystone behind a target id. The operator's options win over the manifest's."""
    name, _, cloud_name = identity.removeprefix(PREFIX).partition("/")
    site = cast("Site | None", federation.get(Ref.of("Site", name)))
    cloud = next((c for c in site.clouds if c.name == cloud_name), None) if site else None
    driver, options = drivers.options(identity, cloud.driver if cloud else "")
    return Target(identity, driver, {**(_options(cloud) if cloud else {}), **options})


def _options(cloud: Cloud) -> dict[str, Any]:
    administrator = cloud.onboarding.administrator if cloud.onboarding else None
    said = {
        "endpoint": cloud.endpoint,
        "region": cloud.region,
        "apiOverrides": dict(cloud.apiOverrides),
        "administrator": administrator.model_dump(mode="json", exclude_none=True) if administrator else None,
    }
    return {name: value for name, value in said.items() if value}
