"""What EC2's error codes mean. What is common to all of libcloud is read as for OpenStack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import InvalidCredsError
from libcloud.compute.types import KeyPairDoesNotExistError

from reconciler.drivers.openstack import failures
from reconciler.drivers.openstack.failures import Missing
from reconciler.errors import Conflict, DriverError, Terminal, Transient
from reconciler.model import Reason

_BUSY = ("RequestLimitExceeded", "Throttling", "InsufficientInstanceCapacity", "Unavailable")
_IN_USE = ("DependencyViolation", "InvalidGroup.InUse", "IncorrectInstanceState", "Duplicate", "AddressInUse")


@contextmanager
def translated(what: str, *, making: bool = False) -> Iterator[None]:
    """Turn what libcloud raises about ``what`` into a DriverError; see `reconciler.drivers.openstack.failures`."""
    with failures.translated(what, making=making):
        try:
            yield
        except InvalidCredsError as error:
            raise Terminal(f"{what}: the key is not accepted: {error.value}") from error
        except KeyPairDoesNotExistError as error:
            raise Missing(f"{what}: no such key pair: {error.name}") from error
        except BaseHTTPError as error:
            known = _known(what, str(error.message))
            if known is None:
                raise
            raise known from error


def _known(what: str, message: str) -> DriverError | None:
    code, said = message.partition(":")[0], f"{what}: {message[:500]}"
    if any(word in code for word in _BUSY):
        return Transient(said)
    if code.endswith("LimitExceeded"):
        return Terminal(said, reason=Reason.QUOTA_EXCEEDED)
    if ".NotFound" in code or ".Malformed" in code:
        return Missing(said)
    return Conflict(said) if any(word in code for word in _IN_USE) else None
