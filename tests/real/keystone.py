"""A real keystone on loopback, with a check of bearer tokens in front of it as mod_auth_openidc does it.

In a conftest: ``from tests.real.keystone import keystone`` (a session fixture). The software (PyPI) is installed once
into ``$XDG_CACHE_HOME/hanse``; each run has databases of its own. `Keystone.domain` gives a test a domain of its own.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.real.ports import free_port
from tests.real.tokens import Issuer
from tests.real.waiting import PATIENCE

_PACKAGES = ("keystone==30.0.0", "waitress==3.0.2", "pyjwt[crypto]>=2.10")
PASSWORD = "an administrator's"
ISSUER = "https://aai.example.org/auth/realms/egi"

_SERVER = '''
"""Keystone by WSGI, behind a check of bearer tokens; GET /_calls answers, and forgets, the calls so far."""
import json, os, sys, threading
import jwt, waitress
port, keys, issuers, calls, lock = int(sys.argv[1]), sys.argv[2], sys.argv[3].split(","), [], threading.Lock()
sys.argv = ["keystone"]
from sqlalchemy import event
from sqlalchemy.engine import Engine
@event.listens_for(Engine, "connect")
def wait_for_each_other(connection, record):
    for pragma in ("busy_timeout=20000", "journal_mode=WAL", "synchronous=OFF"):
        connection.execute(f"PRAGMA {pragma}").close()
from keystone.server.wsgi import initialize_public_application
keystone = initialize_public_application()
jwks = [(k["kid"], jwt.PyJWK(k)) for k in json.load(open(keys))["keys"]]

def application(environ, start):
    path = environ["PATH_INFO"]
    if path == "/_calls":
        with lock:
            body = json.dumps(calls).encode()
            calls.clear()
        start("200 OK", [("Content-Type", "application/json")])
        return [body]
    with lock:
        calls.append([environ["REQUEST_METHOD"], path, environ.get("HTTP_USER_AGENT", "")])
    for name in [n for n in environ if n.startswith(("HTTP_OIDC", "OIDC"))]:
        del environ[name]
    if "/OS-FEDERATION/" in path and path.endswith("/auth"):
        try:
            token = environ.get("HTTP_AUTHORIZATION", "").split(" ", 1)[1]
            key = dict(jwks)[jwt.get_unverified_header(token)["kid"]].key
            claims = jwt.decode(token, key, algorithms=["RS256"], issuer=issuers, options={"verify_aud": False})
        except Exception as error:
            start("401 Unauthorized", [("Content-Type", "application/json")])
            return [json.dumps({"error": {"code": 401, "title": "Unauthorized", "message": str(error)}}).encode()]
        environ["HTTP_OIDC_ISS"], environ["HTTP_OIDC_SUB"] = claims["iss"], claims["sub"]
        environ["OIDC-eduperson_entitlement"] = ";".join(claims.get("eduperson_entitlement", []))
        environ.pop("HTTP_AUTHORIZATION")
    return keystone(environ, start)

waitress.serve(application, host="127.0.0.1", port=port, threads=4)
'''


@dataclass
class Keystone:
    """A running keystone."""

    url: str
    """Its v3 API."""
    issuer: Issuer
    numbers: Iterator[int] = field(default_factory=count)
    _token: str = ""

    def call(self, method: str, path: str, body: Any = None, *, ok: Sequence[int] = ()) -> Any:
        """One call as administrator, counted like any other; raises AssertionError unless it succeeds."""
        status, _, answer = self.plain(method, path, body, token=self._admin())
        assert status < 400 or status in ok, f"{method} {path}: {status} {answer}"
        return answer

    def plain(
        self, method: str, path: str, body: Any = None, *, token: str = "", bearer: str = ""
    ) -> tuple[int, dict[str, str], Any]:
        """One call: status, headers, JSON."""
        headers = {"Content-Type": "application/json", "User-Agent": "a-test"}
        headers |= {"X-Auth-Token": token} if token else {}
        headers |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                text = answer.read()
                return answer.status, {k.lower(): v for k, v in answer.headers.items()}, json.loads(text or "null")
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode()
            return error.code, {}, text

    def _admin(self) -> str:
        if not self._token:
            user = {"name": "admin", "domain": {"name": "Default"}, "password": PASSWORD}
            scope = {"project": {"name": "admin", "domain": {"name": "Default"}}}
            auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}
            status, headers, answer = self.plain("POST", "/auth/tokens", {"auth": auth})
            assert status == 201, answer
            self._token = headers["x-subject-token"]
        return self._token

    def domain(self) -> str:
        """The name of a domain of the test's own."""
        name = f"d{next(self.numbers)}"
        self.call("POST", "/domains", {"domain": {"name": name}})
        return name

    def projects_of(self, bearer: str, provider: str, protocol: str = "openid") -> list[str] | None:
        """Names of the projects that an access token gets a scoped token for; None when it is not let in."""
        path = f"/OS-FEDERATION/identity_providers/{provider}/protocols/{protocol}/auth"
        status, headers, _ = self.plain("POST", path, bearer=bearer)
        if status != 201:
            return None
        unscoped = headers["x-subject-token"]
        status, _, found = self.plain("GET", "/auth/projects", token=unscoped)
        assert status == 200, found
        return sorted(p["name"] for p in found["projects"] if self._scoped(unscoped, p["id"]))

    def _scoped(self, unscoped: str, project: str) -> bool:
        identity = {"methods": ["token"], "token": {"id": unscoped}}
        auth = {"auth": {"identity": identity, "scope": {"project": {"id": project}}}}
        status, _, answer = self.plain("POST", "/auth/tokens", auth)
        return status == 201 and answer["token"]["project"]["id"] == project

    def calls(self) -> list[tuple[str, str]]:
        """(method, path) of Hanse's calls since the last time."""
        with urllib.request.urlopen(f"{self.url.removesuffix('/v3')}/_calls", timeout=PATIENCE) as answer:
            return [(method, path) for method, path, agent in json.load(answer) if agent.startswith("hanse/")]


