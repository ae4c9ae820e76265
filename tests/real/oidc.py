"""A real OpenID provider (npm oidc-provider) that behaves as EGI Check-in does, its users, and a person at a browser.

Needs node and npm; what npm installs is kept between runs, by the digest of ``oidc/package-lock.json``.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.real.waiting import PATIENCE

SOURCE = Path(__file__).with_suffix("")
SECRET = "the secret of the tests' client"
OPERATOR = "operator@egi.example"
TIDES = "manager-of-tides@egi.example"
WAVES = "manager-of-waves@egi.example"
NORTH = "admin-of-north@egi.example"
STRANGER = "stranger@egi.example"
_GROUP = "urn:mace:egi.eu:group"
USERS: Mapping[str, Mapping[str, Any]] = {
    OPERATOR: {"name": "Olga Operator", "entitlements": [f"{_GROUP}:hanse:operators:role=member#aai.egi.eu"]},
    TIDES: {"name": "Tim Tides", "entitlements": [f"{_GROUP}:tides:role=manager#aai.egi.eu"]},
    WAVES: {"name": "Wanda Waves", "entitlements": [f"{_GROUP}:waves:role=manager#aai.egi.eu"]},
    NORTH: {"name": "Nora North", "entitlements": [f"{_GROUP}:sites:NORTH:role=admin#aai.egi.eu"]},
    STRANGER: {"name": "Sam Stranger", "entitlements": []},
}
_FORM = re.compile(r"<form[^>]*\baction=\"([^\"]*)\"[^>]*>(.*?)</form>", re.DOTALL)
_FIELD = re.compile(r"<input[^>]*\bname=\"([^\"]+)\"(?:[^>]*\bvalue=\"([^\"]*)\")?[^>]*>", re.DOTALL)


def subject(identity: str) -> str:
    """What the provider calls somebody in its tokens, beside ``voperson_id``."""
    return hashlib.sha256(identity.encode()).hexdigest()


@dataclass
class Oidc:
    """The running provider."""

    url: str
    keys: list[RSAKey]
    signing: int = 0

    def token(self, identity: str, *, key: RSAKey | None = None, alg: str = "RS256", **claims: Any) -> str:
        """An access token as Check-in makes them; ``claims`` replace (None: leave out) what it says."""
        now = int(time.time())
        said = {
            "iss": self.url,
            "sub": subject(identity),
            "azp": "hanse-cli",
            "typ": "Bearer",
            "iat": now,
            "exp": now + 600,
        }
        said = {
            name: value for name, value in {**said, "jti": os.urandom(8).hex(), **claims}.items() if value is not None
        }
        signer = key or self.keys[self.signing]
        return jwt.encode({"alg": alg, "typ": "JWT", "kid": signer.kid or ""}, said, signer, algorithms=[alg])

    def rotate(self) -> None:
        """Sign with the next key from now on; keys of before are published no more."""
        kid = requests.get(f"{self.url}/tests/rotate", timeout=120).json()["kid"]
        self.signing = next(n for n, key in enumerate(self.keys) if key.kid == kid)

    def entitle(self, identity: str, *entitlements: str) -> None:
        """Change somebody's rights."""
        given = {"id": identity, "entitlement": list(entitlements)}
        requests.get(f"{self.url}/tests/user", params=given, timeout=120).raise_for_status()

    def counts(self) -> dict[str, int]:
        """How often something was asked for, so far."""
        found: dict[str, int] = requests.get(f"{self.url}/tests/counts", timeout=120).json()
        return found

    def log_in(self, at: str, identity: str, session: requests.Session) -> requests.Response:
        """Go to ``at``, fill in every form that the provider shows, and end where it sends us."""
        return self._through(session, session.get(at, timeout=120), identity)

    def complete(self, url: str, identity: str) -> None:
        """Do in a browser what a device asks for: ``url`` is its verification_uri_complete."""
        with requests.Session() as session:
            page = self._through(session, session.get(url, timeout=120), identity)
            assert "Continue to your device" in page.text or "Sign-in Success" in page.text, page.text

    def _through(self, session: requests.Session, page: requests.Response, identity: str) -> requests.Response:
        for _ in range(8):
            forms = [form for form in _FORM.findall(page.text) if "abort" not in form[0]]
            if not page.url.startswith(self.url) or not forms:
                return page
            action, inside = forms[0]
            given = {name: unescape(value) for name, value in _FIELD.findall(inside) if name != "abort"}
            if "login" in given:
                given |= {"login": identity, "password": "of no consequence"}
            page = session.post(urljoin(page.url, unescape(action)), data=given, timeout=120)
        raise AssertionError(f"the provider asks for ever: {page.text}")


def installed() -> Path:
    """The folder with the provider's packages; npm fills it once for each lock file."""
    lock = (SOURCE / "package-lock.json").read_bytes()
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hanse-tests"
    folder = kept / f"oidc-{hashlib.sha256(lock).hexdigest()[:16]}"
    kept.mkdir(parents=True, exist_ok=True)
    with (kept / "oidc.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name in ("package.json", "package-lock.json"):
                shutil.copy(SOURCE / name, folder)
            command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
            if done.returncode:
                _missing(f"npm ci: {done.stderr.strip()[-400:]}")
            (folder / "complete").touch()
    return folder


def _missing(what: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@contextmanager
def provider(folder: Path, seconds: int = 3600, users: Mapping[str, Mapping[str, Any]] = USERS) -> Iterator[Oidc]:
    """A provider of its own; access tokens last ``seconds``."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        _missing("node or npm is not installed")
    keys = [RSAKey.generate_key(2048, {"kid": f"tests-{n}", "use": "sig", "alg": "RS256"}) for n in range(2)]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    private = [key.as_dict(private=True) for key in keys]
    settings = {"port": port, "keys": private, "users": users, "secret": SECRET, "seconds": seconds}
    settings["modules"] = str(installed())
    (folder / "settings.json").write_text(json.dumps(settings))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [str(node), str(SOURCE / "provider.mjs"), str(folder)], stdout=log, stderr=log, start_new_session=True
        )
    try:
        _ready(process, folder)
        yield Oidc(f"http://127.0.0.1:{port}", keys)
    finally:
        try:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)
        except ProcessLookupError:
            process.wait()
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _ready(process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (folder / "ready").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"the OpenID provider does not start: {(folder / 'log').read_text()[-2000:]}")
        time.sleep(0.05)


@pytest.fixture(scope="session")
def oidc() -> Iterator[Oidc]:
    """One provider for all tests."""
    with tempfile.TemporaryDirectory() as folder, provider(Path(folder)) as running:
        yield running
