"""What the configured drivers need: their modules, and the programs of this machine that they start."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from reconciler.doctor.findings import Finding, Ground, fault, ok, warning
from reconciler.drivers.secrets.sops import program
from reconciler.errors import HanseError, Terminal
from reconciler.model import SecretRef
from reconciler.ports.check import STANDARD_PLUGINS
from reconciler.wiring import MODULES

ON_MACHINES = frozenset({"namespace", "openstack", "ec2"})
"""Compute drivers whose machines are configured by playbooks over SSH."""
_CHECKS = "check:local"


def _used(ground: Ground) -> set[tuple[str, str]]:
    """Port and driver of every target that is declared or configured."""
    try:
        found = {(target.port, target.driver) for target in ground.declared.targets.values()}
    except HanseError:
        found = set()
    for name, options in ground.settings.targets.items():
        if driver := str(options.get("driver", "")):
            found.add((name.partition(":")[0], ground.settings.substitute.get(driver, driver)))
    of_machines = {driver for port, driver in found if port == "compute"}
    return found | {(port, one) for port in ("configure", "images") for one in of_machines if (port, one) in MODULES}


def drivers(ground: Ground) -> Iterator[Finding]:
    """Every driver that is named can be imported."""
    good = 0
    for port, driver in sorted(_used(ground)):
        module = MODULES.get((port, driver))
        if module is None:
            if any(known == port for known, _ in MODULES):
                yield fault(f"there is no {port} driver called {driver}", "hanse.toml: [substitute] or [targets]")
            continue
        try:
            import_module(module)
        except ImportError as error:
            yield fault(f"the {port} driver {driver} needs {error.name}, which is not installed", "pip install it")
            continue
        good += 1
    yield ok(f"{good} driver(s) in use can be loaded")


def programs(ground: Ground) -> Iterator[Finding]:
    """Programs that are needed, and where they are."""
    needed = {"git": "git"}
    used = _used(ground)
    if any(port == "configure" and driver in ON_MACHINES for port, driver in used):
        needed |= {"ansible-playbook": "ansible-core", "ssh": "openssh-client", "setsid": "util-linux"}
    if ground.settings.records.url.startswith("postgresql"):
        needed["pg_dump"] = "postgresql-client (for hanse backup)"
    for name, package in needed.items():
        there = shutil.which(name) or _beside(name)
        yield ok(f"{name}: {there}") if there else fault(f"{name} is not on the PATH", f"install {package}")
    if any(reference.sops for reference in _every(ground)):
        try:
            yield ok(f"sops: {program(ground.settings.sops)}")
        except Terminal as error:
            yield fault(str(error), "")
    yield from _plugins(ground)


def _beside(name: str) -> str:
    import sys

    there = Path(sys.executable).with_name(name)
    return str(there) if there.exists() else ""


def _every(ground: Ground) -> Iterator[SecretRef]:
    yield from (reference for _, reference in ground.named())
    try:
        yield from (reference for _, _, reference in ground.wanted())
    except HanseError:
        return


def _plugins(ground: Ground) -> Iterator[Finding]:
    """The monitoring plugins, where there are probes."""
    try:
        probes = sum(1 for ref in ground.declared.resources if ref.kind == "Probe")
    except HanseError:
        return
    if not probes:
        return
    _, options = ground.drivers.options(_CHECKS, "")
    folder = Path(str(options.get("path", "/usr/lib/nagios/plugins")))
    there = [name for name in options.get("allow", STANDARD_PLUGINS) if (folder / name).is_file()]
    if there:
        yield ok(f"{len(there)} monitoring plugins in {folder}, for {probes} probe(s)")
    else:
        yield warning(f"no monitoring plugin in {folder}, and {probes} probe(s)", "apt-get install monitoring-plugins")
