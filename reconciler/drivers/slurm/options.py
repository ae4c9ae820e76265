"""Where a cluster's front end is, and how it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from reconciler.drivers.options import table
from reconciler.model import Strict

Seconds = Annotated[float, Field(gt=0)]


class Options(Strict):
    """The kind gives ``address``, ``user`` and ``port``; the rest is as for the driver that configures the nodes."""

    model_config = ConfigDict(extra="ignore")  # options of a compute target hold much that does not matter here

    address: Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9.:_-]+$")]
    """Of the front end."""
    user: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")] = "root"
    """Who logs in; anybody but root must be allowed ``sudo`` without a password."""
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    state: str = ""
    """Folder of the batch port."""
    private_key: str = ""
    """SSH key; "" is the reconciler's own."""
    ssh_config: str = "/dev/null"
    """An ssh_config(5), for jump hosts and the like."""
    accounts: dict[str, str] = Field(default={})
    """Account -> VO whose it is, for accounting (``hanse meter --jobs``); others keep their own name."""
    connect_seconds: Seconds = 5.0
    """How long the front end may take to answer."""
    command_seconds: Seconds = 30.0
    """How long a command may take there."""


def options_of(options: Mapping[str, Any]) -> Options:
    """The options of a batch target. Raises SettingsError naming the field."""
    shared = {name: value for name, value in options.get("ansible", {}).items() if name == "ssh_config"}
    return table(Options, "slurm", {**shared, **options})
