"""From what is recorded and planned to what is shown: API and pages both ask here, so that they say the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

import orjson

from reconciler import metering
from reconciler.exchange.apel.export import benchmarks
from reconciler.exchange.usage import Total, totals
from reconciler.explain import Finding, explain
from reconciler.model import Action, Choice, Condition, Edge, Event, FieldChange, Plan, Ref, Run
from reconciler.plan.render import Drawing, next_steps, of_graph, summary
from reconciler.records import listing
from reconciler.records.conditions import Conditions
from reconciler.web import shapes
from reconciler.web.sight import Planned, Sight

_TROUBLES = 50
_MINUTE = 60.0
_LATEST = 20


def latest(sight: Sight) -> str:
    """What moves when anything was done or planned, as the stream tells it; pages say at which they were drawn."""
    event, run, state = listing.latest(sight.store.database)
    planned = sight.planned()
    digest = planned.plan.digest if planned else ""
    return orjson.dumps({"event": event, "run": run, "state": state, "plan": digest}).decode()


# -- what was planned last ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Round:
    """One round of the loop, made ready for questions about single resources."""

    planned: Planned
    outcomes: dict[Ref, str] = field(default_factory=dict)
    """What became of actions, as far as they ended: done, failed, unknown or interrupted."""

    @cached_property
    def actions(self) -> Mapping[Ref, Action]:
        """What is planned, by resource."""
        return {action.ref: action for action in self.planned.plan.actions}

    @cached_property
    def needed_by(self) -> Mapping[Ref, Sequence[Ref]]:
        """Who refers to a resource."""
        found: dict[Ref, list[Ref]] = defaultdict(list)
        for ref, resource in self.planned.graph.resources.items():
            for edge in resource.edges:
                found[edge.ref].append(ref)
        return found

    @cached_property
    def choices(self) -> Mapping[Ref, Sequence[Choice]]:
        """What was chosen, by resource."""
        found: dict[Ref, list[Choice]] = defaultdict(list)
        for choice in (*self.planned.graph.choices, *self.planned.graph.unplaced.values()):
            found[choice.ref].append(choice)
        return found

    @cached_property
    def drawing(self) -> Drawing:
        """Every resource, and who comes before whom."""
        return of_graph(self.planned.graph, self.planned.plan)

    @property
    def rest(self) -> Plan:
        """The plan without what is done."""
        plan_ = self.planned.plan
        return replace(plan_, actions=tuple(a for a in plan_.actions if self.outcomes.get(a.ref) != "done"))


def last_round(sight: Sight) -> Round | None:
    """The last round with what has become of it; None before the first. Made ready once, then only brought up."""
    planned = sight.planned()
    if planned is None:
        return None
    kept: Round | None = sight.kept.get("round")
    if kept is None or kept.planned is not planned:
        kept = sight.kept["round"] = Round(planned)
    run = next((one for one in listing.runs(sight.store.database, "", 1)), None)
    if run is not None and run.plan_digest == planned.plan.digest:
        mark = (planned.plan.digest, *listing.latest(sight.store.database))
        if sight.kept.get("outcomes") != mark:
            kept.outcomes.update(listing.outcomes(sight.store.database, run.id))
            sight.kept["outcomes"] = mark
    return kept


def plan(sight: Sight) -> shapes.PlanShape | None:
    """What the last round planned; None before the first."""
    known = last_round(sight)
    if known is None:
        return None
    planned, made = known.planned, known.planned.plan
    return shapes.PlanShape(
        commit=made.commit,
        digest=made.digest,
        summary=summary(made),
        unchanged=made.unchanged,
        unread=made.unread,
        unreachable=dict(made.unreachable),
        warnings=list(made.warnings),
        strays=list(made.strays),
        steps=list(next_steps(known.rest)),
        at=planned.at,
        actions=[action_shape(action, known) for action in made.actions],
    )


def graph(sight: Sight) -> shapes.GraphShape | None:
    """Who needs whom; None before the first round."""
    known = last_round(sight)
    if known is None:
        return None
    ready = readiness(sight, [box.ref for box in known.drawing.boxes])
    nodes = [
        shapes.NodeShape(ref=b.ref, wave=b.wave, ready=ready.get(b.ref, "Unknown"), planned=b.role)
        for b in known.drawing.boxes
    ]
    edges = [shapes.LineShape(first=a.first, then=a.then, gate=a.label) for a in known.drawing.arrows]
    return shapes.GraphShape(commit=known.planned.plan.commit, nodes=nodes, edges=edges)


def readiness(sight: Sight, refs: Sequence[Ref]) -> dict[Ref, str]:
    """The status of Ready of each resource, as far as it is known."""
    return listing.ready(sight.store.database, refs)


# -- resources ---------------------------------------------------------------------------------------------------------


def resources(sight: Sight, wanted: listing.Wanted, after: str, most: int) -> shapes.ResourceList:
    """A portion of resources, behind the reference ``after``."""
    found = listing.resources(sight.store.database, wanted, after, most + 1)
    items = [listed_shape(one) for one in found[:most]]
    return shapes.ResourceList(items=items, next=items[-1].ref if len(found) > most else None)


def resource(sight: Sight, ref: Ref) -> shapes.ResourceDetail | None:
    """All that is known of one resource; None when nothing is. Others are looked at only where it needs them."""
    known = last_round(sight)
    declared = known.planned.graph.resources.get(ref) if known else None
    conditions = sight.store.conditions.of(ref)
    held = sight.store.inventory.details([ref]).get(ref)
    action = known.actions.get(ref) if known else None
    events = listing.events(sight.store.database, None, _LATEST, ref=ref)
    if not (declared or conditions or held or action or events):
        return None
    finding = _explained(sight, known, ref) if known else None
    row = listing.held(sight.store.database, ref)
    edges: Sequence[Edge] = declared.edges if declared else held.edges if held else ()
    return shapes.ResourceDetail(
        **_named(ref),
        target=row.target if row else declared.target if declared else "",
        generation=row.generation if row else 0,
        uid=row.uid if row else "",
        conditions=[condition_shape(one) for one in conditions],
        file=declared.location.file if declared else "",
        commit=known.planned.plan.commit if known else held.commit if held else "",
        desired=orjson.loads(declared.content) if declared else None,
        outputs=dict(held.outputs) if held else {},
        needs=[shapes.EdgeShape(ref=e.ref, gate=e.gate, path=e.path) for e in edges],
        needed_by=sorted(known.needed_by.get(ref, ())) if known else [],
        action=action_shape(action, known) if action and known else None,
        explanation=_finding(finding) if finding else None,
        causes=[cause.name for cause in finding.causes] if finding else [],
        choices=[_choice(choice) for choice in known.choices.get(ref, ())] if known else [],
        events=[event_shape(event) for event in events],
    )


@dataclass(frozen=True)
class _AsAsked(Mapping[Ref, Sequence[Condition]]):
    """Conditions that are read when somebody asks for them: a federation may have very many."""

    kept: Conditions

    def __getitem__(self, ref: Ref) -> Sequence[Condition]:
        found = self.kept.of(ref)
        if not found:
            raise KeyError(ref)
        return found

    def __iter__(self) -> Iterator[Ref]:
        return iter(self.kept.all())

    def __len__(self) -> int:
        return len(self.kept.all())


def _explained(sight: Sight, known: Round, ref: Ref) -> Finding:
    return explain(ref, known.planned.graph, known.rest, _AsAsked(sight.store.conditions))


# -- runs, events, what is under way -----------------------------------------------------------------------------------


def runs(sight: Sight, before: str, most: int) -> shapes.RunList:
    """A portion of runs, the latest first."""
    found = listing.runs(sight.store.database, before, most + 1)
    items = [run_shape(run) for run in found[:most]]
    return shapes.RunList(items=items, next=items[-1].id if len(found) > most else None)


def events(sight: Sight, before: int | None, most: int, ref: str = "", run: str = "") -> shapes.EventList:
    """A portion of events, the latest first."""
    found = listing.events(sight.store.database, before, most + 1, ref=ref, run=run)
    items = [event_shape(event) for event in found[:most]]
    return shapes.EventList(items=items, next=str(items[-1].id) if len(found) > most else None)


def under_way(sight: Sight) -> list[shapes.MovingShape]:
    """What the run of now has started and not ended."""
    now = {run.id for run in listing.runs(sight.store.database, "", 1) if run.state == "running"}
    unsettled = sight.store.journal.unsettled() if now else ()
    started = [one for one in unsettled if one.run in now and one.state == "started"]
    return [
        shapes.MovingShape(
            ref=one.ref,
            verb=str(one.verb),
            target=one.target.id,
            message=one.message,
            started_at=one.started_at,
            deadline=one.deadline,
            bytes=one.progress.get("bytes"),
            total_bytes=one.progress.get("total_bytes"),
            bytes_per_second=one.progress.get("bytes_per_second"),
        )
        for one in started
    ]


def status(sight: Sight) -> shapes.StatusShape:
    """How everything stands: what is not ready, what waits for a person, what was done last."""
    store, known = sight.store, last_round(sight)
    left = known.rest if known else None
    troubled, number = listing.troubled(store.database, _TROUBLES)
    unread = [record for record in store.observations.all().values() if not record.reachable]
    return shapes.StatusShape(
        counts=listing.counts(store.database),
        troubled=[listed_shape(one) for one in troubled],
        troubles=number,
        blocked=[action_shape(action) for action in (left.blocked if left else ())],
        steps=list(next_steps(left)) if left else [],
        pauses=[shapes.PauseShape.model_validate(pause) for pause in store.pauses.list()],
        unread=[shapes.UnreadShape(target=r.target, reason=r.reason, since=r.since) for r in unread],
        under_way=under_way(sight),
        runs=[run_shape(run) for run in listing.runs(store.database, "", 5)],
        commit=left.commit if left else "",
        summary=summary(left) if left else "",
    )


# -- availability and usage --------------------------------------------------------------------------------------------


def report_of(sight: Sight, name: str = "") -> str:
    """The report that is meant: the one named, Default, or the only one; "" when nothing was computed of it."""
    known = sight.store.uptime.reports()
    if name:
        return name if name in known else ""
    return "Default" if "Default" in known else known[0] if known else ""


def availability(sight: Sight, report: str, first: date, last: date, site: str = "") -> shapes.AvailabilityShape:
    """Days of sites, as far as they were computed."""
    rows = sight.store.uptime.rows(report, first, last, ("group",), site or None)
    items = [
        shapes.DayShape(
            site=row.site,
            ngi=row.ngi,
            day=row.day,
            availability=row.availability if row.availability >= 0 else None,
            reliability=row.reliability if row.reliability >= 0 else None,
            up=row.up,
            unknown=row.unknown,
            down=row.down,
        )
        for row in rows
    ]
    return shapes.AvailabilityShape(report=report, first=first, last=last, items=items)


def usage(sight: Sight, months: Sequence[str], vo: str = "", site: str = "") -> shapes.UsageList:
    """What machines and jobs used, by month, site and VO, as ``hanse report usage`` tells it."""
    found = [total for month in months for total in _totals(sight, month)]
    return shapes.UsageList(items=[_used(one) for one in found if vo in ("", one.vo) and site in ("", one.site)])


def _totals(sight: Sight, month: str) -> tuple[Total, ...]:
    """Kept for a minute: a month may have very many jobs."""
    now = sight.clock()
    kept: tuple[datetime, tuple[Total, ...]] | None = sight.kept.get(("usage", month))
    if kept is None or (now - kept[0]).total_seconds() > _MINUTE:
        planned = sight.planned()
        sites = {r.name: one.spec for r, one in planned.graph.resources.items() if r.kind == "Site"} if planned else {}
        known = {place: worth for name, spec in sites.items() for place, worth in benchmarks(name, spec).items()}
        kept = sight.kept["usage", month] = (now, totals(metering.counted(sight.store, month, now, known)))
    return kept[1]


def _used(total: Total) -> shapes.UsageShape:
    return shapes.UsageShape.model_validate(total.told())


# -- shapes ------------------------------------------------------------------------------------------------------------


def _named(ref: Ref) -> dict[str, Any]:
    return {"ref": str(ref), "kind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def condition_shape(condition: Condition) -> shapes.ConditionShape:
    """One condition."""
    return shapes.ConditionShape(
        type=condition.type.value,
        status=condition.status,
        reason=condition.reason,
        message=condition.message,
        since=condition.since,
        observed_generation=condition.observed_generation,
    )


def listed_shape(one: listing.Listed) -> shapes.ResourceShape:
    """One resource of a list."""
    stands = [condition_shape(each) for each in one.conditions]
    return shapes.ResourceShape(
        **_named(one.ref), target=one.target, generation=one.generation, uid=one.uid, conditions=stands
    )


def event_shape(event: Event) -> shapes.EventShape:
    """One event."""
    return shapes.EventShape.model_validate(event)


def run_shape(run: Run) -> shapes.RunShape:
    """One run."""
    return shapes.RunShape.model_validate(run)


def action_shape(action: Action, known: Round | None = None) -> shapes.ActionShape:
    """One action, and what became of it."""
    return shapes.ActionShape(
        verb=str(action.verb),
        ref=action.ref,
        reason=str(action.reason),
        target=action.target,
        message=action.message,
        blocked=str(action.blocked) if action.blocked else None,
        waits_for=list(action.waits_for),
        outcome=known.outcomes.get(action.ref, "") if known else "",
        changes=[_change(change) for change in action.changes],
    )


def _change(change: FieldChange) -> shapes.FieldShape:
    return shapes.FieldShape(
        path=change.path,
        before=change.before,
        after=change.after,
        origin=change.origin,
        known=change.known,
        ignored=change.ignored,
    )


def _finding(finding: Finding) -> shapes.FindingShape:
    below = [_finding(one) for one in finding.below]
    return shapes.FindingShape(
        name=finding.name, well=finding.well, needed=finding.needed, said=list(finding.said), below=below
    )


def _choice(choice: Choice) -> shapes.ChoiceShape:
    return shapes.ChoiceShape(
        field=choice.field,
        chosen=list(choice.chosen),
        reason=choice.reason,
        runner_up=choice.runner_up,
        rejected=list(choice.rejected),
    )
