"""The process that keeps the cloud: it starts the control plane, and stops it when nobody uses it any more.

It is started by whoever comes first (`fixture`). Users hold a shared lock on ``users``: the kernel lets go of it when
they end, however they end. The keeper's own end takes all its processes along. Everything of one run is below
``PLACE``; only software and seeds (the state of a cloud that has just been made) are kept, in the user's cache.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import socket
import tempfile
import time
from contextlib import closing, suppress
from ipaddress import IPv4Network
from pathlib import Path
from types import FrameType

from joserfc.jwk import RSAKey

from reconciler.drivers.namespace import machine
from reconciler.drivers.namespace.network import Network
from reconciler.drivers.namespace.rootfs import ready_root
from reconciler.errors import HanseError
from reconciler.model import digest_of
from tests.real.openstack import conf, filling, seeding, software
from tests.real.openstack.conf import COMPUTES, SERVICES, Layout
from tests.real.openstack.filling import SUBNET
from tests.real.openstack.plane import Plane, free_ports
from tests.real.openstack.rest import Administrator

PLACE = Path(tempfile.gettempdir()) / "hanse-openstack"
"""Of the one cloud on this machine."""
LOCK, USERS, FACTS, FAILURE, SOCKET = "lock", "users", "cloud.json", "failure", "keeper.sock"
NETWORK = Network(digest_of(b"hanse-openstack"), IPv4Network(SUBNET))
"""Of that cloud, wherever it lies: a bridge that somebody's end has left is taken up again."""
ROUND_SECONDS = 0.25


