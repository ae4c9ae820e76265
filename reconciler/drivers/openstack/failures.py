"""What libcloud's errors mean for an OpenStack. It raises several families of them, and requests' own leak through."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from reconciler.errors import Conflict, DriverError, OutcomeUnknown, Terminal, Transient
from reconciler.model import Reason

_GATEWAY = (502, 504)
"""A gateway gave up waiting: the service behind it may still do it."""
_BUSY = (408, 425, 429)


class Missing(Terminal):
    """404: there is no such thing."""


class Refused(Transient):
    """401: the token is not accepted (any more)."""


@contextmanager
def translated(what: str, *, making: bool = False) -> Iterator[None]:
    """Turn what libcloud raises about ``what`` into a DriverError.

    ``making``: the call makes something that a second call would make once more, so that a lost answer is
    OutcomeUnknown.
    """
    try:
        yield
    except BaseHTTPError as error:
        raise _answered(what, error, making=making) from error
    except InvalidCredsError as error:
        raise Refused(f"{what}: 401 the credential is not accepted") from error
    except requests.exceptions.SSLError as error:
        raise Terminal(f"{what}: {error}") from error
    except (requests.RequestException, OSError) as error:
        raise _unanswered(what, error, making=making) from error
    except MalformedResponseError as error:
        said = f"{what}: not an answer of OpenStack: {str(error.body or error.value)[:200]}"
        raise (OutcomeUnknown(said) if making else Transient(said)) from error
    except LibcloudError as error:
        raise Terminal(f"{what}: {error.value}") from error


def _answered(what: str, error: BaseHTTPError, *, making: bool) -> DriverError:
    said, code = f"{what}: {str(error.message or error.code)[:500]}", error.code
    if code >= 500 or code in _BUSY:  # noqa: PLR2004
        lost = making and code in _GATEWAY
        return OutcomeUnknown(said) if lost else Transient(said, retry_after=_retry_after(error.headers or {}))
    if code in (403, 409, 413) and "quota" in said.lower():
        return Terminal(said, reason=Reason.QUOTA_EXCEEDED)
    if code == 400 and "key_name" in said:  # noqa: PLR2004
        return Transient(said)  # the key pair is gone since it was looked at: the next try makes it anew
    by_code: dict[int, type[DriverError]] = {401: Refused, 404: Missing, 409: Conflict}
    return by_code.get(code, Terminal)(said)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds; libcloud has made dates into seconds already."""
    with contextlib.suppress(KeyError, ValueError):
        return float(headers["retry-after"])
    return None


def _unanswered(what: str, error: Exception, *, making: bool) -> DriverError:
    said = f"{what}: {_plain(error)}"
    return OutcomeUnknown(f"{said}: it may have been done") if making and not _unsent(error) else Transient(said)


def _unsent(error: Exception) -> bool:
    """The connection never stood, so that nothing was asked."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError | ConnectTimeoutError)


def _plain(error: Exception) -> str:
    if isinstance(error, requests.ReadTimeout):
        return "no answer in time"
    if _unsent(error):
        return "it cannot be reached"
    if isinstance(error, requests.ConnectionError):
        return "the connection broke before the answer came"
    return (str(error) or type(error).__name__)[:200]
