"""The check port through the Monitoring Plugins (the Nagios plugins) that every distribution carries.

Options: ``path`` (their folder), ``folders`` (others, by what metric templates call them), ``allow`` (the names that
may be run), ``grace_seconds`` (how long a plugin may outstay its own time-out before it is killed). Plugins run without
a shell, in a process group of their own, with a bare environment.
"""

from __future__ import annotations

import errno
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit

from pydantic import Field

from reconciler import network
from reconciler.drivers.options import checked
from reconciler.drivers.plugin_output import apart, performance, split, verdict
from reconciler.model import Strict, Target
from reconciler.ports import Checker, CheckResult, CheckStatus, Drivers
from reconciler.ports.check import STANDARD_PLUGINS

_STATUSES: Final[dict[int, CheckStatus]] = {0: "OK", 1: "WARNING", 2: "CRITICAL", 3: "UNKNOWN"}
_MAX_OUTPUT: Final = 64 * 1024
"""Octets that are kept of what a plugin prints."""
_LOOK: Final = 0.005
"""Seconds between looks at a plugin that has printed all and is about to end."""
_NOT_A_CHECK: Final = ("--help", "--version", "--usage")
"""Asked for one of these (or an abbreviation of it), a plugin prints a text and exits as if it were UNKNOWN."""
_ENVIRONMENT: Final = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
_USUAL: Final = ("/usr/lib64/nagios/plugins", "/usr/lib/nagios/plugins")
"""Where metric templates expect the plugins that every distribution has."""
_HOST: Final = re.compile(
    r"localhost|\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]+\]?|(0x)?[0-9A-Fa-f]{8,12}|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.[A-Za-z][A-Za-z0-9-]*\.?"
    r"|([0-9A-Fa-fx]+\.){3}[0-9A-Fa-fx]+"
)
"""What may be an address, or a name with a domain."""
_TAKE_HOST: Final = frozenset(
    {"-H", "-I", "-s", "-h", "--hostname", "--host", "--IP-address", "--server", "--url", "-u"}
)
"""Options of plugins behind which a host stands."""
_PACKAGES: Final = "apt-get install monitoring-plugins-basic monitoring-plugins-standard"


class Options(Strict):
    """Which plugins, and where."""

    path: str = "/usr/lib/nagios/plugins"
    folders: dict[str, str] = Field(default_factory=dict)
    """Folder that metric templates name -> folder of this machine, beside that of ``path``."""
    allow: tuple[str, ...] | list[str] = STANDARD_PLUGINS
    grace_seconds: float = Field(default=2.0, gt=0)


def open(target: Target, drivers: Drivers) -> Checker:  # noqa: A001, ARG001
    """The plugins of this machine. Threads may share it."""
    options = checked(target, Options)
    folders = {**dict.fromkeys(_USUAL, options.path), **options.folders}
    known = {name.rstrip("/"): Path(folder) for name, folder in folders.items()}
    return Plugins(Path(options.path), frozenset(options.allow), options.grace_seconds, known)


@dataclass(frozen=True)
class Plugins:
    """Runs plugins of one folder. ``grace`` is in seconds."""

    folder: Path
    allowed: frozenset[str]
    grace: float = 2.0
    folders: Mapping[str, Path] = field(default_factory=dict)
    """Folder that metric templates name -> folder of this machine."""

    def check(self, plugin: str, arguments: Sequence[str], timeout_seconds: float) -> CheckResult:
        """Run one plugin; ``timeout_seconds`` becomes its ``-t`` unless ``arguments`` have one, or it is a path."""
        whole, (where, _, plugin) = plugin.startswith("/"), plugin.rpartition("/")
        if where and not whole:
            return CheckResult("UNKNOWN", f"{where}/{plugin} may not be run: give a name, or a whole path")
        folder = self.folders.get(where.rstrip("/")) if whole else self.folder
        if folder is None:
            return CheckResult("UNKNOWN", f"{where} is no folder that the operator knows: name it in folders")
        refusal = self._refusal(folder, plugin, arguments)
        if refusal:
            return CheckResult("UNKNOWN", refusal)
        limit = (
            []
            if whole or any(_is(a, "--timeout", "-t") for a in arguments)
            else ["-t", str(max(1, round(timeout_seconds)))]
        )
        command = [str(folder / plugin), *limit, *arguments]
        begun = time.monotonic()
        try:
            run = _run(command, begun + timeout_seconds + self.grace)
        except OSError as error:
            return CheckResult("UNKNOWN", f"{plugin} cannot be started: {os.strerror(error.errno or errno.EIO)}")
        return run.result(plugin, time.monotonic() - begun)

    def _refusal(self, folder: Path, plugin: str, arguments: Sequence[str]) -> str:
        if plugin not in self.allowed:
            return f"{plugin} may not be run: the operator allows {', '.join(sorted(self.allowed))}"
        if not _installed(folder / plugin):
            return f"{plugin} is not installed in {folder}: {_PACKAGES}"
        for argument in arguments:
            if "\0" in argument:
                return "an argument holds a NUL character"
            if _is(argument, "--extra-opts"):
                return "--extra-opts reads arguments from files of this machine: give them in the manifest"
            if any(_is(argument, word) for word in _NOT_A_CHECK) or argument in ("-h", "-V"):
                return f"{argument} asks for a text and checks nothing"
        return _unreachable(arguments)


