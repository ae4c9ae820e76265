"""The same graph for Terraform: one ``terraform_data`` per resource, with the same references."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

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
            "input": resource.content.decode(),
            "depends_on": [f"terraform_data.{names[edge.ref]}" for edge in resource.edges],
        }
        for ref, resource in graph.resources.items()
    }
    _save(where, blocks)


def change_one(where: Path) -> None:
    """One name gets another TTL."""
    blocks = _blocks(where)
    block = next(b for b in blocks.values() if '"ttl":' in b["input"])
    block["input"] = block["input"].replace('"ttl":', '"ttl":1')
    _save(where, blocks)


def believe(where: Path) -> None:
    """Write the state that an apply would have left, for when waiting for it would take too long."""
    provider = 'provider["terraform.io/builtin/terraform"]'
    resources = [
        {
            "mode": "managed",
            "type": "terraform_data",
            "name": name,
            "provider": provider,
            "instances": [_instance(block)],
        }
        for name, block in _blocks(where).items()
    ]
    (where / ".terraform.tfstate.lock.info").unlink(missing_ok=True)
    state = {"version": 4, "serial": 1, "lineage": str(uuid.uuid4()), "outputs": {}, "resources": resources}
    (where / "terraform.tfstate").write_text(json.dumps(state))


def _instance(block: dict[str, Any]) -> dict[str, Any]:
    value = {"value": block["input"], "type": "string"}
    made = {"id": str(uuid.uuid4()), "input": value, "output": value, "triggers_replace": None}
    return {"schema_version": 0, "attributes": made, "dependencies": block["depends_on"]}


def _blocks(where: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((where / "main.tf.json").read_text())["resource"]["terraform_data"]
    return found


def _save(where: Path, blocks: dict[str, Any]) -> None:
    where.mkdir(parents=True, exist_ok=True)
    (where / "main.tf.json").write_text(json.dumps({"resource": {"terraform_data": blocks}}))
