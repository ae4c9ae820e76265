"""Keep an OpenStack up until interrupted: ``python -m tests.real.openstack``."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import suppress

from reconciler.errors import HanseError
from tests.real.openstack.fixture import cloud


def main() -> int:
    """Do it; 1 when this machine cannot."""
    began = time.monotonic()
    try:
        with cloud() as running:
            print(f"up after {time.monotonic() - began:.1f} s; interrupt to stop using it. Logs: {running.run}/log")
            print(f"export OS_AUTH_URL={running.auth_url} OS_USERNAME=admin OS_PASSWORD={running.admin.password}")
            print("export OS_PROJECT_NAME=admin OS_USER_DOMAIN_ID=default OS_PROJECT_DOMAIN_ID=default", flush=True)
            with suppress(KeyboardInterrupt):
                signal.pause()
    except HanseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
