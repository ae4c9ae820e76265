"""``python -m tests.benchmarks.probes``: how many checks a minute are run, and how fast results are taken in.

Checks are real plugins (``check_dummy``, and ``check_tcp`` against a server on loopback), run by the daemon's own prober
with the records on SQLite, all due at once: what is measured is what two cores can do. Results come in through the API
as machines tell them, in ten portions, and once more, as after a lost answer.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
import structlog

from reconciler.copies import Board
from reconciler.daemon.kept import Kept
from reconciler.daemon.prepared import Probe
from reconciler.daemon.probing import Prober
from reconciler.drivers.plugins import Plugins
from reconciler.kinds.probe import Checks, ProbeSpec
from reconciler.model import Ref, encode
from reconciler.records.store import open_store
from reconciler.settings import WebSettings
from reconciler.web import results
from reconciler.web.known import Known
from reconciler.web.serving import serving
from tests.benchmarks import page

PLUGINS = Path("/usr/lib/nagios/plugins")
SAMPLES, REFS, PORTION = 100_000, 10_000, 10_000


def main() -> None:
    """Measure and print; with ``--write`` into the page, too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="how long checks are run")
    parser.add_argument("--write", type=Path, help="also write into this Markdown page")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    lines = [_checks("check_dummy", given.seconds), _checks("check_tcp", given.seconds), *_ingested()]
    table = "\n".join(["| | measured | wanted |", "|---|---:|---:|", *lines])
    print(table)
    if given.write:
        page.put(given.write, "Probes", _PAGE.format(table=table, when=page.today()))


def _checks(plugin: str, seconds: float) -> str:
    with tempfile.TemporaryDirectory() as folder, _listening() as port:
        store = open_store(f"sqlite:///{folder}/hanse.db", lambda: datetime.now(UTC))
        arguments = ("0", "fine") if plugin == "check_dummy" else ("-H", "127.0.0.1", "-p", str(port))
        spec = ProbeSpec.model_validate_json(encode({"target": {"url": "tcp://127.0.0.1"}, "plugin": "check_tcp"}))
        spec = spec.model_copy(update={"plugin": plugin})
        probes = [Probe(Ref(f"Probe/bench/{n}"), spec, arguments) for n in range(60_000)]
        checker = Plugins(PLUGINS, frozenset({plugin}))
        if plugin == "check_dummy":  # it knows no time-out
            checker = _Bare(PLUGINS, frozenset({plugin}))
        before = resource.getrusage(resource.RUSAGE_CHILDREN), resource.getrusage(resource.RUSAGE_SELF)
        with Prober(checker, Kept(store), lambda: datetime.now(UTC), 16, per_second=0) as prober:
            began = time.perf_counter()
            prober.start(probes, {})
            time.sleep(seconds)
            took = time.perf_counter() - began
            done = sum(state.runs for state in store.probes.states().values())
        own = _cpu(resource.getrusage(resource.RUSAGE_SELF)) - _cpu(before[1])
        theirs = _cpu(resource.getrusage(resource.RUSAGE_CHILDREN)) - _cpu(before[0])
        states = store.probes.states().values()
        bad = sum(state.status != "OK" for state in states)
        store.close()
    if bad:
        sys.exit(f"{plugin}: {bad} of {done} results are not OK")
    _tell(f"{plugin}: {done} in {took:.1f} s; {own:.1f} s of the processor are Hanse's, {theirs:.1f} s the plugins'")
    return f"| `{plugin}`, checks run and kept in a minute | {done * 60 / took:,.0f} | hundreds |"


class _Bare(Plugins):
    def check(self, plugin, arguments, timeout_seconds):
        known = {"/p": self.folder}
        return Plugins(self.folder, self.allowed, self.grace, known).check(f"/p/{plugin}", arguments, timeout_seconds)


def _ingested() -> Iterator[str]:
    now = datetime.now(UTC).replace(microsecond=0)
    refs = [Ref(f"Probe/bench/{n}") for n in range(REFS)]
    items = [
        {
            "probe": refs[n % REFS].partition("/")[2],
            "status": "CRITICAL" if n % 50 == 0 else "OK",
            "timestamp": (now - timedelta(minutes=15 * (SAMPLES // REFS - n // REFS))).isoformat(),
            "summary": f"HTTP OK: answered in 0.0{n % 97} s",
            "actual_data": f"time=0.0{n % 97}s;1;2;0",
        }
        for n in range(SAMPLES)
    ]
    bodies = [json.dumps(items[n : n + PORTION]).encode() for n in range(0, SAMPLES, PORTION)]
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/hanse.db", lambda: datetime.now(UTC))
        token = store.tokens.create("bench", ["results"], "bench", lambda n: "0a" * n)
        checks = Checks(dict.fromkeys(refs, 3))
        known = Known(store, WebSettings(results_per_minute=10**9), lambda: datetime.now(UTC), lambda: checks)
        with serving("127.0.0.1:0", Board(), None, results.routes(known)) as url:
            for name, field in (("taken in over HTTP, on SQLite", "kept"), ("told once more", "known")):
                began = time.perf_counter()
                for body in bodies:
                    answer = requests.post(f"{url}/v1/results", data=body, headers={"x-api-key": token}, timeout=60)
                    if answer.json()[field] != PORTION:
                        sys.exit(answer.text[:300])
                took = time.perf_counter() - began
                yield f"| {SAMPLES:,} results {name} | {took:.1f} s | 10 s |"
        store.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield f"| peak memory, client and server together | {peak:.0f} MiB | |"


@contextmanager
def _listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:

        def accept() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _cpu(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


_PAGE = """Measured by `python -m tests.benchmarks.probes` on {when}, on two shared cores. Checks are plugins of Debian's
monitoring-plugins, run by the daemon's prober with 16 workers, each result kept durably by itself; all are due at once, so
that this is what the machine can do. Results come over HTTP in ten portions of 10,000, each kept in one transaction.

{table}
"""


if __name__ == "__main__":
    main()
