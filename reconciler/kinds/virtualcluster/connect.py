"""From the name of a target to the way there: what the site declares, completed by the operator's settings."""

from __future__ import annotations

from typing import Any

from reconciler.kinds.base import Federation
from reconciler.kinds.site.own import given
from reconciler.kinds.virtualcluster.sites import Cloud, networks_for, site_of
from reconciler.model import Target
from reconciler.ports import Drivers

PREFIX = "compute:"
JOINS, BESIDE = "joins", "beside"
"""Options: of a Site's cloud, the places (``SITE-B/cloud``) that may join; of a target, the way to each of them."""


def target_id(site: str, cloud: str, vo: str) -> str:
    """``compute:<site>/<cloud>/<vo>``: one project of one cloud."""
    return f"{PREFIX}{site}/{cloud}/{vo}"


def connect(identity: str, federation: Federation, drivers: Drivers) -> Target:
    """The project behind a target id. The operator's options win over the manifest's."""
    site_name, cloud_name, vo = identity.removeprefix(PREFIX).split("/", 2)
    site = site_of(federation, site_name)
    cloud = next((c for c in site.clouds if c.name == cloud_name), None) if site else None
    driver, options = drivers.options(identity, cloud.driver if cloud else "")
    return Target(identity, driver, {**(declared(cloud, vo) if cloud else {}), **options})


def connect_all(identity: str, federation: Federation, drivers: Drivers) -> Target:
    """The same, with the way to every cloud that may join the clusters there."""
    home = connect(identity, federation, drivers)
    names = home.options.get(JOINS, ())
    ways: dict[str, Any] = {}
    for place in names:
        site, _, cloud = str(place).partition("/")
        if site_of(federation, site) is not None:
            way = connect(target_id(site, cloud, identity.rpartition("/")[2]), federation, drivers)
            ways[str(place)] = {"driver": way.driver, "options": dict(way.options)}
    return Target(home.id, home.driver, {**home.options, BESIDE: ways}) if ways else home


def declared(cloud: Cloud, vo: str) -> dict[str, Any]:
    """What the manifests say about the way to a VO's project, as plain JSON data."""
    share = next(iter(cloud.shares_of(vo)), None)
    said = {
        "endpoint": cloud.endpoint,
        "auth": cloud.auth,
        "region": (share.region if share else None) or cloud.region,
        "protocol": cloud.protocol,
        "identity_provider": cloud.identityProvider,
        "api_overrides": dict(cloud.apiOverrides),
        "networks": networks_for(cloud, vo),
        "project_id": share.projectId if share else None,
        "project_name": share.projectName if share else None,
        "project_auth": dict(share.auth) if share else {},
    }
    return {key: value for key, value in {**said, **given(cloud.options)}.items() if value not in (None, {}, [])}
