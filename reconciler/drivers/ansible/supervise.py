"""The process that sees one run through: ``python -m reconciler.drivers.ansible.supervise DIRECTORY LOCK``.

It is started in a session of its own and holds the file descriptor LOCK, which is locked, until it ends: that is how
others know that it lives. Secrets come through standard input and stay in memory: our vars plugin reads them from
an anonymous file, under its name in /proc. What ansible-runner would write down about environment, events and output
is switched off.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_runner import Runner, RunnerConfig

from reconciler.drivers.ansible import leftovers
from reconciler.drivers.ansible.outcome import settle
from reconciler.drivers.ansible.redact import Redactor

LAST_LINES = 5
UNTOLD = "All items completed"
"""What Ansible says of a loop that could not even include a role; the reason stands in its output alone."""
LONGEST = 600
"""Characters of a message."""


def main() -> None:
    """See the run in sys.argv[1] through."""
    directory = Path(sys.argv[1])
    os.set_inheritable(int(sys.argv[2]), False)
    os.umask(0o077)
    asked = json.loads((directory / "request.json").read_bytes())
    secrets: dict[str, str] = json.loads(sys.stdin.buffer.read())
    handle = directory.name
    scratch = leftovers.scratch(handle)
    scratch.mkdir()
    watch = threading.Timer(asked["timeout_seconds"], _out_of_time, [directory, asked["timeout_seconds"]])
    watch.daemon = True
    watch.start()
    try:
        result = _run(directory, asked, secrets, scratch)
    finally:
        watch.cancel()
        watch.join()  # once it has begun to stop us, its word is the last
        leftovers.clear(handle)
    settle(directory, result)


def _out_of_time(directory: Path, seconds: float) -> None:
    leftovers.clear(directory.name)
    settle(directory, {"state": "failed", "message": f"not finished in {seconds:g} s: stopped", "failed_hosts": {}})
    os._exit(1)


def _run(directory: Path, asked: Mapping[str, Any], secrets: Mapping[str, str], scratch: Path) -> dict[str, Any]:
    redact = Redactor(secrets.values())
    with _in_memory(secrets) as carrier:
        config = RunnerConfig(
            private_data_dir=str(directory / "private"),
            ident="run",
            playbook=asked["playbook"],
            inventory=str(directory / "inventory.json"),
            cmdline=f"-e @{directory / 'variables.json'}",
            envvars={**asked["environment"], **_places(directory, scratch), "HANSE_SECRETS": carrier},
            omit_event_data=True,
            suppress_env_files=True,
        )
        config.prepare()
        config.suppress_output_file = config.suppress_ansible_output = True
        with (directory / "output.log").open("a", encoding="utf-8") as log:

            def note(event: Mapping[str, Any]) -> bool:
                if event.get("stdout"):
                    log.write(redact(event["stdout"]) + "\n")
                    log.flush()
                return False

            _, code = Runner(config, event_handler=note).run()
    shutil.rmtree(directory / "private", ignore_errors=True)
    return _result(directory, int(code))


@contextmanager
def _in_memory(data: Any) -> Iterator[str]:
    """Data in an anonymous file that lives in memory alone; yields the name by which our children can read it."""
    descriptor = os.memfd_create("secrets")
    try:
        os.write(descriptor, json.dumps(data).encode())
        yield f"/proc/{os.getpid()}/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _places(directory: Path, scratch: Path) -> dict[str, str]:
    """Where Ansible and ssh keep what they keep: with this run and with no other."""
    return {
        "ANSIBLE_HOME": str(scratch / "home"),
        "ANSIBLE_LOCAL_TEMP": str(scratch / "tmp"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(scratch / "cp"),
        "HANSE_EVENTS": str(directory / "events.jsonl"),
    }


def _result(directory: Path, code: int) -> dict[str, Any]:
    failed: dict[str, str] = {}
    counts: dict[str, dict[str, int]] = {}
    for line in _lines(directory / "events.jsonl"):
        event = json.loads(line)
        if "host" in event:
            failed[event["host"]] = event["said"]
        counts = event.get("counts", counts)
    # A failure that the playbook rescued is none: the counts at the end decide.
    complaint = _complaint(_lines(directory / "output.log"))
    hosts = {
        host: said.replace(UNTOLD, complaint)
        for host, said in failed.items()
        if _lost(counts.get(host, {"failures": 1}))
    }
    if code == 0:
        return {"state": "successful", "message": _summary(counts), "failed_hosts": {}}
    said = _summary(counts) if hosts else complaint
    return {"state": "failed", "message": said or f"ansible-playbook ended with {code}", "failed_hosts": hosts}


def _complaint(lines: list[str]) -> str:
    """What Ansible said that made it stop before any host was asked."""
    errors = [line for line in lines if line.startswith(("ERROR", "[ERROR]"))]
    return " / ".join(dict.fromkeys(errors or lines[-LAST_LINES:]))[:LONGEST]


def _lost(counts: Mapping[str, int]) -> bool:
    return bool(counts.get("failures") or counts.get("unreachable"))


def _summary(counts: Mapping[str, Mapping[str, int]]) -> str:
    sums = {what: sum(c.get(what, 0) for c in counts.values()) for what in ("ok", "changed", "unreachable", "failures")}
    return ", ".join(f"{what} {number}" for what, number in sums.items())


def _lines(file: Path) -> list[str]:
    if not file.exists():
        return []
    return [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


if __name__ == "__main__":
    main()
