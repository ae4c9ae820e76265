"""The proxy that counts and spoils calls, in front of a service of a few lines."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tests.real.answering import answering
from tests.real.openstack.proxy import Proxy
from tests.real.waiting import PATIENCE


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked, and with its own address; it remembers who came through."""

    protocol_version = "HTTP/1.1"
    reached: list[str]

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        type(self).reached.append(self.path)
        host, port = self.server.server_address
        answer = json.dumps({"path": self.path, "body": body.decode(), "here": f"http://{host}:{port}/v9"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Location", f"http://{host}:{port}/elsewhere")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_PUT = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def echo() -> Iterator[str]:
    Echo.reached = []
    with answering(ThreadingHTTPServer(("127.0.0.1", 0), Echo)) as url:
        yield f"{url}/v2.1"


@pytest.fixture
def proxy(echo: str) -> Iterator[Proxy]:
    proxy = Proxy({"compute": echo})
    yield proxy
    proxy.close()


def asked(proxy: Proxy, path: str, method: str = "GET", body=None, **more):
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=PATIENCE)
    try:
        connection.request(method, path, body, {"User-Agent": "a test"}, **more)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def test_calls_arrive_are_counted_and_services_addresses_become_the_proxys(proxy: Proxy):
    status, headers, content = asked(proxy, "/compute/v2.1/servers?limit=1", "POST", b"{}")
    assert status == 200
    here = f"{proxy.url}/compute/v9"
    assert json.loads(content) == {"path": "/v2.1/servers?limit=1", "body": "{}", "here": here}
    assert headers["Location"].startswith(proxy.url)
    (call,) = proxy.calls
    assert (call.service, call.method, call.path, call.status, call.agent) == (
        "compute", "POST", "/v2.1/servers?limit=1", 200, "a test",
    )  # fmt: skip
    assert proxy.count("compute", "POST", "/servers") == 1
    assert proxy.count("compute", "GET") == 0
    assert proxy.writes() == [call]


def test_a_body_in_chunks_arrives(proxy: Proxy):
    _, _, content = asked(proxy, "/compute/file", "PUT", iter([b"one ", b"two"]), encode_chunked=True)
    assert json.loads(content)["body"] == "one two"


def test_the_nth_call_is_refused(proxy: Proxy, echo: str):
    with proxy.fault("refuse", "compute", "POST", nth=2, times=2, status=503):
        assert [asked(proxy, "/compute/x", "POST")[0] for _ in range(4)] == [200, 503, 503, 200]
        assert asked(proxy, "/compute/x")[0] == 200
    assert asked(proxy, "/compute/x", "POST")[0] == 200
    assert len(Echo.reached) == 4


def test_a_lost_answer_is_to_a_call_that_was_done(proxy: Proxy):
    with proxy.fault("lose", method="POST"), pytest.raises(http.client.RemoteDisconnected):
        asked(proxy, "/compute/x", "POST")
    assert Echo.reached == ["/x"]
    assert [call.status for call in proxy.calls] == [0]


def test_a_hanging_call_is_never_done_and_let_go_with_its_fault(proxy: Proxy):
    ends = []

    def call() -> None:
        with pytest.raises(http.client.RemoteDisconnected):
            asked(proxy, "/compute/x")
        ends.append("closed")

    with proxy.fault("hang") as fault:
        caller = threading.Thread(target=call)
        caller.start()
        assert fault.struck.wait(PATIENCE)
        time.sleep(0.1)
        assert caller.is_alive()
    caller.join(PATIENCE)
    assert ends == ["closed"]
    assert Echo.reached == []


def test_a_delayed_call_is_done_late(proxy: Proxy):
    began = time.monotonic()
    with proxy.fault("delay", seconds=0.3):
        assert asked(proxy, "/compute/x")[0] == 200
    assert time.monotonic() - began >= 0.3


def test_a_service_that_is_not_there_is_said_so(proxy: Proxy):
    assert asked(proxy, "/volume/x")[0] == 404
