"""A real nginx with the configuration of the docs before a port of this machine: TLS, free ports, a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.real.bind import need
from tests.real.ports import free_port
from tests.real.waiting import PATIENCE

EXAMPLE = Path(__file__).parents[2] / "docs/examples/nginx/hanse.conf"
NAME = "hanse.example.org"
_HTTP = """\
{user}daemon off;
pid {place}/pid;
error_log {place}/error.log notice;
worker_processes 1;
events {{ worker_connections 128; }}
http {{
    access_log {place}/access.log;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    include {place}/hanse.conf;
}}
"""


@dataclass(frozen=True)
class Nginx:
    """Where it listens."""

    port: int
    plain: int
    certificate: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"


def configured(place: Path, behind: int) -> Nginx:
    """Lay out the example for free ports and a certificate made here; every line that changes must be there."""
    need("nginx", package="nginx-light")
    found = Nginx(free_port(), free_port(), place / "fullchain.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(place / "privkey.pem"), "-out", str(found.certificate), "-days", "2"]
    command += ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)
    text = EXAMPLE.read_text()
    for before, after in {
        "server 127.0.0.1:8080;": f"server 127.0.0.1:{behind};",
        "    listen 80;\n    listen [::]:80;": f"    listen 127.0.0.1:{found.plain};",
        "    listen 443 ssl http2;\n    listen [::]:443 ssl http2;": f"    listen 127.0.0.1:{found.port} ssl http2;",
        f"server_name {NAME};": f"server_name {NAME} localhost;",
        f"/etc/letsencrypt/live/{NAME}/": f"{place}/",
    }.items():
        assert before in text, before
        text = text.replace(before, after)
    (place / "hanse.conf").write_text(text)
    user = "user root;\n" if os.geteuid() == 0 else ""
    (place / "nginx.conf").write_text(_HTTP.format(user=user, place=place))
    return found


def checked(place: Path) -> str:
    """What ``nginx -t`` says."""
    command = ["nginx", "-t", "-p", str(place), "-c", str(place / "nginx.conf"), "-e", str(place / "error.log")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stderr


@contextmanager
def nginx(place: Path, behind: int) -> Iterator[Nginx]:
    """Up while the block runs."""
    found = configured(place, behind)
    command = ["nginx", "-p", str(place), "-c", str(place / "nginx.conf"), "-e", str(place / "error.log")]
    with (place / "output").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        _ready(found, process, place)
        yield found
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(PATIENCE)


def _ready(found: Nginx, process: subprocess.Popen[bytes], place: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    trusting = ssl.create_default_context(cafile=str(found.certificate))
    while True:
        try:
            with socket.create_connection(("127.0.0.1", found.port), 5) as plain:
                trusting.wrap_socket(plain, server_hostname=NAME).close()
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"nginx did not start:\n{(place / 'error.log').read_text()[-2000:]}")
            time.sleep(0.05)
