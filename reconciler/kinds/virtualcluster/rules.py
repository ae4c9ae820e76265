"""What must hold for a virtual cluster beyond the types of its fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.errors import Terminal
from reconciler.kinds.base import Fault, Rule
from reconciler.kinds.virtualcluster.overlay import WIREGUARD, network_of, overlay_address
from reconciler.kinds.virtualcluster.spec import AUTO, FRONTEND, SLURM, Secret, VirtualClusterSpec
from reconciler.model import Ref

_HIGHEST_PORT = 65535


def _counts(_ref: Ref, spec: VirtualClusterSpec) -> Iterator[Fault]:
    if spec.frontend.count != 1:
        yield Fault("spec.frontend.count", "a cluster has one front end", "leave count out")
    for n, group in enumerate(spec.workers):
        path = f"spec.workers[{n}]"
        bounds = (group.min, group.max)
        if group.count is not None and bounds != (None, None):
            yield Fault(f"{path}.count", "count and min/max exclude each other", "keep count, or min and max")
        elif group.count is None and None in bounds:
            yield Fault(path, "the number of machines is not given", "give count, or both min and max")
        elif group.min is not None and group.max is not None and group.min > group.max:
            yield Fault(f"{path}.min", f"min {group.min} is above max {group.max}", "swap them")


def _elasticity(_ref: Ref, spec: VirtualClusterSpec) -> Iterator[Fault]:
    for n, group in enumerate(spec.workers):
        policy, path = group.elasticity, f"spec.workers[{n}].elasticity"
        if policy is None:
            continue
        if all(software.role != SLURM for software in spec.software):
            yield Fault(path, "there is no queue to follow", f"add the role {SLURM} to software")
        if group.count is not None:
            yield Fault(path, "the number of machines is fixed, so nothing is elastic", "give min and max, not count")
        if policy.bootTimeoutSeconds < policy.bootSeconds:
            cure = f"give at least bootSeconds, {policy.bootSeconds}"
            yield Fault(f"{path}.bootTimeoutSeconds", "a node would be given up before it is late", cure)
        if group.max is not None and policy.minIdle > group.max:
            cure = f"give at most max, {group.max}"
            yield Fault(f"{path}.minIdle", f"{policy.minIdle} spare nodes are more than there may be", cure)


def _unready(_ref: Ref, spec: VirtualClusterSpec) -> Iterator[Fault]:
    for n, group in enumerate(spec.workers):
        if group.nodes is not None:
            yield Fault(f"spec.workers[{n}].nodes", "nodes are chosen from the queue, never written", "leave them out")
    workers = ((f"spec.workers[{n}]", group.unready) for n, group in enumerate(spec.workers))
    for path, unready in (("spec.frontend", spec.frontend.unready), *workers):
        if unready:
            yield Fault(f"{path}.unready", "unready is observed, never wanted", "leave it out")


def _group_names(_ref: Ref, spec: VirtualClusterSpec) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for n, group in enumerate(spec.workers):
        if group.name == FRONTEND:
            yield Fault(f"spec.workers[{n}].name", f"{FRONTEND} is the front end's own group", "choose another name")
        elif group.name in first:
            where = f"spec.workers[{first[group.name]}]"
            yield Fault(f"spec.workers[{n}].name", f"the group {group.name} stands already at {where}", "rename one")
        first.setdefault(group.name, n)


def _ports(_ref: Ref, spec: VirtualClusterSpec) -> Iterator[Fault]:
    for n, port in enumerate(spec.network.ports):
        low, _, high = port.partition("/")[0].partition("-")
        first, last = int(low), int(high or low)
        if not 0 < first <= last <= _HIGHEST_PORT:
            cure = f"ports run from 1 to {_HIGHEST_PORT}, the lower one first"
            yield Fault(f"spec.network.ports[{n}]", f"{port} is no port range", cure)


def _site(_ref: Ref, spec: VirtualClusterSpec) -> Iterator[Fault]:
    if spec.site == AUTO and spec.cloud is not None:
        yield Fault("spec.cloud", "a cloud is named and the site is not", "name the site, or leave the cloud out too")


def _requirements(_ref: Ref, spec: VirtualClusterSpec) -> Iterator[Fault]:
    if spec.site != AUTO and spec.requirements is not None:
        cure = f"remove them, or say site: {AUTO}"
        yield Fault("spec.requirements", f"the site {spec.site} is named, so requirements choose nothing", cure)


def _secrets(_ref: Ref, spec: VirtualClusterSpec) -> Iterator[Fault]:
    for n, software in enumerate(spec.software):
        for name, value in software.variables.items():
            if not isinstance(value, Secret) and _mentions_secret(value):
                yield Fault(
                    f"spec.software[{n}].variables.{name}",
                    "secretRef must be the whole variable and give exactly one of env, file, sops, openbao",
                    "write {secretRef: {env: NAME}} or {secretRef: {file: PATH}}",
                )


def _mentions_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return "secretRef" in value or any(_mentions_secret(v) for v in value.values())
    return isinstance(value, list) and any(_mentions_secret(v) for v in value)


def _twice(_ref: Ref, spec: VirtualClusterSpec) -> Iterator[Fault]:
    for path, items in (
        ("sshKeys", [" ".join(key.split()[:2]) for key in spec.sshKeys]),
        ("data", [need.datasetRule for need in spec.data]),
        ("network.ports", list(spec.network.ports)),
    ):
        for n, item in enumerate(items):
            if item in items[:n]:
                yield Fault(f"spec.{path}[{n}]", f"stands already at spec.{path}[{items.index(item)}]", "remove one")


def _sources(_ref: Ref, spec: VirtualClusterSpec) -> Iterator[Fault]:
    for n, one in enumerate(spec.software):
        source = one.source
        if source is None:
            continue
        given = (source.archive is not None, source.sha256 is not None, source.tree is not None)
        if given not in ((True, True, False), (False, False, True)):
            cure = "give archive and sha256, or tree"
            yield Fault(f"spec.software[{n}].source", "what the role holds is not pinned in exactly one way", cure)


def _elsewhere(_ref: Ref, spec: VirtualClusterSpec) -> Iterator[Fault]:
    for n, group in enumerate(spec.workers):
        if group.cloud is not None and group.site is None:
            cure = "name the site, or leave the cloud out too"
            yield Fault(f"spec.workers[{n}].cloud", "a cloud is named and the site is not", cure)


def _joined(_ref: Ref, spec: VirtualClusterSpec) -> Iterator[Fault]:
    for n, group in enumerate(spec.workers):
        if group.site not in (None, spec.site) and not network_of(spec):
            said = f"nothing joins {group.site} with the front end's site"
            yield Fault(f"spec.workers[{n}].site", said, f"put the role {WIREGUARD} before the others in software")


def _overlay(_ref: Ref, spec: VirtualClusterSpec) -> Iterator[Fault]:
    path = next((f"spec.software[{n}]" for n, one in enumerate(spec.software) if one.role == WIREGUARD), "")
    groups = [(FRONTEND, 1), *((g.name, max(g.count or 0, g.max or 0)) for g in spec.workers)]
    try:
        for name, most in groups:
            overlay_address(spec, name, max(0, most - 1))
    except Terminal as error:
        yield Fault(f"{path}.variables.network", str(error), "give a larger IPv4 network, as in 10.220.0.0/16")


RULES = (
    Rule("virtualcluster-counts", "One front end; each worker group gives count, or min and max.", _counts),
    Rule("virtualcluster-elasticity", "Elastic groups have min and max, and a policy that can be kept.", _elasticity),
    Rule(
        "virtualcluster-unready",
        "unready is observed and nodes are chosen: manifests have neither.",
        _unready,
    ),
    Rule("virtualcluster-groups", "Worker groups have names of their own, and none is called frontend.", _group_names),
    Rule("virtualcluster-ports", "Ports are numbers from 1 to 65535, ranges go upwards.", _ports),
    Rule("virtualcluster-site", "A cloud is named together with its site.", _site),
    Rule("virtualcluster-role-source", "A role from elsewhere is pinned by its digest.", _sources),
    Rule("virtualcluster-group-site", "A group's cloud is named together with its site.", _elsewhere),
    Rule("virtualcluster-overlay", "The private network of the members has room for all of them.", _overlay),
    Rule("virtualcluster-joined", "Groups at other sites are joined by a private network.", _joined, "warning"),
    Rule("virtualcluster-secrets", "A secretRef is the whole value of a variable.", _secrets),
    Rule("virtualcluster-requirements", "Requirements choose a site for site: auto.", _requirements, "warning"),
    Rule("virtualcluster-once", "Keys, data and ports are listed once.", _twice, "warning"),
)
