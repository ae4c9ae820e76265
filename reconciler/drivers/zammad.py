"""Tickets in a helpdesk that speaks Zammad's REST API, as GGUS does.

A ticket is searched by a condition on its title, which Zammad answers from its database: its full text index is behind
by some seconds, in which a ticket just made would not be found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from reconciler.errors import OutcomeUnknown, Terminal, Transient
from reconciler.masking import MASK
from reconciler.ports.helpdesk import NewTicket, Ticket

_PATIENCE = 30.0
_AGAIN = (408, 425, 429)


@dataclass(frozen=True)
class Zammad:
    """One helpdesk."""

    url: str
    """``https://helpdesk.example.org``."""
    token: Callable[[], str]
    """Reads the access token, anew for each call."""
    field: str = ""
    """An own field of tickets that the mark is kept in too."""
    ca: str = ""
    """File of the authorities that are trusted; "" for the machine's own."""

    def find(self, mark: str) -> Ticket | None:
        """The oldest ticket whose title holds the mark."""
        asked = {
            "condition[ticket.title][operator]": "contains",
            "condition[ticket.title][value]": mark,
            "expand": "true",
            "limit": "10",
        }
        told = _data(self._asked("GET", "tickets/search", params=asked), list)
        found = [one for one in map(_ticket, told) if mark in one.title and one.state != "merged"]
        return min(found, key=lambda one: int(one.id), default=None)

    def create(self, ticket: NewTicket) -> Ticket:
        """Make a ticket with one article, which its customer sees."""
        body: dict[str, Any] = {
            "title": ticket.title,
            "group": ticket.group,
            "customer": ticket.customer,
            "state": "new",
            "priority": ticket.priority,
            "article": {
                "subject": ticket.title,
                "body": ticket.body,
                "type": "note",
                "content_type": "text/plain",
                "internal": False,
            },
        }
        if self.field:
            body[self.field] = ticket.mark
        try:
            answer = self._asked("POST", "tickets", params={"expand": "true"}, body=body)
        except _Lost as error:
            raise OutcomeUnknown(f"{error}: whether the ticket was made is not known") from error
        try:
            return _ticket(_data(answer, dict))
        except Terminal as error:
            raise OutcomeUnknown(f"{error}: whether the ticket was made is not known") from error

    def look(self, ticket: str) -> Ticket | None:
        """A ticket by its id."""
        answer = self._sent("GET", f"tickets/{ticket}", {"expand": "true"}, None)
        if answer.status_code == requests.codes.not_found:
            return None
        return _ticket(_data(self._sound(answer, "GET", f"tickets/{ticket}"), dict))

    def tell(self, ticket: str, subject: str, body: str) -> None:
        """Add an article, unless one with this subject is there already."""
        known = _data(self._asked("GET", f"ticket_articles/by_ticket/{ticket}", params={"expand": "true"}), list)
        if any(isinstance(one, Mapping) and one.get("subject") == subject for one in known):
            return
        told = {"ticket_id": int(ticket), "subject": subject, "body": body, "type": "note", "internal": False}
        try:
            self._asked("POST", "ticket_articles", body={**told, "content_type": "text/plain"})
        except _Lost as error:
            raise OutcomeUnknown(f"{error}: whether it was told is not known") from error

    def _asked(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None
    ) -> requests.Response:
        return self._sound(self._sent(method, path, params or {}, body), method, path)

    def _sent(self, method: str, path: str, params: Mapping[str, str], body: Any) -> requests.Response:
        token = self.token()

        def with_token(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = f"Token token={token}"
            return request

        try:
            return requests.request(
                method,
                f"{self.url.rstrip('/')}/api/v1/{path}",
                params=params,
                json=body,
                headers={"User-Agent": "hanse"},
                auth=with_token,  # in a header it would give way to what a .netrc says
                timeout=_PATIENCE,
                verify=self.ca or True,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise Terminal(f"{self.url}: its certificate is not trusted, or there is no TLS") from error
        except requests.exceptions.ConnectTimeout as error:
            raise Transient(f"{self.url} does not answer") from error
        except requests.RequestException as error:
            said = f"{self.url} cannot be reached ({type(error).__name__})"
            raise (_Lost(said) if body is not None and not _refused(error) else Transient(said)) from error

    def _sound(self, answer: requests.Response, method: str, path: str) -> requests.Response:
        if answer.ok:
            return answer
        said = f"{self.url}: {method} {path} answers {answer.status_code} {answer.reason}"
        if answer.status_code in _AGAIN:
            raise Transient(said)
        if answer.status_code >= 500:  # noqa: PLR2004 (what it did before it failed is not known)
            raise _Lost(said) if method == "POST" else Transient(said)
        raise Terminal(said + _why(answer))


class _Lost(Transient):
    """The request went out and its answer did not come."""


def _refused(error: requests.RequestException) -> bool:
    """Whether no connection was made at all."""
    return isinstance(error, requests.ConnectionError) and "NewConnectionError" in repr(error)


def _why(answer: requests.Response) -> str:
    """What the helpdesk says is wrong."""
    try:
        told = answer.json()
    except ValueError:
        return ""
    said = told.get("error_human") or told.get("error") if isinstance(told, dict) else None
    return f": {MASK(str(said))[:200]}" if said else ""


def _data(answer: requests.Response, kind: type) -> Any:
    try:
        told = answer.json()
    except ValueError as error:
        raise Terminal("the helpdesk's answer is no JSON") from error
    if not isinstance(told, kind):
        raise Terminal(f"the helpdesk's answer is {type(told).__name__}, not {kind.__name__}")
    return told


def _ticket(told: Any) -> Ticket:
    try:
        return Ticket(str(told["id"]), str(told["number"]), str(told["title"]), str(told["state"]))
    except (KeyError, TypeError) as error:
        raise Terminal("the helpdesk tells a ticket without id, number, title or state") from error
