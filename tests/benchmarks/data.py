"""``make bench``: a million files and their places, in one process, with what it takes of time and memory.

What is measured is what a plan does for them: the rules are decided, their Replicas brought along, the actions worked
out. The files are given as a storage would list them; copying is no part of it. A child process for each row.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from reconciler.kinds import NOWHERE, World, registry
from reconciler.kinds.datasetrule.places import Places
from reconciler.kinds.expression import Expression
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.world import Listed
from reconciler.model import (
    Details,
    Entry,
    Graph,
    Inventory,
    Location,
    Observed,
    Plan,
    Policy,
    Ref,
    Resource,
    SecretRef,
    Spec,
    Target,
)
from reconciler.place import place
from reconciler.plan import plan
from reconciler.plan.saved import to_json
from reconciler.ports import Catalogue, File, Files
from reconciler.records.catalogue import Remembered
from reconciler.records.store import open_store
from tests.benchmarks import page

FILES, STORAGES, COPIES, IN_DATASET = 1_000_000, 100, 2, 1_000
GROUPINGS = ("NONE", "DATASET", "ALL")
NOW = datetime(2026, 11, 21, tzinfo=UTC)
_COUNTRIES = ("DE", "ES", "FR", "IT", "PT", "PL", "GR", "JP", "CA", "BR")


class Bench:
    """Stands for the drivers: nothing is opened, files are remembered."""

    def __init__(self) -> None:
        self.catalogue: Catalogue = Remembered()

    def options(self, target_id: str, driver: str) -> tuple[str, Mapping[str, Any]]:
        """No operator says anything."""
        return driver, {}

    def secret(self, reference: SecretRef) -> str:
        """There is none."""
        return ""


@dataclass
class Setting:
    """A federation with one rule over a million files, and what a plan of it needs."""

    graph: Graph
    listings: Mapping[str, Listed]
    drivers: Any
    inventory: Inventory


def site(number: int, **more: Any) -> dict[str, Any]:
    """A site with one storage."""
    attributes = {"tier": 1 + number % 3, "weight": 1 + number % 4, "freeTB": 100 + number, **more}
    return {
        "country": _COUNTRIES[number % len(_COUNTRIES)],
        "storage": [{"name": "disk", "driver": "directory", "attributes": attributes}],
    }


def resource_of(ref: str, body: Mapping[str, Any]) -> Resource:
    """A resource as manifest/ makes it."""
    kind = registry()[Ref(ref).kind]
    spec: Spec = kind.canonical(kind.Spec.model_validate_json(json.dumps(body)))
    return Resource(
        ref=Ref(ref),
        digest=spec.digest(),
        content=spec.canonical(),
        edges=tuple(kind.references(Ref(ref), spec)),
        target=kind.target(Ref(ref), spec),
        location=Location("bench.yaml", 1),
        decode=kind.Spec.model_validate_json,
        open=kind.name in ("Dataset", "DatasetRule"),
    )


def graph_of(resources: list[Resource]) -> Graph:
    """The graph of them."""
    return Graph(
        commit="0" * 40,
        resources={one.ref: one for one in resources},
        digests={one.ref: one.source for one in resources},
        targets={one.target: Target(one.target, "embedded") for one in resources},
        undecided=frozenset(one.ref for one in resources if one.open),
    )


def listed(start: int, count: int) -> Listed:
    """Files as a storage lists them."""
    rows = [
        File(f"run{n // 1000:05}/event-{n:08}.root", 1_000_000 + n % 977, f"adler32:{n:08x}")
        for n in range(start, start + count)
    ]
    return Listed(Files.of(rows))


def setting(grouping: str, files: int = FILES) -> Setting:
    """One dataset, or for DATASET a container of many."""
    sites = [resource_of(f"Site/S{n:03}", site(n)) for n in range(STORAGES)]
    sites.append(resource_of("Site/LAB", {"storage": [{"name": "in", "driver": "directory"}]}))
    each = IN_DATASET if grouping == "DATASET" else files
    names = [f"d{n:04}" for n in range(files // each)]
    data, listings = [], {}
    for n, name in enumerate(names):
        folder = {"site": "LAB", "storage": "in", "path": f"in/{name}"}
        data.append(resource_of(f"Dataset/vo/{name}", {"scope": "s", "name": name, "listing": folder}))
        listings[f"storage:LAB/in in/{name}"] = listed(n * each, each)
    wanted = names[0]
    if len(names) > 1:
        wanted = "all"
        members = [f"s:{name}" for name in names]
        data.append(resource_of("Dataset/vo/all", {"scope": "s", "name": "all", "datasets": members}))
    rule = {
        "scope": "s",
        "name": wanted,
        "copies": COPIES,
        "locations": "tier<=3 \\ LAB",
        "weight": "weight",
        "grouping": grouping,
    }
    resources = [*sites, *data, resource_of("DatasetRule/vo/r", rule)]
    return Setting(graph_of(resources), listings, Bench(), Inventory({}, lambda _refs: {}))


def decided(given: Setting) -> tuple[Graph, Plan]:
    """Place and plan."""
    world: World = replace(NOWHERE, now=NOW, listings=given.listings)
    kinds = registry()
    placed = place(given.graph, world, given.inventory, kinds, given.drivers)
    seen = Observed({}, {}, {})
    return placed, plan(placed, seen, given.inventory, Policy(NOW), kinds)


def applied(given: Setting, placed: Graph) -> Inventory:
    """The inventory once everything has been done."""
    kept = {ref: one for ref, one in placed.resources.items() if one.target in placed.targets}
    entries = {
        ref: Entry(ref, f"{n:032x}", 1, one.digest, one.digest, one.target, "", one.source)
        for n, (ref, one) in enumerate(sorted(kept.items()))
    }
    choices: dict[Ref, dict[str, tuple[str, ...]]] = {}
    for choice in placed.choices:
        choices.setdefault(choice.ref, {})[choice.field] = choice.chosen

    @cache
    def one_of(ref: Ref) -> Details:
        held = kept[ref]
        return Details(held.content, held.edges, {}, {}, {}, "", choices.get(ref, {}), held.owner, "", "", held.target)

    def details(refs: Any) -> Mapping[Ref, Details]:
        return {ref: one_of(ref) for ref in refs if ref in kept}

    return Inventory(entries, details, choices=choices)


def summed(placed: Graph) -> tuple[int, int]:
    """(copies of files, bytes) of all Replicas but the sources."""
    held = [one.spec for ref, one in placed.resources.items() if ref.startswith("Replica/")]
    mine = [spec.fileset for spec in held if not spec.origin]
    return sum(fileset.count for fileset in mine), sum(fileset.bytes for fileset in mine)


def changed(given: Setting, number: int, **attributes: Any) -> Setting:
    """The same federation after one storage has other attributes."""
    ref = Ref(f"Site/S{number:03}")
    resources = {**given.graph.resources, ref: resource_of(ref, site(number, **attributes))}
    return replace(given, graph=graph_of(list(resources.values())))


def measure(grouping: str) -> dict[str, float]:
    """One row, in this process."""
    gc.freeze()
    given = setting(grouping)
    started = time.perf_counter()
    placed, made = decided(given)
    cold = time.perf_counter() - started
    first = to_json(made)
    copies, size = summed(placed)
    assert copies == FILES * COPIES, copies
    _, twice = decided(replace(given, drivers=Bench()))
    same = to_json(twice) == first
    given = replace(given, inventory=applied(given, placed))
    steps = {}
    settled, _ = timed(steps, "at rest", lambda: decided(given))
    assert summed(settled) == (copies, size)
    timed(steps, "an attribute nobody asks for", lambda: decided(changed(given, 7, colour="blue")))
    moved, _ = timed(steps, "a storage leaves the expression", lambda: decided(changed(given, 7, tier=9)))
    assert summed(moved)[0] == copies
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cold": cold, "same": float(same), "mib": peak, **steps}


def timed(steps: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    """Do it, and note the seconds."""
    started = time.perf_counter()
    found = work()
    steps[name] = time.perf_counter() - started
    return found


def expression_ms(storages: int = 1_000, rounds: int = 200) -> float:
    """Milliseconds to parse and evaluate one of a hundred expressions, the mean."""
    drawn = random.Random(4)
    specs = {Ref(f"Site/S{n:04}"): SiteSpec.model_validate(site(n), strict=False) for n in range(storages)}

    class Sites:
        def get(self, ref: Ref) -> Spec | None:
            return specs.get(ref)

        def of_kind(self, kind: str) -> list[tuple[Ref, Spec]]:
            return list(specs.items()) if kind == "Site" else []

    places = Places.of(Sites())
    texts = [
        f"country={drawn.choice(_COUNTRIES)} & tier<={drawn.randint(1, 3)} | freeTB>{drawn.randint(100, 1000)} "
        f"& weight!={drawn.randint(1, 4)} \\ S{drawn.randint(0, storages - 1):04}"
        for _ in range(100)
    ]
    started = time.perf_counter()
    for n in range(rounds):
        Expression.parse(texts[n % 100]).matching(places.storages)
    return (time.perf_counter() - started) / rounds * 1e3


def locks() -> dict[str, float]:
    """How fast two copies of a million files are locked, each storage in a transaction of its own, on disk."""
    given = setting("NONE")
    placed, _ = decided(given)
    parts = [(ref, one.spec) for ref, one in placed.resources.items() if ref.startswith("Replica/")]
    with tempfile.TemporaryDirectory(prefix="hanse-bench-") as folder:
        url = f"sqlite:///{folder}/hanse.db"
        with open_store(url, lambda: NOW) as store:
            started, written = time.perf_counter(), 0
            for ref, spec in parts:
                files = given.drivers.catalogue.files(spec.fileset.digest)
                if not spec.origin:
                    written += store.locks.write(Ref("DatasetRule/vo/r"), ref, files)
            seconds = time.perf_counter() - started
        size = (Path(folder) / "hanse.db").stat().st_size
    return {"locks": written, "seconds": seconds, "bytes": size}


ROWS: Mapping[str, Callable[[], dict[str, float]]] = {
    **{grouping: partial(measure, grouping) for grouping in GROUPINGS},
    "expression": lambda: {"ms": expression_ms()},
    "locks": locks,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--row", choices=sorted(ROWS), help="measure this one here, and print it as JSON")
    parser.add_argument("--write", type=Path, help="also write the table into this Markdown page")
    given = parser.parse_args()
    if given.row:
        print(json.dumps(ROWS[given.row]()))
        return
    table = "\n".join(_table({name: _child(name) for name in ROWS}))
    print(table)
    if given.write:
        page.put(given.write, "A million files", _PAGE.format(table=table, when=page.today()))


def _child(row: str) -> dict[str, float]:
    """One row in a process of its own, so that its memory is its own."""
    print(f"measuring {row}", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.data", "--row", row], check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _table(rows: Mapping[str, dict[str, float]]) -> Iterator[str]:
    yield "| 1,000,000 files, 100 storages, 2 copies | NONE | DATASET (1,000 of 1,000) | ALL | wanted |"
    yield "|---|---|---|---|---|"
    for name, wanted in STEPS.items():
        cells = (_cell(name, rows[grouping][name]) for grouping in GROUPINGS)
        yield f"| {LABELS[name]} | {' | '.join(cells)} | {wanted} |"
    yield ""
    locked = rows["locks"]
    rate = locked["locks"] / locked["seconds"]
    yield "| | measured | wanted |"
    yield "|---|---|---|"
    yield f"| parse and evaluate an expression of five terms at 1,000 storages | {rows['expression']['ms']:.2f} ms | 1 ms |"
    yield f"| locks written durably (SQLite, {locked['locks']:,.0f} of them) | {rate:,.0f}/s | 20,000/s |"


def _cell(name: str, value: float) -> str:
    if name == "mib":
        return f"{value:.0f} MiB"
    return ("yes" if value else "no") if name == "same" else f"{value:.2f} s"


STEPS = {
    "cold": "10 s",
    "same": "yes",
    "at rest": "1 s",
    "an attribute nobody asks for": "1 s",
    "a storage leaves the expression": "1 s",
    "mib": "1024 MiB",
}
LABELS = {
    "cold": "places chosen and planned, cold",
    "same": "the same twice, byte by byte",
    "at rest": "once more, after it was applied",
    "an attribute nobody asks for": "after one storage got another attribute",
    "a storage leaves the expression": "after one storage left the expression, its files going elsewhere",
    "mib": "peak of the process, over all of the above",
}
_PAGE = """\
Measured {when} by `python -m tests.benchmarks.data`: what a plan does for a million files that a storage has listed.
The rules are decided, the Replicas brought along, the actions worked out; copying is no part of it. Each column is a
process of its own. Steps after the first are in the same process, as in the daemon: what was worked out is remembered.

{table}

For comparison, Rucio 41.5.1 on two cores with its database in memory: its selector alone, asked a million times for two
of 100 storages, takes 103 s; `add_rule`, which also writes locks and requests, comes to about 2,000 files a second
where it is quickest. It locks rows for many writers at a time and is made for Oracle and PostgreSQL, which this
comparison does not show.
"""

if __name__ == "__main__":
    main()
