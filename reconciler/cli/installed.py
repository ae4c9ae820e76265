"""What manifests name and this installation does not have: drivers, roles, variables of roles. Warnings of validate.

Warnings, since another reconciler may have them: the one that validates is not always the one that applies.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.nearest import meant

if TYPE_CHECKING:
    from reconciler.kinds.site import SiteSpec
    from reconciler.kinds.virtualcluster import VirtualClusterSpec
    from reconciler.model import Diagnostic, Graph, Resource
    from reconciler.settings import Settings
    from reconciler.wiring import Wired


def missing(graph: Graph, settings: Settings) -> Iterator[Diagnostic]:
    """A warning for each name that nothing here answers to."""
    from reconciler.model import Diagnostic
    from reconciler.wiring import Wired

    found = {"Site": partial(_drivers, Wired(settings, {})), "VirtualCluster": partial(_roles, settings)}
    for ref, resource in graph.resources.items():
        if ref.kind in found and resource.owner is None:
            for path, said, cure in found[ref.kind](resource):
                where = resource.location
                yield Diagnostic(where.file, where.line, 1, path, said, cure, "not-installed", "warning")


def _drivers(wired: Wired, resource: Resource) -> Iterator[tuple[str, str, str]]:
    from reconciler.wiring import MODULES

    spec: SiteSpec = resource.spec
    ends = [(f"spec.clouds[{n}]", "compute", one) for n, one in enumerate(spec.clouds)]
    ends += [(f"spec.storage[{n}]", "storage", one) for n, one in enumerate(spec.storage)]  # type: ignore[misc]
    for path, port, one in ends:
        driver, _ = wired.options(f"{port}:{resource.ref.name}/{one.name}", one.driver)
        if (port, driver) not in MODULES:
            known = sorted(name for kind, name in MODULES if kind == port)
            yield f"{path}.driver", f"no {port} driver is called {driver}", _cure(driver, known)


def _roles(settings: Settings, resource: Resource) -> Iterator[tuple[str, str, str]]:
    from reconciler.drivers.ansible.options import options_of

    spec: VirtualClusterSpec = resource.spec
    folder = options_of({"playbooks": settings.playbooks, "state": settings.state}).playbook_folder / "roles"
    there = sorted(role.name for role in folder.iterdir() if role.is_dir()) if folder.is_dir() else []
    for n, software in enumerate(spec.software):
        path, role = f"spec.software[{n}]", software.role
        if software.source is not None:
            continue
        if role not in there:
            yield f"{path}.role", f"no role is called {role}", _cure(role, there)
            continue
        known = _variables(folder / role)
        for name in (one for one in software.variables if known and one not in known):
            yield f"{path}.variables.{name}", f"the role {role} has no variable {name}", _cure(name, known)


def _variables(role: Path) -> Collection[str]:
    """Names of a role's variables; none when it does not say."""
    from reconciler.manifest.reader import documents

    specs = role / "meta" / "argument_specs.yml"
    read: Any = next((found.data for found in documents(specs.read_bytes())), {}) if specs.is_file() else {}
    main = (read.get("argument_specs") or {}).get("main") or {}
    variables: Mapping[str, Any] = (main.get("options") or {}).get("hanse_variables") or {}
    return sorted(variables.get("options") or {})


def _cure(name: str, known: Collection[str]) -> str:
    return meant(name, known, f"there are: {', '.join(known)}")
