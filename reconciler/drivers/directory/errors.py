"""What the operating system's errors mean for a storage."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.drivers.fetch import out_of_space
from reconciler.errors import Conflict, DriverError, Terminal, Transient

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.EINVAL, errno.EFBIG, errno.ELOOP)
_IN_THE_WAY = (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn an OSError about ``what`` into a DriverError."""
    try:
        yield
    except OSError as error:
        raise meaning(what, error) from error


def meaning(what: str, error: OSError) -> DriverError:
    """The DriverError for an OSError about ``what``: a full disk, missing rights, something in the way, or a hitch."""
    said = f"{what}: {error.strerror or error}"
    if error.errno in _FULL:
        return out_of_space(said)
    if error.errno in _FORBIDDEN:
        return Terminal(said)
    if error.errno == errno.EXDEV:
        return Terminal(f"{said}; the folder is another file system than the root: make it a storage of its own")
    if error.errno in _IN_THE_WAY:
        return Conflict(said)
    return Transient(said)
