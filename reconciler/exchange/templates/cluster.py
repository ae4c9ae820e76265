"""A draft as manifests: one VirtualCluster, and a DNSRecord for each name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from reconciler.exchange.templates.draft import Draft, Machines
from reconciler.exchange.templates.items import Account, Item
from reconciler.exchange.templates.wishes import Wishes
from reconciler.kinds import registry
from reconciler.kinds.virtualcluster.spec import FRONTEND, SLURM
from reconciler.model import Diagnostic, Ref, encode

_SSH = "22/tcp"
_LONGEST_LABEL, _LONGEST_NAME = 20, 63


def manifests(draft: Draft, account: Account, wishes: Wishes) -> tuple[list[dict[str, Any]], list[Diagnostic]]:
    """What the draft becomes, and why it cannot be."""
    problems: list[Diagnostic] = []
    if not draft.machines:
        return [], [_problem(draft.root, "it deploys no machine", "there is nothing to import")]
    name = slug(wishes.name or draft.name, _LONGEST_NAME)
    namespace = wishes.namespace or slug(wishes.vo, _LONGEST_NAME, dots=True)
    cluster = _document("VirtualCluster", namespace, name, _Cluster(draft, account, wishes, problems).spec())
    documents = [cluster, *_names(draft, account, wishes, namespace, name)]
    for document in documents:
        problems += _faults(draft, document)
    return documents, problems


def slug(said: str, longest: int, *, dots: bool = False) -> str:
    """A name as manifests allow it."""
    made = re.sub(r"[^a-z0-9.]+" if dots else r"[^a-z0-9]+", "-", said.lower()).strip("-.")
    return made[:longest].strip("-.") or "cluster"


class _Cluster:
    def __init__(self, draft: Draft, account: Account, wishes: Wishes, problems: list[Diagnostic]) -> None:
        self.draft, self.account, self.wishes, self.problems = draft, account, wishes, problems
        self.front, self.others = self._chosen()

    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = {"vo": self.wishes.vo, "site": self.wishes.site, "frontend": self._machine(self.front)}
        workers = [group for machines in self.others for group in self._group(machines)]
        spec |= {"workers": workers} if workers else {}
        spec["network"] = self._network()
        spec |= {"sshKeys": list(self.draft.keys)} if self.draft.keys else {}
        software = [
            {"role": role} | ({"variables": variables} if variables else {})
            for role, (_, variables) in self.draft.roles.items()
        ]
        spec |= {"software": software} if software else {}
        return spec | ({"ansible": {"user": self.draft.user}} if self.draft.user else {})

    def _chosen(self) -> tuple[Machines, list[Machines]]:
        """The front end, and all others; of several front ends, the rest are a group."""
        every = [*self.draft.machines.values()]
        stated = [m for m in every if m.front]
        single = [m for m in every if m.high is None and m.count == 1]
        front = (stated or [m for m in single if m.public] or single or every)[0]
        others = [m for m in every if m is not front]
        if not stated and others:
            self.account.altered(front.item, f"{front.name} is taken for the front end, which users log in to")
        for other in stated[1:]:
            self.account.altered(other.item, f"a cluster has one front end, {front.name}: this one is a worker group")
        if front.high is not None or front.count > 1:
            rest = self._rest(front)
            others.insert(0, rest)
        elif front.count == 0:
            self.account.altered(front.item, "a front end there is always: it is made though its number is 0")
        return front, others

    def _rest(self, front: Machines) -> Machines:
        """All of the front end's kind but one."""
        message = f"one of the machines {front.name} is the front end, the others are workers"
        self.account.altered(front.item, message)
        rest = Machines(front.name, front.item, max(front.count - 1, 0), sizes=front.sizes, said=front.said)
        rest.bounds, rest.image, rest.elastic = front.bounds, front.image, front.elastic
        rest.low = None if front.low is None else max(front.low - 1, 0)
        rest.high = None if front.high is None else max(front.high - 1, 0)
        return rest

    def _machine(self, machines: Machines) -> dict[str, Any]:
        return {**machines.sizes, "image": self._image(machines)}

    def _image(self, machines: Machines) -> str:
        found = self.wishes.image(machines.said)
        at = machines.image or machines.item
        if found is None and machines.said and "://" not in machines.said:
            found = machines.said
            self.account.altered(
                at, f"the image is {found}", f"if the cloud calls it otherwise: --image '{found}=NAME'"
            )
        if found is None:
            what = machines.said or "*"
            message = f"which image? {machines.said or 'The template does not say'}"
            self.problems.append(_problem(at, message, f"give --image '{what}=NAME', as the cloud calls it"))
        return found or "unknown"

    def _group(self, machines: Machines) -> Iterator[dict[str, Any]]:
        label = self._label(machines)
        self._only_for_the_front_end(machines)
        group: dict[str, Any] = {"name": label, **self._number(machines), **self._machine(machines)}
        elastic = self.draft.policy if machines.elastic is None else {**(self.draft.policy or {}), **machines.elastic}
        if elastic is not None and "max" in group and SLURM in self.draft.roles:
            group["elasticity"] = elastic or {}
        yield group

    def _number(self, machines: Machines) -> dict[str, int]:
        if machines.high is None:
            return {"count": machines.count}
        low = min(machines.low or 0, machines.high)
        follows = (machines.elastic is not None or self.draft.policy is not None) and SLURM in self.draft.roles
        if follows:
            if machines.begins is not None and machines.count != low:
                self.account.altered(machines.begins, f"not {machines.count} at the beginning: jobs make nodes come")
            return {"min": low, "max": machines.high}
        at = machines.bounds or machines.item
        message = f"nothing changes the number between {low} and {machines.high}: there is no queue that is followed"
        self.account.altered(at, message, "give min, max and elasticity with the role slurm, or change count by hand")
        return {"count": min(max(machines.count, low), machines.high)}

    def _label(self, machines: Machines) -> str:
        made = slug(machines.name, _LONGEST_LABEL)
        made = made if made[0].isalpha() else f"g{made}"[:_LONGEST_LABEL].strip("-")
        taken = {slug(m.name, _LONGEST_LABEL) for m in self.others if m is not machines}
        if made == FRONTEND or made in taken:
            made = next(n for k in range(2, 1000) if (n := f"{made[:16].strip('-')}-{k}") not in taken)
            machines.name = made
        return made

    def _only_for_the_front_end(self, machines: Machines) -> None:
        if machines.public is not None and machines.item is not self.front.item:
            cure = "use the front end as the way in, or declare a cluster of its own"
            self.account.lost(machines.public, "only the front end gets a public address", cure)

    def _network(self) -> dict[str, Any]:
        ports = {_SSH: self.front.item}
        for machines in (self.front, *self.others):
            for port, item in machines.ports.items():
                if machines is not self.front and port not in {**ports, **self.front.ports}:
                    self.account.altered(item, f"{port} is opened on every machine of the cluster")
                ports.setdefault(port, item)
        networks = {name: item for m in (self.front, *self.others) for name, item in m.networks.items()}
        made: dict[str, Any] = {"networks": list(networks)} if networks else {}
        made["ports"] = sorted(ports, key=lambda p: (p.rpartition("/")[2], int(re.split(r"[-/]", p)[0])))
        return made | ({"publicAddress": True} if self.front.public else {})