class Keeper:
    """The cloud below ``place``."""

    def __init__(self, place: Path, linger: float) -> None:
        self.place, self.linger = place, linger
        self.run = place / "run"
        self.began = time.monotonic()
        self.plane = Plane(Layout(self.run, software.environment(), free_ports()))
        self.ending = False

    def keep(self) -> None:
        """Bring the cloud up, keep it while it is used, and take it down."""
        try:
            self._fresh()
            seed = self._seed()
            self._come_up(seed)
            self._publish()
            self._serve()
        except BaseException:
            shutil.rmtree(self.place / "failed-log", ignore_errors=True)
            shutil.copytree(self.run / "log", self.place / "failed-log", ignore_dangling_symlinks=True)
            raise
        finally:
            self._take_down()

    # ---- coming up

    def _seed(self) -> Path:
        """A copy of a cloud that has just been made; made now when there is none."""
        seed = seeding.seed()
        if not seed.exists():
            plane = self.plane
            self._lay_out()
            plane.start_rabbitmq()
            plane.start_mariadb()
            seeding.make_databases(plane)
            self._say("databases are made")
            plane.start_api("identity")
            plane.wait_for_api("identity")
            admin = Administrator({service: plane.layout.endpoint(service) for service in SERVICES})
            filling.fill_identity(admin)
            plane.write_catalogue()
            self._start_the_rest()
            filling.fill_cloud(admin)
            seeding.discover_hosts(plane)
            plane.stop_all()
            seeding.keep(self.run, seed)
            self._fresh()
            self._say("a seed is made")
        return seed

    def _come_up(self, seed: Path) -> None:
        plane = self.plane
        self.run.mkdir(mode=0o700, exist_ok=True)
        seeding.copy(seed, self.run)
        self._lay_out()
        plane.start_rabbitmq()
        plane.start_mariadb()
        self._say("MariaDB is up")
        plane.write_catalogue()
        plane.start_api("identity")
        self._start_the_rest()

    def _start_the_rest(self) -> None:
        plane, started = self.plane, time.time()
        plane.start_api("placement", "network")
        plane.start_nova()
        plane.start_api("compute", "image")
        plane.wait_for_api("identity", "placement")
        for number in COMPUTES:
            plane.start_compute(number)
        plane.wait_for_rabbitmq()
        self._say("RabbitMQ is up")
        plane.wait_for_api(*SERVICES)
        self._say("APIs answer")
        admin = Administrator({service: plane.layout.endpoint(service) for service in SERVICES})
        plane.wait("nova-scheduler", lambda: reported(admin, "nova-scheduler", started), "nova-scheduler")
        for number in COMPUTES:
            plane.wait_for_compute(number)
        plane.wake_nova()
        self._say("nova's agents are up")

    def _lay_out(self) -> None:
        """Write configuration, keys, and what nova's driver needs to know."""
        self.run.mkdir(mode=0o700, exist_ok=True)
        conf.write(self.plane.layout)
        keys = self.run / "keys"
        keys.mkdir(exist_ok=True)
        if not (keys / "jwks.json").exists():
            key = RSAKey.generate_key(2048, {"kid": "test"})
            (keys / "idp.json").write_text(json.dumps(key.as_dict(private=True)))
            (keys / "jwks.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
        root = ready_root(software.cache() / "roots")
        facts = {"network": NETWORK.id, "subnet": SUBNET, "root": str(root)}
        (self.run / "machines.json").write_text(json.dumps(facts))
        NETWORK.raise_bridge()

    def _publish(self) -> None:
        layout = self.plane.layout
        facts = {
            "endpoints": {service: layout.endpoint(service) for service in SERVICES},
            "subnet": SUBNET, "run": str(self.run), "keeper": os.getpid(),
        }  # fmt: skip
        temporary = self.place / f"{FACTS}.new"
        temporary.write_text(json.dumps(facts))
        temporary.rename(self.place / FACTS)
        self._say("ready")

    # ---- being there

    def _serve(self) -> None:
        """Do what users ask for, until there are none."""
        file = self.place / SOCKET
        file.unlink(missing_ok=True)
        with closing(socket.socket(socket.AF_UNIX)) as door:
            door.bind(str(file))
            door.listen()
            last_use = time.monotonic()
            while not self.ending:
                if select.select([door], [], [], ROUND_SECONDS)[0]:
                    self._do(door.accept()[0])
                if self._is_used():
                    last_use = time.monotonic()
                elif time.monotonic() - last_use >= self.linger:
                    self._end_unless_used()

    def _is_used(self) -> bool:
        with (self.place / USERS).open("a") as users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _end_unless_used(self) -> None:
        """Nobody comes in between: who comes waits for the lock, which is held to the end, and starts another keeper."""
        self._door = (self.place / LOCK).open("a")
        try:
            fcntl.flock(self._door, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._door.close()
            return
        if self._is_used():
            self._door.close()
            return
        (self.place / FACTS).unlink(missing_ok=True)
        self.ending = True

    def _do(self, user: socket.socket) -> None:
        """``stop NAME`` and ``start NUMBER``, of compute hosts."""
        with closing(user), suppress(OSError):
            user.settimeout(5)
            verb, number = user.recv(100).decode().split()
            name = f"nova-compute-{int(number)}"
            if name in self.plane.processes:
                self.plane.stop(name, how=signal.SIGKILL)
            if verb == "start":
                self.plane.start_compute(int(number))
                self.plane.wait_for_compute(int(number))
                self.plane.wake_nova()
            user.sendall(b"done")

    # ---- going

    def end(self, signum: int, frame: FrameType | None) -> None:
        """Leave at the next round."""
        self.ending = True

    def _take_down(self) -> None:
        (self.place / FACTS).unlink(missing_ok=True)
        with suppress(KeyError):
            self.plane.stop_all()
        self._fresh()

    def _fresh(self) -> None:
        sweep(self.run)

    def _say(self, text: str) -> None:
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)


def reported(admin: Administrator, agent: str, since: float) -> bool:
    """Whether an agent of nova has reported after ``since`` (seconds of the epoch)."""
    listed = admin.call("GET", "compute", f"/os-services?binary={agent}", ok=range(400, 600))
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since))
    return isinstance(listed, dict) and any((s["updated_at"] or "") > stamp for s in listed.get("services", ()))


def sweep(run: Path) -> None:
    """Take away what is left of an earlier cloud below ``run``: processes, servers, files."""
    kill_all(str(run))
    for namespace in NETWORK.namespaces():
        machine.halt(run, namespace)
        NETWORK.remove(namespace)
    NETWORK.lower_bridge()
    shutil.rmtree(run, ignore_errors=True)


def kill_all(mark: str) -> None:
    """Kill every process with ``mark`` in its command line; it is a path of our own."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if int(entry.name) != os.getpid() and mark.encode() in (entry / "cmdline").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)


def main(arguments: list[str]) -> int:
    """Keep the cloud; what went wrong is left in the file ``failure``."""
    place = Path(arguments[0])
    os.umask(0o077)
    try:
        keeper = Keeper(place, float(arguments[1]))
        signal.signal(signal.SIGTERM, keeper.end)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        keeper.keep()
    except (HanseError, AssertionError, OSError) as error:
        (place / FAILURE).write_text(f"{type(error).__name__}: {error}")
        raise
    return 0
