"""A real EC2 service on loopback (moto's server), emptied for each test.

In a conftest: ``from tests.real.ec2 import ec2`` (a session fixture). moto spells EC2's XML namespace without the slash
at its end, which libcloud reads as an empty answer: what stands between them here adds it, so that the product need not
know. ``python -m tests.real.ec2 PORT`` is the service.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
from libcloud.compute.providers import get_driver

from tests.real.ports import free_port
from tests.real.s3 import _stop, _wait

KEY, SECRET = "AKIATESTTESTTESTTEST", "a secret of the tests"
NAMESPACE = re.compile(rb'xmlns="http://ec2\.amazonaws\.com/doc/(\d{4}-\d\d-\d\d)"')


@dataclass(frozen=True)
class EC2:
    """A running service."""

    port: int

    @property
    def options(self) -> dict[str, Any]:
        """Options of the driver; SECRET is expected in ``HANSE_TEST_SECRET``."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "secure": False,
            "region": "eu-west-1",
            "key": KEY,
            "secret": {"env": "HANSE_TEST_SECRET"},
            "image_owners": [],
            "instance_types": ["t3.micro", "t3.small", "m5.large"],
        }

    def driver(self) -> Any:
        """libcloud's own driver, as a person with a script would use it."""
        made = get_driver("ec2")
        place = {"host": "127.0.0.1", "port": self.port, "secure": False}
        return made(KEY, SECRET, region="eu-west-1", signature_version="4", **place)

    @cached_property
    def image(self) -> str:
        """Id of some image."""
        return str(self.driver().list_images(ex_owner="amazon")[0].id)

    def empty(self) -> None:
        """Take everything away."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/moto-api/reset", method="POST")
        urllib.request.urlopen(request, timeout=120).close()


@pytest.fixture(scope="session")
def ec2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EC2]:
    """The service, started once."""
    pytest.importorskip("moto.server", reason="moto is missing: install moto[ec2,server]")
    port = free_port("127.0.0.1")
    log = tmp_path_factory.mktemp("ec2") / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.real.ec2", str(port)], stdout=stream, stderr=stream, start_new_session=True
        )
        try:
            _wait("127.0.0.1", port, process, log)
            yield EC2(port)
        finally:
            _stop(process)


def slashed(application: Callable[..., Any]) -> Callable[..., Any]:
    """The application, answering in the namespace as Amazon spells it."""

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        said: list[Any] = []
        body = b"".join(application(environ, lambda status, headers, *_: said.extend((status, headers))))
        body = NAMESPACE.sub(rb'xmlns="http://ec2.amazonaws.com/doc/\1/"', body)
        kept = [(name, value) for name, value in said[1] if name.lower() != "content-length"]
        start(said[0], [*kept, ("Content-Length", str(len(body)))])
        return [body]

    return answer


def serve(port: int) -> None:
    """Serve until killed."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    socket.setdefaulttimeout(60)
    run_simple("127.0.0.1", port, slashed(DomainDispatcherApplication(create_backend_app)), threaded=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
