"""The control plane's processes: RabbitMQ, MariaDB and the services of OpenStack, started, filled and stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from reconciler.errors import Terminal
from tests.real.openstack import conf
from tests.real.openstack.conf import SERVICES, Layout
from tests.real.openstack.rest import ask
from tests.real.openstack.software import RABBITMQ, ROOT
from tests.real.ports import free_port
from tests.real.waiting import PATIENCE

PATIENCE_SECONDS = 180.0
"""For a process to come up. It takes a few seconds on an idle machine."""
END_SECONDS = 10.0
INSIDE = Path(__file__).parent / "inside"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
APPLICATIONS = {
    "identity": ("keystone.wsgi.api", "8", "guarded"),
    "placement": ("placement.wsgi.api", "4"),
    "image": ("glance.wsgi.api", "4"),
    "network": ("neutron.wsgi.api", "8"),
    "compute": ("nova.wsgi.osapi_compute", "8"),
}
"""Service -> module of its WSGI application, threads, and what stands before it."""
LAST = ("epmd", "rabbitmq", "mariadb")
"""Stopped after all others, in this order."""


class Plane:
    """One control plane below ``layout.run``. Its processes die with the thread that started them."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    # ---- processes

    def start(self, name: str, command: Sequence[str | Path], **environment: str) -> None:
        """Start ``command`` in a session of its own; what it prints goes to ``log/<name>.out``."""
        guarded = ["setpriv", "--pdeathsig", "KILL", *map(str, command)]
        with (self.layout.run / f"log/{name}.out").open("ab") as out:
            self.processes[name] = subprocess.Popen(
                guarded, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.layout.run,
                env=self._environment() | environment, start_new_session=True,
            )  # fmt: skip

    def stop(self, *names: str, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop processes, by force when they take too long."""
        for name in names:
            self._signal(name, how)
        deadline = time.monotonic() + END_SECONDS
        for name in names:
            with suppress(subprocess.TimeoutExpired):
                self.processes[name].wait(max(0.0, deadline - time.monotonic()))
            self._signal(name, signal.SIGKILL)
            self.processes.pop(name).wait(PATIENCE)

    def stop_all(self) -> None:
        """Stop everything: the databases, which are kept for the seed, at the end and properly."""
        self.stop(*[name for name in self.processes if name not in LAST], how=signal.SIGKILL)
        self.stop(*[name for name in LAST if name in self.processes and name != "mariadb"], how=signal.SIGKILL)
        self.stop(*list(self.processes))

    def _signal(self, name: str, how: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.processes[name].pid, how)

    def dead(self) -> list[str]:
        """Names of processes that ended by themselves."""
        return [name for name, process in self.processes.items() if process.poll() is not None]

    def wait(self, what: str, ready: Callable[[], bool], *needed: str) -> None:
        """Wait until ``ready()``, as long as the processes ``needed`` live. Raises Terminal with their last words."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not ready():
            gone = [name for name in self.dead() if name in needed]
            if gone or time.monotonic() > deadline:
                raise Terminal(f"{what} did not come up: {' '.join(self.last_words(n) for n in gone or needed)}")
            time.sleep(0.05)

    def last_words(self, name: str) -> str:
        """The end of what a process printed."""
        printed = (self.layout.run / f"log/{name}.out").read_text(errors="replace")
        return f"\n--- {name}\n{printed[-1500:]}"

    def tool(self, name: str, *arguments: str) -> list[str]:
        """The command line of one of OpenStack's own programs."""
        return [str(self.layout.venv / "bin" / name), *arguments]

    def run(self, name: str, *commands: Sequence[str]) -> subprocess.Popen[bytes]:
        """Run commands one after the other, in the background, as the process ``name``."""
        script = " && ".join(f'"${{@:{first}:{number}}}"' for first, number in _places(commands))
        self.start(name, ["bash", "-c", script, name, *[part for command in commands for part in command]])
        return self.processes[name]

    def finish(self, *names: str) -> None:
        """Wait for background commands. Raises Terminal with the last words of one that failed."""
        for name in names:
            code = self.processes[name].wait(PATIENCE_SECONDS)
            if code:
                raise Terminal(f"{name} failed: {self.last_words(name)}")
            self.processes.pop(name)

    def _environment(self) -> dict[str, str]:
        etc, run = self.layout.etc, self.layout.run
        return {
            "PATH": f"{self.layout.venv}/bin:{PATH}", "LC_ALL": "C.UTF-8", "HOME": str(run / "state"),
            "PYTHONPATH": f"{INSIDE}:{run / 'python'}:{ROOT}", "PYTHONWARNINGS": "ignore",
            "HANSE_RUN": str(run), "HANSE_JWKS": str(run / "keys/jwks.json"),
            "OS_KEYSTONE_CONFIG_DIR": str(etc / "keystone"), "OS_PLACEMENT_CONFIG_DIR": str(etc / "placement"),
            "OS_GLANCE_CONFIG_DIR": str(etc / "glance"), "OS_NOVA_CONFIG_DIR": str(etc / "nova"),
            "OS_NEUTRON_CONFIG_DIR": str(etc / "neutron"), "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
        }  # fmt: skip

    # ---- the parts

    def start_rabbitmq(self) -> None:
        """Start RabbitMQ with an epmd of its own; `wait_for_rabbitmq` waits for both."""
        run, ports = self.layout.run, self.layout.ports
        epmd = {"ERL_EPMD_PORT": str(ports["epmd"]), "ERL_EPMD_ADDRESS": "127.0.0.1"}
        self.start("epmd", ["epmd", "-port", str(ports["epmd"]), "-address", "127.0.0.1"])
        self.wait("epmd", lambda: listens(ports["epmd"]), "epmd")
        self.start(
            "rabbitmq", [RABBITMQ], **epmd, HOME=str(run / "rabbit"),
            RABBITMQ_NODENAME=f"hanse-{ports['epmd']}@localhost", RABBITMQ_NODE_IP_ADDRESS="127.0.0.1",
            RABBITMQ_NODE_PORT=str(ports["rabbit"]), RABBITMQ_DIST_PORT=str(ports["distribution"]),
            RABBITMQ_MNESIA_BASE=str(run / "rabbit"), RABBITMQ_LOG_BASE=str(run / "log"),
            RABBITMQ_CONFIG_FILE=str(run / "rabbit/rabbitmq"), RABBITMQ_PID_FILE=str(run / "rabbit/pid"),
            RABBITMQ_ENABLED_PLUGINS_FILE=str(run / "rabbit/enabled_plugins"),
            RABBITMQ_CONF_ENV_FILE="/dev/null", RUNNING_UNDER_SYSTEMD="1",
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none",
        )  # fmt: skip

    def start_mariadb(self) -> None:
        """Start MariaDB on its socket and wait for it; its data are not kept safe from a power cut."""
        data = self.layout.run / "db"
        if not data.exists():
            install = ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--skip-test-db"]
            self.run("mariadb-install", [*install, "--auth-root-authentication-method=normal"])
            self.finish("mariadb-install")
        self.start(
            "mariadb",
            [
                "mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", f"--socket={self.layout.socket}",
                "--skip-networking", "--skip-grant-tables", "--skip-log-bin", "--performance-schema=0",
                f"--pid-file={self.layout.run / 'mariadb.pid'}", "--max-connections=600",
                "--innodb-file-per-table=0", "--innodb-log-file-size=32M", "--innodb-buffer-pool-size=160M",
                "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-fast-shutdown=1",
                "--innodb-doublewrite=0",
            ],
        )  # fmt: skip
        self.wait("MariaDB", self.layout.socket.is_socket, "mariadb")

    def sql(self, statements: str) -> None:
        """Do ``statements`` in the databases."""
        client = ["mariadb", "--no-defaults", f"--socket={self.layout.socket}", "--user=root"]
        done = subprocess.run(client, input=statements, capture_output=True, text=True, check=False, timeout=PATIENCE)
        if done.returncode:
            raise Terminal(f"MariaDB: {done.stderr}")

    def write_catalogue(self) -> None:
        """Write the endpoints straight into keystone's table, before it starts: the ports are this run's."""
        rows = []
        for service in SERVICES:
            for kind in ("public", "internal", "admin"):
                key = uuid.uuid5(uuid.NAMESPACE_URL, f"{service} {kind}").hex
                rows.append(
                    "insert into endpoint (id, interface, service_id, url, extra, enabled, region_id) select "
                    f"'{key}', '{kind}', id, '{self.layout.endpoint(service)}', '{{}}', 1, '{conf.REGION}' "
                    f"from service where type = '{service}';"
                )
        self.sql(f"use keystone; delete from endpoint; {''.join(rows)}")

    def wake_nova(self) -> None:
        """Let nova take its agents of long ago for alive: their first report comes some seconds after their start."""
        self.sql("update nova.services set last_seen_up = utc_timestamp();")

    def start_api(self, *services: str) -> None:
        """Start APIs; `wait_for_api` waits for them."""
        python = self.layout.venv / "bin/python"
        for service in services:
            module, *rest = APPLICATIONS[service]
            port = str(self.layout.ports[service])
            self.start(f"{service}-api", [python, INSIDE / "hanse_serve.py", self.layout.run, module, port, *rest])

    def wait_for_api(self, *services: str) -> None:
        """Wait until APIs answer."""
        for service in services:
            self.wait(service, lambda service=service: answers(self.layout.url(service)), f"{service}-api")

    def wait_for_rabbitmq(self) -> None:
        """Wait until RabbitMQ can be connected to."""
        self.wait("RabbitMQ", lambda: listens(self.layout.ports["rabbit"]), "rabbitmq")

    def start_nova(self) -> None:
        """Start conductor and scheduler."""
        for name in ("nova-conductor", "nova-scheduler"):
            self.start(name, self.tool(name, "--config-file", str(self.layout.etc / "nova/nova.conf")))

    def start_compute(self, number: int) -> None:
        """Start a compute host's agent."""
        state = self.layout.run / f"state/compute-{number}"
        state.mkdir(parents=True, exist_ok=True)
        (state / "ready").unlink(missing_ok=True)
        file = self.layout.etc / f"nova/compute-{number}.conf"
        log = self.layout.run / f"log/nova-compute-{number}.log"
        command = [self.layout.venv / "bin/python", INSIDE / "hanse_compute.py"]
        self.start(f"nova-compute-{number}", [*command, f"--config-file={file}", f"--log-file={log}"])

    def wait_for_compute(self, number: int) -> None:
        """Wait until a compute host's agent listens."""
        ready = self.layout.run / f"state/compute-{number}/ready"
        self.wait(f"nova-compute {number}", ready.exists, f"nova-compute-{number}")


def free_ports() -> dict[str, int]:
    """A free port on loopback for every part."""
    names = (*SERVICES, "rabbit", "distribution", "epmd")
    return {name: free_port() for name in names}


def listens(port: int) -> bool:
    """Whether somebody listens at a port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(url: str) -> bool:
    """Whether a service answers, whatever it says."""
    with suppress(OSError):
        return ask("GET", f"{url}/")[0] < 500
    return False


def _places(commands: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """Where each command's words are among all: (first, number), counted from 1."""
    places, first = [], 1
    for command in commands:
        places.append((first, len(command)))
        first += len(command)
    return places
