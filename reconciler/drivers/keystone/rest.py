"""One call to a service of an OpenStack, and what its errors mean. This is where foreign errors end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from reconciler import __version__
from reconciler.drivers.keystone.options import Options
from reconciler.errors import Conflict, DriverError, Terminal, Transient

if TYPE_CHECKING:
    from keystoneauth1.exceptions import ClientException
    from keystoneauth1.identity.v3 import Auth
    from keystoneauth1.session import Session

_CATALOGUE = {"volume": ("block-storage", "volumev3"), "identity": ("identity",)}
"""Our word for a service -> its types in the catalogue, the official one first."""
_GONE, _CONFLICT, _REFUSED, _MANY = 404, 409, (401, 403), 429
_SERVER = 500
_LONGEST = 300


class Rest:
    """A session with one cloud, opened with the first call."""

    def __init__(self, name: str, options: Options, credential: Callable[[], Auth]) -> None:
        self._name, self._options, self._credential = name, options, credential
        self._session: Session | None = None
        self._addresses: dict[str, str] = {}

    def get(self, service: str, path: str, *, absent: bool = False) -> Any:
        """The answer's JSON; with ``absent``, None where there is no such thing."""
        return self.call("GET", service, path, ok=(_GONE,) if absent else ())

    def call(
        self, method: str, service: str, path: str, body: Mapping[str, Any] | None = None, ok: Collection[int] = ()
    ) -> Any:
        """The answer's JSON; None for an empty one, and for a status of ``ok``. Raises DriverError."""
        from keystoneauth1.exceptions import ClientException, HttpError

        try:
            url = f"{self.address(service)}{path}"
            answer = self._opened().request(url, method, json=body, headers={"Accept": "application/json"})
        except HttpError as error:
            if error.http_status in ok:
                return None
            raise self._translated(error, f"{method} {path}") from error
        except ClientException as error:
            raise self._translated(error, f"{method} {path}") from error
        try:
            return answer.json() if answer.content else None
        except ValueError as error:
            raise Transient(f"{self._name}: {method} {path}: the answer is not JSON") from error

    def has(self, service: str) -> bool:
        """Whether the cloud has a service. Raises Terminal where it has one, but not in the region that was named."""
        from keystoneauth1.exceptions import ClientException

        try:
            if self.address(service):
                return True
            elsewhere = [name for name in _CATALOGUE.get(service, (service,)) if self._listed(name, None)]
        except ClientException as error:
            raise self._translated(error, "the catalogue") from error
        if elsewhere:
            raise Terminal(f"{self._name}: the catalogue has {elsewhere[0]}, but not in region {self._options.region}")
        return False

    def address(self, service: str) -> str:
        """Where a service is: what the manifest says, else the catalogue; "" when the cloud has none."""
        if service == "identity":
            return self._options.keystone
        if service not in self._addresses:
            self._addresses[service] = self._found(service).rstrip("/")
        return self._addresses[service]

    def _found(self, service: str) -> str:
        types = _CATALOGUE.get(service, (service,))
        given = next((self._options.apiOverrides[t] for t in (service, *types) if t in self._options.apiOverrides), "")
        if given:
            return given
        found = (self._listed(name, self._options.region) for name in types)
        return next((address for address in found if address), "")

    def _listed(self, service_type: str, region: str | None) -> str:
        """What the catalogue says; "" when it does not name the service there."""
        from keystoneauth1.exceptions import EndpointNotFound

        try:
            found = self._opened().get_endpoint(service_type=service_type, interface="public", region_name=region)
        except EndpointNotFound:
            return ""
        return str(found or "")

    def _opened(self) -> Session:
        if self._session is None:
            from keystoneauth1.session import Session

            self._session = Session(
                auth=self._credential(),
                verify=self._options.caFile or True,
                timeout=self._options.timeoutSeconds,
                user_agent=f"hanse/{__version__}",
                redirect=False,
            )
        return self._session

    def _translated(self, error: ClientException, what: str) -> DriverError:
        """Trying again is safe after any lost answer: whoever puts looks first, and names are unique."""
        from keystoneauth1 import exceptions as known

        if isinstance(error, known.HttpError):
            return self._refused(error, what)
        said = f"{self._name}: {what}: {str(error)[:_LONGEST]}"
        if isinstance(error, (known.SSLError, known.AuthPluginException, known.CatalogException)):
            return Terminal(said)
        return Transient(said)

    def _refused(self, error: Any, what: str) -> DriverError:
        status = error.http_status
        said = f"{self._name}: {what}: {status} {str(error.message or error)[:_LONGEST]}"
        if status == _CONFLICT:
            return Conflict(said)
        if status in _REFUSED:
            return Terminal(f"{said}: is the credential an administrator's?")
        if status == _MANY or status >= _SERVER:
            return Transient(said, retry_after=float(getattr(error, "retry_after", 0) or 0) or None)
        return Terminal(said)
