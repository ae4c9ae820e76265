"""The same graph for Terraform: one ``terraform_data`` per resource, with the same references."""

from __future__ import annotations

import json
from pathlib import Path

from reconciler.graph import build
from reconciler.kinds import registry
from reconciler.manifest import load
from reconciler.settings import Settings
from reconciler.source import read
from reconciler.wiring import Wired


def write(repository: Path, where: Path) -> None:
    """Turn a federation's commit into main.tf.json."""
    kinds = registry()
    resources = load(read(repository, "main"), kinds)
    graph = build(resources, kinds, Wired(Settings()))
    names = {ref: f"r{n}" for n, ref in enumerate(sorted(graph.resources))}
    blocks = {
        names[ref]: {
            "input": json.loads(resource.content),
            "depends_on": [f"terraform_data.{names[edge.ref]}" for edge in resource.edges],
        }
        for ref, resource in graph.resources.items()
    }
    _save(where, blocks)


def change_one(where: Path) -> None:
    """One name gets another TTL."""
    blocks = json.loads((where / "main.tf.json").read_text())["resource"]["terraform_data"]
    block = next(b for b in blocks.values() if "ttl" in b["input"])
    block["input"]["ttl"] += 1
    _save(where, blocks)


def _save(where: Path, blocks: dict[str, object]) -> None:
    where.mkdir(parents=True, exist_ok=True)
    (where / "main.tf.json").write_text(json.dumps({"resource": {"terraform_data": blocks}}))
