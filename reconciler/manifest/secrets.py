"""Secrets that stand in a manifest: git would keep them for good, so they are refused, and never repeated."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from reconciler.kinds import Rule
from reconciler.manifest.places import Path
from reconciler.model import Diagnostic

ID = "secret-inline"
INLINE = Rule(
    ID,
    "Passwords, tokens and private keys are named by {env: NAME} or {file: PATH}, and do not stand in a manifest.",
    lambda _ref, _spec: (),
)
"""Checked of every document, before anything else is said of it."""
CURE = "write {env: NAME} or {file: PATH} ({secretRef: {env: NAME}} in variables), and replace what was committed"

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NAMES = frozenset({"password", "passwd", "passphrase", "passcode", "pwd", "secret", "token", "credential"})
_PAIRS = frozenset(
    f"{of} key" for of in ("private", "api", "access", "secret", "encryption", "signing", "auth", "shared", "munge")
)
_TOGETHER = frozenset(
    {"privatekey", "apikey", "accesskey", "secretkey", "clientsecret", "authtoken", "accesstoken", "mungekey"}
)
_SUFFIXES = ("password", "passwd")
"""Written without a break: ``dbpassword``."""
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
_KEYS = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{36,}|glpat-[\w-]{20,})(?![A-Za-z0-9])"
)
_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)
_SUSPECT = (
    *(b"passw", b"passphrase", b"passcode", b"pwd", b"secret", b"token", b"credential", b"key"),
    *(b"akia", b"asia", b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"glpat-", b"\\"),
)
_OPTION = re.compile(r"--?[A-Za-z]+(?:-[A-Za-z]+)*$")
"""A command's option, by which a secret is handed on: metric templates have them beside a secret's name."""
_NAMED = ("name", "key")
"""Fields that name what another field of the same mapping holds."""
_REFERENCE = frozenset({"env", "file", "sops", "openbao", "secretRef"})
_HOLDING = frozenset({"value", "text", "plain", "content", "data", "default"})
"""Fields of a mapping with a secret's name that hold the secret itself."""


class Secret(NamedTuple):
    """A secret where it stands."""

    path: tuple[int | str, ...]
    what: str
    """What gives it away."""
    value: str


def suspected(content: bytes) -> bool:
    """Whether a file can hold a secret: quick, and never False for one that does."""
    small = content.lower()
    return any(word in small for word in _SUSPECT) or (b"://" in small and b"@" in small)


def secrets(data: Any, path: tuple[int | str, ...] = (), *, named: bool = False) -> Iterator[Secret]:
    """Every secret in the data of a document. ``named``: a name above says that this is one."""
    if isinstance(data, dict):
        yield from _in_mapping(data, path, named=named)
    elif isinstance(data, list):
        for n, item in enumerate(data):
            yield from secrets(item, (*path, n), named=named)
    elif isinstance(data, str) and data:
        what = _shape(data) or (f"{_owner(path)} is a secret by its name" if named else "")
        if what:
            yield Secret(path, what, data)
    elif named and isinstance(data, int) and not isinstance(data, bool) and _is_password(_owner(path)):
        yield Secret(path, f"{_owner(path)} is a secret by its name", str(data))


def _in_mapping(data: Mapping[str, Any], path: tuple[int | str, ...], *, named: bool) -> Iterator[Secret]:
    holding: Collection[str] = ()
    if named and not data.keys() <= _REFERENCE:
        holding = data.keys() if _owner(path).lower().endswith("s") else _HOLDING
    labelled = any(isinstance(name := data.get(field), str) and is_secret(name) for field in _NAMED)
    for key, value in data.items():
        carried = labelled and key == "value" and not _OPTION.match(str(value))
        held = is_secret(key) or carried or key in holding
        yield from secrets(value, (*path, key), named=held)


def is_secret(name: str) -> bool:
    """Whether a name says that what it names is a secret: ``dbPassword`` and ``api_key``, not ``tokenUrl``."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words:
        return False
    last = words[-1].removesuffix("s") if words[-1] not in _NAMES else words[-1]
    ends = f"{words[-2]} {last}" if len(words) > 1 else ""
    return last in _NAMES or ends in _PAIRS or last in _TOGETHER or last.endswith(_SUFFIXES)


def diagnostics(
    found: Iterable[Secret], file: str, place: Callable[[Path], tuple[int, int, str]]
) -> Iterator[Diagnostic]:
    """A fault for each; ``place`` gives the line, the column and the written path of a path."""
    for secret in found:
        line, column, path = place(secret.path)
        yield Diagnostic(file, line, column, path, f"{secret.what} and stands here in plain text", CURE, ID)


def discreet(faults: Iterable[Diagnostic], found: Collection[Secret], told: Collection[str]) -> Iterator[Diagnostic]:
    """The other faults of the document: not of what is refused already, and without any secret in their words."""
    values = {form for secret in found for form in _forms(secret.value)}
    for fault in faults:
        if fault.path in told:
            continue
        if any(value in said for value in values for said in (fault.message, fault.cure)):
            fault = replace(fault, message="has a secret in it, and is not what belongs here", cure="")  # noqa: PLW2901
        yield fault


def _forms(value: str) -> Iterator[str]:
    """What of a value could stand in a message: a message shows its beginning, and line ends as escapes."""
    shown = repr(value)[1:-1]
    yield from {value, shown, shown[:20]}


def _shape(value: str) -> str:
    if _PEM.search(value):
        return "a private key"
    if _KEYS.search(value):
        return "an access key"
    return "a password in a URL" if _IN_URL.search(value) else ""


def _owner(path: Path) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _is_password(name: str) -> bool:
    return "pass" in name.lower() or "pwd" in name.lower()
