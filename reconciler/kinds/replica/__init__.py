"""Replica: a file, or the files of a dataset, at one storage of one site."""

from reconciler.kinds.replica.kind import ReplicaKind
from reconciler.kinds.replica.spec import (
    Checksum,
    DatasetName,
    FilePath,
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
    "ReplicaFile",
    "ReplicaKind",
    "ReplicaSpec",
    "Source",
    "StorageRef",
    "StorageSource",
]
