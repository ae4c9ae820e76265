"""OpenBao and Vault: values of a key-value store (version 2), under a login whose token lives as long as its lease."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from reconciler.drivers.secrets.kept import Kept
from reconciler.errors import Terminal, Transient
from reconciler.model import SecretRef
from reconciler.model.secret import OpenBaoRef
from reconciler.ports.secrets import OpenBaoOptions

if TYPE_CHECKING:
    import hvac

_RENEWED: Final = 0.8
"""A login is made anew when this share of its lease is over."""


class OpenBao:
    """Reads values. One login serves every thread."""

    def __init__(
        self,
        options: OpenBaoOptions,
        secret: Callable[[SecretRef], str],
        kept: Kept,
        monotonic: Callable[[], float],
    ) -> None:
        """``secret`` reads what the login needs."""
        self._options, self._secret = options, secret
        self._kept, self._monotonic = kept, monotonic
        self._lock = threading.RLock()
        self._client: hvac.Client | None = None
        self._until = 0.0

    def read(self, reference: OpenBaoRef) -> str:
        """One value. Raises Terminal when it is missing or may not be read, Transient when nobody can read now."""
        where = f"{reference.mount}/{reference.path}"
        if find_spec("hvac") is None:
            raise Terminal(f"{where} is in OpenBao, which needs hvac: pip install 'hanse[secrets]'")
        if not self._options.address:
            raise Terminal(f"{where} is in OpenBao, and hanse.toml does not say where that is: [openbao] address")
        found = self._kept.get((reference.mount, reference.path), lambda: self._asked(reference, where))
        value = found.get(reference.key)
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            what = "is no single value" if reference.key in found else "is not there"
            raise Terminal(f"the value {reference.key} of {where} {what} in OpenBao")
        return str(value)

    def login(self) -> None:
        """Log in anew. Raises Terminal when that is refused, Transient when the server cannot be asked."""
        with self._lock:
            self._client = None
            self._logged_in("the login")

    def _asked(self, reference: OpenBaoRef, where: str) -> dict[str, Any]:
        from hvac.exceptions import Forbidden

        with self._lock:
            try:
                return self._one(reference, where)
            except Forbidden:
                self._client = None  # the login may have been revoked before its time
            try:
                return self._one(reference, where)
            except Forbidden as error:
                raise Terminal(self._denied(where, f"{reference.mount}/data/{reference.path}")) from error

    def _denied(self, where: str, path: str) -> str:
        with _translated(where, self._options.address):
            valid = self._client is not None and self._client.is_authenticated()
        if not valid:
            return f"{where} cannot be read: the reconciler's token for OpenBao does not hold (any more)"
        return f"OpenBao does not let the reconciler read {where}: its policy must allow read on {path}"

    def _one(self, reference: OpenBaoRef, where: str) -> dict[str, Any]:
        from hvac.exceptions import InvalidPath

        client = self._logged_in(where)
        with _translated(where, self._options.address):
            try:
                answer = client.secrets.kv.v2.read_secret_version(
                    path=reference.path, mount_point=reference.mount, raise_on_deleted_version=True
                )
            except InvalidPath as error:
                raise Terminal(f"there is nothing at {where} in OpenBao, or it was deleted") from error
        found: dict[str, Any] = answer["data"]["data"]
        return found

    def _logged_in(self, where: str) -> hvac.Client:
        """The client, its login made anew in time."""
        if self._client is not None and self._monotonic() < self._until:
            return self._client
        client = _client(self._options)
        with _translated(where, self._options.address):
            lasts = self._lease(client)
        self._client, self._until = client, self._monotonic() + lasts
        return client

    def _lease(self, client: hvac.Client) -> float:
        """Log in; for how many seconds that is good."""
        from hvac.exceptions import Forbidden, InvalidRequest

        given = self._options
        if given.token is not None:
            client.token = self._secret(given.token).strip()
            return 60.0  # a file or variable may be replaced: it is read again soon
        try:
            if given.approle is not None:
                own = given.approle
                answer = client.auth.approle.login(
                    own.role_id, self._secret(own.secret_id).strip(), mount_point=own.mount
                )
            else:
                assert given.jwt is not None  # noqa: S101 (validated)
                token = self._secret(given.jwt.token).strip()
                answer = client.auth.jwt.jwt_login(given.jwt.role, token, path=given.jwt.mount)
                client.token = answer["auth"]["client_token"]
        except (Forbidden, InvalidRequest) as error:
            way = "approle" if given.approle else "jwt"
            raise Terminal(f"OpenBao refuses the login by {way}: check [openbao.{way}] and its secret") from error
        return float(answer["auth"]["lease_duration"] or 3600) * _RENEWED


def _client(options: OpenBaoOptions) -> hvac.Client:
    import hvac

    return hvac.Client(
        url=options.address,
        token="",
        namespace=options.namespace or None,
        verify=options.ca or True,
        timeout=options.timeout_seconds,
        allow_redirects=False,  # a token goes to nobody else
    )


@contextmanager
def _translated(where: str, address: str) -> Iterator[None]:
    """What the server or the way there says, in our words. Its own may hold what was sent."""
    from hvac import exceptions
    from requests import RequestException

    try:
        yield
    except (exceptions.Forbidden, exceptions.InvalidPath):
        raise
    except exceptions.VaultDown as error:
        raise Transient(f"{where} cannot be read: OpenBao at {address} is sealed; somebody must unseal it") from error
    except exceptions.VaultError as error:
        name = type(error).__name__
        raise Transient(f"{where} cannot be read: OpenBao at {address} answered {name}") from error
    except RequestException as error:
        raise Transient(f"{where} cannot be read: OpenBao at {address} does not answer") from error
