"""What holds for every queue, whatever its jobs and nodes."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.elastic import Decisions, Elasticity, Group, Machine, decide
from reconciler.ports import BatchNode, Job, Queue

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
GROUPS = ("a", "b")
often = settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_AGES = st.integers(0, 5000).map(lambda seconds: NOW - timedelta(seconds=seconds))
_POLICIES = st.builds(
    Elasticity,
    idleSeconds=st.integers(0, 900),
    coolDownSeconds=st.integers(0, 900),
    bootSeconds=st.integers(60, 300),
    bootTimeoutSeconds=st.integers(300, 900),
    quarantineSeconds=st.integers(0, 3600),
    maxPending=st.none() | st.integers(1, 4),
    minIdle=st.integers(0, 3),
    paidIntervalSeconds=st.sampled_from((0, 3600)),
)


@st.composite
def groups(draw):
    found = []
    for name in GROUPS:
        least = draw(st.integers(0, 3))
        most = draw(st.integers(least, 8))
        found.append(Group(name, least, most, draw(st.sampled_from((2, 4, 8))), 0, policy=draw(_POLICIES)))
    return tuple(found)


@st.composite
def jobs(draw):
    return tuple(
        Job(
            f"j{n}",
            draw(st.sampled_from(("queued", "queued", "queued", "held"))),
            "",
            draw(_AGES),
            cpus=draw(st.integers(1, 40)),
            nodes=draw(st.integers(1, 4)),
            exclusive=draw(st.booleans()),
            priority=draw(st.integers(0, 2)),
        )
        for n in range(draw(st.integers(0, 8)))
    )


@st.composite
def workers(draw, among):
    """Machines of the groups, and what the batch system shows of most of them."""
    machines, nodes = [], []
    for group in among:
        for n in range(draw(st.integers(0, group.max + 1))):
            name, asked = f"{group.name}{n}", draw(_AGES)
            state = draw(st.sampled_from(("starting", "running", "running", "stopping", "failed", "quarantined")))
            machines.append(Machine(name, group.name, state, asked))
            shown = draw(st.sampled_from(("", "idle", "idle", "busy", "draining", "drained", "down", "booting")))
            if shown and state not in ("failed", "quarantined"):
                nodes.append(draw(node(name, shown, group.cpus, asked)))
    return tuple(machines), tuple(nodes)


@st.composite
def node(draw, name, shown, cpus, asked):
    working = shown in ("busy", "draining")
    return BatchNode(
        name,
        shown,
        (),
        cpus,
        0,
        cpus_allocated=draw(st.integers(1, cpus)) if working else 0,
        jobs=("running",) if working else (),
        idle_since=None if working else draw(st.none() | _AGES),
        up_since=draw(st.none() | st.just(asked)),
        reason=draw(st.sampled_from(("hanse: idle", "broken fan"))) if shown in ("drained", "draining", "down") else "",
        reason_since=draw(st.none() | _AGES),
    )


@st.composite
def scenes(draw):
    among = draw(groups())
    machines, nodes = draw(workers(among))
    return among, Queue(draw(jobs()), nodes), machines


def boots(decisions: Decisions) -> Counter[str]:
    return Counter(one.group for one in decisions.boot)


def there(machines) -> Counter[str]:
    return Counter(machine.group for machine in machines if machine.state != "quarantined")


def done(machines, decisions: Decisions):
    """The machines once everything that was decided is under way."""
    going = {one.node for one in (*decisions.stop, *decisions.quarantine)}
    kept = [replace(m, state="stopping") if m.name in going else m for m in machines]
    new = [Machine(f"new{len(machines)}-{n}", boot.group, "starting", NOW) for n, boot in enumerate(decisions.boot)]
    return (*kept, *new)


def drained(queue: Queue, decisions: Decisions) -> Queue:
    """The queue once everything that was decided is under way."""
    going = {one.node for one in (*decisions.stop, *decisions.quarantine)}
    back = {one.node for one in decisions.resume}
    nodes = [replace(n, state="idle" if n.state == "drained" else "busy") if n.name in back else n for n in queue.nodes]
    return replace(queue, nodes=tuple(n for n in nodes if n.name not in going))


@often
@given(scenes())
def test_no_node_with_a_job_is_touched(scene):
    among, queue, machines = scene
    busy = {node.name for node in queue.nodes if node.jobs or node.cpus_allocated}
    decisions = decide(among, queue, machines, NOW)
    assert not busy & {one.node for one in (*decisions.stop, *decisions.quarantine)}


@often
@given(scenes())
def test_a_group_never_grows_above_its_maximum(scene):
    among, queue, machines = scene
    for group in among:
        more = boots(decide(among, queue, machines, NOW))[group.name]
        assert not more or there(machines)[group.name] + more <= group.max


@often
@given(scenes())
def test_a_group_is_never_stopped_below_its_minimum(scene):
    among, queue, machines = scene
    decisions = decide(among, queue, machines, NOW)
    serving = {node.name for node in queue.nodes if node.state in ("idle", "busy")}
    for group in among:
        gone = {one.node for one in decisions.stop if one.group == group.name}
        if gone & serving:
            ready = [m for m in machines if m.group == group.name and m.state in ("starting", "running")]
            assert len(ready) - len(gone) >= group.min


@often
@given(scenes())
def test_no_group_boots_and_stops_in_one_decision(scene):
    among, queue, machines = scene
    decisions = decide(among, queue, machines, NOW)
    assert not set(boots(decisions)) & {one.group for one in decisions.stop}


@often
@given(scenes())
def test_a_node_is_decided_on_once(scene):
    among, queue, machines = scene
    decisions = decide(among, queue, machines, NOW)
    named = Counter(one.node for one in (*decisions.stop, *decisions.quarantine, *decisions.resume))
    assert not named or max(named.values()) == 1
    assert set(named) <= {machine.name for machine in machines}


@often
@given(scenes(), st.randoms())
def test_the_order_of_what_was_read_means_nothing(scene, random):
    among, queue, machines = scene
    jobs, nodes, shuffled = list(queue.jobs), list(queue.nodes), list(machines)
    for one in (jobs, nodes, shuffled):
        random.shuffle(one)
    assert decide(among, Queue(tuple(jobs), tuple(nodes)), shuffled, NOW) == decide(among, queue, machines, NOW)


@often
@given(scenes())
def test_what_was_decided_is_not_decided_again_once_it_is_under_way(scene):
    among, queue, machines = scene
    first = decide(among, queue, machines, NOW)
    second = decide(among, drained(queue, first), done(machines, first), NOW)
    if not first.waiting:
        assert not second.boot, (first, second)
    assert {one.group for one in second.stop} <= set(boots(first)), (first, second)


@often
@given(scenes())
def test_decisions_come_to_rest(scene):
    among, queue, machines = scene
    for _ in range(sum(group.max for group in among) + 3):
        found = decide(among, queue, machines, NOW)
        if not found.changes:
            return
        queue, machines = drained(queue, found), done(machines, found)
    raise AssertionError(found)
