"""``make bench``: how planning and applying scale, beside Terraform where there is one on the PATH.

Each command is a process of its own, as a user runs it; seconds are wall clock, memory is the process's peak. All
numbers of one table come from one run on one machine: compare within it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks import federation, page, terraform

ROWS = ("cold validate", "cold plan", "apply", "no-op plan", "plan after a one-file commit")
DAEMON = ("no-op plan in the daemon", "one-file plan in the daemon")

_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""As on a user's machine, where modules are compiled once."""
_TIMED_OUT = 124
"""Exit code of timeout(1)."""


@dataclass
class Column:
    """One tool at one size: step -> (seconds, MiB)."""

    tool: str
    size: int
    steps: dict[str, tuple[float, float]] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    """Steps that were stopped before their end."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[1_000, 10_000, 100_000])
    parser.add_argument("--compare-up-to", type=int, default=10_000, help="the largest federation given to Terraform")
    parser.add_argument("--patience", type=float, default=600, help="seconds after which Terraform's apply is stopped")
    parser.add_argument("--write", type=Path, help="also write the table into this Markdown page")
    given = parser.parse_args()
    columns = [column for size in given.sizes for column in _measured(size, given)]
    table = "\n".join(_table(columns))
    print(table)
    if given.write:
        page.put(given.write, "A federation", _PAGE.format(table=table, when=page.today()))


def _measured(size: int, given: argparse.Namespace) -> Iterator[Column]:
    with tempfile.TemporaryDirectory(prefix="hanse-bench-") as name:
        root = Path(name)
        _tell(f"{size} resources: making the federation")
        repository = federation.make(root / "federation", size)
        (root / "hanse.toml").write_text('[source]\nrepository = "federation"\nrevision = "main"\n')
        if shutil.which("terraform") and size <= given.compare_up_to:
            terraform.write(repository, root / "terraform")
            yield _hanse(root, size)
            yield _terraform(root / "terraform", size, given.patience)
        else:
            yield _hanse(root, size)


def _hanse(root: Path, size: int) -> Column:
    column = Column("Hanse", size)
    hanse = [sys.executable, "-m", "reconciler.cli", "-C", str(root)]
    step = _stepper(column, root)
    step("cold validate", [*hanse, "validate"], (0,))
    shutil.rmtree(root / ".hanse", ignore_errors=True)
    step("cold plan", [*hanse, "plan"], (2,))
    step("apply", [*hanse, "apply", "--yes"], (0,))
    step("first quiet apply", [*hanse, "apply", "--yes"], (0,))
    step("no-op plan", [*hanse, "plan"], (0,))
    federation.change_one(root / "federation", size)
    step("plan after a one-file commit", [*hanse, "plan"], (2,))
    _daemon(root, size, column)
    return column


def _daemon(root: Path, size: int, column: Column) -> None:
    """The same two plans in a process that has planned before."""
    from reconciler.kinds import registry
    from reconciler.manifest import Memory
    from reconciler.reconcile import House, propose
    from reconciler.records.store import open_store
    from reconciler.settings import load
    from reconciler.wiring import Wired

    settings = load(root, {})
    with open_store(settings.records.url, lambda: datetime.now(UTC)) as store:
        house = House(
            settings, Wired(settings, catalogue=store.catalogue), store, Memory.open(Path(settings.cache), registry())
        )
        propose(house, "main~1")
        for step, revision in zip(DAEMON, ("main~1", "main"), strict=True):
            start = time.perf_counter()
            made = propose(house, revision).plan
            column.steps[step] = (time.perf_counter() - start, 0.0)
            if len(made.actions) != int(revision == "main"):
                raise SystemExit(f"{step}: {len(made.actions)} actions")


def _terraform(where: Path, size: int, patience: float) -> Column:
    column = Column("Terraform", size)
    step = _stepper(column, where)
    tool = ["terraform"]
    subprocess.run([*tool, "init", "-input=false"], cwd=where, check=True, capture_output=True)
    step("cold plan", [*tool, "plan", "-input=false", "-out=plan"], (0,))
    step("apply", ["timeout", "-k", "10", str(patience), *tool, "apply", "-input=false", "plan"], (0, _TIMED_OUT))
    if column.steps["apply"][0] >= patience:
        column.stopped.add("apply")
        terraform.believe(where)
    step("no-op plan", [*tool, "plan", "-input=false"], (0,))
    terraform.change_one(where)
    step("plan after a one-file commit", [*tool, "plan", "-input=false"], (0,))
    return column


def _stepper(column: Column, where: Path) -> Callable[[str, list[str], tuple[int, ...]], None]:
    def step(name: str, command: list[str], codes: tuple[int, ...]) -> None:
        start = time.perf_counter()
        with (where / "out.txt").open("wb") as out:
            process = subprocess.Popen(command, cwd=where, stdout=out, stderr=subprocess.STDOUT, env=_ENVIRONMENT)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in codes:
            raise SystemExit(
                f"{' '.join(command)} ended with {process.returncode}:\n{(where / 'out.txt').read_text()[-2000:]}"
            )
        column.steps[name] = (time.perf_counter() - start, usage.ru_maxrss / 1024)
        _tell(f"{column.tool} {column.size}: {name} {column.steps[name][0]:.2f} s, {column.steps[name][1]:.0f} MiB")

    return step


def _table(columns: list[Column]) -> Iterator[str]:
    yield "| step | " + " | ".join(f"{c.tool}, {c.size:,}" for c in columns) + " | ratio at the largest common size |"
    yield "|---|" + "---:|" * (len(columns) + 1)
    for row in (*ROWS, "first quiet apply", *DAEMON):
        yield f"| {row} | " + " | ".join(_cell(c, row) for c in columns) + f" | {_ratio(columns, row)} |"


def _cell(column: Column, row: str) -> str:
    if row not in column.steps:
        return ""
    seconds, mib = column.steps[row]
    over = "over " if row in column.stopped else ""
    return f"{over}{seconds:.2f} s" + (f", {mib:.0f} MiB" if mib else "")


def _ratio(columns: list[Column], row: str) -> str:
    others = [c for c in columns if c.tool == "Terraform" and row in c.steps]
    if not others:
        return ""
    other = max(others, key=lambda c: c.size)
    ours = next(c for c in columns if c.tool == "Hanse" and c.size == other.size)
    times, share = other.steps[row][0] / ours.steps[row][0], ours.steps[row][1] / other.steps[row][1]
    over = "over " if row in other.stopped else ""
    return f"{over}{times:.1f} times faster, {share:.2f} of the memory"


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


_PAGE = """Measured by `make bench` on {when}, on two shared cores; the numbers of one table come from one run, so compare within
it. A resource has a file of its own; the mix is 1 % sites, 2 % VOs, 2 % clusters, 15 % probes and 80 % names. Every
create is journaled durably (SQLite, `synchronous=FULL`) before it happens. Terraform plans and applies the same
graph made of `terraform_data`; where its apply is stopped (*over*), its
plans after that start from the state that the apply would have left.

{table}

*First quiet apply* reads every back end once after a change and keeps their tokens; the plans after it ask each back
end only whether anything changed since. A back end without a change counter (a directory of files) is read in full by
every plan; there are none of those in this mix.
"""


if __name__ == "__main__":
    main()