def _names(draft: Draft, account: Account, wishes: Wishes, namespace: str, cluster: str) -> Iterator[dict[str, Any]]:
    for fqdn, item in draft.names.items():
        inside = bool(wishes.zone) and fqdn.endswith(f".{wishes.zone.strip('.')}")
        zone = wishes.zone.strip(".") if inside else fqdn.partition(".")[2]
        if not inside:
            said = f"{fqdn} is kept in the zone {zone}"
            account.altered(item, said, "if the zone is another: --zone ZONE; hanse.toml says where it is kept")
        name = fqdn.removesuffix(f".{zone}")
        source = {"kind": "VirtualCluster", "name": cluster, "output": "frontend_address"}
        spec = {"zone": zone, "name": name, "ttl": 300, "valuesFrom": source}
        yield _document("DNSRecord", namespace, slug(fqdn, _LONGEST_NAME, dots=True), spec)


def _document(kind: str, namespace: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "hanse/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _faults(draft: Draft, document: dict[str, Any]) -> Iterator[Diagnostic]:
    """Why a manifest would not be valid."""
    kind = registry()[document["kind"]]
    where = f"{document['kind']} {document['metadata']['name']}"
    try:
        spec = kind.Spec.model_validate_json(encode(document["spec"]))
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            path = ".".join(str(part) for part in ("spec", *fault["loc"]))
            yield _problem(draft.root, f"{where}, {path}: {fault['msg']}", "change the template, or write it by hand")
        return
    ref = Ref.of(kind.name, document["metadata"]["name"], document["metadata"]["namespace"])
    for rule in kind.rules:
        for found in rule.check(ref, spec) if rule.severity == "error" else ():
            yield _problem(draft.root, f"{where}, {found.path}: {found.message}", found.cure)


def _problem(item: Item, message: str, cure: str) -> Diagnostic:
    return Diagnostic(item.file, item.line, item.column, item.path, message, cure, "template")


def kinds_of(documents: Sequence[dict[str, Any]]) -> list[str]:
    """What the documents are, for people."""
    return [f"{d['kind']} {d['metadata']['namespace']}/{d['metadata']['name']}" for d in documents]
