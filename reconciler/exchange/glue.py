"""What a site's clouds offer, in the terms of GLUE 2.1 as the federation's cloud information system renders it (JSON).

It is read from the clouds themselves, each VO's share through its own project: a share that cannot be read is told of,
and costs no other its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.errors import DriverError
from reconciler.exchange.shares import Known
from reconciler.ports import Compute, Image, Quota, Size

VALIDITY_SECONDS = 43200
_WORKERS = 8
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Offer:
    """What one share offers; ``fault`` says why it could not be read."""

    known: Known
    sizes: Sequence[Size] = ()
    images: Sequence[Image] = ()
    quota: Quota = field(default_factory=Quota)
    fault: str = ""


def offers(shares: Iterable[Known], compute: Callable[[Known], Compute]) -> list[Offer]:
    """Read every share, several at once; ``compute`` opens its project."""

    def read(known: Known) -> Offer:
        try:
            project = compute(known)
            return Offer(known, tuple(project.sizes()), tuple(project.images()), project.quota())
        except DriverError as error:
            return Offer(known, fault=str(error))

    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="glue") as pool:
        return list(pool.map(read, shares))


def document(site: str, gocdb_id: str, found: Sequence[Offer], now: datetime) -> dict[str, list[Object]]:
    """The GLUE objects of a site by type, in an order of their own. ``now`` is UTC."""
    stamp = {"CreationTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "Validity": VALIDITY_SECONDS}
    made: dict[str, list[Object]] = {}
    clouds: dict[str, list[Offer]] = {}
    for offer in found:
        clouds.setdefault(offer.known.cloud.name, []).append(offer)
    for held in clouds.values():
        for kind, objects in _cloud(site, gocdb_id, held).items():
            made.setdefault(kind, []).extend({**o, **stamp} for o in objects)
    return made


def _cloud(site: str, gocdb_id: str, held: Sequence[Offer]) -> dict[str, list[Object]]:
    cloud = held[0].known.cloud
    service, manager = f"{cloud.endpoint}_cloud.compute", f"{cloud.endpoint}_manager"
    endpoint = f"{cloud.endpoint}_OpenStack_v3_{cloud.auth or 'v3oidcaccesstoken'}"
    whole = [offer for offer in held if not offer.fault]
    about = {"gocdb_id": gocdb_id, "site_name": site}
    return {
        "CloudComputingService": [
            {
                "ID": service,
                "Name": f"Cloud compute service at {site}",
                "Type": "org.openstack.nova",
                "QualityLevel": "production",
                "StatusInfo": "https://argo.egi.eu",
                "TotalVM": sum(limit.used for o in whole if (limit := o.quota.limits.get("instances"))),
                "OtherInfo": about,
                "Associations": {"CloudComputingManager": [manager], "CloudComputingEndpoint": [endpoint]},
            }
        ],
        "CloudComputingManager": [
            {
                "ID": manager,
                "Name": "OpenStack Nova",
                "ProductName": "OpenStack",
                "Associations": {"CloudComputingService": [service]},
            }
        ],
        "CloudComputingEndpoint": [
            {
                "ID": endpoint,
                "URL": cloud.endpoint,
                "InterfaceName": "OpenStack",
                "InterfaceVersion": "v3",
                "HealthState": "ok" if len(whole) == len(held) else "warning" if whole else "critical",
                "Authentication": cloud.auth or "v3oidcaccesstoken",
                "Associations": {"CloudComputingService": [service]},
            }
        ],
        "Share": [_share(offer, endpoint, service) for offer in whole],
        "MappingPolicy": [_policy(offer, endpoint) for offer in whole],
        "CloudComputingImage": _listed(whole, endpoint, lambda o: o.images, _image),
        "CloudComputingInstanceType": _listed(whole, endpoint, lambda o: o.sizes, lambda size: _type(size, endpoint)),
        "CloudComputingVirtualAccelerator": _accelerators(whole, endpoint),
    }


def _share_id(offer: Offer, endpoint: str) -> str:
    return f"{endpoint}_share_{offer.known.group}_{offer.known.project_id}"


def _share(offer: Offer, endpoint: str, service: str) -> Object:
    known = offer.known
    quotas = {name: -1 if q.limit is None else q.limit for name, q in sorted(offer.quota.limits.items())}
    project = {"project_name": known.project, "project_id": known.project_id, "quotas": quotas}
    return {
        "ID": _share_id(offer, endpoint),
        "Name": f"Share for {known.group}",
        "OtherInfo": {key: value for key, value in project.items() if value},
        "Associations": {
            "CloudComputingService": [service],
            "CloudComputingEndpoint": [endpoint],
            "CloudComputingInstanceType": [_type_id(size, endpoint) for size in offer.sizes],
            "CloudComputingImage": [image.id for image in offer.images],
            "MappingPolicy": [f"{_share_id(offer, endpoint)}_policy"],
        },
    }


def _policy(offer: Offer, endpoint: str) -> Object:
    share = _share_id(offer, endpoint)
    rule = [f"VO:{offer.known.group}"]
    return {
        "ID": f"{share}_policy",
        "Scheme": "org.glite.standard",
        "Rule": rule,
        "Associations": {"Share": [share], "PolicyUserDomain": [offer.known.group]},
    }


def _listed(
    found: Sequence[Offer], endpoint: str, of: Callable[[Offer], Sequence[Any]], shown: Callable[[Any], Object]
) -> list[Object]:
    """What several shares have in common stands once, with all of them."""
    things: dict[str, tuple[Any, list[str]]] = {}
    for offer in found:
        for thing in of(offer):
            things.setdefault(thing.id, (thing, []))[1].append(_share_id(offer, endpoint))
    return [
        {**shown(thing), "Associations": {"CloudComputingEndpoint": [endpoint], "Share": sorted(set(shares))}}
        for _, (thing, shares) in sorted(things.items())
    ]


def _image(image: Image) -> Object:
    return {"ID": image.id, "Name": image.name}


def _type(size: Size, endpoint: str) -> Object:
    return {
        "ID": _type_id(size, endpoint),
        "Name": size.name,
        "Platform": "amd64",
        "CPU": size.cpus,
        "RAM": size.ram_mib,
        "Disk": size.disk_gib,
        "OtherInfo": {"features": sorted(size.features)} if size.features else {},
    }


def _type_id(size: Size, endpoint: str) -> str:
    return f"{endpoint}_{size.id}"


def _accelerators(found: Sequence[Offer], endpoint: str) -> list[Object]:
    sizes: Mapping[str, Size] = {size.id: size for offer in found for size in offer.sizes if size.gpus}
    return [
        {
            "ID": f"{_type_id(size, endpoint)}_gpu",
            "Type": "GPU",
            "Number": size.gpus,
            "Model": next((f.removeprefix("gpu:") for f in sorted(size.features) if f.startswith("gpu:")), ""),
            "Associations": {"CloudComputingInstanceType": [_type_id(size, endpoint)]},
        }
        for _, size in sorted(sizes.items())
    ]
