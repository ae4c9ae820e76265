"""The identity driver for OpenStack: keystone's v3 API, and the quotas of nova, neutron and cinder beside it.

Credentials, tokens, the catalogue and retries of expired tokens are keystoneauth1's; the resources are plain REST.
"""

from __future__ import annotations

from functools import partial

from reconciler.drivers.keystone.keystone import Keystone
from reconciler.drivers.keystone.options import Options
from reconciler.drivers.keystone.rest import Rest
from reconciler.drivers.options import checked
from reconciler.model import Target
from reconciler.ports import Drivers, Identity

__all__ = ["open"]


def open(target: Target, drivers: Drivers) -> Identity:  # noqa: A001
    """The keystone behind ``target``; nothing is asked of it, nor any secret read, before the first call."""
    options = checked(target, Options)
    return Keystone(Rest(target.name, options, partial(options.credential, target, drivers)))
