"""The database: reached, at the right version, writable; who leads; how old the newest backup is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from reconciler import backup
from reconciler.doctor.findings import Finding, Ground, fault, ok, warning
from reconciler.doctor.programs import ON_MACHINES
from reconciler.errors import HanseError, RecordsError
from reconciler.records import dumping
from reconciler.records.schema import HEAD
from reconciler.records.store import read_store

_SKEW = timedelta(seconds=2)
_WORST_SKEW = timedelta(seconds=10)
_OLD = timedelta(days=2)
_LATE = 5
"""So many intervals after the last run a loop is not well."""


def database(ground: Ground) -> Iterator[Finding]:
    """Reachable, at the schema of this version, writable, and with the same time."""
    url = ground.settings.records.url
    try:
        found = dumping.looked_at(url, ground.clock)
    except RecordsError as error:
        yield fault(str(error), "[records] url; docs/how-to/recover-after-a-crash.md when it is lost")
        return
    if not found.schema:
        yield warning(f"{found.name}: nothing is recorded yet", "hanse plan or hanse upgrade makes the database")
        return
    if found.schema == HEAD:
        yield ok(f"{found.name} is at schema {HEAD}")
    elif dumping.newer(found.schema):
        yield fault(f"{found.name} is at schema {found.schema}, newer than {HEAD}", "install the Hanse that made it")
    else:
        yield warning(f"{found.name} is at schema {found.schema}, not {HEAD}", "hanse backup FILE, then hanse upgrade")
    if not found.writable:
        yield fault(f"{found.name} cannot be written to", "the file, its folder, or the rights of the database's user")
    if found.skew is not None:
        skew = abs(found.skew)
        said = f"this machine's clock is {found.skew.total_seconds():+.1f} s off the database's"
        if skew > _WORST_SKEW:
            yield fault(said, "leases are kept by clocks: chrony or systemd-timesyncd on every machine")
        else:
            yield warning(said, "chrony or systemd-timesyncd on every machine") if skew > _SKEW else ok(said)


def leader(ground: Ground) -> Iterator[Finding]:
    """Who leads, and whether rounds come."""
    settings = ground.settings
    if _unused(ground):
        return
    with read_store(settings.records.url, ground.clock) as store:
        held = store.lease.current(ground.lease)
        runs = store.runs.history(1)
        forsaken = store.runs.forsaken()
    if held is None:
        yield warning("nobody leads: no hanse run is at work", "systemctl status hanse")
    else:
        yield ok(f"{held.holder} leads since {held.since:%Y-%m-%d %H:%M} UTC")
    if runs:
        ended = runs[0].finished_at or runs[0].started_at
        yield ok(f"the last recorded run was {ended:%Y-%m-%d %H:%M} UTC: {runs[0].state}")
    if forsaken and held is None:
        yield warning(f"{len(forsaken)} run(s) never ended", "the next hanse apply or hanse run settles them")


def shared(ground: Ground) -> Iterator[Finding]:
    """What reconcilers on several machines must have in common besides the database."""
    if dumping.dialect_of(ground.settings.records.url) != "postgresql":
        return
    state = ground.settings.state
    if ground.drivers.options("registry:sites", "")[0] != "records":
        yield warning(
            f"records are in PostgreSQL, the register is a file in {state}",
            "hanse run --standby on several machines: the driver records for registry:*, or the same folder on all",
        )
    elif why := _missing(ground):
        yield fault(why, "docs/how-to/run-the-loop.md: several machines, one leader")
    for one in _with_own_key(ground):
        yield warning(
            f"{one} is reached with the SSH key that Hanse makes in {state}",
            f'[targets."{one}"] private_key: the same key on every machine where hanse run --standby is started',
        )


def _missing(ground: Ground) -> str:
    """Why the register cannot be read; "" where that is not known, or it can."""
    if dumping.looked_at(ground.settings.records.url, ground.clock).schema != HEAD:
        return ""
    with read_store(ground.settings.records.url, ground.clock) as store:
        drivers = ground.drivers
        return store.documents.missing(
            drivers.register_folder, lambda name: drivers.options(f"registry:{name}", "")[0] == "records"
        )


def _with_own_key(ground: Ground) -> Iterator[str]:
    """Targets whose machines are reached by a key that no operator gave."""
    batches = {name: options for name, options in ground.settings.targets.items() if name.startswith("batch:")}
    yield from sorted(name for name, options in batches.items() if not options.get("private_key"))
    try:
        resources = ground.declared.resources
    except HanseError:
        return
    if not any(ref.kind == "VirtualCluster" for ref in resources):
        return
    shares = [
        (ref, cloud, share)
        for ref, one in sorted(resources.items())
        if ref.kind == "Site"
        for cloud in one.spec.clouds
        for share in cloud.shares
    ]
    for ref, cloud, share in shares:
        name = f"compute:{ref.name}/{cloud.name}/{share.vo}"
        driver, options = ground.drivers.options(name, cloud.driver)
        if driver in ON_MACHINES and not {**options, **options.get(driver, {})}.get("private_key"):
            yield name


def backups(ground: Ground) -> Iterator[Finding]:
    """How old the newest backup is."""
    folder = ground.settings.records.backups
    if not folder:
        yield warning("nobody says where backups are", "[records] backups, and hanse backup FILE every night")
        return
    there = sorted(Path(folder).glob("*.tar.gz"), key=lambda file: file.stat().st_mtime)
    if not there:
        if _unused(ground):
            return
        yield fault(f"there is no backup in {folder}", f"hanse backup {folder}/hanse-$(date +%F).tar.gz")
        return
    made = datetime.fromisoformat(backup.about(there[-1]).made)
    said = f"the newest backup, {there[-1]}, is of {made:%Y-%m-%d %H:%M} UTC"
    old = ground.clock() - made > _OLD
    yield warning(said, "see why the nightly hanse backup does not run") if old else ok(said)


def _unused(ground: Ground) -> bool:
    """Whether nothing was ever done here: neither fetched nor recorded. That is told once, by the repository."""
    return ground.new and not dumping.looked_at(ground.settings.records.url, ground.clock).schema
