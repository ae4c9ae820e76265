"""How an FTS3 server is reached and what its jobs are like: ``[targets."fts:NAME"]`` in hanse.toml."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from reconciler.drivers.options import Server
from reconciler.model import SecretRef


class Options(BaseModel):
    """The options of one server."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    url: Server
    """``https://fts3.example.org:8446``."""
    token: SecretRef | None = None
    """The token that shows who asks."""
    certificate: str = ""
    """File of a certificate, or a proxy, that shows who asks; its credentials must have been delegated."""
    key: str = ""
    """File of the certificate's key, where it is not in the same file."""
    ca: str = ""
    """File of the authorities that vouch for the server; the system's when not given."""
    vo: str = ""
    """VO that jobs belong to; the first one that the server says we are of."""
    activity: str = "default"
    """The server's name for what the copies are for: it shares a link out among activities."""
    priority: Annotated[int, Field(ge=1, le=5)] = 3
    """Of jobs that ask for none: 5 comes first."""
    retry: Annotated[int, Field(ge=-1, le=20)] = 2
    """How often the server tries a file again by itself."""
    retryDelay: Annotated[int, Field(ge=0)] = 60
    """Seconds between two tries."""
    maxFiles: Annotated[int, Field(ge=1, le=10000)] = 1000
    """Files in one job."""
    maxHoursInQueue: Annotated[int, Field(ge=0)] = 0
    """Hours after which the server gives up what waits; 0: never."""
    timeout: Annotated[float, Field(gt=0)] = 30.0
    """Seconds that the server may take to answer."""
