"""A stand-in for Zammad's REST API on loopback: tickets, articles and their search, refusals, and answers that are lost.

It answers as Zammad's controllers do: unknown groups, customers and priorities are 422, a wrong token is 401, a search
takes a condition on the title, and ``expand=true`` tells names in place of numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.real.answering import answering

TOKEN = "zammad-s3cret"
GROUPS, CUSTOMERS = ("Operations", "NGI_X"), ("hanse@example.org",)
PRIORITIES = ("less urgent", "urgent", "very urgent", "top priority")


@dataclass
class HelpdeskServer:
    """Its tickets in the order in which they were made. ``lose``: so many POSTs are done and not answered."""

    url: str
    tickets: list[dict[str, Any]] = field(default_factory=list)
    articles: list[dict[str, Any]] = field(default_factory=list)
    lose: int = 0
    refuse: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


def _made(server: HelpdeskServer, told: dict[str, Any]) -> tuple[int, Any]:
    for name, known in (("group", GROUPS), ("customer", CUSTOMERS), ("priority", PRIORITIES)):
        if told.get(name) not in known:
            return 422, {"error": f"No lookup value found for '{name}': {told.get(name)!r}", "error_human": None}
    number = len(server.tickets) + 1
    article = told.pop("article")
    ticket = {**told, "id": number, "number": f"{26000 + number}", "created_by": "hanse@example.org"}
    server.tickets.append(ticket)
    server.articles.append({**article, "ticket_id": number})
    return 201, ticket


def _found(server: HelpdeskServer, query: dict[str, list[str]]) -> tuple[int, Any]:
    if query.get("condition[ticket.title][operator]") != ["contains"]:
        return 422, {"error": "Invalid condition"}
    (part,) = query["condition[ticket.title][value]"]
    return 200, [one for one in server.tickets if part in one["title"]]


class _Handler(BaseHTTPRequestHandler):
    service: HelpdeskServer

    def do_GET(self) -> None:
        self._answered(None)

    def do_POST(self) -> None:
        self._answered(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answered(self, told: Any) -> None:
        service = self.service
        service.asked.append(f"{self.command} {urlsplit(self.path).path}")
        if self.headers["Authorization"] != f"Token token={TOKEN}":
            return self._say(401, {"error": "Invalid token"})
        if service.refuse:
            return self._say(service.refuse.pop(0), {"error": "out of order"})
        status, answer = self._done(urlsplit(self.path).path.removeprefix("/api/v1/"), told)
        if told is not None and service.lose:
            service.lose -= 1
            self.close_connection = True
            return None
        return self._say(status, answer)

    def _done(self, path: str, told: Any) -> tuple[int, Any]:
        service = self.service
        match self.command, path.split("/"):
            case "GET", ["tickets", "search"]:
                return _found(service, parse_qs(urlsplit(self.path).query))
            case "POST", ["tickets"]:
                return _made(service, told)
            case "GET", ["tickets", number]:
                one = next((t for t in service.tickets if str(t["id"]) == number), None)
                return (200, one) if one else (404, {"error": "Couldn't find Ticket", "error_human": "Not found"})
            case "GET", ["ticket_articles", "by_ticket", number]:
                return 200, [a for a in service.articles if str(a["ticket_id"]) == number]
            case "POST", ["ticket_articles"]:
                service.articles.append(told)
                return 201, told
        return 404, {"error": "No route matches"}

    def _say(self, status: int, answer: Any) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def zammad() -> Iterator[HelpdeskServer]:
    """The helpdesk, for one test."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.service = service = HelpdeskServer(f"http://127.0.0.1:{server.server_port}")
    with answering(server):
        yield service
