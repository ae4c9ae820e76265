"""``make demo-month``: a month of a federation of 40 sites, computed, added up, explained, held against and drawn.

Everything is made up from a seed (see made.py) and then only Hanse's own commands are used. Every command is run for
real and its exit code is checked. ``python -m tests.demo.month [YYYY-MM] [FOLDER]``.
"""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.records.store import open_store
from tests.demo.made import FULL, Made, Scale, last_month, made, manifests, write
from tests.demo.stage import ROOT, Stage, WrongEndError

_FEW = r"^(site|core|vo|[A-Z]+-\d)"


def main(place: Path, month: str, scale: Scale = FULL, seed: int = 7) -> int:
    """Show it; 0 when everything ended as it says."""
    stage = Stage(place)
    whole = made(month, scale, seed)
    print(f"A month of a federation: {month}, {len(whole.sites)} sites, in {stage.place}")
    try:
        _made(stage, whole)
        _computed(stage, whole)
        _corrected(stage, whole)
        _held(stage, whole)
        _used(stage, whole)
    except WrongEndError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print(f"\nDone in {stage.seconds():.0f} s. Pages to look at: {stage.place}/pages/*.html")
    return 0


def commit(stage: Stage, when: datetime, subject: str) -> None:
    """Commit as if at that time: topology and the class of downtimes depend on it."""
    told = {"GIT_COMMITTER_DATE": when.isoformat(), "GIT_AUTHOR_DATE": when.isoformat()}
    print(f"\n$ git commit -m {subject!r}   # at {when:%Y-%m-%d %H:%M} UTC")
    for words in (["add", "-A"], ["commit", "-q", "-m", subject]):
        subprocess.run(["git", *words], cwd=stage.place, env={**stage.environment, **told}, check=True)


def _made(stage: Stage, whole: Made) -> None:
    stage.chapter(1, "Sites, VOs and probes in git; three months of results, machines and jobs in the records")
    stage.begin()
    stage.write("hanse.toml", '[substitute]\nopenstack = "simulated"\n')
    stage.write(".gitignore", "/.hanse/\n/pages/\n/apel/\n")
    for path, text in manifests(whole):
        stage.write(path, text)
    commit(stage, datetime.fromisoformat(f"{whole.months[0]}-01T00:00:00+00:00") - timedelta(days=5), "The federation")
    _downtimes(stage, whole)
    began = time.monotonic()
    url = f"sqlite:///{stage.place}/.hanse/hanse.db"
    with open_store(url, lambda: datetime.now(UTC)) as store:
        results, machines, jobs = write(whole, store)
    took = time.monotonic() - began
    stage.say(f"{results:,} results, {machines:,} machines and {jobs:,} jobs were written in {took:.1f} s.")
    stage.hanse("validate", expect="valid")


DOWNTIME = """\
apiVersion: hanse/v1
kind: Downtime
metadata: {{name: {name}}}
spec:
  description: {why}
  severity: OUTAGE
  start: {start:%Y-%m-%dT%H:%M:%SZ}
  end: {end:%Y-%m-%dT%H:%M:%SZ}
  affects: [{{site: {site}}}]
"""


def _downtimes(stage: Stage, whole: Made) -> None:
    """One announced days ahead, one when all was down already."""
    planned = {"start": whole.day(8, 8), "end": whole.day(8, 16), "site": whole.site(3).name}
    late = {"start": whole.day(15, 10), "end": whole.day(15, 17), "site": whole.site(4).name}
    stage.write(
        "manifests/downtimes/switches.yaml", DOWNTIME.format(name="switches", why="New core switches", **planned)
    )
    commit(stage, whole.day(4, 12), "Downtime: new switches, announced four days ahead")
    stage.write(
        "manifests/downtimes/cooling.yaml", DOWNTIME.format(name="cooling", why="The cooling has failed", **late)
    )
    commit(stage, whole.day(15, 10, 40), "Downtime: the cooling has failed")


def _computed(stage: Stage, whole: Made) -> None:
    stage.chapter(2, "The month's availability, day by day from results")
    month, report = whole.month, "--report Critical"
    stage.hanse(f"report availability {report} -m {month}", fold=_FEW, expect="misses its target")
    if not whole.scale.brief:
        stage.hanse(f"report availability {report} -m {month} --by ngi", expect="NGI_IT")
    stage.say("Where the minutes of a day went: an announced downtime is an excuse, a late one is none.")
    for number, day in ((3, 8), (4, 15), (0, 11))[: 1 if whole.scale.brief else None]:
        stage.hanse(f"explain availability {whole.site(number).name} --report Critical --day {whole.day(day):%Y-%m-%d}")


RECOMPUTATION = """\
apiVersion: hanse/v1
kind: Recomputation
metadata: {{name: cut-off}}
spec:
  requester: {{name: Maria Watt, email: maria.watt@example.org}}
  reason: the monitoring host of NGI_IT was cut off
  start: {start:%Y-%m-%dT%H:%M:%SZ}
  end: {end:%Y-%m-%dT%H:%M:%SZ}
  exclude: [{sites}]
"""


def _corrected(stage: Stage, whole: Made) -> None:
    stage.chapter(3, "A recomputation: a merged request, and only the day that it touches is computed anew")
    italy = [site.name for site in whole.sites if site.ngi == "NGI_IT"]
    asked = f"report availability --report Critical --day {whole.day(12):%Y-%m-%d} --site {italy[0]}"
    if not whole.scale.brief:
        stage.hanse(asked)
    span = {"start": whole.day(12, 7, 55), "end": whole.day(12, 10, 50)}
    stage.write("manifests/recomputations/cut-off.yaml", RECOMPUTATION.format(sites=", ".join(italy), **span))
    commit(stage, datetime.now(UTC), "The monitoring host of NGI_IT was cut off on the 12th")
    stage.hanse(asked, expect="recomputed: cut-off")


def _held(stage: Stage, whole: Made) -> None:
    stage.chapter(4, "Agreements and tickets")
    (stage.place / "pages").mkdir()
    month = whole.month
    stage.hanse(f"report ola -m {month} --failed --plot pages/missed.html", expect="missed in 3 months in a row")
    if not whole.scale.brief:
        stage.hanse(f"report ola -m {month} --plot pages/ola.html", fold=_FEW, expect="drawn")
    stage.hanse(f"tickets list -m {month}", fold="/sla/", expect=f"{whole.site(0).name}/three-misses/{month}")
    stage.hanse(f"tickets show {whole.site(0).name}/three-misses/{month} -m {month}", expect="10 working days")
    stage.hanse(
        f"report availability --report Critical -m {month} --plot pages/availability.html", fold=_FEW, expect="drawn"
    )


def _used(stage: Stage, whole: Made) -> None:
    stage.chapter(5, "Usage of three months, and the month as APEL is told of it")
    oldest, month = whole.months[0], whole.month
    if not whole.scale.brief:
        stage.hanse(f"report usage --since {oldest} -m {month} --by month,vo", expect="vo.tides.example.org")
    stage.hanse(f"report usage --since {oldest} -m {month} --by country --plot pages/usage.html", expect="drawn")
    stage.hanse(f"export apel -m {month} --into apel --jobs normalised", fold=": (cloud|normalised|sync|addresses)")


if __name__ == "__main__":
    given = sys.argv[1:]
    asked = given[0] if given else last_month(datetime.now(UTC).date())
    sys.exit(main(Path(given[1]) if len(given) > 1 else ROOT / ".demo" / "month", asked))
