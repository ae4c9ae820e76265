"""Commands that try things out in virtual time: simulate elasticity."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.options import Form, Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.simulation import Result, Scenario, Task

simulating = typer.Typer(no_args_is_help=True, help="Try things out in virtual time.")


@simulating.callback()
def _simulating() -> None:
    """Try things out in virtual time."""


@simulating.command("elasticity")
def simulate_elasticity(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Nodes, workload and policies, in YAML.")],
    *,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw nodes and queue over time as SVG.")
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option("--trace", metavar="FILE", help="Jobs from this trace instead: SWF, or what sacct -P prints."),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Instead of the file's.", show_default=False)] = None,
    decisions: Annotated[bool, typer.Option("--decisions", help="Say every decision, with its time and why.")] = False,
    output: Output = Form.TEXT,
) -> int:
    """Replay a workload under elasticity policies, in virtual time: how long jobs wait, what it costs, what is wasted.

    The decisions are made by the function that runs the clusters. The same file and seed give the same numbers.

    Examples: `hanse simulate elasticity burst.yaml --plot burst.svg`; `hanse simulate elasticity burst.yaml -o json`.
    """
    from reconciler.manifest.single import single
    from reconciler.simulation import Scenario, simulate

    scenario = single(file, Scenario)
    if seed is not None:
        scenario = scenario.model_copy(update={"seed": seed})
    tasks = _tasks(scenario, file.parent, trace)
    with console.waiting("simulating"):
        results = simulate(scenario, tasks)
    if plot is not None:
        from reconciler.simulation.plot import svg

        plot.write_text(svg(results, f"{file.stem}: {len(tasks):,} jobs"), encoding="utf-8")
    if output is Form.JSON:
        console.data({"file": str(file), "seed": scenario.seed, "policies": [_plain(r, decisions) for r in results]})
    else:
        _tell(results, decisions=decisions)
    return 0


def _tasks(scenario: Scenario, folder: Path, trace: Path | None) -> list[Task]:
    from reconciler.errors import SettingsError
    from reconciler.simulation import generated, ordered, sacct, swf

    tasks: list[Task] = []
    named = scenario.workload.trace
    if trace is not None:
        text = _text(trace)
        tasks += (sacct if "|" in text.partition("\n")[0] else swf)(text, str(trace))
    else:
        tasks += generated(scenario.workload, scenario.seed)
        if named is not None:
            path = folder / named.file
            tasks += {"swf": swf, "sacct": sacct}[named.format](_text(path), str(path))
    if not tasks:
        message = "the workload has no jobs: give burst, sparse, poisson, mpi, diurnal, jobs or trace"
        raise SettingsError(message)
    return ordered(tasks)


def _text(path: Path) -> str:
    from reconciler.errors import SettingsError

    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 text; a trace is SWF, or what sacct prints") from error


def _plain(result: Result, decisions: bool) -> dict[str, object]:
    said = {name: value for name, value in asdict(result).items() if name not in ("points", "log")}
    if decisions:
        said["decisions"] = [{"at": at, "decision": sentence} for at, sentence in result.log]
    return said


def _tell(results: Sequence[Result], *, decisions: bool) -> None:
    from reconciler.simulation.plot import sparkline

    for result in results if decisions else ():
        console.say(console.style("heading", result.policy))
        for at, sentence in result.log:
            console.say(f"  {_clock(at)}  {sentence}")
    head = ("policy", "wait mean", "p50", "p95", "max", "node h", "wasted", "boots", "failed", "makespan")
    console.say(console.table(head, [_row(result) for result in results]))
    end = max(result.points[-1].at for result in results)
    most = max(point.nodes for result in results for point in result.points)
    wide = max(len(result.policy) for result in results)
    console.say(f"\nnodes over {end / 3600:.1f} h, at most {most}")
    for result in results:
        console.say(f"{result.policy.ljust(wide)}  {sparkline(result, end, most)}".rstrip())
    for result in results:
        if result.unserved:
            console.note(f"{result.policy}: {result.unserved:,} of {result.jobs:,} jobs never ran")


def _row(result: Result) -> tuple[str, ...]:
    waits = (result.wait_mean, result.wait_p50, result.wait_p95, result.wait_max)
    share = result.waste_hours / result.node_hours if result.node_hours else 0.0
    return (
        result.policy,
        *(f"{wait:,.0f} s" for wait in waits),
        f"{result.node_hours:,.2f}",
        f"{share:.0%}",
        f"{result.boots:,}",
        f"{result.failed_boots:,}",
        f"{result.makespan_hours:,.2f} h",
    )


def _clock(at: float) -> str:
    hours, rest = divmod(int(at), 3600)
    return f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
