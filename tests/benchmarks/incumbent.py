"""Infrastructure Manager, from PyPI and in a virtual environment of its own, as `tests.benchmarks.clouds` uses it.

It configures machines from one of them, where it installs Ansible from conda's channels. The machines of the tests' cloud have
no way to the Internet, so what it would install is handed to it in an archive: its installing takes the seconds of unpacking
that instead of minutes. Nothing else of it is changed but its port, its paths, and five launches at once (its default is one).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.real.openstack import Project, Proxy

VERSION = "2.0.0"
_ON_MACHINES = (
    "ansible-core<2.17",
    "jmespath",
    "paramiko",
    "psutil",
    "pywinrm",
    "pyyaml",
    "requests",
    "scp",
    "urllib3",
)
"""What its installing would put on the machine that configures the others."""
_COLLECTIONS = ("ansible/posix", "ansible/windows", "community/general")
_PLACE = "var/tmp/.mamba/envs/ansible/lib"
_RUN = f"""#!/bin/sh
# as micromamba is called: run -n ENVIRONMENT COMMAND...
shift 3
PYTHONPATH=/{_PLACE} exec "$@"
"""
_PATIENCE_SECONDS = 900.0
_POLL_SECONDS = 1.0


def installed() -> Path:
    """Its virtual environment, made when there is none: python and im_service are in ``bin``."""
    home = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hanse" / f"infrastructure-manager-{VERSION}"
    )
    if (home / "whole").exists():
        return home
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    pip = [str(home / "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, f"im=={VERSION}", "setuptools<81"], check=True)
    _archive(home, pip)
    (home / "whole").touch()
    return home


def _archive(home: Path, pip: list[str]) -> None:
    tree = home / "machines"
    subprocess.run([*pip, "--target", str(tree / _PLACE), *_ON_MACHINES], check=True)
    for collection in _COLLECTIONS:
        there = Path("ansible_collections") / collection
        shutil.copytree(_packages(home) / there, tree / _PLACE / there)
    run = tree / "var/tmp/.mamba/bin/micromamba"
    run.parent.mkdir(parents=True)
    run.write_text(_RUN)
    run.chmod(0o755)
    with tarfile.open(home / "machines.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.add(tree / "var", "var")


def _packages(home: Path) -> Path:
    return next((home / "lib").glob("python*/site-packages"))


class InfrastructureManager:
    """A running one."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.url, self.process, self.log = url, process, log

    def create(self, radl: str, login: str) -> str:
        """Ask for an infrastructure, in the background; returns its address."""
        return self._ask("POST", f"{self.url}/infrastructures?async=1", login, radl)["uri"]

    def create_and_wait(self, radl: str, login: str) -> None:
        """Ask for an infrastructure; the answer comes when its machines have been asked for."""
        self._ask("POST", f"{self.url}/infrastructures", login, radl)

    def state(self, infrastructure: str, login: str) -> str:
        """``pending``, ``running``, ``configured``, ``unconfigured``, ``failed``."""
        return self._ask("GET", f"{infrastructure}/state", login)["state"]["state"]

    def said(self, infrastructure: str, login: str) -> str:
        """What its configuring said."""
        return str(self._ask("GET", f"{infrastructure}/contmsg", login))

    def destroy(self, infrastructure: str, login: str) -> None:
        """Take everything away."""
        self._ask("DELETE", f"{infrastructure}?force=1", login)

    def _ask(self, method: str, url: str, login: str, body: str | None = None) -> Any:
        headers = {"AUTHORIZATION": login, "Accept": "application/json", "Content-Type": "text/plain"}
        request = urllib.request.Request(url, body.encode() if body else None, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            raise SystemExit(f"Infrastructure Manager: {error.code}: {error.read().decode()}") from error
        try:
            return json.loads(text)
        except ValueError:
            return {"uri": text, "text": text}


@contextmanager
def running(root: Path) -> Iterator[InfrastructureManager]:
    """Infrastructure Manager with an empty database below ``root``."""
    home, port = installed(), _free_port()
    _configure(home, root, port)
    with (root / "im.out").open("wb") as out:
        service = [str(home / "bin/python"), str(home / "bin/im_service")]
        environment = {**os.environ, "ANSIBLE_HOST_KEY_CHECKING": "False", "ANSIBLE_PIPELINING": "True"}
        process = subprocess.Popen(service, cwd=root, env=environment, stdout=out, stderr=out, start_new_session=True)
    made = InfrastructureManager(f"http://127.0.0.1:{port}", process, root / "im.log")
    try:
        _wait(made)
        yield made
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _configure(home: Path, root: Path, port: int) -> None:
    """Write its configuration where it looks for it; the directory of its playbooks is a copy."""
    root.mkdir(parents=True, exist_ok=True)
    packages = _packages(home)
    ours = root / "contextualization"
    shutil.copytree(packages / "contextualization", ours)
    playbook = ours / "conf-ansible.yml"
    rest = playbook.read_text().partition("    - name: Create Ansible config file\n")
    unpack = f"    - unarchive: {{src: {home / 'machines.tar.gz'}, dest: /}}\n"
    playbook.write_text("- hosts: '{{IM_HOST}}'\n  gather_facts: false\n  tasks:\n" + unpack + rest[1] + rest[2])
    settings = {
        "DATA_DB": f"sqlite://{root / 'inf.dat'}",
        "LOG_FILE": root / "im.log",
        "REST_ADDRESS": "127.0.0.1",
        "REST_PORT": port,
        "CONTEXTUALIZATION_DIR": ours,
        "RECIPES_DIR": ours / "AnsibleRecipes",
        "MAX_SIMULTANEOUS_LAUNCHES": 5,
        "PRIVATE_NET_MASKS": "192.168.0.0/16",  # the machines' addresses count as public: it wants to reach one
    }
    lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
    (packages / "im.cfg").write_text(f"[im]\n{lines}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(made: InfrastructureManager) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{made.url}/version", timeout=5):
                return
        except OSError as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"Infrastructure Manager did not come up: {error}") from error
            time.sleep(0.1)


def login_of(project: Project, proxy: Proxy) -> str:
    """Its AUTHORIZATION header for a project."""
    c = project.credential
    cloud = {
        "id": "quay", "type": "OpenStack", "host": proxy.auth_url.removesuffix("/v3"), "username": c.username,
        "password": c.password, "tenant": project.name, "domain": project.domain,
        "auth_version": "3.x_password", "service_region": project.cloud.region, "api_version": "2.2",
    }  # fmt: skip
    own = {"id": "im", "type": "InfrastructureManager", "username": "bench", "password": "bench"}
    return "\\n".join("; ".join(f"{key} = {value}" for key, value in one.items()) for one in (cloud, own))


def configured(im: InfrastructureManager, infrastructure: str, login: str) -> None:
    """Wait until it says that all is configured."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (state := im.state(infrastructure, login)) != "configured":
        if state in ("failed", "unconfigured") or time.monotonic() > deadline:
            raise SystemExit(f"Infrastructure Manager: {state}\n{im.said(infrastructure, login)}\nsee {im.log}")
        time.sleep(_POLL_SECONDS)


def family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from family(int(child))


def computed(pid: int) -> float:
    """Seconds that a process has used of a processor, and those below it that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")
