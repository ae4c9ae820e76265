"""A Hanse elsewhere, spoken to over HTTP: login, logout, whoami, and what one may do there (remote parts, consent ...).

Tokens are kept in a file that nobody else can read, each for the one server it was fetched for: to no other server is
it ever sent.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reconciler.cli import console
from reconciler.cli.options import Form, Output, Reason

if TYPE_CHECKING:
    from reconciler.web.oidc.device import Client, Tokens

remote = typer.Typer(no_args_is_help=True, help="Do something at a Hanse elsewhere: hanse login first.")
Server = Annotated[
    str,
    typer.Option(
        "--server",
        metavar="URL",
        help="The Hanse: https://hanse.example.org; left out, the one that you are logged in to.",
        show_default=False,
    ),
]


@remote.callback()
def _remote() -> None:
    """Do something at a Hanse elsewhere: hanse login first."""


def login(
    server: Annotated[str, typer.Argument(metavar="URL", help="The Hanse: https://hanse.example.org.")],
    *,
    issuer: Annotated[
        str, typer.Option("--issuer", metavar="URL", help="Where it lets several vouch for people: which one.")
    ] = "",
) -> int:
    """Log in to a Hanse elsewhere: it shows an address and a code to be entered in any browser.

    What comes of it is kept in ~/.local/state/hanse, for this server only, and brought up again by itself.

    Example: `hanse login https://hanse.example.org`.
    """
    from reconciler.errors import SettingsError
    from reconciler.web.oidc.device import Device

    at = _server(server)
    found = [one for one in _clients(at) if issuer in ("", one.issuer)]
    if len(found) != 1:
        known = ", ".join(one.issuer for one in _clients(at))
        raise SettingsError(f"say which issuer: --issuer {known or '(there is none)'}")
    device = Device(found[0])
    asked = device.ask()
    console.note(f"{found[0].issuer} vouches for you to {at}")
    console.say(f"Go to {asked.complete or asked.at} and enter {asked.user_code}")
    with console.waiting("waiting for you"):
        tokens = device.wait(asked)
    _Kept.read().put(at, found[0], tokens)
    return whoami(server=at)


def logout(server: Server = "") -> int:
    """Forget what `hanse login` keeps.

    Example: `hanse logout`.
    """
    kept = _Kept.read()
    at = kept.only(server)
    kept.drop(at)
    console.say(f"logged out of {at}")
    return 0


def whoami(*, server: Server = "", output: Output = Form.TEXT) -> int:
    """Say who one is at a Hanse elsewhere, and what one's provider tells of one's rights.

    Examples: `hanse whoami`; `hanse whoami -o json`.
    """
    at = _Kept.read().only(server)
    told = _asked("GET", at, "/api/v1/whoami")
    if output is Form.JSON:
        console.data({"server": at, **told})
        return 0
    console.say(f"{told['name']} ({told['identity']}) at {at}")
    if told["issuer"]:
        console.say(f"by the word of {told['issuer']}")
    console.say("may look" if told["reads"] else "may not look: ask the operator")
    for one in told["entitlements"]:
        console.say(f"  {one}")
    return 0


@remote.command("parts")
def parts(*, server: Server = "", output: Output = Form.TEXT) -> int:
    """List the parts of the plan as of now: which authority's word each needs, and whether you may give it.

    Example: `hanse remote parts`.
    """
    told = _asked("GET", _Kept.read().only(server), "/api/v1/plans/latest/consents")
    if output is Form.JSON:
        console.data(told)
        return 0
    rows = [
        (one["name"], str(len(one["wanted"])), str(one["open"]), "yes" if one["mine"] else "no", one["digest"][:12])
        for one in told["items"]
    ]
    head = ("PART", "CHANGES", "OPEN", "YOU MAY", "DIGEST")
    console.say(console.table(head, rows) if rows else "the plan needs nobody's word")
    return 0


@remote.command("consent")
def consent(
    part: Annotated[str, typer.Argument(metavar="PART", help="site:CESGA, vo:tides ...")],
    *,
    reason: Reason,
    digest: Annotated[
        str,
        typer.Option(
            "--digest", metavar="DIGEST", help="What you have seen (hanse remote parts); needed without a terminal."
        ),
    ] = "",
    server: Server = "",
) -> int:
    """Agree to a part of the plan, as it was seen: if its changes are others by now, it is refused.

    Example: `hanse remote consent vo:tides --digest 3f2a90b1c4d5 --reason "as agreed on Monday"`.
    """
    from reconciler.errors import SettingsError

    at = _Kept.read().only(server)
    found = next((one for one in _parts(at) if one["name"] == part), None)
    if found is None:
        raise SettingsError(f"the plan as of now has no part {part}: hanse remote parts")
    for one in found["wanted"]:
        console.note(f"  {one['ref']}: {one['what']}{' (agreed)' if one['given'] else ''}")
    if not digest:
        if not console.attended() or not typer.confirm(f"Agree to {found['open']} changes?"):
            raise SettingsError(f"nothing was agreed to; say what you saw: --digest {found['digest'][:12]}")
        digest = found["digest"]
    if not found["digest"].startswith(digest) or len(digest) < 12:  # noqa: PLR2004
        raise SettingsError(f"{part} is not what you saw: its digest is {found['digest'][:12]}")
    body = {"part": part, "reason": reason}
    told = _asked("POST", at, "/api/v1/plans/latest/consents", body, {"If-Match": f'"{found["digest"]}"'})
    console.say(f"{told['by']} agrees to {part}: word {told['id']}")
    return 0


@remote.command("withdraw")
def withdraw(word: Annotated[int, typer.Argument(metavar="WORD", help="Its number.")], *, server: Server = "") -> int:
    """Take back a word that you gave.

    Example: `hanse remote withdraw 12`.
    """
    _asked("DELETE", _Kept.read().only(server), f"/api/v1/plans/latest/consents/{word}")
    console.say(f"word {word} counts no more")
    return 0


@remote.command("pause")
def pause(
    scope: Annotated[str, typer.Argument(help="all, KIND/NAME, target:ID or namespace:NAME.", metavar="SCOPE")],
    *,
    reason: Reason,
    server: Server = "",
) -> int:
    """Hold something: it is planned and shown, and nothing is done to it.

    Example: `hanse remote pause namespace:tides --reason "a regatta"`.
    """
    from reconciler.cli.holding import scoped

    body = {"scope": scoped(scope), "reason": reason}
    told = _asked("POST", _Kept.read().only(server), "/api/v1/pauses", body)
    console.say(f"{told['scope']} is held by {told['by']}: {told['reason']}")
    return 0


@remote.command("resume")
def resume(
    scope: Annotated[str, typer.Argument(help="As it was given to pause.", metavar="SCOPE")], *, server: Server = ""
) -> int:
    """Let something go on.

    Example: `hanse remote resume namespace:tides`.
    """
    from urllib.parse import quote

    from reconciler.cli.holding import scoped

    _asked("DELETE", _Kept.read().only(server), f"/api/v1/pauses/{quote(scoped(scope), safe='/:')}")
    console.say(f"{scope} goes on")
    return 0


def _parts(at: str) -> list[Any]:
    found: list[Any] = _asked("GET", at, "/api/v1/plans/latest/consents")["items"]
    return found


def _clients(at: str) -> list[Client]:
    from reconciler.web.oidc.device import clients

    return [*clients(_asked("GET", at, "/api/v1/login", known=False))]


def _server(given: str) -> str:
    from urllib.parse import urlsplit

    from reconciler.errors import SettingsError
    from reconciler.web.oidc.asking import safe

    parts = urlsplit(given)
    if not safe(given) or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise SettingsError(f"{parts.hostname or 'this'} is not the address of a Hanse: https://hanse.example.org")
    return given.rstrip("/")


def _asked(
    method: str,
    at: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    known: bool = True,
) -> dict[str, Any]:
    """What the server answers. Raises Terminal with its reason, or Transient."""
    import requests

    from reconciler.errors import Terminal, Transient

    shown = {"Authorization": f"Bearer {_Kept.read().token(at)}"} if known else {}
    try:
        answer = requests.request(
            method, f"{at}{path}", json=body, headers={**shown, **(headers or {})}, timeout=60, allow_redirects=False
        )
    except requests.RequestException as error:
        raise Transient(f"{at} cannot be reached ({type(error).__name__})") from error
    told = _json(answer.content)
    if not 200 <= answer.status_code < 300:  # noqa: PLR2004
        why = told.get("detail") or f"{at} answers {answer.status_code}"
        raise (Transient if answer.status_code >= 500 else Terminal)(str(why))  # noqa: PLR2004
    return told


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body) if body else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@dataclass
class _Kept:
    """The file of logins: nobody else may read it."""

    path: Path
    rows: dict[str, dict[str, Any]]

    @classmethod
    def read(cls) -> _Kept:
        from reconciler.errors import SettingsError

        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        path = Path(state) / "hanse" / "logins.json"
        if not path.exists():
            return cls(path, {})
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SettingsError(f"{path} can be read by others: chmod 600 {path}, and hanse login again")
        return cls(path, _json(path.read_bytes()))

    def only(self, server: str) -> str:
        """The server that is meant. Raises SettingsError when that is not clear."""
        from reconciler.errors import SettingsError

        at = _server(server) if server else next(iter(self.rows), "") if len(self.rows) == 1 else ""
        if not at and self.rows:
            raise SettingsError(f"say which: --server {' or '.join(sorted(self.rows))}")
        if at not in self.rows:
            raise SettingsError(f"you are not logged in{f' to {at}' if at else ''}: hanse login URL")
        return at

    def token(self, at: str) -> str:
        """The access token for a server, brought up again where it is over."""
        import time

        from reconciler.web.oidc.device import Client, Device, Tokens

        row = self.rows[self.only(at)]
        tokens = Tokens(row["access"], row["refresh"], row["until"])
        if tokens.over(time.time()):
            client = Client(row["issuer"], row["client_id"], tuple(row["scopes"]))
            tokens = Device(client).again(tokens)
            self.put(at, client, tokens)
        return tokens.access

    def put(self, at: str, client: Client, tokens: Tokens) -> None:
        told = {"issuer": client.issuer, "client_id": client.client_id, "scopes": list(client.scopes)}
        self.rows[at] = {**told, "access": tokens.access, "refresh": tokens.refresh, "until": tokens.until}
        self._write()

    def drop(self, at: str) -> None:
        del self.rows[at]
        self._write()

    def _write(self) -> None:
        """Whole or not at all, and never readable by others in between."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = self.path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(self.rows, file)
        made.replace(self.path)
