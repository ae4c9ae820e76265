"""Replica: a file, or the files of a dataset, at one storage of one site.

It lives on a storage of a site (`storage:SITE/STORAGE`). A copy is written under another name, verified by size and
checksum, and only then put in its place: half a file is never taken for a replica. A file that was changed at the
storage is drift, and is copied again.

Others may take from it: `storage`, `path` and `bytes`.
"""

from reconciler.kinds.replica.kind import ReplicaKind
from reconciler.kinds.replica.spec import (
    Checksum,
    DatasetName,
    FilePath,
    Fileset,
    Lies,
    ReplicaFile,
    ReplicaSpec,
    Source,
    StorageRef,
    StorageSource,
)

KIND = ReplicaKind()

__all__ = [
    "KIND",
    "Checksum",
    "DatasetName",
    "FilePath",
    "Fileset",
    "Lies",
    "ReplicaFile",
    "ReplicaKind",
    "ReplicaSpec",
    "Source",
    "StorageRef",
    "StorageSource",
]
