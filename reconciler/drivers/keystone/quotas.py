"""Quotas and contents of a project: what nova, neutron, cinder and glance say, as far as the cloud has them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from reconciler.drivers.keystone.rest import Rest


class _Service(NamedTuple):
    """Where a service keeps quotas, and under which names."""

    path: str
    key: str
    """What the quota stands under in the answer."""
    names: Mapping[str, str]
    """Our name -> the service's."""


_SERVICES: Mapping[str, _Service] = {
    "compute": _Service("/os-quota-sets/", "quota_set", {"instances": "instances", "vcpus": "cores", "ramMiB": "ram"}),
    "volume": _Service("/os-quota-sets/", "quota_set", {"storageGiB": "gigabytes"}),
    "network": _Service(
        "/v2.0/quotas/",
        "quota",
        {"floatingIps": "floatingip", "networks": "network", "ports": "port", "securityGroups": "security_group"},
    ),
}
_PROBES: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "compute": (("/servers", "servers", "project_id"),),
    "volume": (("/volumes", "volumes", "project_id"),),
    "network": tuple((f"/v2.0/{name}", name, "project_id") for name in ("ports", "floatingips", "routers", "networks")),
    "image": (("/v2/images", "images", "owner"),),
}
"""Service -> lists to look into: path, what it lists, by what it is narrowed down to a project."""


def read(rest: Rest, project_ids: Collection[str], names: Collection[str]) -> dict[str, dict[str, int]]:
    """Project id -> limit by our name."""
    found: dict[str, dict[str, int]] = {project: {} for project in project_ids}
    for service, about in _SERVICES.items():
        wanted = {ours: theirs for ours, theirs in about.names.items() if ours in names}
        if not wanted or not rest.has(service):
            continue
        for project, limits in _limits(rest, service, about, project_ids):
            found[project] |= {ours: int(limits[theirs]) for ours, theirs in wanted.items() if theirs in limits}
    return found


def _limits(
    rest: Rest, service: str, about: _Service, project_ids: Collection[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each project's limits. Neutron lists those that are not the default ones in one call."""
    listed: dict[str, Mapping[str, Any]] = {}
    if service == "network":
        quotas = rest.get(service, _path(rest, service, about.path.rstrip("/")))["quotas"]
        listed = {q.get("project_id") or q["tenant_id"]: q for q in quotas}
    for project in project_ids:
        one = listed.get(project)
        yield project, one or rest.get(service, _path(rest, service, f"{about.path}{quote(project)}"))[about.key]


def write(rest: Rest, project_id: str, limits: Mapping[str, int]) -> None:
    """Set limits, one call for each service that there is."""
    for service, about in _SERVICES.items():
        given = {theirs: limits[ours] for ours, theirs in about.names.items() if ours in limits}
        if given and rest.has(service):
            rest.call("PUT", service, _path(rest, service, f"{about.path}{quote(project_id)}"), {about.key: given})


def contents(rest: Rest, project_id: str) -> list[str]:
    """What stands in a project, in words. An error of any service is raised: what cannot be seen may be there."""
    found = []
    for service, probes in _PROBES.items():
        if not rest.has(service):
            continue
        for path, plural, by in probes:
            query = {by: project_id, "limit": "1000", **({"all_tenants": "1"} if service in _ALL else {})}
            listed = rest.get(service, _path(rest, service, f"{path}?{urlencode(query)}"))[plural]
            found += [f"{len(listed)} {plural if len(listed) > 1 else plural[:-1]}"] if listed else []
    return found


_ALL = ("compute", "volume")
"""Services that show an administrator the own project's things alone, unless all are asked for."""


def _path(rest: Rest, service: str, path: str) -> str:
    """The path below the service's address, which may bear the version already."""
    version = next((part for part in ("/v2.0", "/v2") if path.startswith(f"{part}/")), "")
    return path.removeprefix(version) if version and rest.address(service).endswith(version) else path
