"""What a test may ask of the running cloud and do to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.real.openstack.proxy import Proxy

FLAVORS = {"m1.tiny": (1, 512, 1), "m1.small": (1, 2048, 20), "m1.medium": (2, 4096, 40), "m1.large": (4, 8192, 80)}
"""Name -> cores, RAM in MiB, disk in GiB. `Cloud.api` makes others."""
HUGE = "m1.huge"
"""A flavour that fits no host: its servers end in ERROR, "No valid host was found"."""
IMAGES = ("debian-12", "debian-12-minimal")
"""Public images. Whatever a server is made from, its root is this machine's Debian."""
NETWORK = "private"
"""The shared network of all servers."""
EXTERNAL = "public"
"""The external network of floating IPs."""


@dataclass(frozen=True)
class Credential:
    """A user with a password, in one project. User and project are of the domain ``Default``."""

    username: str
    password: str
    project: str
    project_id: str
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
        raise NotImplementedError

    def application_credential(self, name: str = "test") -> tuple[str, str]:
        """A new application credential of the project's user: id and secret."""
        raise NotImplementedError

    def servers(self) -> list[dict[str, Any]]:
        """The project's servers as nova shows them (``/servers/detail``)."""
        raise NotImplementedError

    def contents(self) -> dict[str, list[str]]:
        """What there is in the project, by kind, empty kinds left out.

        Kinds: ``servers``, ``ports``, ``floating IPs``, ``security groups`` (without ``default``), ``key pairs`` (of
        the project's user), ``server groups``, ``hosts`` (namespaces of its servers on this machine).
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Cloud:
    """A running OpenStack."""

    auth_url: str
    """Keystone's public address, past every proxy: ``http://127.0.0.1:<port>/v3``."""
    admin: Credential
    endpoints: Mapping[str, str]
    """Service type (``identity``, ``compute``, ``network``, ``image``, ``placement``) -> public address."""
    subnet: str
    """Where the servers' fixed addresses come from: ``10.96.0.0/23``."""
    region: str = "RegionOne"
    idp: str = "egi.eu"
    protocol: str = "openid"
    issuer: str = "https://aai.example.org/auth/realms/egi"
    """The issuer of tokens, and the remote id of the identity provider ``idp``, which is there from the beginning.

    Keystone's front door checks the tokens' signature and age, keystone itself knows issuers by their remote ids: a
    test that makes an identity provider of its own gives it an issuer of its own and mints tokens with that.
    """

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
        raise NotImplementedError
        yield

    def set_quota(self, project_id: str, **limits: int) -> None:
        """Set nova's (``instances``, ``cores``, ``ram``, ``key_pairs``, ...) and neutron's limits (``port``,
        ``floatingip``, ``security_group``, ``security_group_rule``, ...) of a project; -1 is unlimited."""
        raise NotImplementedError

    def token(
        self,
        vo: str = "",
        *,
        subject: str = "alice",
        seconds: int = 3600,
        entitlements: Sequence[str] | None = None,
        issuer: str = "",
    ) -> str:
        """An access token (RS256) as Check-in gives it.

        It entitles to membership of ``vo`` (``urn:mace:egi.eu:group:<vo>:role=member#aai.egi.eu``) or to
        ``entitlements``; negative ``seconds`` make an expired one.
        """
        raise NotImplementedError

    def forged_token(self, vo: str = "") -> str:
        """The same, signed with a key that the cloud does not know."""
        raise NotImplementedError

    def api(self, method: str, service: str, path: str, body: Any = None, *, ok: Sequence[int] = ()) -> Any:
        """Call a service as administrator, past every proxy, and return the answer's JSON.

        ``api("GET", "compute", "/servers/detail?all_tenants=1")``: ``path`` is below ``endpoints[service]`` (which
        bears the version). Raises AssertionError on an answer of 400 and more that is not in ``ok``.
        """
        raise NotImplementedError

    @contextmanager
    def proxy(self) -> Iterator[Proxy]:
        """A front door of one's own; see `tests.real.openstack.proxy`."""
        raise NotImplementedError
        yield

    def hosts(self) -> dict[str, bool]:
        """What really is on this machine: server id -> whether it runs."""
        raise NotImplementedError

    def kill_server(self, server_id: str) -> None:
        """End a server's processes, behind the cloud's back. Nova sees it after some seconds: SHUTOFF."""
        raise NotImplementedError

    def stop_server(self, server_id: str) -> None:
        """Stop a server as the administrator would, and wait until nova shows it."""
        raise NotImplementedError

    def delete_server(self, server_id: str) -> None:
        """Delete a server as the administrator would, and wait until it is gone."""
        raise NotImplementedError

    def wait(self, server_id: str, *statuses: str, seconds: float = 60) -> dict[str, Any]:
        """The server once its status is one of ``statuses`` (``ACTIVE``, ``SHUTOFF``, ``ERROR``, ``DELETED``: gone).

        Raises AssertionError when that takes too long.
        """
        raise NotImplementedError

    def fail_builds(self, times: int) -> None:
        """Let the next ``times`` spawns on any compute host fail. Nova tries both hosts: 2 make one server in ERROR."""
        raise NotImplementedError

    def restart_compute(self, number: int = 1) -> None:
        """Kill nova-compute ``number`` (1 or 2), start it again, and wait until nova sees it up."""
        raise NotImplementedError

    def stop_compute(self, number: int = 1) -> None:
        """Kill nova-compute ``number`` and leave it so until `restart_compute`."""
        raise NotImplementedError
