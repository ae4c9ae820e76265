"""Folders of the machine, what is free there, playbooks, and how much is done at once."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from reconciler.doctor.findings import Finding, Ground, fault, ok, warning
from reconciler.drivers.ansible.options import options_of

_LITTLE, _TOO_LITTLE = 1 << 30, 100 << 20
"""Bytes."""
_AT_ONCE = 64
"""Threads for each processor above which a machine is slow rather than busy."""


def folders(ground: Ground) -> Iterator[Finding]:
    """State, cache and the records' folder: writable, closed to others, with room."""
    settings = ground.settings
    places = {"state": Path(settings.state), "cache": Path(settings.cache)}
    if settings.records.url.startswith("sqlite:///"):
        places["records"] = Path(settings.records.url.removeprefix("sqlite:///")).parent
    for name, place in places.items():
        there = next(folder for folder in (place, *place.parents) if folder.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            yield fault(f"{name}: {there} cannot be written to", f"chown it to the user that runs hanse ({_user()})")
            continue
        if name == "state" and place.exists() and place.stat().st_mode & stat.S_IRWXO:
            yield warning(f"{name}: everybody may look into {place}, and keys are in it", f"chmod 0700 {place}")
        free = shutil.disk_usage(there).free
        said = f"{name}: {there}, {free / (1 << 30):.1f} GiB free"
        if free < _TOO_LITTLE:
            yield fault(said, "make room: a full disk stops every run")
        else:
            yield warning(said, "make room") if free < _LITTLE else ok(said)


def _user() -> str:
    return f"uid {os.geteuid()}"


def playbooks(ground: Ground) -> Iterator[Finding]:
    """The playbooks that clusters are configured with."""
    settings = ground.settings
    folder = options_of({"playbooks": settings.playbooks, "state": settings.state}).playbook_folder
    found = [file for file in folder.rglob("*.yml") if "roles" not in file.relative_to(folder).parts]
    if found:
        yield ok(f"{folder}: {len(found)} playbook(s)")
    else:
        yield fault(f"there is no playbook in {folder}", "[playbooks]: leave it out for those that come with Hanse")


def load(ground: Ground) -> Iterator[Finding]:
    """How many threads work at once, for the processors that there are."""
    settings, processors = ground.settings, os.cpu_count() or 1
    workers = settings.apply.workers + settings.observe.workers + settings.probes.workers
    said = f"{workers} workers (apply, observe, probes) on {processors} processor(s)"
    if workers > _AT_ONCE * processors:
        yield warning(said, "fewer: [apply], [observe] and [probes] workers")
    else:
        yield ok(said)
