"""A change of one record in a federation of 10,000 in 200 zones: targets read and seconds, with and without the memory.

``python -m tests.benchmarks.rounds``. Each zone takes 0.1 s to answer, as a name server elsewhere does.
"""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from pathlib import Path

import structlog

from reconciler.daemon.loop import Bell
from reconciler.daemon.service import Service
from reconciler.kinds import registry
from tests.house import commit, opened

ZONES, RECORDS, ANSWER = 200, 50, 0.1
_RECORD = """\
apiVersion: hanse/v1
kind: DNSRecord
metadata: {{name: r{n}, namespace: z{zone}}}
spec: {{zone: z{zone}.example.org., name: r{n}, type: A, values: ["192.0.2.{last}"]}}
"""
_SETTINGS = "[limits.updates]\nabsolute = 100000\n[run]\ninterval_seconds = 3600\n"


def zone(number: int, first: int = 1) -> str:
    """The manifests of a zone; ``first`` is the last octet of its first record."""
    return "---\n".join(_RECORD.format(n=n, zone=number, last=first if n == 0 else n + 1) for n in range(RECORDS))


class Far(type(registry()["DNSRecord"])):  # type: ignore[misc]
    """Names on servers that are far away."""

    def observe(self, *given, **named):
        """Read a zone, slowly."""
        time.sleep(ANSWER)
        return super().observe(*given, **named)


def main() -> None:
    """Measure, and say what came of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    root = Path(tempfile.mkdtemp()) / "fed"
    commit(root, {f"z{number}.yaml": zone(number) for number in range(ZONES)})
    (root / "hanse.toml").write_text(_SETTINGS)
    with opened(root, kinds={**registry(), "DNSRecord": Far()}) as house:
        service = Service(house, "HEAD")
        for _ in range(3):
            service.step(Bell())
        for how in ("everything", "what is concerned"):
            taken, read = [], set()
            for turn in range(3):
                commit(root, {"z7.yaml": zone(7, 100 + turn + 10 * (how == "everything"))})
                if how == "everything":
                    service.rounds.begin_anew()
                began = time.perf_counter()
                proposal, _ = service.step(Bell())
                taken.append(time.perf_counter() - began)
                read.add(len(proposal.observed.targets) - len(proposal.observed.kept))
                service.step(Bell())
            print(f"{how}: {sorted(read)} targets read, {statistics.median(taken):.2f} s")


if __name__ == "__main__":
    main()
