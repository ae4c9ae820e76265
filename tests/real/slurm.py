"""A real Slurm with its accounting, on loopback: munge, MariaDB, slurmdbd, slurmctld and one node."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.real.waiting import PATIENCE

NEEDED = ("munged", "slurmdbd", "slurmctld", "slurmd", "sacct", "sbatch", "mariadbd", "mariadb-install-db", "mariadb")
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@dataclass
class SlurmServer:
    """One cluster called ``tests`` with a node of two cores; accounts ``waves`` and ``tides``."""

    root: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def run(self, *command: str, **more: str) -> str:
        """What a client command prints."""
        environment = {**os.environ, "PATH": _PATH, "SLURM_CONF": str(self.root / "slurm.conf"), **more}
        done = subprocess.run(command, env=environment, cwd=self.root, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def wait(self, ready: Callable[[], bool]) -> None:
        """Until it is so."""
        end = time.monotonic() + PATIENCE
        while not ready():
            assert time.monotonic() < end, "Slurm was not ready in time"
            time.sleep(0.1)

    def succeeds(self, *command: str) -> bool:
        """Whether a client command does."""
        try:
            self.run(*command)
        except AssertionError:
            return False
        return True

    def start(self, *command: str | Path) -> None:
        """A daemon in a session of its own."""
        with (self.root / "daemons.log").open("ab") as log:
            environment = {**os.environ, "PATH": _PATH, "SLURM_CONF": str(self.root / "slurm.conf")}
            words = [str(word) for word in command]
            made = subprocess.Popen(
                words,
                env=environment,
                cwd=self.root,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.processes.append(made)

    def stop(self) -> None:
        """End every daemon, the last first."""
        for process in reversed(self.processes):
            for sign in (signal.SIGTERM, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, sign)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(10)
                    break


@pytest.fixture(scope="session")
def slurm() -> Iterator[SlurmServer]:
    """The cluster, for all tests of a session."""
    missing = [name for name in NEEDED if shutil.which(name, path=_PATH) is None]
    missing += [] if os.geteuid() == 0 else ["root"]
    if missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"no Slurm to be had: {', '.join(missing)}")
    root = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    root.chmod(0o755)
    server = SlurmServer(root)
    try:
        _up(server)
        yield server
    finally:
        server.stop()
        shutil.rmtree(root, ignore_errors=True)


def _up(server: SlurmServer) -> None:
    root = server.root
    for name in ("state", "spool", "run", "munge", "db"):
        (root / name).mkdir()
    _munge(server)
    ports = _ports(4)
    _database(server, ports[0])
    _configure(root, *ports)
    for name in ("state", "run", "slurmdbd.conf"):
        shutil.chown(root / name, "slurm")
    server.start("slurmdbd", "-D")
    server.wait(lambda: server.succeeds("sacctmgr", "-n", "list", "cluster"))
    server.run("sacctmgr", "-i", "add", "cluster", "tests")
    for account in ("waves", "tides"):
        server.run("sacctmgr", "-i", "add", "account", account, "Description=tests", "Organization=tests")
        server.run("sacctmgr", "-i", "add", "user", "root", f"account={account}")
    server.start("slurmctld", "-D")
    server.wait(lambda: server.succeeds("scontrol", "ping"))
    server.start("slurmd", "-D", "-N", "n1")
    server.wait(lambda: server.run("sinfo", "-h", "-t", "idle", "-o", "%D").strip() == "1")


def _munge(server: SlurmServer) -> None:
    folder = server.root / "munge"
    (folder / "key").write_bytes(os.urandom(1024))
    (folder / "key").chmod(0o400)
    user = pwd.getpwnam("munge")
    for path in (folder, folder / "key"):
        os.chown(path, user.pw_uid, user.pw_gid)
    options = {"socket": "socket", "key-file": "key", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    told = [f"--{name}={folder / file}" for name, file in options.items()]
    server.start("runuser", "-u", "munge", "--", "munged", "--foreground", "--force", *told)
    server.wait((folder / "socket").exists)


def _database(server: SlurmServer, port: int) -> None:
    folder = server.root / "db"
    here = ["--no-defaults", "--user=root", f"--datadir={folder}"]
    server.run("mariadb-install-db", *here, "--auth-root-authentication-method=socket", "--skip-test-db")
    listen = [f"--socket={folder / 'sock'}", f"--port={port}", "--bind-address=127.0.0.1"]
    server.start("mariadbd", *here, *listen, "--innodb-lock-wait-timeout=900")
    client = ("mariadb", "--no-defaults", "-uroot", "-S", str(folder / "sock"), "-e")
    server.wait(lambda: server.succeeds(*client, "select 1"))
    rights = "create user slurm@'127.0.0.1' identified by 'tests'; grant all on slurm.* to slurm@'127.0.0.1'"
    server.run(*client, f"create database slurm; {rights}")


def _configure(root: Path, database: int, dbd: int, ctld: int, d: int) -> None:
    auth = f"AuthType=auth/munge\nAuthInfo=socket={root}/munge/socket\n"
    (root / "slurmdbd.conf").write_text(
        f"{auth}DbdHost=localhost\nDbdAddr=127.0.0.1\nDbdPort={dbd}\nSlurmUser=slurm\n"
        f"StorageType=accounting_storage/mysql\nStorageHost=127.0.0.1\nStoragePort={database}\nStorageUser=slurm\n"
        f"StoragePass=tests\nStorageLoc=slurm\nPidFile={root}/run/slurmdbd.pid\n"
    )
    (root / "slurmdbd.conf").chmod(0o600)
    (root / "slurm.conf").write_text(
        f"{auth}ClusterName=tests\nSlurmctldHost={socket.gethostname().partition('.')[0]}(127.0.0.1)\nSlurmUser=slurm\n"
        f"SlurmctldPort={ctld}\nSlurmdPort={d}\nStateSaveLocation={root}/state\nSlurmdSpoolDir={root}/spool\n"
        f"SlurmctldPidFile={root}/run/slurmctld.pid\nSlurmdPidFile={root}/run/slurmd.pid\n"
        "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nJobAcctGatherType=jobacct_gather/linux\n"
        "JobAcctGatherFrequency=1\nSelectType=select/cons_tres\nSelectTypeParameters=CR_Core\n"
        "SlurmdParameters=config_overrides\nReturnToService=2\nMpiDefault=none\nMailProg=/bin/true\n"
        f"AccountingStorageType=accounting_storage/slurmdbd\nAccountingStorageHost=127.0.0.1\n"
        f"AccountingStoragePort={dbd}\nAccountingStoragePass={root}/munge/socket\n"
        "SchedulerParameters=batch_sched_delay=0,bf_interval=1\n"
        "NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN\n"
        "PartitionName=main Nodes=n1 Default=YES MaxTime=INFINITE State=UP\n"
    )


def _ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports
