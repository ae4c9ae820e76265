"""What is decided for a queue: one rule a test."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reconciler.elastic import Elasticity, Group, Machine, decide
from reconciler.ports import BatchNode, Job, Queue

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
POLICY = Elasticity(idleSeconds=300, bootSeconds=180, bootTimeoutSeconds=600, quarantineSeconds=1800)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def group(most: int = 4, least: int = 0, name: str = "workers", gpus: int = 0, cpus: int = 4, **policy) -> Group:
    return Group(name, least, most, cpus, 8000, gpus, policy=POLICY.model_copy(update=policy))


def job(name: str, cpus: int = 1, **more) -> Job:
    return Job(name, more.pop("state", "queued"), "", more.pop("submitted", ago(10)), cpus=cpus, **more)


def node(name: str, state="idle", used: int = 0, jobs=(), idle: float | None = 0, **more) -> BatchNode:
    since = None if jobs or idle is None else ago(idle)
    up = more.pop("up", ago(4000))
    return BatchNode(
        name, state, (), 4, 8000, cpus_allocated=used, jobs=tuple(jobs), idle_since=since, up_since=up, **more
    )


def machine(name: str, state="running", age: float = 4000, group: str = "workers") -> Machine:
    return Machine(name, group, state, ago(age))


def decided(groups, jobs=(), nodes=(), machines=()):
    return decide(tuple(groups), Queue(tuple(jobs), tuple(nodes)), tuple(machines), NOW)


def booted(decisions) -> list[str]:
    return [one.group for one in decisions.boot]


def stopped(decisions) -> list[str]:
    return [one.node for one in decisions.stop]


def test_jobs_share_the_node_that_is_started_for_the_first():
    found = decided([group()], [job(str(n)) for n in range(5)])
    assert booted(found) == ["workers", "workers"]
    assert found.boot[0].reason == "job 0 needs 1 CPU, and no node that serves or boots has room"
    assert found.boot[1].job == "4"


def test_nothing_is_started_for_what_fits_on_nodes_that_serve_or_boot():
    nodes, machines = [node("w1", "busy", 2, ["7"])], [machine("w1"), machine("w2", "starting", 60)]
    assert not decided([group()], [job("1", 2), job("2", 4)], nodes, machines).changes


def test_no_more_nodes_are_started_than_the_group_may_have():
    found = decided([group(most=2)], [job(str(n), 4) for n in range(9)])
    assert booted(found) == ["workers"] * 2
    assert found.waiting[0].job == "2"


def test_nothing_is_started_for_jobs_behind_one_that_cannot_be_placed():
    nodes = [node(f"w{n}", "busy", 4, [f"r{n}"]) for n in (1, 2, 3)]
    machines = [machine(f"w{n}") for n in (1, 2, 3)]
    found = decided([group()], [job("big", 16, nodes=4), job("small", submitted=ago(5))], nodes, machines)
    assert booted(found) == []
    assert [one.job for one in found.waiting] == ["big", "small"]


def test_nodes_are_started_for_a_job_whose_others_must_be_free_soon():
    jobs = [job(f"r{n}", 4, state="running", on=(f"w{n}",), ends_by=NOW + timedelta(minutes=20 * n)) for n in (1, 2, 3)]
    nodes = [node(f"w{n}", "busy", 4, [f"r{n}"]) for n in (1, 2, 3)]
    machines = [machine(f"w{n}") for n in (1, 2, 3)]
    assert booted(decided([group()], [*jobs, job("big", 16, nodes=4)], nodes, machines)) == ["workers"]


def test_the_nodes_of_one_job_are_started_together_and_others_wait():
    found = decided([group(most=8, maxPending=1)], [job("mpi", 12, nodes=3), job("next", 4, submitted=ago(1))])
    assert booted(found) == ["workers"] * 3
    assert [one.job for one in found.waiting] == ["next"]


def test_a_job_that_never_fits_is_set_aside_and_holds_nobody_up():
    found = decided([group()], [job("huge", 64, nodes=16), job("wide", 8, cpus_per_task=8), job("ok")])
    assert booted(found) == ["workers"]
    assert [(one.job, one.reason) for one in found.aside] == [
        ("huge", "it needs 16 x 4 CPUs, and there may never be more than 4 such nodes"),
        ("wide", "it needs 1 x 8 CPUs, and no group has such nodes"),
    ]


def test_held_jobs_start_no_node_and_are_named_with_the_reason():
    found = decided([group()], [job("1", state="held", reason="AssocGrpCpuLimit")])
    assert not found.changes
    assert found.aside[0].reason == "held: AssocGrpCpuLimit"


def test_a_job_of_one_node_that_is_too_large_for_any_is_spread():
    assert booted(decided([group()], [job("1", 10)])) == ["workers"] * 3


def test_gpu_nodes_are_started_only_for_jobs_that_ask_for_them():
    groups = [group(name="gpu", gpus=2), group(name="plain", cpus=8)]
    found = decided(groups, [job("1"), job("2", gpus=1)])
    assert [(one.group, one.job) for one in found.boot] == [("plain", "1"), ("gpu", "2")]


def test_jobs_of_a_partition_start_nodes_of_the_groups_that_serve_it():
    groups = [group(name="a", partitions=("short",)), group(name="b", partitions=("long",))]
    found = decided(groups, [replace(job("1"), partition="long"), replace(job("2"), partition="nowhere")])
    assert booted(found) == ["b"]
    assert "partition nowhere" in found.aside[0].reason


def test_the_higher_priority_comes_first():
    found = decided([group(most=1)], [job("old", 4, submitted=ago(900)), job("urgent", 4, priority=9)])
    assert found.boot[0].job == "urgent"


def test_an_idle_node_is_stopped_with_the_reason():
    found = decided([group()], [], [node("w1", idle=301), node("w2", idle=299)], [machine("w1"), machine("w2")])
    assert stopped(found) == ["w1"]
    assert found.stop[0].reason == "no job for 5 min, and no queued job needs it"
    assert found.look_again == NOW + timedelta(seconds=1)


def test_a_node_that_does_not_say_since_when_it_is_idle_stays():
    assert not decided([group()], [], [node("w1", idle=None)], [machine("w1")]).changes


def test_a_node_with_a_job_stays_however_idle_it_claims_to_be():
    lying = replace(node("w1", idle=9999), jobs=("7",))
    assert not decided([group()], [], [lying], [machine("w1")]).changes


def test_a_node_that_a_queued_job_was_placed_on_stays():
    found = decided([group()], [job("1", 4)], [node("w1", idle=999)], [machine("w1")])
    assert not found.changes


def test_as_many_stay_as_the_group_has_at_least():
    nodes, machines = [node(f"w{n}", idle=900 + n) for n in range(4)], [machine(f"w{n}") for n in range(4)]
    assert stopped(decided([group(least=2)], [], nodes, machines)) == ["w3", "w2"]
    assert booted(decided([group(least=2)], [], nodes[:1], machines[:1])) == ["workers"]


def test_spare_nodes_wait_for_jobs_to_come():
    nodes = [node("w1", "busy", 4, ["7"]), node("w2", idle=9999)]
    machines = [machine("w1"), machine("w2")]
    assert not decided([group(minIdle=1)], [], nodes, machines).changes
    assert booted(decided([group(minIdle=2)], [], nodes, machines)) == ["workers"]


def test_a_node_that_came_up_just_now_is_left_alone_for_its_cool_down():
    young = node("w1", idle=400, up=ago(500))
    assert not decided([group(coolDownSeconds=600)], [], [young], [machine("w1", age=620)]).changes
    assert stopped(decided([group(coolDownSeconds=480)], [], [young], [machine("w1", age=620)])) == ["w1"]


def test_a_node_stays_until_what_is_paid_for_ends():
    paid = group(paidIntervalSeconds=3600, paidMarginSeconds=120)
    early = decided([paid], [], [node("w1", idle=900)], [machine("w1", age=3600 + 1800)])
    assert not early.changes
    assert early.look_again == NOW + timedelta(seconds=1680)
    assert stopped(decided([paid], [], [node("w1", idle=900)], [machine("w1", age=3600 + 3500)])) == ["w1"]


def test_nodes_above_the_maximum_go_once_they_are_idle():
    nodes = [node("w1", "busy", 1, ["7"]), node("w2", idle=1), node("w3", idle=2)]
    assert stopped(decided([group(most=1)], [], nodes, [machine(f"w{n}") for n in (1, 2, 3)])) == ["w3", "w2"]


def test_a_late_node_gets_another_beside_it_at_once():
    late = [machine("w1", "starting", 181)]
    assert booted(decided([group()], [job("1")], [], late)) == ["workers"]
    assert not decided([group()], [job("1")], [], [machine("w1", "starting", 179)]).changes


def test_a_node_that_never_serves_is_put_into_quarantine():
    found = decided([group()], [], [], [machine("w1", "starting", 601), machine("w2", "failed", 5)])
    assert [(one.node, one.reason) for one in found.quarantine] == [
        ("w1", "asked for 10 min ago, and it never served"),
        ("w2", "the cloud says that it failed"),
    ]


def test_names_in_quarantine_do_not_count_as_nodes():
    gone = [machine(f"w{n}", "quarantined", 5) for n in range(2)]
    assert booted(decided([group(most=2)], [job(str(n), 4) for n in range(2)], [], gone)) == ["workers"] * 2


def test_after_three_failures_one_node_at_a_time_is_tried():
    gone = [machine(f"w{n}", "quarantined", 5 + n) for n in range(3)]
    assert booted(decided([group()], [job(str(n), 4) for n in range(4)], [], gone)) == ["workers"]
    up = node("w9", "busy", 4, ["7"], up=ago(300))
    found = decided([group(most=5)], [job(str(n), 4) for n in range(4)], [up], [*gone, machine("w9", age=400)])
    assert booted(found) == ["workers"] * 4


def test_a_node_that_fell_silent_is_given_time_and_then_replaced():
    silent = replace(node("w1", "down", idle=None), reason="Not responding", reason_since=ago(599))
    assert not decided([group()], [], [silent], [machine("w1")]).changes
    longer = replace(silent, reason_since=ago(601))
    assert decided([group()], [], [longer], [machine("w1")]).quarantine[0].reason == (
        "it answers no more: Not responding"
    )


def test_a_node_drained_by_somebody_is_left_alone():
    drained = replace(node("w1", "drained", idle=9999), reason="disk, ticket 12")
    assert not decided([group()], [], [drained], [machine("w1")]).changes


def test_what_an_earlier_run_has_begun_to_stop_is_stopped_or_called_back():
    drained = replace(node("w1", "drained", idle=10), reason="hanse: idle")
    assert stopped(decided([group()], [], [drained], [machine("w1")])) == ["w1"]
    found = decided([group()], [job("1")], [drained], [machine("w1")])
    assert ([one.node for one in found.resume], booted(found), stopped(found)) == (["w1"], [], [])


def test_jobs_run_on_nodes_of_nobody_and_these_are_never_stopped():
    assert not decided([group()], [job("1")], [node("static", idle=9999)], []).changes


def test_nothing_is_decided_on_a_queue_that_was_read_in_part():
    queue = Queue((job("1"),), (node("w1", idle=9999),), complete=False)
    found = decide((group(least=3),), queue, (machine("w1"),), NOW)
    assert not found.changes
    assert "only in part" in found.note


def test_every_decision_can_be_told_in_a_sentence():
    found = decided([group()], [job("1", 4)], [node("w1", "busy", 4, ["7"])], [machine("w1"), machine("w2", "failed")])
    assert list(found.sentences()) == [
        "boot a node of workers: job 1 needs 4 CPUs, and no node that serves or boots has room",
        "quarantine w2: the cloud says that it failed",
    ]
