"""The simulated cluster: what its nodes and its batch system do."""

from itertools import pairwise
from xml.etree import ElementTree as ET

import orjson
import pytest

from reconciler.elastic import Group
from reconciler.simulation import Scenario, Task, generated, ordered, simulate
from reconciler.simulation.plot import sparkline, svg
from reconciler.simulation.scenario import Booting
from reconciler.simulation.world import World

GROUP = Group("workers", 0, 4, 4, 0)


def played(**more):
    written = {"groups": [{"max": 4, "cpus": 4}], "workload": {"burst": {"jobs": 9, "runSeconds": 300}}, **more}
    scenario = Scenario.model_validate_json(orjson.dumps(written))
    return simulate(scenario, ordered(generated(scenario.workload, scenario.seed)))


def world(*tasks: Task, discipline: str = "fifo", nodes: int = 2) -> World:
    made = World((GROUP,), tasks, Booting(seconds=10), 1, discipline)
    for _ in range(nodes):
        made.boot("workers")
    return made


def test_the_same_scenario_gives_the_same_numbers():
    boot = {"failureProbability": 0.3, "jitterSeconds": 60}
    assert played(boot=boot) == played(boot=boot)


def test_node_hours_are_boots_and_work_and_idling_and_stops():
    hanse, _ = played(groups=[{"max": 4, "cpus": 4, "elasticity": {"idleSeconds": 200}}])
    assert hanse.boots == 3
    assert hanse.node_hours == pytest.approx(3 * (120 + 300 + 200 + 30) / 3600)
    assert hanse.waste_hours == pytest.approx(3 * (120 + 200 + 30) / 3600)


def test_a_node_with_a_job_cannot_be_stopped_even_by_a_wrong_policy():
    made = world(Task("j", 0, 100))
    made.advance(20)
    with pytest.raises(ValueError, match="workers-0001 runs j"):
        made.stop("workers-0001")


def test_jobs_start_strictly_in_order_when_told_so():
    made = world(Task("a", 0, 100, 4), Task("b", 1, 100, 8, 2), Task("c", 2, 50, 4))
    made.advance(300)
    assert made.started == {"a": 10, "b": 110, "c": 210}


def test_backfill_lets_jobs_ahead_that_end_in_time_and_no_others():
    tasks = [
        Task("a", 0, 100, 4, limit=200),
        Task("b", 1, 100, 8, 2),
        Task("long", 2, 50, 4, limit=900),
        Task("short", 3, 50, 4, limit=60),
    ]
    made = world(*tasks, discipline="backfill")
    made.advance(400)
    assert made.started == {"a": 10, "short": 10, "b": 110, "long": 210}


def test_a_boot_that_fails_costs_until_the_node_is_taken_away():
    hanse, clues = played(boot={"failureProbability": 1.0}, policies=[
        {"name": "hanse", "elasticity": {"bootSeconds": 130, "bootTimeoutSeconds": 300}},
        {"name": "clues", "algorithm": "clues"},
    ])  # fmt: skip
    assert hanse.boots == hanse.failed_boots > 3
    assert hanse.unserved == clues.unserved == 9
    assert clues.boots == 4 * 3  # each of its nodes, three times


def test_all_nodes_all_the_time_wait_least_and_cost_most():
    fixed, hanse = played(policies=[{"name": "fixed", "algorithm": "fixed"}, {"name": "hanse"}])
    assert fixed.boots == 4
    assert fixed.wait_mean <= hanse.wait_mean


def test_the_plot_is_sound_and_says_what_is_in_it():
    results = played(policies=[{"name": "a <b>"}, {"name": "clues", "algorithm": "clues"}])
    root = ET.fromstring(svg(results, "burst"))
    said = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"burst", "a <b>", "clues", "jobs waiting"} <= set(said)
    assert len(root.findall("{http://www.w3.org/2000/svg}path")) > 10


def test_the_line_of_a_policy_rises_with_its_nodes():
    hanse, _ = played()
    line = sparkline(hanse, hanse.points[-1].at, 4, width=20)
    assert len(line) == 20
    assert line[0] == "▆"
    assert all(a.at < b.at for a, b in pairwise(hanse.points))
