"""Where Hanse connects to: nothing that a manifest, a name or a redirect says leads to what is meant for it alone."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import ValidationError

from reconciler import network
from reconciler.drivers.fetch import pieces
from reconciler.drivers.plugins import Plugins, hosts
from reconciler.errors import Terminal
from reconciler.network import NetworkSettings, Refused
from reconciler.ports import Source
from tests.real.answering import answering

METADATA = (
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0xa9.0xfe.0xa9.0xfe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "[fe80::1]",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "100.100.100.200",
)
INNER = ("127.0.0.1", "127.1", "0", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    network.guard(NetworkSettings())


def guarded(*allow: str) -> None:
    network.guard(NetworkSettings(allow=allow))


@pytest.fixture
def plugins(tmp_path) -> Plugins:
    made = tmp_path / "check_true"
    made.write_text("#!/bin/sh\necho OK\n")
    made.chmod(0o755)
    return Plugins(tmp_path, frozenset({"check_true"}))


class _Redirecting(BaseHTTPRequestHandler):
    to = ""

    def do_GET(self) -> None:
        self.send_response(302 if self.to else 200)
        self.send_header("Location", self.to)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    _Redirecting.to = ""
    with answering(ThreadingHTTPServer(("127.0.0.1", 0), _Redirecting)) as url:
        yield f"{url}/x"


def read(url: str) -> bytes:
    with pieces(Source(url)) as found:
        return b"".join(found)


@pytest.mark.parametrize("host", METADATA)
def test_what_is_meant_for_this_machine_alone_is_refused_in_every_spelling(host):
    network.guard(NetworkSettings())
    with pytest.raises(Refused, match="is reached only where"):
        network.check(host)


@pytest.mark.parametrize("host", INNER)
def test_loopback_and_private_addresses_are_open_until_the_operator_names_what_is(host):
    network.guard(NetworkSettings())
    network.check(host)
    guarded()
    with pytest.raises(Refused):
        network.check(host)


def test_what_the_operator_names_is_reached_and_nothing_beside_it():
    guarded("10.2.0.0/16", "169.254.7.7/32", "fd12::/16")
    for host in ("10.2.3.4", "169.254.7.7", "::ffff:10.2.3.4", "fd12::1", "192.0.2.1", "2001:db8::1"):
        network.check(host)
    for host in ("10.3.3.4", "169.254.7.8", "fd13::1"):
        with pytest.raises(Refused):
            network.check(host)


@pytest.mark.parametrize("bad", ["10.0.0.1/8", "all", ""])
def test_what_is_no_network_is_an_error_of_the_configuration(bad):
    with pytest.raises(ValidationError):
        NetworkSettings(allow=(bad,))


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "[::ffff:a9fe:a9fe]"])
def test_no_copy_is_read_from_a_clouds_metadata(host):
    network.guard(NetworkSettings())
    with pytest.raises(Terminal, match="metadata|link-local"):
        read(f"http://{host}/latest/meta-data/iam/security-credentials/")


def test_a_redirect_leads_no_further_than_a_url(server):
    network.guard(NetworkSettings())
    assert read(server) == b"ok"
    _Redirecting.to = "http://169.254.169.254/latest/"
    with pytest.raises(Terminal, match=r"169\.254\.169\.254 is link-local"):
        read(server)


def test_a_name_is_judged_by_the_address_that_is_connected_to(server, monkeypatch):
    """The name is good when it is looked up first, and leads elsewhere when it is connected to."""
    guarded("192.0.2.0/24")
    answers = iter([("192.0.2.1", 80), ("169.254.169.254", 80)])
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(*found[0], next(answers))])
    network.resolved("rebinding.example.org")
    with pytest.raises(Terminal, match=r"169\.254\.169\.254"):
        read("http://rebinding.example.org/")


def test_every_library_is_watched_by_one_place(server):
    import requests

    guarded()
    with pytest.raises(requests.ConnectionError, match="is loopback"):
        requests.get(server, timeout=120)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, pytest.raises(Refused):
        udp.sendto(b"x", ("127.0.0.1", 9))
    with socket.socket() as tcp, pytest.raises(Refused):
        tcp.connect_ex(("127.0.0.1", 9))
    guarded("127.0.0.0/8")
    assert requests.get(server, timeout=120).content == b"ok"


@pytest.mark.parametrize(
    "arguments",
    [
        ["-H", "169.254.169.254"],
        ["-H169.254.169.254"],
        ["--hostname=169.254.169.254"],
        ["-I", "2852039166"],
        ["-H", "example.org", "-u", "http://169.254.169.254/latest"],
        ["--url=http://[fe80::1]:80/"],
        ["-H", "[fd00:ec2::254]"],
    ],
)
def test_a_probe_looks_at_no_metadata_wherever_it_stands_in_its_arguments(plugins, arguments):
    network.guard(NetworkSettings())
    said = plugins.check("check_true", arguments, 5)
    assert (said.status, "is reached only where" in said.summary) == ("UNKNOWN", True)


def test_ports_thresholds_and_patterns_are_no_hosts(plugins):
    guarded()
    arguments = ["-p", "22", "-w", "10.5", "-c", "127", "-e", "200", "-s", "192.0.2.7", "-t", "0", "-r", "^10\\.1"]
    assert set(hosts(arguments)) <= {"192.0.2.7", "10.5"}
    said = plugins.check("check_true", arguments, 5)
    assert said.status == "OK", said.summary


def test_names_of_a_probe_are_looked_up_where_the_operator_narrows_it(plugins):
    guarded()
    assert "is loopback" in plugins.check("check_true", ["-H", "localhost"], 5).summary
    network.guard(NetworkSettings())
    assert plugins.check("check_true", ["-H", "localhost"], 5).status == "OK"
