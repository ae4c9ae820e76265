"""A RADL document as a draft: systems that are deployed, what EC3 says of their number, what recipes install."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from reconciler.exchange.templates.amounts import whole
from reconciler.exchange.templates.draft import Draft, Machines
from reconciler.exchange.templates.items import Account, Item
from reconciler.exchange.templates.radl.features import Features
from reconciler.exchange.templates.radl.reading import plays
from reconciler.exchange.templates.software import role_named
from reconciler.exchange.templates.wishes import Wishes

_INITIAL = 10
"""Nodes that an elastic group may have where EC3 sets no bound."""
_ROLE = "write a role of your own that does it, and name it in spec.software"


def radl_draft(root: Item, account: Account, wishes: Wishes, _shown: list[str]) -> Draft:
    """What the document asks for."""
    description = _of(root, "description")
    draft = Draft(root, wishes.name or next(iter(description), PurePath(root.file).stem))
    for item in description.values():
        item.mention()
    _heard(root, account)
    systems = _inherited(_of(root, "system"), account)
    numbers = _deployed(root, account, systems)
    networks = _inherited(_of(root, "network"), account)
    elastic = _elastic(systems)
    for name, item in systems.items():
        if name in numbers or (elastic and _may_grow(item)):
            _system(Features(draft, account, networks), name, item, numbers.get(name))
        else:
            account.spared(item, f"no machine {name} is deployed") if item.fields else None
    _recipes(root, draft, account)
    return draft


def _of(root: Item, kind: str) -> dict[str, Item]:
    found = root.get(kind)
    return found.fields if found is not None else {}


def _heard(root: Item, account: Account) -> None:
    """What says nothing about machines."""
    for part in (part for kind in ("network", "system") for part in _of(root, kind).values()):
        if part.get("reference") is not None:
            account.spared(part.fields.pop("reference"), "all of a document is one cluster")
    for name, item in _of(root, "ansible").items():
        account.spared(item, f"Hanse configures machines itself, not from {name}")
        item.mention()
    for name, item in _of(root, "include").items():
        account.lost(item, f"{name} is in another file", "give that file too: hanse import radl FILE FILE")


def _inherited(objects: Mapping[str, Item], account: Account) -> dict[str, Item]:
    """Objects with the features that they inherit (``ec3_inherit_from = system wn``)."""

    def whole_of(name: str, seen: tuple[str, ...]) -> dict[str, Item]:
        item = objects.get(name)
        if item is None or name in seen:
            return {}
        source = item.fields.get("ec3_inherit_from")
        own = {key: part for key, part in item.fields.items() if key != "ec3_inherit_from"}
        if source is None:
            return own
        source.mention()
        if str(source.data) not in objects:
            account.lost(source, f"there is no {source.data} to inherit from", "give the file that has it")
        return {**whole_of(str(source.data), (*seen, name)), **own}

    made: dict[str, Item] = {}
    for name, item in objects.items():
        made[name] = Item(item.file, item.line, item.column, item.path, whole_of(name, ()))
        if not item.fields:
            item.mention()
    return made


def _deployed(root: Item, account: Account, systems: Mapping[str, Item]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    found = root.get("deploy")
    for entry in found.entries if found is not None else ():
        system, number, cloud = entry.get("system"), entry.get("vm_number"), entry.get("cloud")
        name = str(system.take()) if system is not None else ""
        if cloud is not None and cloud.data:
            account.lost(cloud, f"the cloud {cloud.data} is one of Infrastructure Manager's credentials", "name --site")
        elif cloud is not None:
            cloud.mention()
        if name not in systems:
            account.lost(entry, f"there is no system {name}", "give the file that has it")
            continue
        count = Machines(name, entry).number(account, number or entry, number.data if number is not None else 1)
        numbers[name] = numbers.get(name, 0) + (count or 0)
    return numbers


def _elastic(systems: Mapping[str, Item]) -> bool:
    """Whether EC3 deploys these: then systems grow without being deployed."""
    return any(key.startswith("ec3_") or key == "queue_system" for item in systems.values() for key in item.fields)


def _may_grow(item: Item) -> bool:
    return bool(item.fields) and "queue_system" not in item.fields


def _system(features: Features, name: str, item: Item, deployed: int | None) -> None:
    machines = features.machines(name, item, deployed)
    account = features.account
    most = item.fields.get("ec3_max_instances")
    if most is None and deployed is None:
        machines.high, machines.low, machines.elastic = _INITIAL, 0, machines.elastic or {}
        account.altered(item, f"EC3 sets no bound: {name} grows to {_INITIAL}", "change max in the manifest")
    elif most is not None:
        bound = whole(most.data)
        machines.low, machines.elastic, machines.bounds = 0, machines.elastic or {}, most
        machines.high = bound if bound is not None else _INITIAL
        most.mention()
        if bound is None:
            account.altered(most, f"there is no bound: {name} grows to {_INITIAL}", "change max in the manifest")
        elif bound == 0:
            machines.high = None
        if deployed:
            account.altered(most, f"{deployed} of {name} at the beginning: they stay while there is work for them")


# --- recipes ---------------------------------------------------------------------------------------------------------


def _recipes(root: Item, draft: Draft, account: Account) -> None:
    for name, recipe in _of(root, "configure").items():
        if not str(recipe.data or "").strip():
            recipe.mention()
            continue
        found = plays(recipe)
        recipe.mention()
        if found is None:
            message = f"the recipe {name} cannot be read as plays (it may be a vault)"
            account.lost(recipe, message, _ROLE)
        for play in found or ():
            _play(play, name, draft, account)
    steps = root.get("contextualize")
    for step in steps.entries if steps is not None else ():
        named = step.get("configure")
        if named is not None and str(named.data) not in _of(root, "configure"):
            account.lost(step, f"there is no recipe {named.data}", "give the file that has it")
        elif step.get("system") is not None:
            account.spared(step, "roles run on the whole cluster, in the order of spec.software")
        elif step.data:
            account.spared(step, "a run has ansible.timeoutSeconds")
        else:
            step.mention()


def _play(play: Item, name: str, draft: Draft, account: Account) -> None:
    for key, part in play.fields.items():
        if key == "roles":
            for role in part.entries:
                _role(role, draft, account)
        elif key in ("tasks", "pre_tasks", "post_tasks", "handlers"):
            for task in part.entries:
                account.lost(task, f"{_task(task)} is not carried over", _ROLE)
        elif key in ("vars", "vars_files", "environment"):
            for variable, item in part.fields.items():
                account.lost(item, f"the variable {variable} of {name} is not carried over", "see the role's variables")
            for item in part.entries:
                account.lost(item, f"the variables of {name} are not carried over", "see the role's variables")
        elif key in ("become", "become_user", "hosts", "gather_facts", "name", "strategy", "remote_user"):
            part.mention()
        else:
            account.lost(part, f"{key} of a play is not carried over", _ROLE)


def _task(task: Item) -> str:
    """A task as people call it."""
    name = task.get("name")
    if name is not None:
        return f"the task {name.data!r}"
    return f"a task with {next(iter(task.fields), 'nothing')}"


def _role(role: Item, draft: Draft, account: Account) -> None:
    at = role if role.scalar else role.get("role") or role.get("name") or role
    known = role_named(draft, account, at, str(at.data) if at.scalar else "?")
    for key, item in role.fields.items():
        if key in ("role", "name"):
            item.mention()
        elif known is not None:
            account.altered(item, f"{key}: the role {known} has variables of its own", f"see those of the role {known}")
        else:
            item.mention()
