"""The life of one cluster: looked at anew each time, brought one step on, never waited for.

Level-triggered: what is to be done follows from the nodes that are there. The handle only spares work: it names the
playbook run under way, the nodes asked for that no list shows yet, and how often a node was tried. Losing it loses
nothing, since node names are the same after every crash.

Order: missing nodes are made; the broken are replaced alone; when all run, the front end gets its public address where
one is wanted; when all answer, one playbook run configures them; then surplus nodes go (the others were configured
without them first) and outdated workers are replaced, a quarter of their group at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from reconciler.errors import DriverError, OutcomeUnknown, Terminal, Transient
from reconciler.kinds.failing import failed
from reconciler.kinds.virtualcluster import beside, marks, runs, stages
from reconciler.kinds.virtualcluster.beside import place_of
from reconciler.kinds.virtualcluster.cloud import Cloud
from reconciler.kinds.virtualcluster.drain import Ward, ward
from reconciler.kinds.virtualcluster.elastic import node_name
from reconciler.kinds.virtualcluster.machines import check_room, image_for, size_for
from reconciler.kinds.virtualcluster.nodes import Member, Roster, layout
from reconciler.kinds.virtualcluster.outputs import outputs
from reconciler.kinds.virtualcluster.progress import Progress
from reconciler.kinds.virtualcluster.spec import FRONTEND, Machine, VirtualClusterSpec
from reconciler.model import Answer, Change, Done, Failed
from reconciler.ports import Node, NodeRequest, RunState

TRIES = 3
"""How often a node that comes up in error is made again within one attempt."""
PATIENCE = 60.0
"""Seconds that a node which was asked for may be missing in lists before it is asked for again."""
_DRAIN_LOOK = 5.0
"""Seconds between looks while the batch system lets a node go."""


class Life:
    """One step in the life of one cluster."""

    def __init__(self, change: Change, spec: VirtualClusterSpec, cloud: Cloud, roster: Roster) -> None:
        self.change, self.spec, self.cloud = change, spec, cloud
        self.progress = Progress.read(change.handle)
        self.there = [self._marked(member) for member in roster.members(change.uid)]
        self.layout = layout(spec, self.there)
        self.config = stages.config(spec, self.layout)
        self.silent: dict[str, str] | None = None
        self.fault = ""

    def step(self) -> Answer:
        """Do what can be done now, and say how far it has come."""
        try:
            answer = self._nodes() or self._power() or self._publish() or self._turn()
        except DriverError as error:
            answer = failed(error, lost="transient")
        come = stages.reached(self.layout, self.change.uid, self.config, self.silent, self.fault)
        return replace(answer, stages=come)

    def _turn(self) -> Answer:
        """What goes is emptied first, so that nothing is configured without a worker that has to stay."""
        return self._release() or self._configure() or self._shed()

    def _marked(self, member: Member) -> Member:
        """A node found by its name alone, or under a former name of the cluster, gets the marks it should have."""
        wanted = {marks.UID: self.change.uid, marks.REF: str(self.change.ref)}
        if member.marked and member.node.metadata.get(marks.REF) == self.change.ref:
            return member
        machine = self.spec.machine(member.group)
        if not member.marked and machine is not None:
            wanted |= self._labels(machine, member.group, member.ordinal, member.node.size, member.node.image)
        try:
            self.cloud.compute.mark(member.node.id, wanted)
        except Terminal as error:
            raise Transient(f"{member.node.name} cannot be marked, is it gone? {error}") from error
        node = replace(member.node, metadata={**member.node.metadata, **wanted})
        return replace(member, node=node, marked=True)

    # -- nodes ---------------------------------------------------------------------------------------------------------

    def _nodes(self) -> Answer | None:
        """Replace what is broken and make what is missing."""
        self._forget_seen()
        if self.layout.broken:
            return self._replace_broken()
        due = [place for place in self.layout.missing if not self._awaited(marks.node_name(self.change.uid, *place))]
        if not due:
            said = f"{len(self.layout.missing)} nodes asked for are not listed yet"
            return self.progress.started(said) if self.layout.missing else None
        return self._make(due)

    def _forget_seen(self) -> None:
        seen = {member.node.name for member in self.there}
        pause = self.progress.pause
        self.progress.asked = {n: waited + pause for n, waited in self.progress.asked.items() if n not in seen}

    def _awaited(self, name: str) -> bool:
        return self.progress.asked.get(name, PATIENCE) < PATIENCE

    def _replace_broken(self) -> Answer:
        tries = Counter(self.progress.tries)
        for member in self.layout.broken:
            tries[member.node.name] += 1
            if tries[member.node.name] > TRIES:
                why = member.node.fault or "no reason given"
                return Failed("transient", f"{member.node.name} came up in error {TRIES} times: {why}")
        for member in self.layout.broken:
            self.cloud.compute.destroy(member.node.id)
        self.progress.tries = dict(tries)
        said = ", ".join(f"{m.node.name} ({m.node.fault or 'in error'})" for m in self.layout.broken)
        return self.progress.started(f"replacing {said}", moved=True)

    def _make(self, places: Sequence[tuple[str, int]]) -> Answer | None:
        requests = [self._request(group, ordinal) for group, ordinal in places]
        for place in sorted({request.metadata.get(marks.PLACE, "") for request in requests}):
            due = [request.size for request in requests if request.metadata.get(marks.PLACE, "") == place]
            check_room(self.cloud.at(place).compute.quota(), due)
        self._note_places(requests)
        made: list[Node] = []
        for request in requests:
            try:
                made.append(self.cloud.compute.create(request))
            except OutcomeUnknown as error:
                self.progress.asked[request.name] = 0
                return self.progress.started(f"{request.name}: {error}: looking for it", moved=True)
            except Transient as error:
                if not made:
                    return failed(error, request.name, lost="transient")
                said = f"{len(made)} of {len(requests)} nodes made: {error}"
                return self.progress.started(said, moved=True, least=error.retry_after or 0.0)
            except Terminal as error:
                return failed(error, f"{request.name} ({len(made)} of {len(requests)} nodes made)", lost="transient")
            self.progress.asked[request.name] = 0
        self._join(made, places)
        waiting = [node for node in made if node.state != "running"]
        return self.progress.started(f"{len(made)} nodes made", moved=True) if waiting else None

    def _note_places(self, requests: Sequence[NodeRequest]) -> None:
        """Write down on the front end where machines are about to be made: they are found whatever becomes of it."""
        places = {request.metadata[marks.PLACE] for request in requests if marks.PLACE in request.metadata}
        for n, member in enumerate(self.there):
            noted = beside.noted_places(member.node)
            if member.group != FRONTEND or places <= set(noted):
                continue
            mark = {marks.PLACES: ",".join(sorted({*noted, *places}))}
            self.cloud.compute.mark(member.node.id, mark)
            self.there[n] = replace(member, node=replace(member.node, metadata={**member.node.metadata, **mark}))

    def _forget_places(self, gone: Sequence[Member]) -> None:
        """Strike off the front end's note every place that holds nothing any more and is not wanted."""
        wanted = set(beside.places_of((self.spec,), self.cloud.target))
        wanted |= {beside.place_in(member.node.id) for member in self.there if member not in gone}
        for member in self.there:
            noted = beside.noted_places(member.node)
            if set(noted) - wanted:
                kept = ",".join(place for place in noted if place in wanted)
                self.cloud.compute.mark(member.node.id, {marks.PLACES: kept})

    def _join(self, made: Sequence[Node], places: Sequence[tuple[str, int]]) -> None:
        """Nodes that run at once need no second look."""
        new = [Member(node, group, ordinal) for node, (group, ordinal) in zip(made, places, strict=True)]
        self.there += new
        self.layout = layout(self.spec, self.there)
        self.config = stages.config(self.spec, self.layout)

    def _request(self, group: str, ordinal: int) -> NodeRequest:
        machine = self.spec.machine(group)
        assert machine is not None  # noqa: S101 (places are those of the spec's own groups)
        place = place_of(machine, self.cloud.target)
        cloud = self.cloud.at(place)
        size, image = size_for(machine, cloud.sizes), image_for(machine, cloud.images)
        options, networks = cloud.target.options, () if place else self.spec.network.networks
        marked = {marks.PLACE: place} if place else {}
        if group == FRONTEND and self.cloud.places:
            marked[marks.PLACES] = ",".join(self.cloud.places)
        return NodeRequest(
            name=marks.node_name(self.change.uid, group, ordinal),
            size=size,
            image=image,
            networks=networks or tuple(options.get("networks", ())),
            public_keys=(*self.spec.sshKeys, *options.get("public_keys", ())),
            security_ports=self.spec.network.ports,
            metadata={**self._labels(machine, group, ordinal, size.name, image.name), **marked},
            owner=self.change.uid,
            note=marks.note(self.cloud.target.id, self.change.ref),
            disk_gib=machine.diskGiB,
        )

    def _labels(self, machine: Machine, group: str, ordinal: int, flavour: str, image: str) -> dict[str, str]:
        return {
            marks.UID: self.change.uid,
            marks.REF: str(self.change.ref),
            marks.TARGET: self.cloud.target.id,
            marks.GROUP: group,
            marks.ORDINAL: str(ordinal),
            marks.SHAPE: marks.shape(machine, self.spec.network),
            marks.FLAVOUR: flavour,
            marks.IMAGE: image,
        }

    def _power(self) -> Answer | None:
        """Start what is shut off and wait for what boots."""
        stopped = [m for m in self.layout.keep if m.node.state == "stopped"]
        for member in stopped:
            self.cloud.compute.power_on(member.node.id)
        if stopped:
            return self.progress.started(f"{len(stopped)} stopped nodes started", moved=True)
        waiting = [m.node.name for m in self.layout.keep if m.node.state != "running"]
        return self.progress.started(f"{len(waiting)} nodes are not running yet") if waiting else None

    def _publish(self) -> Answer | None:
        """Give the front end its public address, or take back what is not wanted any more."""
        before = self.change.before
        had = isinstance(before, VirtualClusterSpec) and before.network.publicAddress
        if not self.spec.network.publicAddress:
            if had or self.change.again:
                self.cloud.compute.withdraw(self.change.uid)
            return None
        for n, member in enumerate(self.layout.keep):
            if member.group != FRONTEND or member.node.public_addresses:
                continue
            public = tuple(self.cloud.compute.publish(member.node.id, self.change.uid))
            if not self.progress.published:
                self.progress.published = True
                return self.progress.started(f"{member.node.name} has the address {', '.join(public)}", moved=True)
            addresses = tuple(dict.fromkeys((*member.node.addresses, *public)))  # the cloud's list may lag behind
            node = replace(member.node, addresses=addresses, public_addresses=public)
            self.layout.keep[n] = replace(member, node=node)
        return None

    # -- configuration -------------------------------------------------------------------------------------------------

    def _configure(self) -> Answer | None:
        """Configure the members that stay, unless all of them are configured so."""
        if self.progress.run:
            return self._poll()
        if all(member.config == self.config for member in self.layout.keep):
            return None
        configure = self.cloud.drivers.configure(self.cloud.target)
        asked = configure.reachable(runs.hosts(self.spec, self.layout.keep))
        self.silent = {name: why for name, why in asked.items() if why}
        if self.silent:
            said = "; ".join(f"{name}: {why}" for name, why in sorted(self.silent.items())[:3])
            return self.progress.started(f"{len(self.silent)} nodes do not answer yet: {said}")
        try:
            self.progress.run = configure.start(
                runs.request(self.change, self.spec, self.layout.keep, self.cloud.drivers)
            )
        except OutcomeUnknown as error:
            return self.progress.started(f"{runs.PLAYBOOK}: {error}: starting it again", moved=True)
        self.progress.config = self.config
        return self._poll()

    def _poll(self) -> Answer | None:
        self.silent = {}  # a run is begun when all have answered
        try:
            run = self.cloud.drivers.configure(self.cloud.target).poll(self.progress.run)
        except Transient as error:
            return self.progress.started(f"{runs.PLAYBOOK}: {error}")
        if run.state == "running":
            return self.progress.started(f"{runs.PLAYBOOK} is running")
        configured = self.progress.config
        self.progress.run = self.progress.config = ""
        match run.state:
            case "successful" if configured == self.config:
                return self._record()
            case "failed":
                self.fault = _blame(run)
                return Failed("transient", self.fault)
            case "lost":
                return self.progress.started(f"{runs.PLAYBOOK} was lost: starting it again", moved=True)
            case _:
                return self.progress.started("it changed while it was being configured: once more", moved=True)

    def _record(self) -> Answer | None:
        """Mark every member with what it was configured with."""
        for n, member in enumerate(self.layout.keep):
            if member.config == self.config:
                continue
            try:
                self.cloud.compute.mark(member.node.id, {marks.CONFIG: self.config})
            except Terminal as error:
                return Failed("transient", f"{member.node.name} cannot be marked, is it gone? {error}")
            node = replace(member.node, metadata={**member.node.metadata, marks.CONFIG: self.config})
            self.layout.keep[n] = replace(member, node=node)
        return None

    # -- the batch system ----------------------------------------------------------------------------------------------

    @cached_property
    def _ward(self) -> Ward | None:
        return ward(self.change.ref, self.spec, self.cloud.target, self.there, self.cloud.drivers)

    def _release(self) -> Answer | None:
        """Drain the workers that are to go. One on which a job runs stays; it is waited for where git wants it away."""
        leaving = [member for member in (*self.layout.surplus, *self._next_outdated()) if member.group != FRONTEND]
        if self.progress.run or not leaving or self._ward is None:
            return None
        held = self._ward.hold(leaving)
        if not held:
            return None
        said = ", ".join(f"{work} runs on {name}" for name, work in sorted(held.items()))
        elastic = {group.name for group in self.spec.elastic}
        mine = {node_name(self.change.ref, m.group, m.ordinal) for m in self.layout.surplus if m.group in elastic}
        if mine & held.keys():
            self._ward.let_go(mine & held.keys())
            return Failed("conflict", f"{said}: nothing is taken away")
        return self.progress.started(f"{said}: drained, and waited for", least=_DRAIN_LOOK)

    # -- what is too much ----------------------------------------------------------------------------------------------

    def _shed(self) -> Answer:
        """Take away what is not wanted; then the next outdated workers."""
        for member in self.layout.surplus:
            self.cloud.compute.destroy(member.node.id)
        outdated = self._next_outdated()
        for member in outdated:
            self.cloud.compute.destroy(member.node.id)
        gone = (*self.layout.surplus, *outdated)
        if gone and self._ward is not None:
            ids = {member.node.id for member in gone}
            self._ward.forget(
                sorted({member.group for member in gone}), [m for m in self.there if m.node.id not in ids]
            )
        if outdated:
            return self.progress.started(f"replacing {', '.join(m.node.name for m in outdated)}", moved=True)
        self._forget_places(gone)
        return Done(outputs(self.spec, self.layout.keep))

    def _next_outdated(self) -> list[Member]:
        """A quarter of each group, at least one."""
        sizes = Counter(member.group for member in self.layout.keep)
        chosen: list[Member] = []
        for group in sorted({member.group for member in self.layout.misshapen}):
            outdated = [member for member in self.layout.misshapen if member.group == group]
            chosen += outdated[: max(1, sizes[group] // 4)]
        return chosen


def _blame(run: RunState) -> str:
    """Which host failed, and at what."""
    if not run.failed_hosts:
        return f"{runs.PLAYBOOK} failed: {run.message or 'no reason given'}"
    said = [f"{host}: {why}" for host, why in sorted(run.failed_hosts.items())]
    more = f" (and {len(said) - 3} more hosts)" if len(said) > 3 else ""  # noqa: PLR2004
    return f"{runs.PLAYBOOK} failed on {'; '.join(said[:3])}{more}"
