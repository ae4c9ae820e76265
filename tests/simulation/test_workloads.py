"""Where jobs of a simulation come from: generators and traces."""

from pathlib import Path

import orjson
import pytest

from reconciler.simulation import TraceError, generated, ordered, sacct, swf
from reconciler.simulation.workload import Workload

EXAMPLES = Path(__file__).parents[2] / "docs/examples/elasticity"


def made(seed: int = 1, **workload):
    return ordered(generated(Workload.model_validate_json(orjson.dumps(workload)), seed))


def test_the_same_seed_makes_the_same_jobs_and_another_makes_others():
    poisson = {"poisson": {"hours": 2, "perHour": 50, "meanRunSeconds": 600}}
    assert made(**poisson) == made(**poisson)
    assert made(**poisson) != made(2, **poisson)


def test_generated_jobs_come_and_run_as_asked_on_average():
    jobs = made(poisson={"hours": 100, "perHour": 50, "meanRunSeconds": 600, "cpusPerNode": [2], "nodes": [3]})
    assert len(jobs) == pytest.approx(5000, rel=0.05)
    assert sum(job.runtime for job in jobs) / len(jobs) == pytest.approx(600, rel=0.1)
    assert {(job.nodes, job.cpus) for job in jobs} == {(3, 6)}


def test_days_are_busier_than_nights():
    jobs = made(diurnal={"hours": 240, "perHour": 60, "meanRunSeconds": 60, "busiestHour": 12})
    by_day = sum(6 <= (job.submitted / 3600) % 24 < 18 for job in jobs)
    assert by_day > 0.8 * len(jobs)


def test_written_jobs_and_generators_are_merged_in_order():
    jobs = made(
        burst={"jobs": 2, "runSeconds": 5, "atSeconds": 50}, jobs=[{"runSeconds": 9, "atSeconds": 20, "gpus": 1}]
    )
    assert [(job.id, job.submitted, job.gpus) for job in jobs] == [
        ("job-1", 0, 1),
        ("burst-00001", 30, 0),
        ("burst-00002", 30, 0),
    ]


SWF = """\
; Version: 2.2
; MaxNodes: 128
  1  100  5  3600  8 -1 2048  16  7200 -1 1  3  1 -1 2 -1 -1 -1
  2  160 -1    -1 -1 -1   -1   4   600 -1 5  3  1 -1 1 -1 -1 -1
  3  200 -1    60 -1 -1   -1   2    -1 1048576 1  3  1 -1 -1 -1 -1 -1
"""


def test_the_standard_workload_format_is_read_and_jobs_that_never_ran_are_left_out():
    jobs = list(swf(SWF, "a.swf"))
    assert [(j.id, j.submitted, j.runtime, j.cpus, j.partition, j.limit) for j in jobs] == [
        ("1", 100, 3600, 16, "2", 7200),
        ("3", 200, 60, 2, "", None),
    ]
    assert jobs[1].memory_mib == 2048


@pytest.mark.parametrize(
    ("text", "said"), [("1 2 3\n", "a.swf:1: 3 fields"), (";\n1 x\n", "a.swf:2: could not convert")]
)
def test_a_broken_line_is_refused_with_its_number(text, said):
    with pytest.raises(TraceError, match=said):
        list(swf(text, "a.swf"))


def test_sacct_is_read_with_arrays_and_without_steps_and_jobs_that_never_ran():
    jobs = {job.id: job for job in sacct((EXAMPLES / "day.sacct").read_text(), "day.sacct")}
    assert list(jobs) == ["101", "102", "103_1", "103_2", "103_3", "105", "106", "107", "108"]
    wide = jobs["102"]
    assert (wide.nodes, wide.cpus, wide.memory_mib, wide.runtime, wide.limit) == (2, 16, 24576, 6002, 14400)
    assert jobs["105"].limit == 86400
    assert jobs["102"].submitted - jobs["101"].submitted == 394


def test_memory_and_gpus_of_sacct_are_per_node():
    head = "JobIDRaw|Submit|ElapsedRaw|ReqCPUS|ReqNodes|ReqMem|AllocTRES"
    rows = ["7|2026-01-01T00:00:00|60|8|2|2Gc|cpu=8,gres/gpu=4", "8|2026-01-01T00:00:00|60|8|2|500Mn|gres/gpu:a100=2"]
    assert [(job.memory_mib, job.gpus) for job in sacct("\n".join([head, *rows]), "t")] == [(8192, 2), (500, 1)]


def test_sacct_without_a_column_that_is_needed_says_which():
    with pytest.raises(TraceError, match="no column Submit"):
        list(sacct("JobID|Elapsed|NCPUS\n", "t"))
    with pytest.raises(TraceError, match="t:2: 'soon' is no duration"):
        list(sacct("JobID|Submit|Elapsed|NCPUS\n1|2026-01-01T00:00:00|soon|1\n", "t"))
