"""Stand-ins for the REST APIs of forges on loopback: pull requests, comments and statuses, as each of them answers.

Each checks what its forge checks: the token, known states, comments that may be changed by their author only, pages.
GitLab answers 400 to a status that a commit has already, as the real one does. Gitea tells the pull request of a commit
only where the commit is its merge. Pages may be cut shorter than was asked; ``Link`` tells that there is more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.real.answering import answering

TOKEN = "forge-s3cret"
ME = "hanse-robot"
HEADERS = {
    "github": ("Authorization", f"Bearer {TOKEN}"),
    "gitea": ("Authorization", f"token {TOKEN}"),
    "gitlab": ("PRIVATE-TOKEN", TOKEN),
}
LIMIT = 65_536
_STATES = {
    "github": {"error", "failure", "pending", "success"},
    "gitea": {"error", "failure", "pending", "success", "warning", "skipped"},
    "gitlab": {"pending", "running", "success", "failed", "canceled"},
}


@dataclass
class ForgeServer:
    """Its pull requests as (number, head, base), comments as (number, author, body), statuses by commit."""

    kind: str
    url: str = ""
    pulls: list[tuple[int, str, str]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[tuple[str, str, str]] = field(default_factory=list)
    refuse: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    reviews: list[tuple[int, str, str, str]] = field(default_factory=list)
    """(number, user, state, commit), in order."""
    standing: dict[int, set[str]] = field(default_factory=dict)
    """Of GitLab: who approves now, whatever was pushed since."""
    notes: list[tuple[int, str, str, str, bool]] = field(default_factory=list)
    """Of GitLab: (number, user, body, time, whether GitLab wrote it)."""
    versions: list[tuple[int, str, str]] = field(default_factory=list)
    """Of GitLab: (number, head, time) of each push."""
    teams: dict[str, dict[str, str]] = field(default_factory=dict)
    """``org/team`` -> user -> state of the membership."""
    commits: dict[int, list[str]] = field(default_factory=dict)
    """What a pull request brings besides its head."""
    closed: set[int] = field(default_factory=set)
    """Given up without a merge."""
    largest: int = 100
    """The longest page."""
    merged: dict[int, str] = field(default_factory=dict)
    """Number -> who merged it."""
    anonymous: bool = False
    """``GET /user`` is refused, as it is to the token of a workflow."""

    def told(self, number: int) -> list[str]:
        """What stands under a pull request."""
        return [one["body"] for one in self.comments if one["number"] == number]

    def write(self, number: int, author: str, body: str) -> None:
        """A comment of anybody."""
        self.comments.append({"id": 100 + len(self.comments), "number": number, "author": author, "body": body})

    def settings(self, **more: Any) -> dict[str, Any]:
        """What ``[forge]`` says of it."""
        kind = "forgejo" if self.kind == "gitea" else self.kind
        known = {"kind": kind, "url": self.url, "repository": "ocean/federation", "token": {"env": "FORGE_TOKEN"}}
        return known | more


class _Handler(BaseHTTPRequestHandler):
    service: ForgeServer
    more = False
    """Whether another page follows."""

    def do_GET(self) -> None:
        self._answered({})

    def do_POST(self) -> None:
        self._answered(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    do_PATCH = do_PUT = do_POST

    def _answered(self, told: dict[str, Any]) -> None:
        service, parts, self.more = self.service, urlsplit(self.path), False
        service.asked.append(f"{self.command} {parts.path}")
        header, token = HEADERS[service.kind]
        if self.headers.get(header) != token:
            return self._say(401, {"message": "Bad credentials"})
        if service.refuse:
            return self._say(service.refuse.pop(0), {"message": "out of order"})
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return self._say(*self._done(parts.path, query, told))

    def _done(self, path: str, query: dict[str, str], told: dict[str, Any]) -> tuple[int, Any]:  # noqa: PLR0911
        if self.service.kind == "gitlab":
            return self._gitlab(path, query, told)
        if found := self._teams(path.removeprefix("/api/v1"), query):
            return found
        base = "/repos/ocean/federation/" if self.service.kind == "github" else "/api/v1/repos/ocean/federation/"
        if path.endswith("/user"):
            name = {"login": ME, "type": "User"}
            return (403, {"message": "not accessible"}) if self.service.anonymous else (200, name)
        if not path.startswith(base):
            return 404, {"message": "Not Found"}
        rest = path.removeprefix(base)
        if rest == "pulls" and query.get("state") == "open":
            those = [one for one in self.service.pulls if one[0] not in self.service.closed]
            return 200, self._paged([self._pull(*one) for one in those], query)
        if rest == "pulls" and query.get("state") == "all":
            return 200, self._paged([self._pull(*one) for one in reversed(self.service.pulls)], query)
        if found := re.fullmatch(r"issues/(\d+)/comments", rest):
            return self._comments(int(found[1]), query, told)
        if (found := re.fullmatch(r"issues/comments/(\d+)", rest)) and self.command == "PATCH":
            return self._changed(int(found[1]), told)
        if found := re.fullmatch(r"statuses/([0-9a-f]{40})", rest):
            return self._status(found[1], told)
        return self._history(rest, query)

    def _history(self, rest: str, query: dict[str, str]) -> tuple[int, Any]:  # noqa: PLR0911
        """Pull requests by commit, one of them, and its reviews."""
        known = {number: (number, head, base) for number, head, base in self.service.pulls}
        if found := re.fullmatch(r"commits/([0-9a-f]{40})/(pulls?)", rest):
            brought = self.service.commits
            those = [
                self._pull(*one)
                for one in known.values()
                if one[1] == found[1] or (found[2] == "pulls" and found[1] in brought.get(one[0], ()))
            ]
            if self.service.kind == "gitea":
                those = [one for one in those if one["number"] in self.service.merged]
            if (found[2] == "pull") is not (self.service.kind == "gitea"):
                return 404, {"message": "Not Found"}
            if found[2] == "pull":
                return (200, those[0]) if those else (404, {"message": "Not Found"})
            return 200, self._paged(those, query)
        if (found := re.fullmatch(r"pulls/(\d+)/commits", rest)) and int(found[1]) in known:
            number = int(found[1])
            return 200, self._paged(
                [{"sha": one} for one in [*self.service.commits.get(number, []), known[number][1]]], query
            )
        if (found := re.fullmatch(r"pulls/(\d+)", rest)) and int(found[1]) in known:
            by = self.service.merged.get(int(found[1]), "")
            return 200, {
                **self._pull(*known[int(found[1])]),
                "merged": bool(by),
                "merged_by": {"login": by} if by else None,
            }
        if found := re.fullmatch(r"pulls/(\d+)/reviews", rest):
            said = [
                {"id": n, "user": {"login": user}, "state": state, "commit_id": commit}
                for n, (number, user, state, commit) in enumerate(self.service.reviews)
                if number == int(found[1])
            ]
            return 200, self._paged(said, query)
        return 404, {"message": "Not Found"}

    def _teams(self, path: str, query: dict[str, str]) -> tuple[int, Any] | None:
        """Memberships, as each forge tells them; None for what is asked of something else."""
        teams = self.service.teams
        if found := re.fullmatch(r"/orgs/([^/]+)/teams/([^/]+)/memberships/([^/]+)", path):
            state = teams.get(f"{found[1]}/{found[2]}", {}).get(found[3])
            told = {"url": path, "role": "member", "state": state}
            return (200, told) if state and self.service.kind == "github" else (404, {"message": "Not Found"})
        if self.service.kind != "gitea":
            return None
        names = sorted(teams)
        if found := re.fullmatch(r"/orgs/([^/]+)/teams/search", path):
            those = [(n, one.partition("/")[2]) for n, one in enumerate(names) if one.startswith(f"{found[1]}/")]
            return 200, {"ok": True, "data": [{"id": n, "name": one} for n, one in those if query["q"] in one]}
        if found := re.fullmatch(r"/teams/(\d+)/members/([^/]+)", path):
            inside = found[2] in teams[names[int(found[1])]]
            return (200, {"login": found[2]}) if inside else (404, {"message": "Not Found"})
        return None

    def _gitlab(self, path: str, query: dict[str, str], told: dict[str, Any]) -> tuple[int, Any]:  # noqa: PLR0911
        if path == "/api/v4/user":
            return 200, {"username": ME}
        if found := re.fullmatch(r"/api/v4/groups/([^/]+)/members/all", path):
            group = self.service.teams.get(unquote(found[1]))
            those = [
                {"id": n, "username": user, "state": state} for n, (user, state) in enumerate((group or {}).items(), 1)
            ]
            those = [one for one in those if query.get("query", "") in one["username"]]
            return (404, {"message": "404 Group Not Found"}) if group is None else (200, self._paged(those, query))
        base = "/api/v4/projects/ocean%2Ffederation/"
        if not path.startswith(base):
            return 404, {"message": f"404 Project Not Found {unquote(path)}"}
        rest = path.removeprefix(base)
        if rest == "merge_requests" and query.get("state") == "opened":
            found = [
                {"id": 900 + n, "iid": n, "sha": head, "target_branch": branch, "title": f"change {n}"}
                for n, head, branch in self.service.pulls
            ]
            return 200, self._paged(found, query)
        if match := re.fullmatch(r"repository/commits/([0-9a-f]{40})/merge_requests", rest):
            those = [
                {"id": 900 + n, "iid": n, "target_branch": branch, "state": "merged" if by else "opened"}
                | ({"merge_user": {"username": by}} if by else {})
                for n, head, branch in self.service.pulls
                if head == match[1]
                for by in (self.service.merged.get(n, ""),)
            ]
            return 200, self._paged(those, query)
        if match := re.fullmatch(r"merge_requests/(\d+)(/approvals|/versions)?", rest):
            return self._merge_request(int(match[1]), match[2] or "", query)
        if match := re.fullmatch(r"merge_requests/(\d+)/notes", rest):
            return self._comments(int(match[1]), query, told)
        if (match := re.fullmatch(r"merge_requests/\d+/notes/(\d+)", rest)) and self.command == "PUT":
            return self._changed(int(match[1]), told)
        if match := re.fullmatch(r"statuses/([0-9a-f]{40})", rest):
            if any(one[:2] == (match[1], told["state"]) for one in self.service.statuses[-1:]):
                return 400, {"message": "Cannot transition status via :enqueue from :pending"}
            return self._status(match[1], told)
        return 404, {"message": "404 Not Found"}

    def _merge_request(self, number: int, what: str, query: dict[str, str]) -> tuple[int, Any]:
        known = {one[0]: one for one in self.service.pulls}
        if number not in known:
            return 404, {"message": "404 Not found"}
        if what == "/approvals":
            by = sorted(self.service.standing.get(number, ()))
            return 200, {
                "iid": number,
                "approved": bool(by),
                "approved_by": [{"user": {"username": one}} for one in by],
            }
        if what == "/versions":
            found = [
                {"id": n, "head_commit_sha": head, "created_at": at, "state": "collected"}
                for n, (of, head, at) in enumerate(self.service.versions, 1)
                if of == number
            ]
            return 200, self._paged(found[::-1], query)
        return 200, {"iid": number, "sha": known[number][1], "author": {"username": "eve"}, "state": "opened"}

    def _pull(self, number: int, head: str, base: str) -> dict[str, Any]:
        return {
            "id": 900 + number,
            "number": number,
            "title": f"change {number}",
            "user": {"login": "eve"},
            "state": "closed" if number in {*self.service.closed, *self.service.merged} else "open",
            "head": {"sha": head},
            "base": {"ref": base},
        }

    def _comments(self, number: int, query: dict[str, str], told: dict[str, Any]) -> tuple[int, Any]:
        if number not in {one[0] for one in self.service.pulls}:
            return 404, {"message": "Not Found"}
        if self.command == "POST":
            if not told.get("body") or len(told["body"]) > LIMIT:
                return 422, {"message": "Validation Failed: body is too long"}
            author = "github-actions[bot]" if self.service.anonymous else ME
            self.service.write(number, author, told["body"])
            return 201, self._comment(self.service.comments[-1])
        found = [self._comment(one) for one in self.service.comments if one["number"] == number]
        found += [
            {"id": 5000 + n, "body": body, "author": {"username": user}, "created_at": at, "system": system}
            for n, (of, user, body, at, system) in enumerate(self.service.notes)
            if of == number
        ]
        return 200, self._paged(found, query)

    def _changed(self, identity: int, told: dict[str, Any]) -> tuple[int, Any]:
        (found,) = [one for one in self.service.comments if one["id"] == identity]
        found["body"] = told["body"]
        return 200, self._comment(found)

    def _comment(self, one: dict[str, Any]) -> dict[str, Any]:
        kind = "Bot" if one["author"].endswith("[bot]") else "User"
        author = {"login": one["author"], "username": one["author"], "type": kind}
        return {"id": one["id"], "body": one["body"], "user": author, "author": author}

    def _status(self, commit: str, told: dict[str, Any]) -> tuple[int, Any]:
        if told.get("state") not in _STATES[self.service.kind] or len(told.get("description", "")) > 255:
            return 422, {"message": "Validation Failed"}
        self.service.statuses.append((commit, told["state"], told["description"]))
        return 201, told

    def _paged(self, items: list[Any], query: dict[str, str]) -> list[Any]:
        size = min(int(query.get("per_page") or query.get("limit") or 30), self.service.largest)
        first = (int(query.get("page", "1")) - 1) * size
        self.more = first + size < len(items)
        return items[first : first + size]

    def _say(self, status: int, told: Any) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if self.more:
            self.send_header("Link", f'<{self.service.url}/next>; rel="next"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        return


@contextmanager
def forge_server(kind: str) -> Iterator[ForgeServer]:
    """Serve one API (github, gitea, gitlab) while the block runs."""
    service = ForgeServer(kind)
    http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"service": service}))
    http.daemon_threads = True
    service.url = f"http://127.0.0.1:{http.server_address[1]}"
    with answering(http):
        yield service
