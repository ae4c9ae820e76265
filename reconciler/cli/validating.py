"""Every fault that a revision has: of its files, of its documents one by one, and between them, all in one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.options import Place
from reconciler.errors import ManifestError

if TYPE_CHECKING:
    from reconciler.manifest import Survey
    from reconciler.model import Diagnostic, Revision
    from reconciler.settings import Settings


def faults_of(place: Place, revision: str, *, worktree: bool, against: str = "") -> tuple[int, Sequence[Diagnostic]]:
    """How many resources are valid, and every fault and warning, in the order of files and lines.

    ``against`` is the branch from whose last common commit on steps are judged; the commit before for "".
    """
    from reconciler.cli.house import settings_of, surveyed

    settings = settings_of(place)
    read, found = surveyed(settings, revision or settings.source.revision, worktree=worktree)
    between = _between(settings, read, found) if found.sound else _among_faulty(read, found)
    return len(found.resources.items), sorted({*found.faults, *between, *_in_hindsight(settings, read, found, against)})


def agreeing(place: Place, revision: str, *, worktree: bool, against: str) -> None:
    """Say whose word the step from a branch needs, by the Tenancies that are in force there."""
    from reconciler import authority, source
    from reconciler.cli import console
    from reconciler.cli.consenting import shown
    from reconciler.cli.house import declared, settings_of
    from reconciler.cli.options import Form

    settings = settings_of(place)
    wanted = revision or settings.source.revision
    fork = source.fork(Path(settings.source.repository), wanted, against)
    told = authority.between(
        settings, declared(settings, fork)[1], declared(settings, wanted, worktree=worktree)[1], worktree=worktree
    )
    if told.parts:
        shown(told.parts, Form.TEXT)
    for ref, (reason, why) in sorted(told.refused.items()):
        console.note(f"{ref}: {reason}: {why}")


def _in_hindsight(settings: Settings, read: Revision, found: Survey, against: str) -> Sequence[Diagnostic]:
    """What is wrong by the clock, and in the light of what git had before.

    Where something else is wrong too, what is known of it is looked at, and nothing is concluded from what is missing.
    """
    from reconciler import hindsight
    from reconciler.cli.house import now
    from reconciler.manifest import RuleSettings
    from reconciler.manifest.located import placed

    repository, moment = Path(settings.source.repository), now()
    torn = {ref: one for ref, one in found.torn.items() if one.content}
    items = {**torn, **found.resources.items}
    said = [
        *hindsight.judged(repository, read, items, Path(settings.cache), moment),
        *hindsight.turned(repository, read, items, moment, whole=found.sound, against=against),
    ]
    blind = {part for ref in found.torn for part in (ref, ref.name)} - {str(ref) for ref in torn}
    if not found.sound:
        said = [one for one in said if not found.unread and not any(name in one.message for name in blind)]
    return [*map(RuleSettings(settings.rules).judged, placed(said, read))]


def _between(settings: Settings, read: Revision, found: Survey) -> Sequence[Diagnostic]:
    """What is wrong between resources that are valid one by one."""
    from reconciler.cli.house import ordered
    from reconciler.cli.installed import missing
    from reconciler.manifest.located import placed

    try:
        graph = ordered(settings, read, replace(found.resources, changed=None))
        return [*placed([*graph.warnings, *missing(graph, settings)], read)]
    except ManifestError as error:
        return error.diagnostics


def _among_faulty(read: Revision, found: Survey) -> Sequence[Diagnostic]:
    """What is wrong between resources where other things are wrong too: no graph can be built of them."""
    from reconciler import graph
    from reconciler.kinds import registry
    from reconciler.manifest.located import placed

    return [*placed(graph.faults(found.resources, registry(), found.torn, found.unread), read)]
