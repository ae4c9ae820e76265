"""What VOMS makes of files: its library verifies an assertion by ``.lsc`` files, its client reads ``vomses``.

In a test: ``from tests.real.voms import voms`` (a session fixture). The assertion is made by ``voms-proxy-fake``, as a
server with the host's certificate would make it; VOMS knows no time but the present.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.real.waiting import PATIENCE

VO, HOST = "vo.ocean.example.org", "voms.ocean.example.org"
CA, SERVER = "/DC=org/DC=example/CN=Example CA", f"/DC=org/DC=example/CN={HOST}"
FQAN = f"/{VO}/Role=pilot"
_EXTENSIONS = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always\nbasicConstraints=critical,CA:false\n"
_POLICY = """\
access_id_CA X509 '{ca}'
pos_rights globus CA:sign
cond_subjects globus '"/DC=org/DC=example/*"'
"""
_LIBRARY = """
import ctypes, sys
proxy, vomsdir, certificates = (argument.encode() for argument in sys.argv[1:])
voms, c = ctypes.CDLL("libvomsapi.so.1"), ctypes.CDLL(None)
pointer, number = ctypes.c_void_p, ctypes.c_int
c.fopen.restype, c.fopen.argtypes = pointer, [ctypes.c_char_p] * 2
voms.VOMS_Init.restype, voms.VOMS_Init.argtypes = pointer, [ctypes.c_char_p] * 2
voms.VOMS_RetrieveFromFile.argtypes = [pointer, number, pointer, ctypes.POINTER(number)]
error = number()
found = voms.VOMS_RetrieveFromFile(c.fopen(proxy, b"r"), 0, voms.VOMS_Init(vomsdir, certificates), ctypes.byref(error))
sys.exit(0 if found else 1)
"""


@dataclass
class Voms:
    """A user with an assertion of a VOMS server, and those who look at it."""

    place: Path

    def verified(self, vomsdir: Path) -> bool:
        """Whether a service that has these ``.lsc`` files believes the assertion."""
        command = [sys.executable, "-c", _LIBRARY, "proxy.pem", str(vomsdir), "certificates"]
        return self._run(*command).returncode == 0

    def contacted(self, vomses: Path, vo: str) -> str:
        """Whom a client asks for an assertion of a VO, in its own words."""
        said = self._run(
            "voms-proxy-init2", "-cert", "user.pem", "-key", "user.key", "-certdir", "certificates",
            "-vomses", str(vomses), "-voms", vo, "-out", "asked.pem", "-debug",
        )  # fmt: skip
        lines = (said.stdout + said.stderr).splitlines()
        return "\n".join(" ".join(line.split()) for line in lines if line.startswith("Contacting"))

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        random = {"RANDFILE": str(self.place / "random"), "TMPDIR": str(self.place)}
        return subprocess.run(
            command, cwd=self.place, env={**os.environ, **random}, capture_output=True, text=True, errors="replace",
            check=False, timeout=PATIENCE,
        )  # fmt: skip

    def made(self) -> None:
        """The authority, the server's and the user's certificates, and the assertion."""
        (self.place / "random").write_bytes(os.urandom(1024))
        (self.place / "extensions").write_text(_EXTENSIONS)
        key = ["-newkey", "rsa:2048", "-nodes"]
        self._done("openssl", "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", CA, "-days", "9")
        for name, subject in (("host", SERVER), ("user", "/DC=org/DC=example/CN=Ines")):
            self._done("openssl", "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
            issue = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "5", "-extfile", "extensions"]
            self._done("openssl", "x509", "-req", "-in", f"{name}.csr", *issue, "-out", f"{name}.pem")
            (self.place / f"{name}.key").chmod(0o600)
        trusted = self.place / "certificates"
        trusted.mkdir()
        shutil.copy(self.place / "ca.pem", trusted)
        self._done("openssl", "rehash", "certificates")
        name = self._done("openssl", "x509", "-hash", "-noout", "-in", "ca.pem").strip()
        (trusted / f"{name}.signing_policy").write_text(_POLICY.format(ca=CA))
        self._done(
            "voms-proxy-fake", "-cert", "user.pem", "-key", "user.key", "-certdir", "certificates", "-rfc",
            "-hostcert", "host.pem", "-hostkey", "host.key", "-voms", VO, "-fqan", FQAN, "-uri", f"{HOST}:15311",
            "-out", "proxy.pem", "-hours", "2",
        )  # fmt: skip

    def _done(self, *command: str) -> str:
        done = self._run(*command)
        assert done.returncode == 0, f"{command[0]}: {done.stdout[-500:]} {done.stderr[-500:]}"
        return done.stdout


@pytest.fixture(scope="session")
def voms(tmp_path_factory: pytest.TempPathFactory) -> Voms:
    for program in ("voms-proxy-fake", "voms-proxy-init2", "openssl"):
        if shutil.which(program) is None:
            said = f"{program} is missing: apt-get install voms-clients openssl"
            pytest.fail(said) if os.environ.get("CI") == "true" else pytest.skip(said)
    made = Voms(tmp_path_factory.mktemp("voms"))
    made.made()
    return made