@pytest.fixture(scope="session")
def keystone() -> Iterator[Keystone]:
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="hanse-keystone-", ignore_cleanup_errors=True) as place:
        here, port = Path(place), free_port()
        issuer = Issuer(ISSUER)
        environment = _prepared(programs, here)
        (here / "keys.json").write_text(json.dumps(issuer.public_keys()))
        (here / "server.py").write_text(_SERVER)
        url = f"http://127.0.0.1:{port}/v3"
        issuers = ",".join([ISSUER, *(f"{ISSUER}/{n}" for n in range(200))])
        command = [str(programs / "python"), "server.py", str(port), str(here / "keys.json"), issuers]
        with (here / "log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=here, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            _ready(process, url, here / "log")
            yield Keystone(url, issuer)
        finally:
            _stop(process)


def _programs() -> Path:
    """The folder of the programs of keystone's own environment, made once on this machine."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hanse"
    home = cache / re.sub(r"[^A-Za-z0-9.=]+", "-", "-".join(_PACKAGES))
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "keystone.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "whole").exists():
            shutil.rmtree(home, ignore_errors=True)
            _installed(home)
            (home / "whole").touch()
    return home / "bin"


def _installed(home: Path) -> None:
    uv = shutil.which("uv")
    python = str(home / "bin/python")
    make = (
        [uv, "venv", "-q", "--python", sys.executable, str(home)] if uv else [sys.executable, "-m", "venv", str(home)]
    )
    install = [uv, "pip", "install", "-q", "--python", python] if uv else [python, "-m", "pip", "install", "-q"]
    for command in (make, [*install, *_PACKAGES]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode == 0:
            continue
        said = f"keystone cannot be installed from PyPI: {done.stderr.strip()[-300:]}"
        pytest.fail(said) if os.environ.get("CI") == "true" else pytest.skip(said)


def _prepared(programs: Path, here: Path) -> dict[str, str]:
    """Configuration, and a database as it is after bootstrapping; returns the environment that the server needs."""
    (here / "keystone.conf").write_text(
        textwrap.dedent(f"""\
            [DEFAULT]
            log_file = {here}/keystone.log
            [database]
            connection = sqlite:///{here}/keystone.db
            [token]
            provider = fernet
            [fernet_tokens]
            key_repository = {here}/fernet
            [credential]
            key_repository = {here}/credentials
            [identity]
            password_hash_rounds = 4
            [auth]
            methods = password,token,mapped,openid,application_credential
            [federation]
            remote_id_attribute = HTTP_OIDC_ISS
            """)
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "OS_"))}
    environment |= {"OS_KEYSTONE_CONFIG_DIR": str(here), "OS_KEYSTONE_CONFIG_FILES": "keystone.conf"}
    with (programs.parent / "seed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        seed = programs.parent / "seed"
        if not seed.exists():
            _bootstrapped(programs, here, environment)
            shutil.copytree(here, seed)
    shutil.copytree(seed, here, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.conf", "*.log"))
    return environment


def _bootstrapped(programs: Path, here: Path, environment: dict[str, str]) -> None:
    for folder in ("fernet", "credentials"):
        (here / folder).mkdir(mode=0o700)
    url = "http://127.0.0.1/v3"  # nobody asks the catalogue for keystone itself
    bootstrap = ["bootstrap", "--bootstrap-password", PASSWORD, "--bootstrap-region-id", "RegionOne"]
    bootstrap += ["--bootstrap-public-url", url]
    who = ["--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid())]
    for step in (["db_sync"], ["fernet_setup", *who], ["credential_setup", *who], bootstrap):
        command = [programs / "keystone-manage", "--config-file", "keystone.conf", *step]
        done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=300)
        if done.returncode:
            pytest.fail(f"keystone-manage {step[0]}: {done.stderr[-1000:]}")


def _ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(url, timeout=30).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"keystone did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
        else:
            return


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)
