"""The reconciler's own SSH key pair: made once, allowed in by the compute drivers, used by the one that configures."""

from __future__ import annotations

import subprocess
from pathlib import Path

from reconciler.drivers.locks import locked
from reconciler.errors import Terminal

NAME = "id_ed25519"


def own_key(state: str) -> Path:
    """The private key, made when there is none; its public half stands beside it with the suffix ``.pub``.

    ``state`` is the folder of one port: the key lies in ``ssh`` beside it, so that all ports have the same.
    """
    folder = Path(state).resolve().parent / "ssh"
    key, whole = folder / NAME, folder / "whole"
    if whole.exists():
        return key
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(folder / "lock"):
        if not whole.exists():
            for half in (key, _public(key)):
                half.unlink(missing_ok=True)
            _keygen("-q", "-t", "ed25519", "-N", "", "-C", "hanse", "-f", str(key))
            whole.touch()
    return key


def public_key(private: Path) -> str:
    """The public half of a private key file. Raises Terminal when it cannot be read."""
    if _public(private).exists():
        return _public(private).read_text(encoding="utf-8").strip()
    return _keygen("-y", "-P", "", "-f", str(private)).strip()


def _public(private: Path) -> Path:
    return private.with_name(f"{private.name}.pub")


def _keygen(*arguments: str) -> str:
    try:
        done = subprocess.run(["ssh-keygen", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Terminal("ssh-keygen not found: apt-get install openssh-client") from error
    if done.returncode:
        raise Terminal(f"ssh-keygen: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
