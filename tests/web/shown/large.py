"""A large federation as the records and the last round know it: sites, VOs, and names that need them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert

from reconciler.copies import Board
from reconciler.model import ConditionType, Edge, Graph, Inventory, Plan, Ref, Resource
from reconciler.records.store import open_store
from reconciler.records.tables import ConditionRow, InventoryRow, table
from reconciler.web import api, pages
from reconciler.web.serving import serving
from reconciler.web.sight import Sight
from tests.federation import entry, graph, planned, resource

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


@contextmanager
def large(folder: Path, number: int) -> Iterator[tuple[str, Sight]]:
    """The URL of a server that shows them; one in thirteen is not ready, as many are not known."""
    made = list(declared(number))
    store = open_store(f"sqlite:///{folder}/hanse.db", lambda: NOW)
    bad: Callable[[int], str] = lambda n: {0: "False", 7: "Unknown"}.get(n % 13, "True")  # noqa: E731
    with store.database.writing() as connection:
        rows = [
            {
                "ref": str(one.ref),
                "type": kind.value,
                "status": bad(n)
                if kind is ConditionType.READY
                else "False"
                if kind is ConditionType.STALLED
                else "True",
                "reason": "AsWanted",
                "message": "",
                "since": NOW,
                "observed_generation": 1,
                "at_rest": bad(n) == "True",
            }
            for n, one in enumerate(made)
            for kind in list(ConditionType)[:6]
        ]
        connection.execute(insert(table(ConditionRow)), rows)
        held = [entry(one)._asdict() for one in made]
        names = {column.name for column in table(InventoryRow).columns}
        connection.execute(insert(table(InventoryRow)), [{k: v for k, v in one.items() if k in names} for one in held])
    whole = graph(*made)
    last = Round(planned(whole, Inventory({}, lambda _: {}), {}), whole)
    sight = Sight(store, lambda: NOW, planned=lambda: last)
    try:
        with serving("127.0.0.1:0", Board(), None, [*api.routes(sight), *pages.routes(sight)]) as url:
            yield url, sight
    finally:
        store.close()
