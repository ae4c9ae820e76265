"""The pages of hanse.toml: every setting, and the options of every driver."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

from reconciler.settings import Settings
from reconciler.wiring import DEFAULTS, MODULES
from tests.reference.tables import prose, table

_SETTINGS = """`hanse.toml` stands beside the manifests (`hanse init` writes one). Every value can be given in the
environment instead: `HANSE_RECORDS__URL` is `[records] url`. `hanse config` shows what is in force and where each value
came from. What a back end needs stands under `[targets]`: see [drivers](drivers.md)."""
_DRIVERS = """A target is a back end that can be down: a zone, a VO's share of a cloud, a storage, a register. Which
driver speaks to it, and with which options, comes from the manifest (a Site names the drivers of its clouds and
storages) and from `hanse.toml`, whose word counts:

```toml
[targets."dns:fed.example.org."]
driver = "rfc2136"
server = "192.0.2.53"
key = { file = "/etc/hanse/fed.example.org.key" }

[targets."compute:*"]             # patterns are allowed; the longest that fits wins
simulate = { boot_seconds = 2.0 }

[substitute]                      # what manifests call openstack is simulated
openstack = "simulated"
```

Secrets are references, `{ env = "NAME" }` or `{ file = "/path" }`, and are read at the moment of use."""
_TARGETS = {
    "dns": "`dns:ZONE.`",
    "compute": "`compute:SITE/CLOUD/VO`",
    "configure": "the compute target: what runs playbooks on its nodes follows from the compute driver",
    "images": "`images:SITE/CLOUD/VO`; options of `compute:SITE/CLOUD/VO` hold too",
    "storage": "`storage:SITE/STORAGE`",
    "events": "the storage target: its option `events` says which",
    "mover": "`fts:NAME`, as the option `transfers` of a storage names it",
    "rules": "`rucio:NAME`",
    "batch": "the compute target: how a cluster's front end is reached follows from the compute driver",
    "identity": "`identity:SITE/CLOUD`",
    "registry": "`registry:KINDS`",
    "check": "`check:local`",
}
_TABLES = {"reconciler.drivers.namespace": "namespace.", "reconciler.drivers.ansible": "ansible."}
"""Drivers whose options stand in a table of their own."""
_GIVEN = ("state", "playbooks")
"""Options that follow from the settings."""


def settings() -> Iterator[str]:
    """Every setting."""
    yield from ("# Configuration", "", _SETTINGS, "", *table(Settings))


def drivers() -> Iterator[str]:
    """Every driver with its options."""
    yield from ("# Drivers", "", _DRIVERS)
    for (port, name), module in MODULES.items():
        usual = " (the default)" if DEFAULTS.get(port) == name else ""
        yield from ("", f"## {port}: {name}", "", f"Targets: {_TARGETS[port]}{usual}.", "")
        if (port, name) == ("configure", "simulated"):
            yield "The same simulated cloud: runs are remembered and end as they are told to."
            continue
        if (port, name) == ("images", "simulated"):
            yield "The same simulated cloud: images are rows, and machines can be made from them."
            continue
        yield from _driver(importlib.import_module(module))


def _driver(module: Any) -> Iterator[str]:
    yield _about(module)
    if module.__name__.endswith("simulated"):
        yield from ("", *table(module.Simulate, "simulate."))
    elif hasattr(module, "Options"):
        yield from ("", *table(module.Options, _TABLES.get(module.__name__, ""), _GIVEN))


def _about(module: Any) -> str:
    """What the driver says about itself, without what matters only to those who change it (a list at its end)."""
    paragraphs = prose(inspect.getdoc(module) or "").split("\n\n")
    kept = [text for text in paragraphs if not text.startswith("- ")]
    return "\n\n".join(text.partition(" Quirks of")[0] for text in kept)