def _unreachable(arguments: Sequence[str]) -> str:
    """Why a plugin may not go where its arguments lead; names are looked up only where the operator narrows it."""
    for host in hosts(arguments):
        try:
            network.resolved(host) if network.is_strict() else network.check(host)
        except network.Refused as refused:
            return str(refused)
    return ""


def hosts(arguments: Sequence[str]) -> Iterator[str]:
    """Everything in arguments that may be a host: words, values behind ``=`` or a letter, and hosts of URLs.

    Short numbers are ports and thresholds, and hosts only behind an option that takes one.
    """
    for before, argument in zip(("", *arguments), arguments, strict=False):
        option, _, value = argument.partition("=")
        attached = argument[2:] if argument.startswith("-") else ""
        named = (before in _TAKE_HOST, option in _TAKE_HOST, argument[:2] in _TAKE_HOST)
        for word, surely in zip((argument, value, attached), named, strict=True):
            inside = urlsplit(word).hostname if "://" in word and _parts(word) else None
            found = (inside, word.partition(":")[0], word)
            yield from (host for host in found if host and (surely or inside == host or _HOST.fullmatch(host)))


def _parts(word: str) -> bool:
    try:
        return bool(urlsplit(word).netloc)
    except ValueError:
        return False


def _installed(plugin: Path) -> bool:
    return os.access(plugin, os.X_OK) and plugin.is_file()


@dataclass(frozen=True, slots=True)
class _Run:
    """How one process ended. ``code`` is None when it was killed for its time."""

    code: int | None
    output: str
    errors: str

    def result(self, plugin: str, seconds: float) -> CheckResult:
        own, others = apart(self.output if self.output.strip() else self.errors)
        lines, data = split(own)
        if self.code is None:
            return CheckResult("UNKNOWN", f"{plugin} did not end by itself within {seconds:.1f} s: killed", (), seconds)
        if self.code not in _STATUSES:
            how = f"ended by {_signal(-self.code)}" if self.code < 0 else f"ended with {self.code}, which is no status"
            said = f": {lines[0]}" if lines else ""
            return CheckResult("UNKNOWN", f"{plugin} {how}{said}", (), seconds)
        status = _STATUSES[self.code]
        said = verdict(lines, status) or f"{plugin} said nothing"
        return CheckResult(status, said, performance(data), seconds, others)


def _run(command: list[str], until: float) -> _Run:
    """Run to the end or until ``until``, then kill the whole process group, what the plugin started included."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=_ENVIRONMENT,
        cwd="/",
    ) as process:
        output = errors = ""
        try:
            output, errors = _printed(process, until)
            ended = _ended(process, until)
        except TimeoutError:
            ended = False
        finally:
            # Not reaped yet, so the number is still its own, and its group's: whatever it left behind goes too.
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        return _Run(code if ended else None, output, errors)


def _ended(process: subprocess.Popen[bytes], until: float) -> bool:
    """Whether it ended by itself in time; it is looked at and not reaped."""
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK)
    return True


def _printed(process: subprocess.Popen[bytes], until: float) -> tuple[str, str]:
    """What it prints until it closes both; only the beginning is kept. Raises TimeoutError."""
    kept: dict[int, bytearray] = {}
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            _watch(selector, stream, kept)
        while selector.get_map():
            ready = selector.select(max(0.0, until - time.monotonic()))
            if not ready or time.monotonic() >= until:
                raise TimeoutError
            for key, _ in ready:
                part = os.read(key.fd, 65536)
                if not part:
                    selector.unregister(key.fileobj)
                kept[key.fd] += part[: max(0, _MAX_OUTPUT - len(kept[key.fd]))]
    output, errors = (bytes(one).decode(errors="replace") for one in kept.values())
    return output, errors


def _watch(selector: selectors.BaseSelector, stream: IO[bytes] | None, kept: dict[int, bytearray]) -> None:
    if stream is not None:
        selector.register(stream, selectors.EVENT_READ)
        kept[stream.fileno()] = bytearray()


def _is(argument: str, long: str, short: str = "") -> bool:
    """Whether ``argument`` is the option: in full, abbreviated as getopt allows, or joined with its value."""
    name = argument.partition("=")[0]
    if name.startswith("--"):
        return len(name) > 2 and long.startswith(name)  # noqa: PLR2004
    return bool(short) and argument.startswith(short)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
