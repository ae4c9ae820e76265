"""Calls a dyndns2 service and understands what it says. Refusals come with HTTP 200: only the body tells."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from reconciler import __version__
from reconciler.errors import DriverError, Terminal, Transient

AGENT = f"hanse/{__version__}"
"""Services block agents that name themselves badly."""

_DELETED = {"0.0.0.0": "A", "::": "AAAA"}  # noqa: S104
_REFUSALS = {
    "badauth": "the secret is not that of this host, or the host is not there; check both",
    "notfqdn": "the host is not a full name",
    "nohost": "there is no such host, or it is not ours",
    "numhost": "too many hosts in one call",
    "badagent": f"it does not serve clients called {AGENT}",
    "abuse": "the host is blocked for abuse; its owner must lift that at the service",
    "!donator": "the account may not do this",
    "badsys": "it does not know this system",
}


class Bearer(AuthBase):
    """A token that shows who asks."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Service:
    """One service. ``timeout`` in seconds."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout

    def __str__(self) -> str:
        return urlsplit(self._url).netloc.rpartition("@")[2]

    def get(self, path: str, parameters: Mapping[str, str], auth: AuthBase) -> requests.Response:
        """The answer to one call, whatever it says, unless the service is out of order."""
        try:
            answer = requests.get(
                f"{self._url}{path}",
                params=parameters,
                auth=auth,
                headers={"User-Agent": AGENT},
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise Transient(f"{self} does not answer: {type(error).__name__}") from error
        status = answer.status_code
        if status == 429 or (status >= 500 and "json" not in answer.headers.get("Content-Type", "")):  # noqa: PLR2004
            after = answer.headers.get("Retry-After", "")
            raise Transient(f"{self} answered {status}", retry_after=float(after) if after.isdigit() else None)
        if 300 <= status < 400:  # noqa: PLR2004
            where = answer.headers.get("Location", "elsewhere").partition("?")[0]
            raise Terminal(f"{self} sends us on to {where}; give that as its url")
        return answer

    def update(self, host: str, addresses: tuple[str, ...], auth: AuthBase) -> None:
        """Set one address per family, in one call. Raises Terminal or Transient as the reply says."""
        answer = self.get("/nic/update", {"hostname": host, "myip": ",".join(addresses)}, auth)
        done = self._reply(host, answer)
        # An address that the service cannot read is silently taken for that of the caller.
        if {_plain(one) for one in done} != set(addresses):
            raise Terminal(
                f"{self} was asked to set {host} to {', '.join(addresses)} and set {', '.join(sorted(done))}"
            )

    def delete(self, host: str, rdtype: str, auth: AuthBase) -> None:
        """Take a host's address of one family away."""
        (any_address,) = [address for address, one in _DELETED.items() if one == rdtype]
        answer = self.get("/nic/delete", {"hostname": host, "myip": any_address}, auth)
        if answer.status_code == 404:  # noqa: PLR2004
            raise Terminal(f"{self} knows no /nic/delete: {host} {rdtype} must be taken away by hand there")
        self._reply(host, answer)

    def _reply(self, host: str, answer: requests.Response) -> set[str]:
        """The addresses (or types) that the service says it has set, left or deleted."""
        done: set[str] = set()
        for line in answer.text.strip().splitlines() or [""]:
            word, _, rest = line.strip().partition(" ")
            if word not in ("good", "nochg", "deleted"):
                raise self._refusal(host, word, answer)
            done.update(one.strip() for one in rest.split(",") if one.strip())
        return done

    def _refusal(self, host: str, word: str, answer: requests.Response) -> DriverError:
        if word in _REFUSALS:
            return Terminal(f"{self} answered {word} for {host}: {_REFUSALS[word]}")
        if word in ("dnserr", "911"):
            return Transient(f"{self} answered {word}: its name server does not work", retry_after=300)
        if answer.status_code in (401, 403):
            return Terminal(f"{self} answered {answer.status_code} for {host}: {_REFUSALS['badauth']}")
        kind = answer.headers.get("Content-Type", "nothing").partition(";")[0]
        return Terminal(f"{self} answered {answer.status_code} with {kind}: that is no dyndns2 reply; check url")


def basic(host: str, secret: str) -> AuthBase:
    """A host's own secret."""
    return HTTPBasicAuth(host, secret)


def _plain(address: str) -> str:
    """An address in its one short form; as it stands when it is none."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address
