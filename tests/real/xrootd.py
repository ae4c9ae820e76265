"""Two real XRootD servers that take WLCG tokens and copy from one another, and the issuer of the tokens.

In a conftest: ``from tests.real.xrootd import xrootd`` (a session fixture). Elsewhere: ``with sites() as xrootd:``.
Each server trusts the issuer through a bundle that is put over the system's, in a mount namespace of its own.
"""

from __future__ import annotations

import itertools
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.real.authority import Authority
from tests.real.issuer import ANY, CLIENT, Tokens, issuer
from tests.real.ports import free_port
from tests.real.waiting import PATIENCE

NEEDED = {
    "xrootd": "xrootd-server",
    "cmsd": "xrootd-server",
    "unshare": "util-linux",
}
PLUGINS = {
    "libXrdHttpTPC-5.so": "xrootd-server-plugins",
    "libXrdAccSciTokens-5.so": "xrootd-scitokens-plugins",
}
_numbers = itertools.count(1)
_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


@dataclass
class Server:
    """One server; ``root`` is the folder on disk that ``url`` (``https://host:port/vo``) shows."""

    name: str
    host: str
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    command: Sequence[str] = ()

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}/vo"

    @property
    def root(self) -> Path:
        return self.folder / "data/vo"

    @property
    def log(self) -> str:
        file = self.folder / "log" / self.name / "xrootd.log"
        file = file if file.exists() else self.folder / "log/xrootd.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def start(self) -> None:
        """Start it; it answers when this returns."""
        own = {"HOME": str(self.folder), "XDG_CACHE_HOME": str(self.folder / "cache"), "PATH": os.environ["PATH"]}
        own["X509_CERT_DIR"] = str(self.folder / "certificates")
        for _ in range(3):
            with (self.folder / "out").open("wb") as out:
                self.process = subprocess.Popen(self.command, stdout=out, stderr=out, env=own, start_new_session=True)
            if self._answers():
                return
            self.stop()
        raise RuntimeError(f"xrootd did not come up: {self.log[-2000:]}{(self.folder / 'out').read_text()[-2000:]}")

    def _answers(self) -> bool:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process is not None and self.process.poll() is None:
            with suppress(OSError), socket.create_connection((self.host, self.port), 5):
                return True
            time.sleep(0.05)
        return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it; its files stay."""
        if self.process is not None:
            _terminate(self.process, how)
            self.process = None


@dataclass
class XRootD:
    """The servers and what they have in common."""

    authority: Authority
    tokens: Tokens
    servers: dict[str, Server] = field(default_factory=dict)

    def options(self, server: str, folder: str = "") -> dict[str, Any]:
        """Options of the webdav driver; the client's secret is expected in ``HANSE_TEST_CLIENT``."""
        there = self.servers[server]
        return {
            "url": f"{there.url}/{folder}" if folder else there.url,
            "ca": str(self.authority.file),
            "token": {
                "issuer": self.tokens.url,
                "client_id": CLIENT,
                "client_secret": {"env": "HANSE_TEST_CLIENT"},
                "base": "/vo",
            },
        }

    def folder(self, server: str) -> str:
        """A new folder at a server, for one test alone."""
        name = f"test-{os.getpid()}-{next(_numbers)}"
        path = self.servers[server].root / name
        path.mkdir()
        shutil.chown(path, "xrootd", "xrootd")
        return name


def _terminate(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, how)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


def missing() -> str:
    """What this machine lacks, in words; "" when it lacks nothing."""
    if platform.system() != "Linux" or os.geteuid() != 0:
        return "XRootD with tokens needs root on Linux"
    library = Path("/usr/lib") / f"{platform.machine()}-linux-gnu"
    lacking = {package for program, package in NEEDED.items() if shutil.which(program) is None}
    lacking |= {package for name, package in PLUGINS.items() if not (library / name).exists()}
    return f"not installed: {', '.join(sorted(lacking))}" if lacking else ""


@pytest.fixture(scope="session")
def xrootd() -> Iterator[XRootD]:
    """Two servers on loopback, ``a`` and ``b``, started once."""
    lacking = missing()
    if lacking:
        pytest.fail(lacking) if os.environ.get("CI") == "true" else pytest.skip(lacking)
    with sites() as running:
        yield running


@contextmanager
def sites(names: Sequence[str] = ("a", "b")) -> Iterator[XRootD]:
    """Servers on loopback, their issuer and their authority; everything is gone in the end."""
    with ExitStack() as open_:
        place = Path(open_.enter_context(tempfile.TemporaryDirectory(prefix="hanse-xrootd-")))
        place.chmod(0o755)
        authority = Authority(place / "authority")
        tokens = open_.enter_context(issuer(authority, place / "issuer"))
        found = XRootD(authority, tokens)
        for name in names:
            found.servers[name] = server(place / name, name, authority, tokens, "localhost", free_port())
            open_.callback(found.servers[name].stop)
            found.servers[name].start()
        yield found


