"""The webdav driver of the storage port: a folder of a WebDAV server with HTTP third-party copies is a storage.

For ``https`` and ``davs`` storages: XRootD, dCache, StoRM, EOS. Bytes go from storage to storage (COPY), with a token
for each transfer that is good for its files alone. Everything that is Hanse's own lies in ``.hanse`` under the root:
files that are still arriving, and the marks of files that are there.
"""

from __future__ import annotations

from pathlib import Path

from reconciler.drivers.heads import Heads
from reconciler.drivers.options import checked
from reconciler.drivers.webdav.client import Client
from reconciler.drivers.webdav.options import Options
from reconciler.drivers.webdav.storage import WebDAV
from reconciler.drivers.webdav.tokens import Tokens
from reconciler.model import Target
from reconciler.ports import Drivers, Storage


def open(target: Target, drivers: Drivers) -> Storage:  # noqa: A001
    """The folder behind ``target``. Nothing is asked yet."""
    options = checked(target, Options)
    client = Client(target.id, options, Tokens(target.id, options, drivers.secret))
    state = target.options.get("state")
    own = Path(str(state)) / target.name.replace("/", ".") if state else None
    known = own.with_name(f"{own.name}.id") if own else None
    heads = Heads(own.with_name(f"{own.name}.heads.sqlite") if own else None)
    return WebDAV(target.id, options, client, known=known, heads=heads)
