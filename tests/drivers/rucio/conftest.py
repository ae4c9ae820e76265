"""A small federation at a real Rucio: storages with attributes, a dataset that lies on one of them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.drivers.rucio.keeper import Rucio as Keeper
from reconciler.drivers.rucio.options import Options
from reconciler.drivers.rucio.rest import Rest
from tests.real.rucio import PASSWORD, Rucio, rucio

__all__ = ["rucio"]

SIZE = 1_000_000
STORAGES: dict[str, dict[str, Any]] = {
    "CESGA-DISK": {"country": "ES", "tier": 2, "freespace": 120, "ssd": True, "QOS": "FAST"},
    "CESGA_TAPE": {"country": "ES", "tier": 2, "freespace": 9000, "QOS": "SAFE"},
    "PIC-DISK": {"country": "ES", "tier": 1, "freespace": 450, "QOS": "SAFE"},
    "DESY-DISK": {"country": "DE", "tier": 2, "freespace": 80, "ssd": True, "QOS": "FAST"},
    "KIT-DISK": {"country": "DE", "tier": 1, "freespace": 300, "QOS": "SAFE"},
    "KIT_TAPE": {"country": "DE", "tier": 1, "freespace": 20000},
    "CERN-DISK": {"country": "CH", "tier": 0, "freespace": 5000, "ssd": False, "QOS": "FAST"},
    "ULAKBIM": {"country": "TR", "tier": 3, "freespace": 12},
    "ILIFU": {"country": "ZA", "tier": 3, "freespace": 75.5, "ssd": True},
    "BARE": {},
}


class Secrets:
    def secret(self, _reference: Any) -> str:
        return PASSWORD


@dataclass
class Federation:
    """The server with our storages."""

    rucio: Rucio
    rest: Rest
    keeper: Keeper

    def dataset(self, name: str, at: str, files: int = 3, contents: Mapping[str, bytes] | None = None) -> None:
        """A dataset of ``files`` files, or of those with these ``contents``, each AVAILABLE at a storage."""
        said = {f"{name}.{n}": (SIZE, n) for n in range(files)}
        if contents is not None:
            said = {file: (len(content), zlib.adler32(content)) for file, content in contents.items()}
        rows = [
            {"scope": "ocean", "name": file, "bytes": size, "adler32": f"{checksum:08x}", "state": "A"}
            for file, (size, checksum) in said.items()
        ]
        self.rest.send("POST", "/replicas/", {"rse": at, "files": rows, "ignore_availability": False})
        self.rest.send("POST", f"/dids/ocean/{name}", {"type": "DATASET"})
        dids = [{"scope": "ocean", "name": row["name"]} for row in rows]
        self.rest.send("POST", f"/dids/ocean/{name}/dids", {"dids": dids})


@pytest.fixture(scope="session")
def federation(rucio: Rucio) -> Federation:
    options = Options.model_validate(rucio.options())
    rest = Rest("rucio:main", options, Secrets().secret)
    protocol = {
        "hostname": "dav.example.org",
        "port": 443,
        "prefix": "/fed/",
        "impl": "rucio.rse.protocols.posix.Default",
        "domains": {"lan": {"read": 1, "write": 1, "delete": 1}, "wan": {"read": 1, "write": 1, "delete": 1}},
    }
    for name, attributes in STORAGES.items():
        kind = {"rse_type": "TAPE"} if name.endswith("_TAPE") else {}
        rest.send("POST", f"/rses/{name}", {"deterministic": True, **kind})
        rest.send("POST", f"/rses/{name}/protocols/davs", protocol)
        for key, value in attributes.items():
            rest.send("POST", f"/rses/{name}/attr/{key}", {"value": value})
        rest.send("POST", f"/accounts/root/limits/local/{name}", {"bytes": 10**12}, right=(404, 405))
        rest.send("POST", f"/accountlimits/local/root/{name}", {"bytes": 10**12}, right=(404,))
    rest.send("POST", "/accounts/root/scopes/ocean")
    return Federation(rucio, rest, Keeper(rest, options))