@contextmanager
def redirector(data: Server, folder: Path, authority: Authority, tokens: Tokens) -> Iterator[Server]:
    """A redirector before ``data``, which is started anew as its data server. Both answer when this yields."""
    data.stop()
    manager = server(folder, "manager", authority, tokens, "localhost", free_port())
    with ExitStack() as open_:
        meet = free_port()
        for one, role in ((manager, "manager"), (data, "server")):
            _join(one, role, meet)
            open_.callback(_terminate, _cmsd(one))
            one.start()
            open_.callback(one.stop)
        _wait_for(manager, authority, tokens)
        yield manager


def _wait_for(manager: Server, authority: Authority, tokens: Tokens) -> None:
    """Return when a redirector has met a data server."""
    headers = {"Authorization": f"Bearer {tokens.mint('storage.read:/')}", "Depth": "0"}
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with requests.request(
            "PROPFIND", manager.url, headers=headers, verify=str(authority.file), allow_redirects=False, timeout=30
        ) as answer:
            if answer.is_redirect:
                return
        time.sleep(0.2)
    raise RuntimeError("the redirector knows no server")


def _join(one: Server, role: str, meet: int) -> None:
    """Give a server its part in a cluster, and its manager of names one that meets the others at port ``meet``."""
    own = one.folder / "xrootd.cfg"
    cluster = f"all.role {role}\nall.manager localhost:{meet}\n"
    text = own.read_text()
    if role == "server":  # a redirector knows one port of each server: all protocols must answer there
        text = re.sub(r"xrd.port \d+", f"xrd.port {one.port}", text).replace(f"XrdHttp:{one.port}", "XrdHttp")
    own.write_text(text + cluster)
    paths = f"all.export /vo\nall.adminpath {one.folder}/admin\nall.pidpath {one.folder}/admin\n"
    delays = "cms.allow host *\ncms.delay startup 1 servers 1 lookup 1\n"
    port = f"xrd.port {meet}\n" if role == "manager" else f"oss.localroot {one.folder}/data\n"
    (one.folder / "cmsd.cfg").write_text(cluster + paths + delays + port)
    shutil.chown(one.folder / "cmsd.cfg", "xrootd", "xrootd")


def _cmsd(one: Server) -> subprocess.Popen[bytes]:
    words = ["cmsd", "-R", "xrootd", "-n", one.name, "-l", f"{one.folder}/log/cmsd.log", "-c", f"{one.folder}/cmsd.cfg"]
    with (one.folder / "cmsd.out").open("wb") as out:
        return subprocess.Popen(words, stdout=out, stderr=out, start_new_session=True)


def server(
    folder: Path,
    name: str,
    authority: Authority,
    tokens: Tokens,
    host: str,
    port: int,
    *,
    within: Sequence[str] = ("unshare", "-m"),
) -> Server:
    """Configure a server, not started. ``host`` is a name or an address that it will answer at.

    ``within`` is the command that gives it a mount namespace, and whatever else it shall have of its own.
    """
    for part in ("data/vo/public", "admin", "log", "cache", "certificates"):
        (folder / part).mkdir(parents=True)
    names = ["localhost", "127.0.0.1"] if host == "localhost" else [host]
    authority.certify(folder / "host.pem", folder / "host.key", names)
    shutil.copy(authority.file, folder / "certificates" / f"{_hash(authority.file)}.0")
    (folder / "scitokens.cfg").write_text(_SCITOKENS.format(host=host, port=port, any=ANY, issuer=tokens.url))
    (folder / "authdb").write_text("u * /vo/public lr\n")
    (folder / "xrootd.cfg").write_text(_CONFIGURATION.format(folder=folder, port=port, root_port=free_port()))
    (folder / "hosts").write_text(f"127.0.0.1 localhost\n{host} {name}.test {name}\n" if host != "localhost" else "")
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, "xrootd", "xrootd")
    inside = f'mount --bind "{authority.bundle}" {_BUNDLE} && exec "$@"'
    if host != "localhost":
        inside = f'mount --bind "{folder}/hosts" /etc/hosts && hostname {name}.test && {inside}'
    program = ["xrootd", "-R", "xrootd", "-n", name, "-l", f"{folder}/log/xrootd.log", "-c", f"{folder}/xrootd.cfg"]
    return Server(name, host, port, folder, command=[*within, "sh", "-c", inside, "sh", *program])


def _hash(certificate: Path) -> str:
    asked = ["openssl", "x509", "-hash", "-noout", "-in", str(certificate)]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


_SCITOKENS = """\
[Global]
audience = https://{host}:{port}, {any}

[Issuer tests]
issuer = {issuer}
base_path = /vo
map_subject = False
default_user = xrootd
"""
_CONFIGURATION = """\
xrd.port {root_port}
all.export /vo
all.adminpath {folder}/admin
all.pidpath {folder}/admin
oss.localroot {folder}/data
xrootd.seclib libXrdSec.so
sec.protocol ztn
sec.protbind * ztn
xrd.tls {folder}/host.pem {folder}/host.key
xrd.tlsca certdir {folder}/certificates
xrootd.tls capable all
xrootd.chksum max 16 adler32 md5
xrd.protocol XrdHttp:{port} libXrdHttp.so
http.exthandler xrdtpc libXrdHttpTPC.so
http.header2cgi Authorization authz
http.desthttps yes
ofs.authorize 1
ofs.authlib ++ libXrdAccSciTokens.so config={folder}/scitokens.cfg
acc.authdb {folder}/authdb
tpc.trace all
scitokens.trace all
"""
