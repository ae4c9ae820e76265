"""Commands that change the world: apply, and run, which goes on applying."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.options import Form, Output, Place, Revision, Worktree

if TYPE_CHECKING:
    from reconciler.daemon.service import Service
    from reconciler.model import Plan, Report
    from reconciler.reconcile import House, Proposal


def apply(
    context: typer.Context,
    planfile: Annotated[
        Path | None,
        typer.Argument(metavar="PLANFILE", help="A plan saved with hanse plan --out.", show_default=False),
    ] = None,
    *,
    revision: Annotated[
        str, typer.Option("--revision", metavar="REV", help="Another than the configured one.", show_default=False)
    ] = "",
    worktree: Worktree = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, on a terminal either.")] = False,
    serial: Annotated[bool, typer.Option("--serial", help="One call after the other.")] = False,
    output: Output = Form.TEXT,
) -> int:
    """Make the world agree with git: plan, show, ask (on a terminal), and do it in order.

    With a saved plan exactly that plan is done, or it is refused with exit code 4 when it is stale. It can be killed
    at any moment: the next apply finds out what became of everything that was under way.

    Examples: `hanse apply`; `hanse plan --out p.json && hanse apply p.json`.
    """
    import threading

    from reconciler.cli.house import opened, settings_of
    from reconciler.daemon import lease
    from reconciler.daemon.service import obeying

    _logging(settings_of(context.obj).log)
    stop = threading.Event()
    with opened(context.obj) as house, lease.held(house.store, house.settings.run.lease_seconds, stop.set) as fence:
        house.fence = fence
        house.store.catalogue.at_once = True  # somebody stands by: what is stuck is tried now
        proposal = _saved(house, planfile, revision) if planfile else _fresh(house, revision, worktree=worktree)
        if output is Form.TEXT:
            _shown(proposal.plan)
        if not _agreed(proposal.plan, yes=yes):
            console.note("nothing was done")
            return 0
        with obeying(stop.set):
            report = _done(house, proposal, stop, serial=serial, quiet=output is Form.JSON)
    return _ended(report, output, stopped=stop.is_set())


def _fresh(house: House, revision: str, *, worktree: bool) -> Proposal:
    from reconciler.cli.planning import proposed

    return proposed(house, revision, worktree=worktree)


def _saved(house: House, planfile: Path, revision: str) -> Proposal:
    from reconciler.errors import StalePlan
    from reconciler.plan.saved import from_json
    from reconciler.resume import resume_plan

    try:
        content = planfile.read_bytes()
    except OSError as error:
        raise StalePlan(f"{planfile} cannot be read: {error.strerror}") from error
    with console.waiting("looking again") as told:
        house.progress = told
        return resume_plan(house, from_json(content), revision or house.settings.source.revision)


def _shown(plan: Plan) -> None:
    from reconciler.plan import render

    said = render.text(plan, console.style).rstrip().split("\n")
    console.say("\n".join(line for line in said if line != "  to do this: hanse apply"))


def _agreed(plan: Plan, *, yes: bool) -> bool:
    from reconciler.daemon.working import due

    count = due(plan)
    if not count or yes or not console.attended():
        return True
    console.say("")
    return typer.confirm(f"Do {count} action{'' if count == 1 else 's'}?")


def _done(house: House, proposal: Proposal, stop: object, *, serial: bool, quiet: bool) -> Report:
    import threading

    from reconciler.cli.progress import following
    from reconciler.daemon import lease
    from reconciler.daemon.working import due, work

    assert isinstance(stop, threading.Event)  # noqa: S101 (threading is imported where it is used)
    with following(due(proposal.plan), quiet=quiet) as told:
        return work(house, proposal, lease.who(), stop, told, serial=serial)


def _ended(report: Report, output: Form, *, stopped: bool) -> int:
    from reconciler.cli import codes, exits
    from reconciler.cli.progress import counts, outcome_data

    code = exits.of_outcomes(report.plan, report.outcomes)
    if output is Form.JSON:
        outcomes = [outcome_data(outcome) for outcome in report.outcomes]
        console.data(
            {"run": report.run, "commit": report.plan.commit, "plan": report.plan.digest, "outcomes": outcomes}
        )
    elif report.outcomes:
        console.say(console.style("heading", f"Applied: {counts(report.outcomes)}"))
        console.note(f"run {report.run}; hanse history --run {report.run} tells it again")
    if code == codes.FAILED and not stopped:
        console.note("next: hanse explain KIND/NAME says why; hanse apply tries again")
    if code == codes.STALE:
        console.note("next: what had moved was left alone; hanse plan shows how it is now")
    if stopped:
        console.note("stopped before everything was done; hanse apply does the rest")
    return codes.FAILED if stopped and code == codes.DONE else code


def run(
    context: typer.Context,
    revision: Revision = "",
    *,
    worktree: Worktree = False,
    once: Annotated[bool, typer.Option("--once", help="One round, then end.")] = False,
    standby: Annotated[
        bool, typer.Option("--standby", help="While another works on this database, wait, and go on in its place.")
    ] = False,
    interval: Annotated[
        float | None,
        typer.Option(
            "--interval", metavar="SECONDS", min=1, help="Another than the configured one.", show_default=False
        ),
    ] = None,
    listen: Annotated[
        str,
        typer.Option(
            "--listen",
            metavar="HOST:PORT",
            help="Serve pages and the HTTP API: how all stands, streams of events, GOCDB's interface.",
            show_default=False,
        ),
    ] = "",
) -> int:
    """Keep the world as git says: at intervals, and at once when a branch or a storage moves. Runs probes when due.

    With --listen, pages show in a browser what is not ready and why, and `/api/v1` tells it to programs.
    `GET /v1/datasets/events?dataset=scope:name&copies=2&at=EXPR` tells when data has arrived.
    `GET /gocdbpi/public/?method=get_site` answers as GOCDB does. `POST /v1/results` takes results of probes that others
    run, and `GET /metrics` tells Prometheus how all stand: `hanse token create` lets a machine in.

    SIGTERM or Ctrl-C finishes what is in flight and stops; a second one breaks off. Only one works on a database at a
    time: others are refused, or stand by and take over when it ends, dies or hangs (--standby).

    Examples: `hanse run`; `hanse run main --interval 300`; `hanse run --once` from cron; `hanse run --standby`.
    """
    import os

    from reconciler import counted
    from reconciler.cli import codes, exits
    from reconciler.cli.house import opened, settings_of
    from reconciler.daemon.loop import Bell
    from reconciler.daemon.service import Service, obeying
    from reconciler.daemon.systemd import Systemd

    settings = settings_of(context.obj)
    _logging("info" if settings.log == "warning" else settings.log)
    bell = Bell()
    with opened(context.obj) as house, obeying(bell.end):
        if interval:
            faster = house.settings.run.model_copy(update={"interval_seconds": interval})
            house.settings = house.settings.model_copy(update={"run": faster})
        manager = Systemd.of(os.environ)
        service = Service(house, revision or house.settings.source.revision, worktree=worktree, systemd=manager)
        house.drivers = counted.drivers(house.drivers, service.measured)
        if not once:
            with _served(house, listen or house.settings.web.listen, service, context.obj), service.attended(bell):
                (service.stand_by if standby else service.run)(bell)
            return codes.DONE
        service.fetcher.now()
        with service.holding(bell):
            proposal, report = service.step(bell)
            service.watched.run_due()
        if service.forging is not None:
            service.forging.once()
        return exits.of_outcomes(proposal.plan, report.outcomes if report else ())


@contextmanager
def _served(house: House, listen: str, service: Service, place: Place) -> Iterator[None]:
    """Serve pages and the HTTP API while the block runs, where somebody wants it."""
    if not listen:
        yield
        return
    from functools import partial

    import structlog

    from reconciler.cli.shown import Shown

    web = house.settings.web
    shown = Shown(house, service, place, partial(house.drivers.secret, web.token) if web.token else None)
    with shown.served(listen) as url:
        structlog.get_logger().info("listening", url=url)
        yield


def _logging(level: str) -> None:
    from reconciler import logs
    from reconciler.cli.house import environment

    logs.configure(level, environment())
