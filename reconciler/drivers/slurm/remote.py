"""Commands on the front end: one SSH connection each, by the machine's own ssh."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from reconciler.drivers.slurm.options import Options
from reconciler.drivers.sshkey import own_key
from reconciler.errors import Terminal, Transient

UNREACHED = 255
"""What ssh itself ends with when there is no connection."""


def run(options: Options, script: str) -> bytes:
    """What ``script`` prints on the front end.

    Raises Transient when the front end or Slurm's controller does not answer, Terminal when it refuses.
    """
    command = ["ssh", *_arguments(options), f"{options.user}@{options.address}", *_shell(options)]
    try:
        done = subprocess.run(
            command,
            input=script.encode(),
            capture_output=True,
            check=False,
            timeout=options.connect_seconds + options.command_seconds,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"},
        )
    except FileNotFoundError as error:
        raise Terminal("ssh not found: apt-get install openssh-client") from error
    except subprocess.TimeoutExpired as error:
        said = f"{options.address}: no answer from Slurm in {options.command_seconds:g} s"
        raise Transient(said) from error
    if done.returncode:
        raise _refusal(options, done.returncode, done.stderr.decode(errors="replace").strip())
    return done.stdout


def _refusal(options: Options, code: int, said: str) -> Transient | Terminal:
    last = said.splitlines()[-1] if said else f"ended with {code}"
    if code == UNREACHED and "Permission denied" in said:
        return Terminal(f"{options.user}@{options.address}: {last}")
    if code != UNREACHED and ("Access/permission denied" in said or "Invalid user" in said):
        return Terminal(f"{options.address}: {last}")
    return Transient(f"{options.address}: {last}")


def _shell(options: Options) -> list[str]:
    return ["sh", "-s"] if options.user == "root" else ["sudo", "-n", "sh", "-s"]


def _arguments(options: Options) -> list[str]:
    """As the driver that configures: host keys are learned anew, since nodes come and go at the same addresses."""
    key = Path(options.private_key) if options.private_key else own_key(options.state)
    settings = (
        f"ConnectTimeout={max(1, round(options.connect_seconds))}",
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "GlobalKnownHostsFile=/dev/null",
        "PasswordAuthentication=no",
        "IdentitiesOnly=yes",
        "BatchMode=yes",
        "LogLevel=ERROR",
        "ServerAliveInterval=5",
        "ServerAliveCountMax=3",
    )
    given = [part for setting in settings for part in ("-o", setting)]
    return ["-F", options.ssh_config, "-T", "-i", str(key), "-p", str(options.port), *given]
