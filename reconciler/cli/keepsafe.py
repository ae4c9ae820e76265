"""hanse backup, restore and upgrade: the records as a file, back again, and brought up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import console

Backup = Annotated[Path, typer.Argument(metavar="FILE", help="The archive: hanse-2026-11-22.tar.gz.")]


def backup(context: typer.Context, file: Backup) -> int:
    """Write the records, as of one moment, and what was told to whom, into one archive; a daemon may go on working.

    Neither secrets nor keys are in it, nor what can be made again. PostgreSQL is dumped by its own pg_dump.

    Example: `hanse backup /var/backups/hanse-$(date +%F).tar.gz`.
    """
    from reconciler.backup import back_up
    from reconciler.cli.house import now, settings_of

    made = back_up(settings_of(context.obj), file, now())
    console.say(f"{file}: {made.dialect} at schema {made.schema}, {file.stat().st_size:,} bytes")
    return 0


def restore(context: typer.Context, file: Backup) -> int:
    """Put a backup back: over an empty database, while nobody works on it; then it is brought up to date.

    Examples: `hanse restore /var/backups/hanse-2026-11-22.tar.gz`.
    """
    from reconciler import backup as backups
    from reconciler.cli.house import now, settings_of
    from reconciler.daemon.lease import NAME

    told = backups.restore(settings_of(context.obj), file, now(), NAME)
    console.say(f"restored what was recorded up to {told.made[:19]} UTC by Hanse {told.hanse}")
    console.note("next: hanse plan shows what has changed since; nothing was done to any back end")
    return 0


def upgrade(context: typer.Context) -> int:
    """Bring the database up to this version's schema. Every command that writes does so too; this one does only that.

    Example: `hanse upgrade`.
    """
    from reconciler.cli.house import now, settings_of
    from reconciler.records import dumping
    from reconciler.records.schema import HEAD
    from reconciler.records.store import open_store

    url = settings_of(context.obj).records.url
    before = dumping.schema_of(url, now())
    open_store(url, now).close()
    console.say(f"schema {HEAD}: nothing to do" if before == HEAD else f"schema {before or 'none'} -> {HEAD}")
    return 0
