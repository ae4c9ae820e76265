"""One login at one project, shared by every thread that works on it: keystone's token and its catalogue.

libcloud logs in once for each of its six connections; here they all use one token, renewed when it ends or is refused.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary, ref

from libcloud.common.openstack_identity import (
    OpenStackIdentity_3_0_Connection,
    OpenStackIdentity_3_0_Connection_AppCred,
    OpenStackIdentity_3_0_Connection_OIDC_access_token,
    OpenStackIdentityTokenScope,
)

from reconciler.drivers.openstack.failures import Refused, translated
from reconciler.drivers.openstack.options import Options
from reconciler.drivers.openstack.tokens import AccessTokens, named
from reconciler.errors import Conflict, Terminal
from reconciler.model import SecretRef, digest_of, encode
from reconciler.ports import Drivers

_VERSIONS: Mapping[str, tuple[str, ...]] = {"network": ("/v2.0", "/v2"), "image": ("/v2", "/v1")}
"""Endings of a service's address that libcloud adds itself."""
_ALSO: Mapping[str, tuple[str, ...]] = {"volumev3": ("volumev3", "block-storage")}


@dataclass(frozen=True)
class Login:
    """A token of keystone, for one project."""

    token: str
    catalogue: Sequence[Mapping[str, Any]]
    project: str
    """The project's id."""
    user: str = ""
    """Who logged in: the user's id, and name."""
    user_name: str = ""


class Session:
    """The login of one target. Safe between threads."""

    def __init__(
        self, name: str, options: Options, secret: Callable[[SecretRef], str], clock: Callable[[], float] = time.time
    ) -> None:
        """``name`` is the target's; ``clock`` tells seconds since the epoch."""
        self.name, self.options = name, options
        self.lock = threading.RLock()
        self._secret = secret
        self._tokens = AccessTokens(options, secret, clock)
        self._keystone: Any = None
        self._login: Login | None = None
        self.memory: dict[str, tuple[float, Any]] = {}
        self._clock = clock

    def login(self) -> Login:
        """A token that is valid now. Raises Terminal naming the credential, Transient when keystone does not answer."""
        with self.lock:
            if self._login is None or not self._keystone.is_token_valid():
                self._login = self._log_in()
            return self._login

    def forget(self, token: str) -> None:
        """A service refused this token: log in anew before the next call."""
        with self.lock:
            if self._login is not None and self._login.token == token:
                self._login = None

    def remembered(self, what: str, seconds: float, look: Callable[[], Any]) -> Any:
        """What ``look`` finds, looked up again after ``seconds``."""
        with self.lock:
            found = self.memory.get(what)
            if found is None or found[0] <= self._clock():
                found = self.memory[what] = (self._clock() + seconds, look())
            return found[1]

    def remember(self, what: str, seconds: float, found: Any) -> None:
        """Remember what was just looked at."""
        with self.lock:
            self.memory[what] = self._clock() + seconds, found

    def endpoint(self, service: str) -> str:
        """The address of a service. Raises Terminal when the catalogue has none, or several regions to choose from."""
        url = self.options.api_overrides.get(service) or self._listed(service)
        if not url:
            where = f" in the region {self.options.region}" if self.options.region else ""
            raise Terminal(f"{self.name}: the catalogue has no {service} service{where}")
        url = url.rstrip("/")
        return next((url.removesuffix(v) for v in _VERSIONS.get(service, ()) if url.endswith(v)), url)

    def has(self, service: str) -> bool:
        """True when there is such a service."""
        return bool(self.options.api_overrides.get(service) or self._listed(service))

    def _listed(self, service: str) -> str:
        options, types = self.options, _ALSO.get(service, (service,))
        found = {
            endpoint.get("region") or "": str(endpoint["url"])
            for entry in self.login().catalogue
            if entry["type"] in types
            for endpoint in entry["endpoints"]
            if endpoint["interface"] == options.interface and options.region in ("", endpoint.get("region"))
        }
        if len(found) > 1:
            raise Terminal(f"{self.name}: which region? Give the option region: {', '.join(sorted(found))}")
        return next(iter(found.values()), "")

    # -- keystone ------------------------------------------------------------------------------------------------------

    def _log_in(self) -> Login:
        refused = ""
        for _ in range(2):
            self._keystone = self._connection(refused)
            try:
                self._authenticate()
            except Refused as error:
                if self.options.auth != "v3oidcaccesstoken" or refused:
                    raise Terminal(f"{self.name}: {error}: {self._credential()}") from error
                refused = self._keystone.key
            else:
                self._keystone.connection.session.close()
                made = self._keystone
                return Login(made.auth_token, made.urls or (), made.project, made.account, made.account_name)
        raise AssertionError  # the second refusal has been raised

    def _authenticate(self) -> None:
        """Keystone stores a federated user at the first login; of two at the same moment it refuses one (409)."""
        try:
            with translated(f"{self.name}: logging in"):
                self._keystone.authenticate(force=True)
        except Conflict:
            with translated(f"{self.name}: logging in"):
                self._keystone.authenticate(force=True)

    def _connection(self, refused: str) -> Any:
        options = self.options
        user, key = self._who(refused)
        kinds: dict[str, Any] = {"v3password": _Password, "v3applicationcredential": _ApplicationCredential}
        made = kinds.get(options.auth, _Federated)(
            options.endpoint,
            user,
            key,
            tenant_name=options.protocol,
            domain_name=options.user_domain_name or "Default",
            token_scope=OpenStackIdentityTokenScope.PROJECT,
            timeout=options.timeout_seconds,
        )
        made.options = options
        made.connect()
        if options.ca_file:
            made.connection.ca_cert = options.ca_file
        return made

    def _who(self, refused: str) -> tuple[str, str]:
        options = self.options
        if options.auth == "v3oidcaccesstoken":
            return options.identity_provider, self._tokens.current(refused)
        if options.auth == "v3password":
            return self._read(options.username), self._read(options.password)
        return self._read(options.application_credential_id), self._read(options.application_credential_secret)

    def _read(self, value: SecretRef | str | None) -> str:
        return self._secret(value) if isinstance(value, SecretRef) else value or ""

    def _credential(self) -> str:
        """Which credential was not accepted, and for what: without a secret in it."""
        options = self.options
        project = options.project_name or options.project_id
        if options.auth == "v3password":
            who = options.username if isinstance(options.username, str) else named(options.username)
            return f"the user {who} with the password in {named(options.password)}, project {project}"
        if options.auth == "v3applicationcredential":
            return f"the application credential with the secret in {named(options.application_credential_secret)}"
        return f"{self._tokens.name}, by {options.identity_provider}/{options.protocol}, project {project}"


