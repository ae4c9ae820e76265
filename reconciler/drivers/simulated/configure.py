"""The configure port of the simulated cloud: playbook runs that take time, fail, and leave their mark on hosts."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

import orjson

from reconciler.drivers.simulated.caller import Caller
from reconciler.drivers.simulated.faults import draw
from reconciler.drivers.simulated.options import Fault
from reconciler.errors import Terminal
from reconciler.model import Target, digest_of, encode
from reconciler.ports import Configure, Drivers, Host, RunRequest, RunState


def open(target: Target, drivers: Drivers) -> Configure:  # noqa: A001
    """What runs playbooks on the nodes of ``target``: the simulated cloud itself. Raises Terminal for any other."""
    cloud = drivers.compute(target)
    if not isinstance(cloud, SimulatedConfigure):
        message = f"{target.id}: only a simulated cloud has simulated playbook runs"
        raise Terminal(message)
    return cloud


class SimulatedConfigure(Caller):
    """Runs playbooks on the nodes of one world, without looking into them."""

    def start(self, request: RunRequest) -> str:
        """Begin a run; hosts that do not answer fail at once, as they do in Ansible."""
        now = self.clock.now()

        def begin(db: sqlite3.Connection, number: int, fault: Fault | None) -> str:
            handle = f"run-{number}"
            hosts = [{"name": h.name, "address": h.address, "node": _node_id(db, h)} for h in request.hosts]
            failed = {h.name: why for h in request.hosts if (why := self._silence(db, h, now))}
            if fault is not None and fault.kind == "task" and hosts:
                victim = hosts[int(draw(self.simulate.seed, "task", number) * len(hosts))]["name"]
                failed[str(victim)] = "TASK [simulated : A task that fails]: non-zero return code"
            state = "lost" if fault is not None and fault.kind == "lost-run" else "running"
            values = (handle, request.playbook, encode(hosts), variables_digest(request), state, encode(failed))
            db.execute(
                "INSERT OR REPLACE INTO run (handle, playbook, hosts, digest, state, failed, ends_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*values, now + self.simulate.configure_seconds),
            )
            return handle

        return self.call("run", begin)

    def poll(self, handle: str) -> RunState:
        """How the run stands; ``lost`` when this world knows nothing of it."""
        now = self.clock.now()

        def ask(db: sqlite3.Connection, _number: int, fault: Fault | None) -> RunState:
            lost = fault is not None and fault.kind == "lost-run"
            query = "SELECT playbook, hosts, digest, ends_at, state, failed FROM run WHERE handle = ?"
            row = db.execute(query, (handle,)).fetchone()
            if row is None or lost or row[4] == "lost":
                return RunState("lost", f"nothing is known of {handle}")
            if row[4] == "running" and row[3] <= now:
                return _end(db, handle, row[0], orjson.loads(row[1]), row[2], orjson.loads(row[5]))
            return _state(row[4], orjson.loads(row[5]))

        return self.call("poll", ask)

    def cancel(self, handle: str) -> None:
        """Stop a run; one that has ended stays as it is."""
        statement = "UPDATE run SET state = 'cancelled' WHERE handle = ? AND state = 'running'"
        with self.world.write() as db:
            db.execute(statement, (handle,))

    def reachable(self, hosts: Sequence[Host]) -> Mapping[str, str]:
        """Host name -> "" when its SSH port answers, else why not."""
        now = self.clock.now()
        return self.call("reachable", lambda db, *_: {host.name: self._silence(db, host, now) for host in hosts})

    def _silence(self, db: sqlite3.Connection, host: Host, now: float) -> str:
        query = "SELECT state, running_at FROM node WHERE {} AND (gone_at IS NULL OR gone_at > ?)"
        public = "id = (SELECT node FROM published WHERE address = ?)"
        by_own = db.execute(query.format("address = ?"), (host.address, now)).fetchone()
        row = by_own or db.execute(query.format(public), (host.address, now)).fetchone()
        if row is None:
            return "" if self.simulate.any_host else "No route to host"
        if row[0] != "running" or row[1] > now:
            return "Connection timed out"
        return "" if row[1] + self.simulate.ssh_seconds <= now else "Connection refused"


def variables_digest(request: RunRequest) -> str:
    """Digest of what a run is given: variables, and the names of its secrets but never their values."""
    return digest_of(encode({"variables": request.variables, "secrets": sorted(request.secrets)}))


def _node_id(db: sqlite3.Connection, host: Host) -> str:
    row = db.execute("SELECT id FROM node WHERE address = ? AND gone_at IS NULL", (host.address,)).fetchone()
    return row[0] if row else ""


def _end(
    db: sqlite3.Connection,
    handle: str,
    playbook: str,
    hosts: list[dict[str, str]],
    digest: str,
    failed: dict[str, str],
) -> RunState:
    there = {row[0] for host in hosts for row in db.execute("SELECT id FROM node WHERE id = ?", (host["node"],))}
    failed |= {host["name"]: "UNREACHABLE" for host in hosts if host["node"] and host["node"] not in there}
    state = "failed" if failed else "successful"
    db.execute("UPDATE run SET state = ?, failed = ? WHERE handle = ?", (state, encode(failed), handle))
    done = [(host["name"], playbook, digest, host["node"]) for host in hosts if host["name"] not in failed]
    db.executemany("INSERT OR REPLACE INTO configured VALUES (?, ?, ?, ?)", done)
    return _state(state, failed)


def _state(state: str, failed: dict[str, str]) -> RunState:
    match state:
        case "running":
            return RunState("running")
        case "successful":
            return RunState("successful")
        case "cancelled":
            return RunState("failed", "cancelled")
        case _:
            return RunState("failed", "; ".join(f"{host}: {why}" for host, why in sorted(failed.items())), failed)
