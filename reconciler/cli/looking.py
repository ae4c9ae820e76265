"""Commands that tell how things stand: status, explain, history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.options import Form, Kinds, Output, Revision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from reconciler.explain import Finding
    from reconciler.model import Choice, Condition, Event, Ref
    from reconciler.model.data import RuleRecord
    from reconciler.records.heads import Head
    from reconciler.records.names import Name
    from reconciler.records.store import Store

_MANY = 50
"""Of more resources than this, those that are ready are only counted."""


def status(
    context: typer.Context,
    resource: Annotated[str, typer.Argument(metavar="KIND/NAME", help="One resource in full.")] = "",
    *,
    kind: Kinds = None,
    everything: Annotated[bool, typer.Option("--all", help="List each, and what is ready too, however much.")] = False,
    output: Output = Form.TEXT,
) -> int:
    """Say how everything stands, what is not ready first. From the records: nothing is asked of the world.

    Examples: `hanse status`; `hanse status VirtualCluster/vo-x/web`.
    """
    from collections import Counter

    from reconciler.cli import standing
    from reconciler.cli.house import now, told
    from reconciler.errors import RecordsError
    from reconciler.model import Ref

    with told(context.obj) as store:
        if resource:
            found = store.conditions.of(Ref(resource))
            if not found:
                raise RecordsError(f"nothing is known of {resource}: see hanse status, or hanse apply first")
            _one(Ref(resource), found, output, now(), store.data.rules(Ref(resource)))
            return 0
        counts = Counter[str]()
        for (ready, _), number in store.conditions.summary().items():
            counts[ready] += number
        whole = everything or bool(kind) or output is Form.JSON or counts.total() <= _MANY
        conditions = store.conditions.all() if whole else store.conditions.failing()
        if kind:
            conditions = {ref: found for ref, found in conditions.items() if ref.kind in kind}
            counts = standing.counted(conditions)
        if output is Form.JSON:
            console.data(standing.data(store, conditions))
        else:
            console.say(standing.text(store, conditions, counts, now(), together=not everything))
            _heads(store.heads.all(), now())
    return 0


def _heads(heads: Sequence[Head], now: datetime) -> None:
    """Say which branch is not in force as it is, and why."""
    from reconciler.cli.standing import age

    for head in heads:
        if head.why:
            what = f"{head.withheld[:12]} is not in force" if head.withheld else "it"
            stands = f" ({head.commit[:12]} is)" if head.commit else ""
            said = f"branch {head.branch}: {what}{stands}, since {age(head.withheld_since or now, now)}: {head.why}"
            console.say(f"\n{console.style('bad', said)}")


def _one(ref: Ref, conditions: Sequence[Condition], output: Form, now: datetime, rules: Sequence[RuleRecord]) -> None:
    from reconciler.cli.standing import age, role

    if output is Form.JSON:
        console.data({"ref": ref, "conditions": conditions, **({"rule": rules[0]} if rules else {})})
        return
    rows = [(c.type, c.status, c.reason, age(c.since, now), c.message) for c in conditions]
    roles = [("", role(c), "", "quiet", "") for c in conditions]
    console.say(console.table(("CONDITION", "STATUS", "REASON", "SINCE", "MESSAGE"), rows, roles))
    for rule in rules:
        counts = f"{rule.ok:,} files ok, {rule.replicating:,} replicating, {rule.stuck:,} stuck"
        console.say(f"\n{rule.state}: {counts} (hanse rule {ref.removeprefix('DatasetRule/')})")


def explain(
    context: typer.Context,
    resource: Annotated[str, typer.Argument(metavar="KIND/NAME", help="What to explain.")],
    revision: Revision = "",
    *,
    day: Annotated[
        str, typer.Option("--day", metavar="YYYY-MM-DD", help="Of availability; yesterday.", show_default=False)
    ] = "",
    report: Annotated[
        str, typer.Option("--report", metavar="NAME", help="Of availability; a Report.", show_default=False)
    ] = "",
    output: Output = Form.TEXT,
) -> int:
    """Say why something is not ready: along what it needs, down to the root cause. Reads the world once.

    With `availability SITE`: which minutes of a site's day were lost, to which check, by which result.

    Examples: `hanse explain DNSRecord/vo-x/www`; `hanse explain availability TIDE-CLOUD --day 2026-10-12`.
    """
    if resource == "availability":
        from reconciler.cli.uptime import explain_availability

        return explain_availability(context.obj, revision, day, report, output)
    from reconciler.cli.house import opened
    from reconciler.cli.planning import proposed
    from reconciler.errors import SettingsError
    from reconciler.explain import explain as explained
    from reconciler.model import Ref
    from reconciler.nearest import or_meant

    with opened(context.obj, write=False) as house:
        proposal = proposed(house, revision)
        ref = Ref(resource)
        conditions = house.store.conditions.failing() | house.store.conditions.of_many([ref])
        known = proposal.graph.resources.keys() | conditions.keys() | proposal.inventory.entries.keys()
        if ref in proposal.graph.expired and ref not in known:
            console.say(f"{ref}: {proposal.graph.expired[ref]}; nothing is made of it until git gives it another end")
            return 0
        if ref not in known:
            raise SettingsError(f"there is no {resource}" + or_meant(resource, known))
        finding = explained(ref, proposal.graph, proposal.plan, conditions)
        events = house.store.events.history(ref, limit=5)
        unplaced = [proposal.graph.unplaced[ref]] if ref in proposal.graph.unplaced else []
        choices = [choice for choice in proposal.graph.choices if choice.ref == ref] or unplaced
    if output is Form.JSON:
        causes = [cause.name for cause in finding.causes]
        console.data({"finding": finding, "causes": causes, "choices": choices, "events": events})
    else:
        _explained(finding, choices, events)
    return 0


def _explained(finding: Finding, choices: Sequence[Choice], events: Sequence[Event]) -> None:
    from reconciler.plan.render.words import chose

    for line in tree(finding):
        console.say(line)
    causes = finding.causes
    if causes and finding.below:
        console.say("")
        console.say(console.style("heading", "Root cause" if len(causes) == 1 else "Root causes"))
        for cause in causes:
            console.say(f"  {cause.name}: {'; '.join(cause.said)}")
    if choices:
        console.say("")
        console.say(console.style("heading", "Placed"))
    for choice in choices:
        console.say(f"  {chose(choice)}")
        for name, why in choice.rejected:
            console.say(console.style("quiet", f"    not {name}: {why}"))
    if events:
        console.say("")
        console.say(console.style("heading", "Last events"))
        console.say(_events(events))


def tree(finding: Finding, lead: str = "", branch: str = "") -> list[str]:
    """The findings as an indented tree, one line for each thing that is known."""
    role = "good" if finding.well else "bad" if finding.cause else "doubt"
    needed = f" ({finding.needed})" if finding.needed else ""
    said = finding.said or ("nothing is known of it",)
    lines = [f"{lead}{branch}{console.style(role, finding.name)}{needed}  {said[0]}"]
    inner = lead + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
    bar = "│  " if finding.below else "   "
    lines += [f"{inner}{bar}{more}" for more in said[1:]]
    for number, child in enumerate(finding.below):
        last = number == len(finding.below) - 1
        lines += tree(child, inner, "└─ " if last else "├─ ")
    return lines


def names(
    context: typer.Context,
    *,
    output: Output = Form.TEXT,
) -> int:
    """Say which names are held, what they lead to, and which lead to an address that a cluster has given back.

    From the records: nothing is asked of the world. The exit code is 3 when a name should not stand as it does.

    Examples: `hanse names`; `hanse names --output json`.
    """
    from reconciler.cli.house import told
    from reconciler.records.names import names as held

    with told(context.obj) as store:
        found = held(store.database)
    if output is Form.JSON:
        console.data(found)
    else:
        console.say(_names(found) if found else "no names yet: hanse apply")
    return 3 if any(one.fault for one in found) else 0


def _names(found: Sequence[Name]) -> str:
    rows = [(n.name, n.type, ", ".join(n.values), n.follows or "", n.ref, n.fault) for n in found]
    roles = [("", "quiet", "bad" if n.fault else "", "", "quiet", "bad") for n in found]
    return console.table(("NAME", "TYPE", "LEADS TO", "FOLLOWS", "RESOURCE", "FINDING"), rows, roles)


def history(
    context: typer.Context,
    resource: Annotated[str, typer.Argument(metavar="KIND/NAME", help="Only of this resource.")] = "",
    *,
    run: Annotated[str, typer.Option("--run", metavar="ID", help="What one run did.", show_default=False)] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many, the latest first.")] = 20,
    output: Output = Form.TEXT,
) -> int:
    """Say what was done: the runs, what one run did, or everything that was done to one resource.

    Examples: `hanse history`; `hanse history DNSRecord/vo-x/www`; `hanse history --run 20261121T120000123Z-a1b2c3`.
    """
    from reconciler.cli.house import told
    from reconciler.errors import RecordsError
    from reconciler.model import Ref

    with told(context.obj) as store:
        if resource or run:
            events = store.events.history(Ref(resource) if resource else None, limit, run=run or None)
            if not events and not _known(store, resource, run):
                raise RecordsError(f"nothing is known of {run or resource}: see hanse {'history' if run else 'status'}")
            console.data(events) if output is Form.JSON else console.say(_events(events) if events else "no events")
        else:
            _runs(store, limit, output)
    return 0


def _known(store: Store, resource: str, run: str) -> bool:
    """Whether a run, or a resource, of which no event tells is there all the same."""
    from reconciler.model import Ref

    if run:
        return store.runs.get(run) is not None
    return bool(store.conditions.of(Ref(resource)))


def _runs(store: Store, limit: int, output: Form) -> None:
    runs = store.runs.history(limit)
    if output is Form.JSON:
        console.data(runs)
        return
    rows = [(r.id, f"{r.started_at:%Y-%m-%d %H:%M:%S}", r.state, r.commit[:12], r.who, _counts(r.counts)) for r in runs]
    roles = [("", "quiet", "good" if r.state == "done" else "bad", "", "quiet", "") for r in runs]
    head = ("RUN", "STARTED (UTC)", "STATE", "COMMIT", "WHO", "WHAT")
    console.say(console.table(head, rows, roles) if rows else "no runs yet: hanse apply")


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in counts.items()) or "nothing"


def _events(events: Sequence[Event]) -> str:
    rows = [
        (
            f"{e.at:%Y-%m-%d %H:%M:%S}",
            e.verb,
            e.ref,
            e.state,
            e.commit[:12],
            f"{e.reason}: {e.message}" if e.message else e.reason,
        )
        for e in events
    ]
    roles = [("quiet", str(e.verb), "", "good" if e.state == "done" else "bad", "quiet", "") for e in events]
    return console.table(("WHEN (UTC)", "WHAT", "RESOURCE", "STATE", "COMMIT", "WHY"), rows, roles)
