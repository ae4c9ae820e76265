"""HTTP third-party copies: one server fetches from another, or sends there, and tells how far it has come.

The answer is 201 whatever follows; its body is performance markers every few seconds, and one last line that alone
says how the copy ended: ``success: ...`` or ``failure: ...``. Hanging up does not stop a server that copies.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import requests
import urllib3

from reconciler.drivers.fetch import SLOWEST, pieces, shown
from reconciler.drivers.webdav.client import Client
from reconciler.drivers.webdav.failures import beyond, failure, lost, meaning
from reconciler.drivers.webdav.tokens import scope
from reconciler.errors import DriverError, Terminal, Transient
from reconciler.ports import Copy

_GRACE = 600.0
"""Seconds before a slow copy is held against the server."""
_REFUSED = frozenset({400, 404, 405, 415, 501})
"""What servers answer to a COPY with a Source who only know that of the standard, with a Destination."""


class NotThisWay(Exception):
    """The server makes no such third-party copy; nothing was copied."""


class ThirdParty:
    """Copies to one storage that other servers take part in."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` tells seconds."""
        self._client, self._clock = client, clock

    def pull(self, copy: Copy, path: str) -> int:
        """Have our server fetch the source to ``path``; the bytes told of. Raises NotThisWay when it cannot fetch."""
        auth = self._client.bearer(writes=(path,))
        headers = {
            "Source": copy.source.url,
            "Credential": "none",
            "Overwrite": "T",
            **{f"TransferHeader{name}": value for name, value in copy.source.headers.items()},
        }
        what = f"{self._client.name}: {copy.path}"
        answer = self._sent(
            "COPY", self._client.url(path), what, auth=auth, headers=headers, verify=self._client.verify
        )
        with answer:
            if answer.status_code in _REFUSED:
                raise NotThisWay
            if not answer.ok:
                raise meaning(what, answer, self._client.tokens.spelt(scope(writes=(path,))))
            return self._followed(copy, answer)

    def push(self, copy: Copy, path: str) -> int:
        """Have the source's server send it to ``path``; the bytes told of. Raises NotThisWay when it cannot send."""
        auth = self._client.bearer(writes=(path,))
        ours = requests.Request("PUT", "https://localhost", auth=auth).prepare().headers
        headers = {
            **copy.source.headers,
            "Destination": self._client.url(path),
            "Credential": "none",
            "Overwrite": "T",
            **({"TransferHeaderAuthorization": ours["Authorization"]} if "Authorization" in ours else {}),
        }
        what = f"{self._client.name}: {copy.path} from {shown(copy.source.url)}"
        trust = copy.source.ca or self._client.verify
        answer = self._sent("COPY", copy.source.url, what, auth=_as_given, headers=headers, verify=trust)
        with answer:
            if answer.status_code in _REFUSED:
                raise NotThisWay
            if not answer.ok:
                raise meaning(what, answer)
            return self._followed(copy, answer)

    def _sent(self, method: str, url: str, what: str, **more: object) -> requests.Response:
        stall = self._client.options.stall
        try:
            return self._client.session.request(
                method,
                url,
                stream=True,
                timeout=(self._client.options.timeout, stall),
                **more,  # type: ignore[arg-type]
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise lost(what, error) from error

    def _followed(self, copy: Copy, answer: requests.Response) -> int:
        """Read markers until the copy has ended. Raises what its failure means, and Transient when it stalls."""
        what = f"{self._client.name}: {copy.path} from {shown(copy.source.url)}"
        began = grown = self._clock()
        moved = 0
        for line in _lines(what, answer):
            name, _, value = line.partition(":")
            now = self._clock()
            if name.lower() == "success":
                return moved
            if name.lower() == "failure":
                raise self._why(copy, what, value.strip().replace(copy.source.url, shown(copy.source.url)), moved)
            if name == "Stripe Bytes Transferred" and value.strip().isdecimal() and int(value) > moved:
                if copy.progress is not None:
                    copy.progress(int(value) - moved)
                moved, grown = int(value), now
            if now - grown > self._client.options.stall:
                raise Transient(f"{what}: no byte more than {moved} for {now - grown:.0f} s")
            if now - began > _GRACE + moved / SLOWEST:
                raise Transient(f"{what}: too slow, {moved} bytes in {now - began:.0f} s")
        raise Transient(f"{what}: the server broke off after {moved} bytes and did not say how the copy ended")

    def _why(self, copy: Copy, what: str, text: str, moved: int) -> Exception:
        """What to raise for a failed copy. What a server says is short: we look at the source to know more."""
        if not moved and beyond(text):
            return NotThisWay()
        error = failure(what, text)
        if isinstance(error, Terminal):
            return error
        return _seen_from_here(copy) or error


def _as_given(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No other Authorization than the one among the headers: none of a .netrc."""
    return request


def _seen_from_here(copy: Copy) -> DriverError | None:
    """What the source says to us, where that tells more: that it never will be read, or when to ask again."""
    try:
        with pieces(copy.source):
            return None
    except Terminal as error:
        return error
    except Transient as error:
        return error if error.retry_after is not None else None


def _lines(what: str, answer: requests.Response) -> Iterator[str]:
    try:
        for line in answer.iter_lines(1024):
            yield line.decode("utf-8", "replace").strip()
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        if "timed out" in str(error):
            raise Transient(f"{what}: the server has fallen silent") from error
        raise lost(what, error) from error
