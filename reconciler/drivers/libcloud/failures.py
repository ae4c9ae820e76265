"""What libcloud's errors mean for a storage. It raises five families of them, and requests' own leak through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import InvalidCredsError, LibcloudError, MalformedResponseError
from libcloud.storage.types import ContainerDoesNotExistError, ObjectDoesNotExistError

from reconciler.errors import Conflict, DriverError, Terminal, Transient

_STATUS = re.compile(r"\b([45]\d\d)\b")
_BUSY = (408, 425, 429)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn what libcloud raises about ``what`` into a DriverError; a DriverError raised inside stays itself."""
    try:
        yield
    except (LibcloudError, BaseHTTPError, requests.RequestException, OSError) as error:
        raise _own(error) or _meaning(what, error) from error
    except AttributeError as error:  # libcloud looks into an answer that lacks what an S3 answer has
        raise _own(error) or Transient(f"{what}: not an answer that S3 gives: {error}") from error


def _own(error: BaseException) -> DriverError | None:
    """Our own error, when libcloud failed to abort an upload on its account and raised that failure instead."""
    cause = error.__context__
    while cause is not None and not isinstance(cause, DriverError):
        cause = cause.__context__
    return cause


def _meaning(what: str, error: Exception) -> DriverError:
    said = f"{what}: {_text(error)}"
    if isinstance(error, InvalidCredsError):
        return Terminal(f"{what}: the key is refused: {_text(error)}")
    if isinstance(error, ContainerDoesNotExistError):
        return Terminal(f"{what}: no such container: {error.container_name}")
    if isinstance(error, ObjectDoesNotExistError):
        return Conflict(f"{what}: no such object: {error.object_name}")
    if isinstance(error, MalformedResponseError | requests.RequestException | OSError):
        return Transient(said)
    status = error.code if isinstance(error, BaseHTTPError) else _status(said)
    refused = status is not None and status < 500 and status not in _BUSY  # noqa: PLR2004
    return Terminal(said) if refused else Transient(said)


def _status(said: str) -> int | None:
    found = _STATUS.search(said)
    return int(found.group(1)) if found else None


def _text(error: Exception) -> str:
    return (str(getattr(error, "value", "") or error) or type(error).__name__)[:300]
