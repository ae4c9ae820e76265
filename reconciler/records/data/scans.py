"""Scans of storages, as they are written down."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from reconciler.ports import Scan
from reconciler.records.database import Database, chunks
from reconciler.records.tables import DarkRow, ScanRow, table

_SCANS, _DARK = table(ScanRow), table(DarkRow)


def write_scan(database: Database, connection: Connection, scan: Scan, now: datetime) -> None:
    """Write down one scan: its numbers, and which files are dark."""
    row = {
        "target": scan.target,
        "at": now,
        "files": scan.files,
        "expected": scan.expected,
        "missing": len(scan.missing),
        "first_missing": scan.missing[0] if scan.missing else "",
        "dark": len(scan.dark),
        "dark_bytes": sum(dark.size for dark in scan.dark),
    }
    connection.execute(database.upsert(_SCANS), [row])
    seen = {dark.path: dark for dark in scan.dark}
    known = set(connection.scalars(select(_DARK.c.path).where(_DARK.c.target == scan.target)))
    for some in chunks(sorted(known - seen.keys())):
        connection.execute(delete(_DARK).where(_DARK.c.target == scan.target, _DARK.c.path.in_(some)))
    rows = [
        {
            "target": scan.target,
            "path": dark.path,
            "size": dark.size,
            "uid": dark.uid,
            "first_seen": now,
            "last_seen": now,
        }
        for dark in seen.values()
    ]
    if rows:
        connection.execute(database.upsert(_DARK, keep=("first_seen",)), rows)
