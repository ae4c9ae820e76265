"""What every cloud has from the beginning: service users, flavours, images, networks, an identity provider."""

from __future__ import annotations

from typing import Any

from tests.real.openstack.conf import PASSWORD, SERVICES
from tests.real.openstack.rest import Administrator

FLAVORS = {"m1.tiny": (1, 512, 1), "m1.small": (1, 2048, 20), "m1.medium": (2, 4096, 40), "m1.large": (4, 8192, 80)}
"""Name -> cores, RAM in MiB, disk in GiB."""
HUGE = "m1.huge"
"""A flavour that fits no host: its servers end in ERROR, "No valid host was found"."""
IMAGES = ("debian-12", "debian-12-minimal")
"""Public images. Whatever a server is made from, its root is this machine's Debian."""
NETWORK = "private"
"""The shared network of all servers."""
SUBNET = "10.111.240.0/20"
"""Of the servers: the end of the namespace driver's pool, whose worlds take theirs from its beginning."""
EXTERNAL = "public"
"""The external network of floating IPs."""
IDP, PROTOCOL, ISSUER = "egi.eu", "openid", "https://aai.example.org/auth/realms/egi"
TYPES = {"placement": "placement", "image": "glance", "network": "neutron", "compute": "nova"}


def fill_identity(admin: Administrator) -> None:
    """Users, the catalogue's services, and the identity provider. Keystone alone is up."""
    made = admin.call("POST", "identity", "/projects", {"project": {"name": "service", "domain_id": "default"}})
    roles = {role["name"]: role["id"] for role in admin.call("GET", "identity", "/roles")["roles"]}
    for service in SERVICES[1:]:
        name = TYPES[service]
        admin.call("POST", "identity", "/services", {"service": {"type": service, "name": name}})
        body = {"user": {"name": name, "password": PASSWORD, "domain_id": "default"}}
        user = admin.call("POST", "identity", "/users", body)["user"]["id"]
        for role in ("admin", "service"):
            path = f"/projects/{made['project']['id']}/users/{user}/roles/{roles[role]}"
            admin.call("PUT", "identity", path)
    _federate(admin)


def _federate(admin: Administrator) -> None:
    domain = admin.call("POST", "identity", "/domains", {"domain": {"name": "egi.eu"}})["domain"]["id"]
    mapping = {"rules": [nobody()]}
    provider = {"remote_ids": [ISSUER], "enabled": True, "domain_id": domain}
    admin.call("PUT", "identity", f"/OS-FEDERATION/mappings/{IDP}", {"mapping": mapping})
    admin.call("PUT", "identity", f"/OS-FEDERATION/identity_providers/{IDP}", {"identity_provider": provider})
    path = f"/OS-FEDERATION/identity_providers/{IDP}/protocols/{PROTOCOL}"
    admin.call("PUT", "identity", path, {"protocol": {"mapping_id": IDP}})


def nobody() -> dict[str, Any]:
    """A rule that lets nobody in: a mapping must have one."""
    return rule("", "^$")


def rule(group: str, entitlement: str) -> dict[str, Any]:
    """A mapping rule: whoever has an entitlement that matches the expression is in the group with that id."""
    local: list[dict[str, Any]] = [{"user": {"name": "{0}"}}]
    if group:
        local.append({"group": {"id": group}})
    return {
        "local": local,
        "remote": [
            {"type": "HTTP_OIDC_SUB"},
            {"type": "OIDC-eduperson_entitlement", "regex": True, "any_one_of": [entitlement]},
        ],
    }


def fill_cloud(admin: Administrator) -> None:
    """Flavours, images and networks. All services are up."""
    sizes = {**FLAVORS, HUGE: (1, 512, 100_000_000)}
    for name, (cores, ram, disk) in sizes.items():
        flavor = {"name": name, "vcpus": cores, "ram": ram, "disk": disk}
        admin.call("POST", "compute", "/flavors", {"flavor": flavor})
    for name in IMAGES:
        image = {
            "name": name, "disk_format": "raw", "container_format": "bare", "visibility": "public",
            "os_distro": "debian", "os_version": "12",
        }  # fmt: skip
        made = admin.call("POST", "image", "/v2/images", image)["id"]
        admin.call("PUT", "image", f"/v2/images/{made}/file", bytes(1 << 20))
    outside = {"name": EXTERNAL, "router:external": True, "provider:network_type": "flat"}
    external = _network(admin, {**outside, "provider:physical_network": "outside"}, "198.51.100.0/24")
    private = _network(admin, {"name": NETWORK, "shared": True}, SUBNET)
    gateway = {"name": "gateway", "external_gateway_info": {"network_id": external["network_id"]}}
    router = admin.call("POST", "network", "/v2.0/routers", {"router": gateway})["router"]["id"]
    admin.call("PUT", "network", f"/v2.0/routers/{router}/add_router_interface", {"subnet_id": private["id"]})


def _network(admin: Administrator, network: dict[str, Any], cidr: str) -> dict[str, Any]:
    """A network with one subnet; returns that."""
    made = admin.call("POST", "network", "/v2.0/networks", {"network": network})["network"]["id"]
    subnet = {"network_id": made, "name": f"{network['name']}-4", "ip_version": 4, "cidr": cidr, "enable_dhcp": False}
    return admin.call("POST", "network", "/v2.0/subnets", {"subnet": subnet})["subnet"]
