"""A front door to the cloud that counts what clients ask for, and can keep, lose or spoil their calls.

It runs in the process that asked for it, so that no two tests count each other's calls. One port serves all services,
each under a prefix (``/identity``, ``/compute``, ``/network``, ``/image``, ``/placement``); addresses of the services in
answers (the catalogue above all) are replaced by the proxy's own.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterator, Literal


@dataclass(frozen=True)
class Call:
    """One call of a client. ``status`` is 0 when it got no answer."""

    service: str
    method: str
    path: str
    """Below the service's prefix, with the query: ``/v2.1/servers/detail?limit=10``."""
    status: int
    seconds: float
    agent: str
    """The client's User-Agent."""


@dataclass
class Fault:
    """What happens to the ``nth`` matching call and the ``times - 1`` after it.

    ``how``: ``refuse`` answers ``status`` without asking the service; ``hang`` never answers (for ``seconds``, then the
    connection is closed); ``lose`` lets the service do it and closes the connection instead of answering; ``delay`` answers after ``seconds``.
    """

    how: Literal["refuse", "hang", "lose", "delay"]
    service: str = ""
    method: str = ""
    path: str = ""
    """Regular expression, searched for in `Call.path`; "" matches all."""
    nth: int = 1
    times: int = 1
    status: int = 503
    seconds: float = 600.0
    hits: int = 0
    """How often it struck so far."""


class Proxy:
    """A running proxy."""

    auth_url: str
    """What clients are given as keystone's address: ``http://127.0.0.1:<port>/identity/v3``."""

    @property
    def calls(self) -> list[Call]:
        """Every call so far, in the order of their ends."""
        raise NotImplementedError

    def count(self, service: str = "", method: str = "", path: str = "") -> int:
        """Number of matching calls so far; ``path`` is searched for as a regular expression."""
        raise NotImplementedError

    def counts(self) -> Counter[tuple[str, str]]:
        """(service, method) -> number of calls."""
        raise NotImplementedError

    def writes(self) -> list[Call]:
        """Calls that may change something: all but GET and HEAD, and without logging in (POST to identity)."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forget calls and faults."""
        raise NotImplementedError

    @contextmanager
    def fault(self, how: str, service: str = "", method: str = "", path: str = "", **rest: object) -> Iterator[Fault]:
        """Have calls fail while the context lasts; hanging calls are let go at its end. See `Fault`."""
        raise NotImplementedError
        yield
