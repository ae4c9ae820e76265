"""Answers that come before a body is through: a server that refuses a large file may say why before it hangs up.

urllib3 reads such an answer when the pipe is broken. Over TLS the same is told as the end of the stream.
"""

from __future__ import annotations

import ssl
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool


class _Connection(HTTPSConnection):
    def send(self, data: Any) -> None:
        """Send, and say in the way that urllib3 knows when nobody takes it any more."""
        try:
            super().send(data)
        except ssl.SSLEOFError as error:
            raise BrokenPipeError from error


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class Listening(HTTPAdapter):
    """An adapter of requests whose connections read what a server said before it hung up."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """As always, with connections of our own for https."""
        super().init_poolmanager(*arguments, **named)
        known = self.poolmanager.pool_classes_by_scheme
        self.poolmanager.pool_classes_by_scheme = {**known, "https": _Pool}
