"""Files that SOPS has encrypted for age keys, decrypted by the program itself, which checks that nothing was changed.

Such a file names the services that hold its key. Only age is taken: with any other, whoever may write the file could
make the reconciler call an address of their choice. The program gets no environment but what it needs.

Whoever may read such a file may copy it to where his own manifests may name it. A file with the value ``hanse_file``
(its path, encrypted like the rest) is read from that place alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from reconciler.drivers.secrets.kept import Kept
from reconciler.errors import Terminal, Transient
from reconciler.model import digest_of
from reconciler.model.secret import SopsRef
from reconciler.ports.secrets import SopsOptions

_LARGEST: Final = 1 << 20
_SECONDS: Final = 30.0
_HANDED_ON: Final = ("SOPS_AGE_KEY_FILE", "SOPS_AGE_KEY", "SOPS_AGE_SSH_PRIVATE_KEY_FILE")
_CHANGED: Final = (25, 51, 52)
"""Exit codes of sops: a value is not what was encrypted, the MAC does not fit, there is no MAC."""
_NO_KEY: Final = 128
_HOLDERS: Final = frozenset({"age", "key_groups"})
_LINE: Final = "sops_"
PLACE: Final = "hanse_file"
"""A value that says where the file stands."""


class Sops:
    """Reads values of encrypted files."""

    def __init__(
        self, options: SopsOptions, environment: Mapping[str, str], committed: Callable[[str], bytes], kept: Kept
    ) -> None:
        self._options, self._environment = options, environment
        self._committed, self._kept = committed, kept

    def read(self, reference: SopsRef) -> str:
        """One value. Raises Terminal naming file and key, and what to do."""
        content = self._content(reference.file)
        tree = self._kept.get(digest_of(content), lambda: self._decrypted(reference.file, content))
        _in_place(tree, reference.file)
        return _picked(tree, reference)

    def _content(self, file: str) -> bytes:
        if not file.startswith("/"):
            return self._committed(file)
        try:
            with Path(file).open("rb") as opened:
                content = opened.read(_LARGEST + 1)
        except OSError as error:
            raise Terminal(f"the encrypted file {file} cannot be read: {error.strerror}") from error
        if len(content) > _LARGEST:
            raise Terminal(f"the encrypted file {file} is over {_LARGEST} bytes")
        return content

    def _decrypted(self, file: str, content: bytes) -> Any:
        _only_age(file, content)
        asked = ["decrypt", "--output-type", "json", "--filename-override", f"secret{Path(file).suffix or '.env'}"]
        given = {name: self._environment[name] for name in _HANDED_ON if name in self._environment}
        if self._options.age_key_file:
            given = {"SOPS_AGE_KEY_FILE": self._options.age_key_file}
        try:
            done = subprocess.run(
                [program(self._options), *asked],
                input=content,
                env={"PATH": os.defpath, **given},
                cwd="/",
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Transient(f"{file}: sops has not decrypted it in {_SECONDS:g} s") from error
        except OSError as error:
            raise Terminal(f"{file}: sops cannot be started: {error.strerror}") from error
        if done.returncode:
            raise Terminal(f"{file}: {_why(done.returncode, done.stderr)}")
        return json.loads(done.stdout)


def program(options: SopsOptions) -> str:
    """Where sops is. Raises Terminal where there is none."""
    beside = Path(sys.executable).with_name("sops")
    found = options.program or shutil.which("sops") or (str(beside) if beside.exists() else "")
    if not found:
        raise Terminal("there is no sops: pip install 'hanse[secrets]', or name it in [sops] program")
    return found


def _why(code: int, said: bytes) -> str:
    """What an exit code means. The program's own words may hold pieces of the file."""
    if code in _CHANGED:
        return "it was changed since it was encrypted (MAC mismatch): restore it, or encrypt it anew with sops"
    if code == _NO_KEY:
        return "no age key of the reconciler can decrypt it: name the key in [sops] age_key_file, or add its recipient"
    if b"metadata not found" in said:
        return "it is not encrypted by SOPS: sops encrypt --in-place, and replace the secrets that stood in it"
    return f"sops cannot decrypt it (it ended with {code}): sops decrypt says why"


def _only_age(file: str, content: bytes) -> None:
    """Raise Terminal when anything but an age key could open the file."""
    try:
        found = sorted({name for told in _metadata(file, content) for name in _others(told)})
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Terminal(f"{file}: it cannot be parsed") from error
    if found:
        raise Terminal(f"{file}: it is encrypted for {', '.join(found)}: only age keys are taken")


def _metadata(file: str, content: bytes) -> Iterator[Mapping[str, Any]]:
    if file.endswith(".env"):
        names = [line.partition("=")[0].strip() for line in content.decode().splitlines()]
        parts = (name.removeprefix(_LINE).partition("__") for name in names if name.startswith(_LINE))
        yield {name: [below] for name, _, below in parts if below}
        return
    documents = [json.loads(content)] if file.endswith(".json") else yaml.load_all(content, yaml.CSafeLoader)
    for one in documents:
        told = one.get("sops") if isinstance(one, dict) else None
        if isinstance(told, dict):
            yield told


def _others(told: Mapping[str, Any]) -> Iterator[str]:
    """Holders of keys that are not age, also inside of groups."""
    for name, value in told.items():
        if name not in _HOLDERS and isinstance(value, (list, dict)) and value:
            yield str(name)
    groups = told.get("key_groups")
    for group in groups if isinstance(groups, list) else ():
        if isinstance(group, dict):
            yield from _others(group)


def _in_place(tree: Any, file: str) -> None:
    """Raise Terminal for the copy of a file that says where it stands."""
    said = tree.get(PLACE, file) if isinstance(tree, dict) else file
    if said != file:
        raise Terminal(f"{file}: it is the copy of another file: its own {PLACE} is not this place")


def _picked(tree: Any, reference: SopsRef) -> str:
    for step in reference.steps:
        inside = isinstance(tree, dict) and step in tree
        if not inside and not (isinstance(tree, list) and step.isdecimal() and int(step) < len(tree)):
            raise Terminal(f"{reference.file} has no value {reference.key}: there is no {step}")
        tree = tree[step] if isinstance(tree, dict) else tree[int(step)]
    if isinstance(tree, (dict, list, bool)) or tree is None:
        raise Terminal(f"{reference.key} in {reference.file} is no single value")
    return str(tree)