class _Scoped:
    """What is common to libcloud's ways to log in: our options, and the project that the token is for."""

    options: Options
    project = account = account_name = ""

    def _parse_token_response(self, response: Any, *args: Any, **more: Any) -> None:
        super()._parse_token_response(response, *args, **more)  # type: ignore[misc]
        told = json.loads(response.body)["token"]
        self.project = told.get("project", {}).get("id", "")
        who = told.get("user", {})
        self.account, self.account_name = who.get("id", ""), who.get("name", "")

    def _scope(self) -> dict[str, Any]:
        """The project as keystone takes it: by id, or by name and domain."""
        options = self.options
        if options.project_id:
            return {"project": {"id": options.project_id}}
        domain = {"name": options.project_domain_name} if options.project_domain_name else {}
        domain = domain or {"id": options.project_domain_id or "default"}
        return {"project": {"name": options.project_name, "domain": domain}}


class _Password(_Scoped, OpenStackIdentity_3_0_Connection):
    def _get_auth_data(self) -> dict[str, Any]:
        data: dict[str, Any] = cast("Any", super())._get_auth_data()  # noqa: SLF001
        if self.options.user_domain_id:
            data["auth"]["identity"]["password"]["user"]["domain"] = {"id": self.options.user_domain_id}
        data["auth"]["scope"] = self._scope()
        return data


class _ApplicationCredential(_Scoped, OpenStackIdentity_3_0_Connection_AppCred):
    pass


class _Federated(_Scoped, OpenStackIdentity_3_0_Connection_OIDC_access_token):
    def _get_project_id(self, token: str) -> str:
        """The project's id. A name is looked up among the projects that the token is good for."""
        options = self.options
        if options.project_id:
            return options.project_id
        answer = cast("Any", self).request("/v3/auth/projects", headers={"X-Auth-Token": token}, method="GET")
        found = {p["name"]: p["id"] for p in json.loads(answer.body).get("projects", ())}
        if options.project_name in found:
            return str(found[options.project_name])
        said = ", ".join(sorted(found)) or "none"
        raise Terminal(f"the token is not good for the project {options.project_name}; it is good for: {said}")


_OPEN: WeakKeyDictionary[Drivers, dict[str, Session]] = WeakKeyDictionary()
_OPENING = threading.Lock()


def session_for(name: str, options: Options, drivers: Drivers) -> Session:
    """The session of a target: one for all threads that were handed the same ``drivers``."""
    key = digest_of(encode([name, options.model_dump(mode="json")]))
    with _OPENING:
        held = _OPEN.setdefault(drivers, {})
        # A weak reference, or a session would keep alive what it is kept by.
        return held.setdefault(key, Session(name, options, _secrets_of(drivers)))


def _secrets_of(drivers: Drivers) -> Callable[[SecretRef], str]:
    weak = ref(drivers)

    def read(reference: SecretRef) -> str:
        alive = weak()
        assert alive is not None  # noqa: S101 (whoever calls holds it)
        return alive.secret(reference)

    return read
