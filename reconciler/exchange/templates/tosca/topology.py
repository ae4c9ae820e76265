"""A service template as a draft: its machines, what runs on them, and what nobody needs any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath

from reconciler.exchange.templates.draft import Draft
from reconciler.exchange.templates.items import Account, Item
from reconciler.exchange.templates.tosca.compute import Computes
from reconciler.exchange.templates.tosca.inputs import Values
from reconciler.exchange.templates.tosca.parts import Parts
from reconciler.exchange.templates.wishes import Wishes

_VERSIONS = ("tosca_simple_yaml_1_", "tosca_simple_profile_yaml_1_")
_TYPES = ("node_types", "data_types", "capability_types", "artifact_types", "relationship_types", "interface_types")


def tosca_draft(root: Item, account: Account, wishes: Wishes, shown: list[str]) -> Draft:
    """What the template asks for; ``shown`` gets its inputs."""
    topology = root.get("topology_template") or root
    values = Values(topology, account, wishes.inputs)
    draft = Draft(root, _name(root))
    _head(root, account)
    types = _types(root)
    computes = Computes(draft, account, values)
    others: list[tuple[str, Item, list[str]]] = []
    for name, node in (topology.get("node_templates") or Item("", 1, 1, "", {})).fields.items():
        said = node.get("type")
        chain = [*_chain(str(said.plain()) if said else "", types)]
        if said is not None:
            said.mention()
        if any(one.rpartition(".")[2] == "Compute" for one in chain):
            computes.take(name, node)
        else:
            others.append((name, node, chain))
    parts = Parts(draft, account, values, computes)
    for name, node, chain in others:
        parts.take(name, node, chain)
    parts.close()
    _tail(topology, account)
    shown += values.shown()
    values.close()
    shown += [f"{name}: the template has no such input" for name in values.unknown()]
    return draft


def _name(root: Item) -> str:
    metadata = root.get("metadata")
    said = next((m for k in ("template_name", "name") if metadata and (m := metadata.get(k))), None)
    return str(said.plain()) if said else PurePath(root.file).stem


def _head(root: Item, account: Account) -> None:
    version = root.get("tosca_definitions_version")
    said = str(version.take()) if version else ""
    if version is not None and not said.startswith(_VERSIONS):
        account.lost(version, f"{said} is read as if it were TOSCA Simple Profile 1", "compare the manifests with care")
    for key in ("description", "template_name", "template_author", "template_version", "dsl_definitions"):
        found = root.get(key)
        if found is not None:
            found.mention()
    for key, item in (root.get("metadata") or root).fields.items() if root.get("metadata") else ():
        if key in ("template_name", "name"):
            item.mention()
        else:
            account.spared(item, f"{key} is for the form of a dashboard")
    for item in (root.get("imports") or root).below() if root.get("imports") else ():
        account.spared(item, "types are not fetched: those of INDIGO, EC3 and EGI are known")
    for key in _TYPES:
        for name, item in (root.get(key) or root).fields.items() if root.get(key) else ():
            account.lost(
                item, f"what the type {name} does is not carried over", "name roles that do it in spec.software"
            )


def _types(root: Item) -> Mapping[str, str]:
    """Node type -> the one that it is derived from, as far as the template says so itself."""
    declared = root.get("node_types")
    found = {name: item.get("derived_from") for name, item in declared.fields.items()} if declared else {}
    return {name: str(item.plain()) for name, item in found.items() if item is not None}


def _chain(name: str, types: Mapping[str, str]) -> Iterator[str]:
    seen: set[str] = set()
    while name and name not in seen:
        seen.add(name)
        yield name
        name = types.get(name, "")


def _tail(topology: Item, account: Account) -> None:
    """What stands beside the nodes."""
    description = topology.get("description")
    if description is not None:
        description.mention()
    for name, item in _of(topology, "outputs"):
        account.spared(item, f"{name}: a cluster gives frontend_address, worker_addresses, endpoints and nodes")
    for name, item in _policies(topology):
        kind = item.get("type")
        said = f"{name} ({kind.plain() if kind else 'a policy'})"
        account.lost(item, f"{said} places nothing", "say site, or what a site must have in spec.requirements")
    for name, item in _of(topology, "groups"):
        account.lost(item, f"the group {name} is not mapped", "worker groups are machines of one make")


def _of(topology: Item, key: str) -> Iterator[tuple[str, Item]]:
    found = topology.get(key)
    yield from found.fields.items() if found is not None else ()


def _policies(topology: Item) -> Iterator[tuple[str, Item]]:
    found = topology.get("policies")
    for entry in found.entries if found is not None else ():
        yield from entry.fields.items()
    yield from found.fields.items() if found is not None else ()
