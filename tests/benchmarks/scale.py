"""``make bench``: clusters on the simulated cloud, in number: what Hanse itself takes, and that faults double nothing."""

from __future__ import annotations

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import incumbent, page
from tests.house import commit

SIZES = (100, 300, 1000)
CLUSTERS, MEMBERS, SITES = 200, 10, 10
FAULTS = """\
[{on: create, kind: "503", probability: 0.05}, {on: create, kind: "500", probability: 0.05},
 {on: create, kind: lost-reply, probability: 0.05}, {on: create, kind: no-valid-host, probability: 0.05},
 {on: run, kind: "503", probability: 0.1}, {on: run, kind: lost-run, probability: 0.1},
 {on: list, kind: "503", probability: 0.2}]"""
"""A fifth of the calls that make, configure or look go wrong, in each way that clouds have."""
_SITE = """\
apiVersion: hanse/v1
kind: Site
metadata: {{name: {name}}}
spec:
  clouds:
    - name: cloud
      driver: simulated
      endpoint: https://{name}.example.org/v3
      shares: [{{vo: vo.example.org}}]
      options: {{simulate: {{duplicate_names: true, faults: {faults}}}}}
"""
_VO = "apiVersion: hanse/v1\nkind: VO\nmetadata: {name: vo.example.org}\nspec: {}\n"
_CLUSTER = """\
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {{name: {name}, namespace: bench}}
spec:
  vo: vo.example.org
  site: {site}
  frontend: {{cpus: 1, image: debian-12}}
  workers: [{{name: workers, count: {workers}, cpus: 1, image: debian-12}}]
"""
_DUMMY = "id = none; type = Dummy\\nid = im; type = InfrastructureManager; username = bench; password = bench"
_RADL = """\
network machines ()
system node (cpu.count >= 1 and net_interface.0.connection = 'machines' and disk.0.os.name = 'linux' and
disk.0.image.url = 'mock0://linux' and disk.0.os.credentials.username = 'a' and disk.0.os.credentials.password = 'a')
contextualize ()
deploy node {number}
"""
_PATIENT = "[apply]\nattempts = 40\nbreaker = 40\nlongest_delay_seconds = 1.0\n"
"""Where every fifth call fails, the operator's usual five attempts would not do."""


@dataclass(frozen=True)
class Grown:
    """One apply."""

    clusters: int
    nodes: int
    seconds: float
    """Of ``hanse apply``, from the process's start to its end."""
    cpu: float
    """Seconds that it computed, in all its threads."""
    mib: float
    """The process's peak."""
    quiet: float
    """Seconds of the plan after it, which finds nothing to do."""


def federation(root: Path, clusters: int, members: int, sites: int = 1, faults: str = "[]") -> None:
    """Sites with a simulated cloud each, and clusters spread over them, committed below ``root``."""
    names = [f"SITE-{n}" for n in range(sites)]
    files = {f"sites/{name}.yaml": _SITE.format(name=name, faults=" ".join(faults.split())) for name in names}
    for n in range(clusters):
        site = names[n % sites]
        files[f"clusters/c{n}.yaml"] = _CLUSTER.format(name=f"c{n}", site=site, workers=members - 1)
    commit(root, {"vo.yaml": _VO, **files})
    (root / "hanse.toml").write_text(_PATIENT if faults != "[]" else "")


def grown(clusters: int, members: int, sites: int = 1, faults: str = "[]") -> Grown:
    """Make them in one apply, and look that each machine is there once. Exits when not."""
    with tempfile.TemporaryDirectory(prefix="hanse-bench-scale-") as name:
        root = Path(name)
        federation(root, clusters, members, sites, faults)
        seconds, cpu, mib = _hanse(root, "apply", "--yes")
        found = machines(root)
        if len(found) != clusters * members or set(found.values()) != {1}:
            raise SystemExit(f"{len(found)} machines by name, {sum(found.values())} in all, not {clusters * members}")
        quiet, _, _ = _hanse(root, "plan")
        return Grown(clusters, clusters * members, seconds, cpu, mib, quiet)


def machines(root: Path) -> Mapping[str, int]:
    """Name -> how many machines of the simulated clouds have it, whatever their state."""
    found: Counter[str] = Counter()
    for path in (root / ".hanse" / "state" / "compute").glob("*.sqlite"):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            found.update(name for (name,) in database.execute("SELECT name FROM node WHERE gone_at IS NULL"))
    return found


