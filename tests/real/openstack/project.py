"""A project of a test's own: what it offers, what is in it, and how it is emptied."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from libcloud.compute.providers import get_driver

from tests.real.openstack.conf import REGION
from tests.real.openstack.filling import IDP
from tests.real.openstack.rest import Administrator

if TYPE_CHECKING:
    from tests.real.openstack.cloud import Cloud

SECONDS = 120.0
"""How long it may take until one server more is gone."""


@dataclass(frozen=True)
class Credential:
    """A user with a password, in one project. User and project are of the domain ``Default``."""

    username: str
    password: str
    project: str
    project_id: str
    user_id: str
    domain: str = "Default"


@dataclass(frozen=True)
class Project:
    """A project of a test's own."""

    cloud: Cloud
    id: str
    name: str
    credential: Credential
    domain: str = "Default"

    def libcloud(self, auth_url: str = "") -> Any:
        """libcloud's own driver, as a person with a script would use it; by password, via ``auth_url`` if given."""
        return get_driver("openstack")(
            self.credential.username, self.credential.password, api_version="2.2",
            ex_force_auth_url=(auth_url or self.cloud.auth_url).removesuffix("/v3"),
            ex_force_auth_version="3.x_password", ex_tenant_name=self.name, ex_domain_name=self.domain,
            ex_force_service_region=REGION,
        )  # fmt: skip

    def api(self, method: str, service: str, path: str, body: Any = None, **more: Any) -> Any:
        """The same as `Cloud.api`, as the project's user."""
        c = self.credential
        return Administrator(self.cloud.endpoints, c.username, c.password, c.project).call(
            method, service, path, body, **more
        )

    def application_credential(self, name: str = "") -> tuple[str, str]:
        """A new application credential of the project's user: id and secret."""
        wanted = {"name": name or f"test-{secrets.token_hex(4)}"}
        path = f"/users/{self.credential.user_id}/application_credentials"
        made = self.api("POST", "identity", path, {"application_credential": wanted})["application_credential"]
        return made["id"], made["secret"]

    def servers(self) -> list[dict[str, Any]]:
        """The project's servers as nova shows them (``/servers/detail``)."""
        path = f"/servers/detail?all_tenants=1&project_id={self.id}"
        return self.cloud.api("GET", "compute", path)["servers"]

    def contents(self) -> dict[str, list[str]]:
        """What there is in the project, by kind, empty kinds left out.

        Kinds: ``servers``, ``ports``, ``floating IPs``, ``security groups`` (without ``default``), ``key pairs`` (of
        the project's user, and of everybody who came by ``egi.eu``), ``server groups``, ``hosts`` (of this machine:
        namespaces of servers of the project or of none).
        """
        found = {kind: [name for name, _ in listed(self)] for kind, (listed, _) in KINDS.items()}
        servers = {server["id"] for server in self.servers()}
        known = {s["id"] for s in self.cloud.api("GET", "compute", "/servers?all_tenants=1")["servers"]}
        found["hosts"] = [host for host in self.cloud.hosts() if host in servers or host not in known]
        return {kind: names for kind, names in found.items() if names}

    def empty(self) -> None:
        """Take away everything that is in it. Raises AssertionError when servers do not go."""
        for kind, (listed, _) in KINDS.items():
            self._delete(kind, [key for _, key in listed(self)])
            if kind == "servers":
                self._await_no_servers()

    def _delete(self, kind: str, keys: list[str]) -> None:
        service, path = KINDS[kind][1].split()
        for key in keys:
            self.cloud.api("DELETE", service, path.format(key), ok=(404, 409))

    def _await_no_servers(self) -> None:
        """Ask again where nothing happens: a delete that meets the scheduler half-way may be lost."""
        fewest, since = 1 << 30, time.monotonic()
        asked = since
        while left := self.servers():
            now = time.monotonic()
            if len(left) < fewest:
                fewest, since = len(left), now
            assert now - since < SECONDS, f"servers do not go: {[(s['name'], s['status']) for s in left]}"
            if now - max(since, asked) > SECONDS / 10:
                self._delete("servers", [s["id"] for s in left])
                asked = time.monotonic()
            time.sleep(0.5)


Listed = list[tuple[str, str]]
"""(what is shown of a thing, what it is deleted by)."""


def _servers(project: Project) -> Listed:
    return [(server["name"], server["id"]) for server in project.servers()]


def _of_network(kind: str, what: str = "name") -> Callable[[Project], Listed]:
    def listed(project: Project) -> Listed:
        found = project.cloud.api("GET", "network", f"/v2.0/{kind}?project_id={project.id}")
        things = found[kind.replace("-", "_")]
        return [
            (json.dumps(t[what]), t["id"]) for t in things if (kind, t.get("name")) != ("security-groups", "default")
        ]

    return listed


def _key_pairs(project: Project) -> Listed:
    api = project.cloud.api
    users = [project.credential.user_id, *(u["id"] for u in api("GET", "identity", f"/users?idp_id={IDP}")["users"])]
    found = [
        (k["keypair"]["name"], u) for u in users for k in api("GET", "compute", f"/os-keypairs?user_id={u}")["keypairs"]
    ]
    return [(name, f"{name}?user_id={user}") for name, user in found]


def _server_groups(project: Project) -> Listed:
    groups = project.cloud.api("GET", "compute", "/os-server-groups?all_projects=1")["server_groups"]
    return [(g["name"], g["id"]) for g in groups if g["project_id"] == project.id]


KINDS: dict[str, tuple[Callable[[Project], Listed], str]] = {
    "servers": (_servers, "compute /servers/{}"),
    "floating IPs": (_of_network("floatingips", "floating_ip_address"), "network /v2.0/floatingips/{}"),
    "ports": (_of_network("ports", "fixed_ips"), "network /v2.0/ports/{}"),
    "security groups": (_of_network("security-groups"), "network /v2.0/security-groups/{}"),
    "networks": (_of_network("networks"), "network /v2.0/networks/{}"),
    "key pairs": (_key_pairs, "compute /os-keypairs/{}"),
    "server groups": (_server_groups, "compute /os-server-groups/{}"),
}
"""Kind -> what there is of it, and where it is deleted; in the order of deletion."""
