"""The same federation with two storages, one of them guarded by its site, and data of the waves VO."""

from __future__ import annotations

from pathlib import Path

from tests.house import applied
from tests.tenancy.federation import begun, signed

GUARD = """apiVersion: hanse/v1
kind: Tenancy
metadata: {name: halifax}
spec:
  authority: {site: HALIFAX}
  scope: {targets: ["storage:HALIFAX/*"]}
  allow:
    - who: [{signer: sam@example.org}]
      actions: [create, update, delete, approve]
"""
HELD = "Replica/waves/raw.HALIFAX.disk"
FREE = "Replica/waves/raw.LISBON.disk"
RULE = "DatasetRule/waves/keep"
PART = "site:HALIFAX:Replica"


def sites(limits: str = "") -> str:
    """Two sites, each with a directory for a storage; ``limits`` are those of HALIFAX."""
    form = (
        "apiVersion: hanse/v1\nkind: Site\nmetadata: {{name: {}}}\n"
        "spec: {{country: DE, storage: [{{name: disk, driver: directory}}]{}}}\n"
    )
    return form.format("HALIFAX", f", limits: {limits}" if limits else "") + "---\n" + form.format("LISBON", "")


def data(*files: str) -> str:
    """The dataset, with files that all hold the same two letters."""
    listed = ", ".join(f'{{path: {name}, size: 2, checksum: "adler32:012600c4", source: "data:,ab"}}' for name in files)
    return (
        "apiVersion: hanse/v1\nkind: Dataset\nmetadata: {name: raw, namespace: waves}\n"
        f"spec: {{scope: waves, name: raw, vo: waves, files: [{listed}]}}\n"
    )


def rule(locations: str, copies: int = 1, more: str = "") -> str:
    """A rule of the waves VO."""
    return (
        "apiVersion: hanse/v1\nkind: DatasetRule\nmetadata: {name: keep, namespace: waves}\n"
        f"spec: {{scope: waves, name: raw, copies: {copies}, locations: {locations}{more}}}\n"
    )


def coast(root: Path, guard: str = GUARD) -> Path:
    """The federation, its storages guarded before any data comes."""
    begun(root)
    signed(root, "olga", {"sites.yaml": sites(), "tenancy/halifax.yaml": guard})
    applied(root, until_quiet=True)
    return root


def stored(root: Path, site: str) -> set[str]:
    """What lies on a site's storage."""
    here = root / ".hanse/state/storage" / site / "disk"
    return {one.name for one in here.rglob("*") if one.is_file() and ".hanse" not in one.relative_to(here).parts}


IMAGES = """apiVersion: hanse/v1
kind: Tenancy
metadata: {name: alpha}
spec:
  authority: {site: ALPHA}
  scope: {targets: ["images:ALPHA/*"]}
  allow:
    - who: [{signer: sam@example.org}]
      actions: [create, update, delete, approve]
"""
IMAGE = """apiVersion: hanse/v1
kind: Image
metadata: {name: debian-12}
spec:
  title: Debian 12
  url: https://images.example.org/debian-12.qcow2
  checksum: {sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855}
  format: qcow2
  version: "1"
  created: 2026-10-15T00:00:00Z
  expires: 2027-10-15T00:00:00Z
  system: {type: linux, distribution: debian, version: "12", architecture: x86_64}
  minimum: {cores: 1, memoryMiB: 1024, diskGiB: 10}
"""