def calls(root: Path) -> Mapping[str, int]:
    """Verb -> calls that the simulated clouds were asked so far."""
    found: Counter[str] = Counter()
    for path in (root / ".hanse" / "state" / "compute").glob("*.sqlite"):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            found.update(dict(database.execute("SELECT verb, n FROM call")))
    return found


def _hanse(root: Path, *words: str) -> tuple[float, float, float]:
    """Seconds, seconds of computing, and peak MiB of a command that ends well."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    start = time.perf_counter()
    with (root / "said.txt").open("wb") as out:
        command = [sys.executable, "-m", "reconciler.cli", *words]
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"hanse {' '.join(words)}: {process.returncode}\n{(root / 'said.txt').read_text()[-3000:]}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measured() -> list[Grown]:
    """One cluster of each size, then many with faults."""
    made = []
    for size in SIZES:
        made.append(grown(1, size))
        _tell(f"1 x {size}: {made[-1].seconds:.2f} s, {made[-1].mib:.0f} MiB")
    made.append(grown(CLUSTERS, MEMBERS, SITES, FAULTS))
    _tell(f"{CLUSTERS} x {MEMBERS}, with faults: {made[-1].seconds:.2f} s, {made[-1].mib:.0f} MiB")
    return made


def incumbents() -> list[tuple[int, float, float]]:
    """Infrastructure Manager with its Dummy connector: machines, seconds of the POST, seconds that it computed."""
    made = []
    with tempfile.TemporaryDirectory(prefix="hanse-bench-scale-") as name, incumbent.running(Path(name) / "im") as im:
        for size in (1, *SIZES):
            before, start = incumbent.computed(im.process.pid), time.perf_counter()
            im.create_and_wait(_RADL.format(number=size), _DUMMY)
            seconds, cpu = time.perf_counter() - start, incumbent.computed(im.process.pid) - before
            made.append((size, seconds, cpu))
            _tell(f"Infrastructure Manager, {size}: {seconds:.2f} s")
    return made[1:]  # the first one after its start is slow


def table(made: Sequence[Grown], others: Sequence[tuple[int, float, float]] = ()) -> Iterator[str]:
    """As Markdown."""
    yield "| tool | clusters | machines | time | computing | computing per machine | peak memory | the plan after it |"
    yield "|---|" + "---:|" * 7
    for one in made:
        tool = "Hanse, a fifth of the calls fail" if one.clusters > 1 else "Hanse"
        times = f"{one.seconds:.2f} s | {one.cpu:.2f} s | {one.cpu / one.nodes * 1000:.1f} ms"
        yield f"| {tool} | {one.clusters} | {one.nodes:,} | {times} | {one.mib:.0f} MiB | {one.quiet:.2f} s |"
    for size, seconds, cpu in others:
        times = f"{seconds:.2f} s | {cpu:.2f} s | {cpu / size * 1000:.1f} ms"
        yield f"| Infrastructure Manager, Dummy | 1 | {size:,} | {times} | | |"


def _tell(said: str) -> None:
    print(said, file=sys.stderr, flush=True)


_PAGE = """Measured by `make bench` on {when}, on two shared cores. Hanse: `hanse apply` as a process of its own, from its start to
its end, clusters on the simulated cloud, which answers at once, so that all the time is Hanse's own; every machine is made,
configured and recorded. Infrastructure Manager 2.0.0: one POST to a running service, with its Dummy connector, which
answers at once too, and nothing to configure. *Computing* is what the tool used of a processor.

{table}

Where a fifth of the calls fail that make machines, configure them or look at them (refused, lost on their way back, a machine
that comes up in error, a playbook run that is never heard of again), one apply with `attempts = 40` leaves every cluster
done and no machine twice. A plan asks a cloud once for all machines of a target, however many there are.
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale", description=__doc__)
    parser.add_argument("--alone", action="store_true", help="without Infrastructure Manager")
    parser.add_argument("--write", type=Path, help="also write the table into this Markdown page")
    given = parser.parse_args()
    text = "\n".join(table(measured(), [] if given.alone else incumbents()))
    print(text)
    if given.write:
        page.put(given.write, "Many machines", _PAGE.format(table=text, when=page.today()))


if __name__ == "__main__":
    main()
