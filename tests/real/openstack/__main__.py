"""``python -m tests.real.openstack`` keeps an OpenStack up until it is interrupted.

``python -m tests.real.openstack prepare`` fetches and makes what is kept between runs, so that tests need not wait for
it; where there can be no cloud it says why.
"""

from __future__ import annotations

import signal
import sys
import time
from contextlib import suppress

from reconciler.errors import HanseError
from tests.real.openstack import seeding
from tests.real.openstack.fixture import cloud


def main(arguments: list[str]) -> int:
    """Do it; 1 when this machine cannot."""
    try:
        if arguments == ["prepare"]:
            prepare()
        else:
            keep()
    except HanseError as error:
        print(error, file=sys.stderr)
        return 0 if arguments == ["prepare"] else 1
    return 0


def prepare() -> None:
    """Bring a cloud up once, unless that has been done."""
    if seeding.seed().exists():
        return
    began = time.monotonic()
    print("software from PyPI, databases, a seed: this takes some minutes, once", flush=True)
    with cloud():
        print(f"made in {time.monotonic() - began:.0f} s")


def keep() -> None:
    """Keep it up and say how to use it."""
    began = time.monotonic()
    with cloud() as running:
        print(f"up after {time.monotonic() - began:.1f} s; interrupt to stop using it. Logs: {running.run}/log")
        print(f"export OS_AUTH_URL={running.auth_url} OS_USERNAME=admin OS_PASSWORD={running.admin.password}")
        print("export OS_PROJECT_NAME=admin OS_USER_DOMAIN_ID=default OS_PROJECT_DOMAIN_ID=default", flush=True)
        with suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
