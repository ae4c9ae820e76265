"""Commands that look and change nothing: validate, plan, graph, diff."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.options import DrawingForm, FaultForm, Form, Kinds, Output, Place, PlanForm, Revision, Worktree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.compare import Difference
    from reconciler.model import Diagnostic, Plan
    from reconciler.plan.render import Drawing
    from reconciler.reconcile import House, Proposal
    from reconciler.suppose import Down


def validate(
    context: typer.Context,
    revision: Revision = "",
    *,
    worktree: Worktree = False,
    against: Annotated[
        str,
        typer.Option(
            "--against", metavar="BRANCH", help="Judge all steps since this branch was left.", show_default=False
        ),
    ] = "",
    output: Annotated[
        FaultForm, typer.Option("-o", "--output", help="github: annotations on the changed lines.")
    ] = FaultForm.TEXT,
) -> int:
    """Check manifests: every fault of every file, with its place and its cure. Needs no database.

    What may not be taken away, or takes steps (downtimes, certification), is compared with the commit before; of a
    branch with several commits, `--against` the branch that it will go into. Then it is told, too, whose word the
    change needs by the Tenancies of that branch.

    Examples: `hanse validate --worktree` before a commit; `hanse validate -o github` in CI;
    `hanse validate --against origin/main`.
    """
    from reconciler.cli.validating import agreeing, faults_of

    count, faults = faults_of(context.obj, revision, worktree=worktree, against=against)
    errors = sum(fault.severity == "error" for fault in faults)
    _faults(faults, errors, count, output)
    if against and not errors and output is FaultForm.TEXT:
        agreeing(context.obj, revision, worktree=worktree, against=against)
    return 1 if errors else 0


def _faults(faults: Sequence[Diagnostic], errors: int, count: int, output: FaultForm) -> None:
    from reconciler.manifest import render

    warnings = len(faults) - errors
    if output is FaultForm.JSON:
        said = {"valid": not errors, "resources": count, "errors": errors, "warnings": warnings}
        console.data(said | {"diagnostics": render.data(faults)})
        return
    for line in render.github(faults) if output is FaultForm.GITHUB else map(str, faults):
        console.say(line)
    if errors:
        files = len({fault.file for fault in faults if fault.severity == "error"})
        console.note(f"{_many(errors, 'error')} in {_many(files, 'file')}, {_many(warnings, 'warning')}")
    else:
        warned = f", {_many(warnings, 'warning')}" if warnings else ""
        console.note(f"{_many(count, 'resource')} valid{warned}")


def plan(
    context: typer.Context,
    revision: Revision = "",
    *,
    worktree: Worktree = False,
    base: Annotated[
        str,
        typer.Option("--base", metavar="REV", help="Show only what comes from changes since REV.", show_default=False),
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Save the plan for hanse apply FILE.", show_default=False),
    ] = None,
    output: Annotated[
        PlanForm, typer.Option("-o", "--output", help="markdown: a comment for a pull request.")
    ] = PlanForm.TEXT,
    target: Annotated[
        list[str] | None, typer.Option("--target", metavar="ID", help="Show only this back end (patterns).")
    ] = None,
    kind: Kinds = None,
    trust: Annotated[
        str,
        typer.Option(
            "--trust",
            metavar="REV",
            help="Contact only back ends that REV describes: the revision may be anybody's.",
            show_default=False,
        ),
    ] = "",
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if", metavar="WHAT", help="Plan as if 'site=X down', 'storage=X/Y down', 'cloud=X/Y down'."
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="List every action, however many.")] = False,
    parts: Annotated[bool, typer.Option("--parts", help="Say only whose word it needs, part by part.")] = False,
) -> int:
    """Say what would be done for a revision, and why. Changes nothing.

    The exit code is 0 when there is nothing to do, 2 when changes are pending, 3 when a person must allow some.
    Filters are for the eye: a saved plan and -o json are always the whole plan.

    With --what-if it is said besides which rules would have fewer copies of their data than they want.

    Examples: `hanse plan`; `hanse plan my-branch --base main -o markdown`; `hanse plan --out p.json`;
    `hanse plan --what-if 'site=DESY down'`; `hanse plan --parts`.
    """
    from dataclasses import replace

    from reconciler import suppose
    from reconciler.cli import exits
    from reconciler.cli.house import opened
    from reconciler.errors import SettingsError
    from reconciler.plan.saved import to_json

    if parts:
        return _parts(context.obj, revision, base or trust, output)
    down = suppose.parse(what_if or ())
    if down and out is not None:
        raise SettingsError("what is only supposed cannot be done: leave out --out, or --what-if")
    with opened(context.obj, write=False) as house:
        house.against = base
        proposal = proposed(house, revision, worktree=worktree, down=down, trust=trust)
        if down:
            proposal = replace(proposal, plan=suppose.seen(proposal.plan, down))
        from_base = _since(house, base, proposal) if base else None
    if out is not None:
        out.write_bytes(to_json(proposal.plan))
    shown = _filtered(from_base or proposal.plan, target or [], kind or [])
    _show(proposal.plan, shown, output, most=1 << 30 if full else 100, steps=not down)
    if down and output is not PlanForm.JSON:
        console.say("\n".join(suppose.told(proposal.plan, down)))
    if out is not None:
        console.note(f"saved: hanse apply {out} does exactly this, or refuses")
    return exits.of_plan(from_base or proposal.plan)


def proposed(
    house: House,
    revision: str,
    *,
    worktree: bool = False,
    down: Sequence[Down] = (),
    trust: str = "",
) -> Proposal:
    from reconciler.daemon.fetching import fetch
    from reconciler.errors import SourceError
    from reconciler.reconcile import propose

    with console.waiting("reading") as told:
        house.progress = told
        try:
            fetch(house.settings.source, house.drivers.secret)
        except SourceError as error:
            console.note(f"{error}: what was fetched before counts")
        wanted = revision or house.settings.source.revision
        return propose(house, wanted, worktree=worktree, down=down, trust=trust)


def _parts(place: Place, revision: str, base: str, output: PlanForm) -> int:
    from reconciler.cli.codes import BLOCKED, DONE
    from reconciler.cli.consenting import parts_of, shown
    from reconciler.cli.house import opened

    with opened(place, write=False) as house:
        _, found = parts_of(house, revision, base=base)
    shown(found, Form.JSON if output is PlanForm.JSON else Form.TEXT)
    return BLOCKED if any(one.open for one in found) else DONE


def _show(whole: Plan, shown: Plan, output: PlanForm, most: int, *, steps: bool) -> None:
    from reconciler.plan import render
    from reconciler.plan.saved import to_json

    if output is PlanForm.JSON:
        console.say(to_json(whole).decode().rstrip())
    elif output is PlanForm.MARKDOWN:
        console.say(render.markdown(shown).rstrip())
    else:
        console.say(render.text(shown, console.style, most=most, steps=steps).rstrip())
    hidden = len(whole.actions) - len(shown.actions)
    if hidden and output is not PlanForm.JSON:
        console.note(f"{_many(hidden, 'action')} of this plan not shown: hanse plan shows the whole plan")


def _since(house: House, base: str, proposal: Proposal) -> Plan:
    """The part of a plan that comes from what was changed in git since ``base``."""
    from reconciler.cli.house import declared
    from reconciler.compare import since

    return since(declared(house.settings, base)[1], proposal)


def _filtered(plan: Plan, targets: list[str], kinds: list[str]) -> Plan:
    from dataclasses import replace
    from fnmatch import fnmatchcase

    shown = [
        action
        for action in plan.actions
        if (not kinds or action.ref.kind in kinds)
        and (not targets or any(fnmatchcase(action.target, pattern) for pattern in targets))
    ]
    return replace(plan, actions=tuple(shown))


def graph(
    context: typer.Context,
    revision: Revision = "",
    *,
    worktree: Worktree = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Draw every resource and its references, not only what is to be done.")
    ] = False,
    output: Annotated[DrawingForm, typer.Option("-o", "--output", help="How it is written.")] = DrawingForm.MERMAID,
) -> int:
    """Draw what will happen in what order: columns can be done at once, arrows must wait.

    Examples: `hanse graph -o svg > plan.svg`; `hanse graph --all -o dot`.
    """
    from reconciler.cli.house import opened
    from reconciler.plan import render

    with opened(context.obj, write=False) as house:
        proposal = proposed(house, revision, worktree=worktree)
    whole = everything
    drawing = render.of_graph(proposal.graph, proposal.plan) if whole else render.of_plan(proposal.plan)
    if not drawing.boxes:
        console.note("nothing is to be done: --all draws every resource")
    _draw(drawing, output)
    return 0


def _draw(drawing: Drawing, output: DrawingForm) -> None:
    import shutil
    import subprocess

    from reconciler.plan import render

    if output is DrawingForm.JSON:
        console.data(render.drawn(drawing))
    elif output is DrawingForm.MERMAID:
        console.say(render.mermaid(drawing).rstrip())
    elif output is DrawingForm.DOT:
        console.say(render.dot(drawing).rstrip())
    elif shutil.which("dot"):
        made = subprocess.run(["dot", "-Tsvg"], input=render.dot(drawing).encode(), capture_output=True, check=False)
        console.say(made.stdout.decode().rstrip() if made.returncode == 0 else render.svg(drawing).rstrip())
    else:
        console.say(render.svg(drawing).rstrip())


def diff(
    context: typer.Context,
    base: Annotated[str, typer.Argument(metavar="BASE", help="Branch, tag or commit.")],
    head: Annotated[str, typer.Argument(metavar="HEAD", help="Branch, tag or commit; the configured one.")] = "",
    *,
    worktree: Annotated[bool, typer.Option("--worktree", help="Compare with the files as they stand.")] = False,
    output: Output = Form.TEXT,
) -> int:
    """Say what two commits declare differently, field by field. Asks neither the world nor the database.

    Examples: `hanse diff main my-branch`; `hanse diff HEAD --worktree`.
    """
    from reconciler.cli.house import declared, settings_of
    from reconciler.compare import compare

    settings = settings_of(context.obj)
    _, old = declared(settings, base)
    _, new = declared(settings, head or settings.source.revision, worktree=worktree)
    found = compare(old, new)
    if output is Form.JSON:
        console.data({"base": old.commit, "head": new.commit, "differences": found})
    else:
        _tell(found)
    return 0


def _tell(found: Sequence[Difference]) -> None:
    from reconciler.plan.render.words import changed

    signs = {"added": ("+", "create"), "removed": ("-", "delete"), "changed": ("~", "update")}
    for difference in found:
        sign, role = signs[difference.what]
        head = f"{console.style(role, sign)} {difference.ref}"
        if len(difference.changes) == 1:
            console.say(f"{head}  {changed(difference.changes[0])}")
            continue
        console.say(head)
        for change in difference.changes:
            console.say(f"    {changed(change)}")
    counts = [f"{sum(d.what == what for d in found)} {what}" for what in signs]
    console.note(", ".join(counts) if found else "no difference")


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
