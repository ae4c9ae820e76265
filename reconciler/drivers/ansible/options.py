"""How playbooks are run: the operator's ``ansible`` table, checked before the first run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

import reconciler
from reconciler.drivers.options import table
from reconciler.model import Strict

Count = Annotated[int, Field(ge=1)]
_SHARED = ("state", "playbooks", "repository", "private_key", "public_keys")
"""What other ports of the same target are told too."""


class Options(Strict):
    """Everything but ``state`` has a default."""

    state: Annotated[str, Field(min_length=1)]
    """Folder of the configure port."""
    playbooks: str = ""
    """Folder of the playbooks; "" for those that come with Hanse."""
    repository: str = ""
    """The federation's own repository, for roles that are in it; "" where nothing is to come from there."""
    private_key: str = ""
    """SSH key; "" is the reconciler's own, which is made when there is none."""
    public_keys: tuple[str, ...] = ()
    """Keys besides the reconciler's own that may always log in, as the operator gave them to the compute driver."""
    forks: Count = 10
    """Hosts worked on at once in one run."""
    python: str = "/usr/bin/python3"
    """Python of the hosts."""
    ssh_config: str = "/dev/null"
    """An ssh_config(5), for jump hosts and the like."""
    connect_seconds: Annotated[float, Field(gt=0)] = 10.0
    """How long a host may take to answer a run."""
    probe_seconds: Annotated[float, Field(gt=0)] = 2.0
    """How long a host may take to show its SSH banner when it is asked whether it is there."""
    keep_failed: Count = 20
    """Directories of failed runs that are kept to be read."""
    keep_successful: Count = 5
    """Directories of successful runs that are kept."""

    @property
    def runs(self) -> Path:
        """Where runs are."""
        return Path(self.state).resolve() / "runs"

    @property
    def fetched(self) -> Path:
        """Where roles from elsewhere are kept."""
        return Path(self.state).resolve() / "roles"

    @property
    def playbook_folder(self) -> Path:
        """The folder of the playbooks: as told, else the checkout's, else the installed package's."""
        if self.playbooks:
            return Path(self.playbooks).resolve()
        package = Path(reconciler.__file__).resolve().parent
        beside = package.parent / "playbooks"
        return beside if beside.is_dir() else package / "_playbooks"


def options_of(options: Mapping[str, Any]) -> Options:
    """The ``ansible`` table of a target's options. Raises SettingsError naming the field."""
    shared = {name: options[name] for name in _SHARED if options.get(name)}
    return table(Options, "ansible", {**shared, **options.get("ansible", {})})
