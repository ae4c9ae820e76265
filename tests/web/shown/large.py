"""Large federations as the records and the last round know them: of many shapes, and of many troubles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from reconciler.copies import Board
from reconciler.model import Action, ConditionType, Edge, Graph, Inventory, Plan, Reason, Ref, Resource, TargetState
from reconciler.records.store import Store, open_store
from reconciler.records.tables import ConditionRow, InventoryRow, table
from reconciler.records.verdict import Evidence, Finding, verdict
from reconciler.web import api, pages
from reconciler.web.serving import serving
from reconciler.web.sight import Sight
from tests.federation import entry, graph, held, planned, present, resource

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Round:
    plan: Plan
    graph: Graph
    at: datetime = NOW


def declared(number: int) -> Iterator[Resource]:
    """So many resources: every eleventh a name that leads to others, the rest sites and VOs for them."""
    sites, vos = max(2, number // 50), max(2, number // 100)
    for n in range(sites):
        place = {"latitude": 40 + n % 20, "longitude": n % 40 - 9}
        yield resource(f"Site/SITE-{n:04}", {"country": "DE", **place})
    for n in range(vos):
        yield resource(f"VO/vo-{n:03}", {"description": "a VO"})
    for n in range(number - sites - vos):
        vo = n % vos
        edges = (Edge(Ref(f"VO/vo-{vo:03}")), Edge(Ref(f"Site/SITE-{n % sites:04}")))
        needs = (Edge(Ref(f"DNSRecord/vo-{vo:03}/name-{n - vos}"), "ready"),) if n % 11 == 3 and n >= vos else ()
        spec = {"zone": "fed.example.org", "name": f"name-{n}", "type": "A", "values": ["192.0.2.1"]}
        yield resource(f"DNSRecord/vo-{vo:03}/name-{n}", spec, edges=(*edges, *needs))


def name(ref: str, zone: str, *edges: Edge) -> Resource:
    """A name in a zone."""
    spec = {"zone": zone, "name": Ref(ref).name, "type": "A", "values": ["192.0.2.1"]}
    return resource(ref, spec, edges=edges)


def unlinked(number: int) -> list[Resource]:
    """Names that need nothing, in twelve namespaces."""
    return [name(f"DNSRecord/vo-{n % 12:02}/name-{n:04}", "fed.example.org") for n in range(number)]


def chains(number: int) -> list[Resource]:
    """Names in one namespace, each of which waits for one before it, ten in a row."""
    before = lambda n: (Edge(Ref(f"DNSRecord/tides/name-{n - 1:04}"), "ready"),) if n % 10 else ()  # noqa: E731
    return [name(f"DNSRecord/tides/name-{n:04}", "fed.example.org", *before(n)) for n in range(number)]


ZONE = "dns:dark.example.org."
DARK = TargetState(reachable=False, reason="connection refused")


def waiting(number: int) -> list[Resource]:
    """Names in a zone that does not answer, a fifth as many that wait for one of them each, and some that are well."""
    dark = [name(f"DNSRecord/tides/dark-{n:03}", "dark.example.org") for n in range(number)]
    after = [
        name(f"DNSRecord/waves/after-{n:03}", "fed.example.org", Edge(dark[n].ref, "ready")) for n in range(number // 5)
    ]
    return [*dark, *after, *(name(f"DNSRecord/waves/well-{n:02}", "fed.example.org") for n in range(30))]


Judge = Callable[[int, Resource], tuple[str, str, str] | None]
"""Status, reason and message of Ready; None: as the plan lets one expect."""


def some(n: int, _one: Resource) -> tuple[str, str, str]:
    """The first of thirteen is not ready, the eighth is not known to be."""
    return {0: "False", 7: "Unknown"}.get(n % 13, "True"), "AsWanted", ""


def failing(n: int, one: Resource) -> tuple[str, str, str] | None:
    """Of those that are well most fail, for three reasons."""
    said = {0: ("Failed", f"{one.ref} was refused: the zone is frozen"), 1: ("Paused", "held by anna: the move")}
    said[2] = ("Unhealthy", "no answer on port 53")
    return ("False", *said[n % 4]) if "/well-" in one.ref and n % 4 in said else None


def _findings(
    judged: tuple[str, str, str] | None, action: Action | None, unread: tuple[Reason, str] | None
) -> Sequence[Finding]:
    if judged is None:
        return verdict(Evidence(action, unread=unread))
    others = [kind for kind in list(ConditionType)[:6] if kind is not ConditionType.READY]
    ready = Finding(ConditionType.READY, judged[0], *judged[1:])  # type: ignore[arg-type]
    return [ready, *(Finding(kind, "False" if kind in _QUIET else "True", "AsWanted") for kind in others)]


_QUIET = (ConditionType.STALLED,)


def _recorded(store: Store, made: Sequence[Resource], plan: Plan, judge: Judge) -> None:
    """How all of them stand, and that they are held."""
    actions = {action.ref: action for action in plan.actions}
    rows = []
    for n, one in enumerate(made):
        why = plan.unreachable.get(one.target)
        unread = (Reason.TARGET_UNREACHABLE, why) if why else None
        findings = tuple(_findings(judge(n, one), actions.get(one.ref), unread))
        rest = {"since": NOW - timedelta(hours=n % 40), "observed_generation": 1, "at_rest": all_well(findings)}
        said = [{"type": f.type.value, "status": f.status, "reason": f.reason, "message": f.message} for f in findings]
        rows += [{"ref": str(one.ref), **rest, **one_said} for one_said in said]
    kept = [entry(one)._asdict() for one in made]
    names = {column.name for column in table(InventoryRow).columns}
    with store.database.writing() as connection:
        connection.execute(insert(table(ConditionRow)), rows)
        connection.execute(insert(table(InventoryRow)), [{k: v for k, v in one.items() if k in names} for one in kept])


def all_well(findings: Sequence[Finding]) -> bool:
    return next(f.status for f in findings if f.type is ConditionType.READY) == "True"


def _planned(those: Sequence[Resource], dark: str) -> tuple[Graph, Plan]:
    whole = graph(*those)
    if not dark:
        return whole, planned(whole, Inventory({}, lambda _: {}), {})
    there = [one for one in those if not one.ref.name.startswith("after-")]
    return whole, planned(whole, held(*there), {r.ref: present(r) for r in there}, **{dark.replace(":", "_"): DARK})


def waiting_plan(number: int) -> Plan:
    """The plan for them while their zone does not answer."""
    return _planned(waiting(number), ZONE)[1]


@contextmanager
def large(
    folder: Path, made: int | Sequence[Resource], judge: Judge = some, dark: str = ""
) -> Iterator[tuple[str, Sight]]:
    """The URL of a server that shows them. The back end ``dark`` does not answer; all others are as wanted."""
    those = list(declared(made)) if isinstance(made, int) else list(made)
    store = open_store(f"sqlite:///{folder}/hanse.db", lambda: NOW)
    whole, plan = _planned(those, dark)
    last = Round(plan, whole)
    _recorded(store, those, plan, judge)
    sight = Sight(store, lambda: NOW, planned=lambda: last)
    try:
        with serving("127.0.0.1:0", Board(), None, [*api.routes(sight), *pages.routes(sight)]) as url:
            yield url, sight
    finally:
        store.close()
