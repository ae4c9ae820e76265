"""A real OpenLDAP on loopback with one entry below ``dc=example,dc=org``: the port of ``slapd`` (a session fixture)."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.real.bind import need
from tests.real.ports import free_port
from tests.real.sshd import running

BASE = "dc=example,dc=org"
_CONFIG = """
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {dir}/slapd.pid
database mdb
suffix "{base}"
directory {dir}/data
maxsize 10485760
"""
_ENTRY = f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: tides\ndc: example\n"


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Its port."""
    need("slapd", "slapadd", package="slapd")
    folder, port = tmp_path_factory.mktemp("slapd"), free_port()
    (folder / "data").mkdir()
    (folder / "slapd.conf").write_text(_CONFIG.format(dir=folder, base=BASE))
    add = ["slapadd", "-q", "-f", str(folder / "slapd.conf")]
    subprocess.run(add, input=_ENTRY.encode(), check=True, capture_output=True)
    where = f"ldap://127.0.0.1:{port}/"
    with running([str(shutil.which("slapd")), "-d", "0", "-h", where, "-f", str(folder / "slapd.conf")], port):
        yield port
