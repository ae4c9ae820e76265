"""What a test may ask of the running cloud and do to it."""

from __future__ import annotations

import json
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reconciler.drivers.locks import locked
from tests.real.openstack import filling, tokens
from tests.real.openstack.conf import COMPUTES, PASSWORD, REGION
from tests.real.openstack.filling import IDP, ISSUER, PROTOCOL
from tests.real.openstack.inside.hanse_machines import Machines, network_of, order_failures
from tests.real.openstack.project import Credential, Project
from tests.real.openstack.proxy import Proxy
from tests.real.openstack.rest import Administrator

SECONDS = 180.0
"""How long the cloud is given to do one thing."""
GONE = "DELETED"


@dataclass(frozen=True)
class Cloud:
    """A running OpenStack."""

    endpoints: Mapping[str, str]
    """Service type (``identity``, ``compute``, ``network``, ``image``, ``placement``) -> public address.

    Those of identity and compute end in their version (``/v3``, ``/v2.1``), the others do not.
    """
    subnet: str
    """Where the servers' fixed addresses come from: ``10.111.240.0/20``."""
    run: Path
    """Where its logs, keys and servers are."""
    region: str = REGION
    idp: str = IDP
    protocol: str = PROTOCOL
    issuer: str = ISSUER
    """The issuer of tokens, and the remote id of the identity provider ``idp``, which is there from the beginning.

    Keystone's front door checks the tokens' signature and age, keystone itself knows issuers by their remote ids: a
    test that makes an identity provider of its own gives it an issuer of its own and mints tokens with that.
    """

    @property
    def auth_url(self) -> str:
        """Keystone's public address, past every proxy: ``http://127.0.0.1:<port>/v3``."""
        return self.endpoints["identity"]

    @cached_property
    def _administrator(self) -> Administrator:
        return Administrator(self.endpoints)

    @cached_property
    def admin(self) -> Credential:
        """The administrator, who may do everything everywhere."""
        project = self.api("GET", "identity", "/projects?name=admin")["projects"][0]["id"]
        return Credential("admin", PASSWORD, "admin", project, self._administrator.user_id)

    def api(self, method: str, service: str, path: str, body: Any = None, *, ok: Sequence[int] = ()) -> Any:
        """Call a service as administrator, past every proxy, and return the answer's JSON.

        ``api("GET", "compute", "/servers/detail?all_tenants=1")``, ``api("GET", "network", "/v2.0/ports")``: ``path``
        is below ``endpoints[service]``. Raises AssertionError on an answer of 400 and more that is not in ``ok``.
        """
        return self._administrator.call(method, service, path, body, ok=ok)

    @contextmanager
    def proxy(self) -> Iterator[Proxy]:
        """A front door of one's own; see `tests.real.openstack.proxy`."""
        proxy = Proxy(self.endpoints)
        try:
            yield proxy
        finally:
            proxy.close()

    # ---- projects and their members

    @contextmanager
    def project(
        self,
        name: str = "",
        *,
        vo: str = "",
        quota: Mapping[str, int] | None = None,
        roles: Sequence[str] = ("member",),
    ) -> Iterator[Project]:
        """A new project with a user in it, taken away with everything in it at the end.

        With ``vo`` the VO's members (see `token`) get into it through the identity provider ``egi.eu`` too. ``quota``:
        see `set_quota`.
        """
        name = name or f"test-{secrets.token_hex(4)}"
        made = self._made("project", name=name, domain_id="default")
        person = {"name": f"user-{secrets.token_hex(4)}", "password": secrets.token_hex(8)}
        user = self._made("user", **person, domain_id="default")
        for role in roles:
            self.api("PUT", "identity", f"/projects/{made}/users/{user}/roles/{self._role(role)}")
        group = self._admit(vo, made) if vo else ""
        if quota:
            self.set_quota(made, **quota)
        project = Project(self, made, name, Credential(person["name"], person["password"], name, made, user))
        try:
            yield project
        finally:
            project.empty()
            if group:
                self._change_rules(lambda rules: [rule for rule in rules if group not in json.dumps(rule)])
                self.api("DELETE", "identity", f"/groups/{group}", ok=(404,))
            self.api("DELETE", "identity", f"/users/{user}", ok=(404,))
            self.api("DELETE", "identity", f"/projects/{made}", ok=(404,))

    def _made(self, kind: str, **what: str) -> str:
        """The id of a new project, user or group."""
        return self.api("POST", "identity", f"/{kind}s", {kind: what})[kind]["id"]

    def _role(self, name: str) -> str:
        return self.api("GET", "identity", f"/roles?name={name}")["roles"][0]["id"]

    def _admit(self, vo: str, project_id: str) -> str:
        """Let the members of ``vo`` into a project; returns the id of their group."""
        group = self._made("group", name=f"{vo}-{secrets.token_hex(4)}", domain_id="default")
        self.api("PUT", "identity", f"/projects/{project_id}/groups/{group}/roles/{self._role('member')}")
        rule = filling.rule(group, f"^(.*;)?{re.escape(tokens.entitlement(vo))}(;.*)?$")
        self._change_rules(lambda rules: [*rules, rule])
        return group

    def _change_rules(self, change: Callable[[list[Any]], list[Any]]) -> None:
        path = f"/OS-FEDERATION/mappings/{IDP}"
        with locked(self.run / "mapping.lock"):
            rules = self.api("GET", "identity", path)["mapping"]["rules"]
            self.api("PATCH", "identity", path, {"mapping": {"rules": change(rules)}})

    def set_quota(self, project_id: str, **limits: int) -> None:
        """Set limits of a project, -1 is unlimited.

        Nova's: ``instances``, ``cores``, ``ram`` (MiB), ``key_pairs``, ``server_groups``, ``metadata_items``. Neutron's:
        ``port``, ``floatingip``, ``security_group``, ``security_group_rule``, ``network``, ``subnet``, ``router``.
        """
        neutron = {"port", "floatingip", "security_group", "security_group_rule", "network", "subnet", "router"}
        nova = {name: limit for name, limit in limits.items() if name not in neutron}
        rest = {name: limit for name, limit in limits.items() if name in neutron}
        if nova:
            self.api("PUT", "compute", f"/os-quota-sets/{project_id}", {"quota_set": nova})
        if rest:
            self.api("PUT", "network", f"/v2.0/quotas/{project_id}", {"quota": rest})

    def token(
        self, vo: str = "", *, subject: str = "alice", seconds: int = 3600, entitlements: Sequence[str] | None = None,
        issuer: str = "",
    ) -> str:  # fmt: skip
        """An access token (RS256) as Check-in gives it.

        It entitles to membership of ``vo`` (``urn:mace:egi.eu:group:<vo>:role=member#aai.egi.eu``) or to
        ``entitlements``; negative ``seconds`` make an expired one.
        """
        key = tokens.key_of(self.run / "keys/idp.json")
        given = [tokens.entitlement(vo)] if entitlements is None else entitlements
        return tokens.minted(key, issuer or self.issuer, subject, given, seconds)

    def forged_token(self, vo: str = "", *, subject: str = "alice") -> str:
        """The same, signed with a key that the cloud does not know."""
        return tokens.minted(tokens.foreign_key(), self.issuer, subject, [tokens.entitlement(vo)], 3600)

    # ---- servers

    def hosts(self) -> dict[str, bool]:
        """What really is on this machine: server id -> whether it runs."""
        found = {key: machines.runs(key) for machines in self._machines() for key in machines.ids()}
        return {key: runs for key, runs in found.items() if runs is not None}

    @property
    def gateway(self) -> str:
        """The address at which servers reach this machine."""
        return str(network_of(self._facts()).gateway)

    @property
    def root(self) -> Path:
        """The tree of files below every server's own."""
        return Path(self._facts()["root"])

    def kill_server(self, server_id: str) -> None:
        """End a server's processes, behind the cloud's back. Nova sees it after some seconds: SHUTOFF."""
        for machines in self._machines():
            if server_id in machines.ids():
                machines.stop(server_id)
                return
        raise AssertionError(f"there is no host for the server {server_id}")

    def stop_server(self, server_id: str) -> None:
        """Stop a server as the administrator would, and wait until nova shows it."""
        self.api("POST", "compute", f"/servers/{server_id}/action", {"os-stop": None})
        self.wait(server_id, "SHUTOFF")

    def delete_server(self, server_id: str) -> None:
        """Delete a server as the administrator would, and wait until it is gone."""
        self.api("DELETE", "compute", f"/servers/{server_id}", ok=(404,))
        self.wait(server_id, GONE)

    def wait(self, server_id: str, *statuses: str, seconds: float = SECONDS) -> dict[str, Any]:
        """The server once its status is one of ``statuses`` (``ACTIVE``, ``SHUTOFF``, ``ERROR``, ``DELETED``: gone).

        Raises AssertionError when that takes too long.
        """
        deadline = time.monotonic() + seconds
        while True:
            answer = self.api("GET", "compute", f"/servers/{server_id}", ok=(404,))
            server = answer.get("server", {"status": GONE})
            if server["status"] in statuses:
                return server
            if time.monotonic() > deadline:
                raise AssertionError(f"server {server_id} is {server['status']} after {seconds:.0f} s, not {statuses}")
            time.sleep(0.2)

    def fail_builds(self, times: int) -> None:
        """Let the next ``times`` spawns on any compute host fail. Nova tries both hosts: 2 make one server in ERROR."""
        order_failures(self.run, times)

    def _facts(self) -> dict[str, str]:
        facts: dict[str, str] = json.loads((self.run / "machines.json").read_text())
        return facts

    def _machines(self) -> list[Machines]:
        facts = self._facts()
        folder = self.run / "machines"
        return [Machines(folder / f"compute-{n}", network_of(facts), facts["root"]) for n in COMPUTES]

    # ---- compute hosts

    def restart_compute(self, number: int = 1) -> None:
        """Kill nova-compute ``number`` (1 or 2), start it again, and wait until it listens."""
        self._tell(f"start {number}")

    def stop_compute(self, number: int = 1) -> None:
        """Kill nova-compute ``number`` and leave it so until `restart_compute`."""
        self._tell(f"stop {number}")

    def _tell(self, order: str) -> None:
        with socket.socket(socket.AF_UNIX) as keeper:
            keeper.settimeout(SECONDS)
            keeper.connect(str(self.run.parent / "keeper.sock"))
            keeper.sendall(order.encode())
            if keeper.recv(100) != b"done":
                raise AssertionError(f"the keeper did not {order}")
