"""Commands of batch accounting: import sacct."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import console
from reconciler.cli.exchanging import importing
from reconciler.cli.options import Revision


@importing.command("sacct")
def import_sacct(
    context: typer.Context,
    site: Annotated[str, typer.Argument(metavar="SITE", help="Name of the Site whose jobs these are.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What sacct said; - for standard input.")],
    revision: Revision = "",
    *,
    month: Annotated[str, typer.Option("--month", "-m", metavar="YYYY-MM", help="The month that the file has whole.")],
    vos: Annotated[
        list[str] | None, typer.Option("--vo", metavar="ACCOUNT=VO", help="Whose an account is; may be repeated.")
    ] = None,
    cluster: Annotated[
        str, typer.Option("--cluster", metavar="NAME", help="Only these jobs are in the file.", show_default=False)
    ] = "",
) -> int:
    """Take in a month of Slurm's jobs, in place of those known before: what sacct tells, as text or as JSON.

    Jobs that ended in another month are left out. An account without a VO keeps its own name. The benchmark of a core
    is told by the Site's extensions BenchmarkType and Benchmark. Ask sacct with --allusers --duplicates --parsable2
    and SLURM_TIME_FORMAT=%s, or with --json.

    Example: `hanse import sacct BAY jobs.txt -m 2026-10 --vo waves=vo.waves.example.org`.
    """
    from reconciler import metering
    from reconciler.cli.house import declared_with, now, records, settings_of
    from reconciler.drivers.slurm.accounting import parsed
    from reconciler.exchange.apel.export import benchmarks
    from reconciler.model import Ref

    try:
        first, after = metering.bounds(month)
    except ValueError as error:
        raise typer.BadParameter(f"a month is YYYY-MM: {error}") from error
    spec = declared_with(settings_of(context.obj), "Site", site, revision)[Ref.of("Site", site)].spec
    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    told = parsed(text)
    jobs = [job for job in told if first <= job.end < after and cluster in ("", job.cluster)]
    known = benchmarks(site, spec).get((site, ""), ("", 0.0))
    made = metering.of_jobs(jobs, site, now(), dict(_pairs(vos or [])), known).get(month, [])
    with records(context.obj, write=True) as store:
        kept = [r for r in store.usage.month(month, site=site) if r.kind == "job" and cluster not in ("", r.cloud)]
        store.usage.rebuild(month, [*kept, *made], site=site, kind="job")
    console.say(f"{len(made):,} jobs of {month} at {site}")
    if len(told) > len(jobs):
        console.note(f"{len(told) - len(jobs):,} jobs of another month or cluster are left out")
    if made and not known[0]:
        console.note(f"{site} has no benchmark: APEL takes no jobs without (extensions BenchmarkType and Benchmark)")
    return 0


def _pairs(given: list[str]) -> list[tuple[str, str]]:
    pairs = [one.partition("=") for one in given]
    if strange := [account for account, mark, vo in pairs if not (account and mark and vo)]:
        raise typer.BadParameter(f"{strange[0]!r}: write ACCOUNT=VO")
    return [(account, vo) for account, _, vo in pairs]
