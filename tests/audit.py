"""Known vulnerabilities of what Hanse runs on: ``python -m tests.audit`` (``make audit``), with pip-audit.

PyPI is asked, and OSV where PyPI tells nothing. Where neither can be reached that is said, and is no failure; a known
vulnerability is one, unless ``requirements/audit.toml`` passes over it with a reason and a day that has not come.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
REQUIREMENTS, PASSED_OVER = ROOT / "requirements/run.txt", ROOT / "requirements/audit.toml"
PYPI, OSV = ("-s", "pypi"), ("-s", "osv")
_SECONDS, _ANSWER_SECONDS = 120, 10


@dataclass(frozen=True)
class Known:
    """A vulnerability of a package."""

    package: str
    version: str
    ids: tuple[str, ...]
    fixed: tuple[str, ...]

    def __str__(self) -> str:
        cure = f"fixed in {', '.join(self.fixed)}: make lock" if self.fixed else "not fixed yet"
        return f"{self.package} {self.version}: {' or '.join(self.ids)} ({cure})"


def main() -> int:
    """Audit the locked requirements; 1 for a vulnerability."""
    return audited(REQUIREMENTS, PASSED_OVER, [PYPI, OSV], datetime.now(UTC).date())


def audited(
    requirements: Path,
    passed_over: Path,
    services: Iterable[Sequence[str]],
    today: date,
    say: Callable[[str], object] = print,
) -> int:
    """0 when nothing is known against the requirements, or nobody could be asked; 1 otherwise. Says which."""
    given = tomllib.loads(passed_over.read_text(encoding="utf-8")).get("passed-over", [])
    told = next((found for service in services if (found := _asked(requirements, service)) is not None), None)
    if told is None:
        say("no advisory service can be reached, or it knows none of the packages: NOT audited")
        return 0
    skipped = [one["name"] for one in told if "skip_reason" in one]
    if skipped:
        say(f"not audited: {', '.join(skipped)}")
    bad = [one for one in _known(told) if not _passed(one, given, today, say)]
    for one in bad:
        say(str(one))
    say(f"{len(told) - len(skipped)} packages audited, {len(bad)} known vulnerabilities")
    return 1 if bad else 0


def _asked(requirements: Path, service: Sequence[str]) -> list[dict[str, Any]] | None:
    """What the service says of each package; None when it cannot be reached or knows nothing."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(requirements), "--require-hashes", "--disable-pip"]
    command += ["--progress-spinner", "off", "--timeout", str(_ANSWER_SECONDS), "-f", "json", *service]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        told: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError):
        return None
    return told if any("skip_reason" not in one for one in told) else None


def _known(told: Iterable[Mapping[str, Any]]) -> Iterable[Known]:
    for one in told:
        for found in one.get("vulns", ()):
            ids = (found["id"], *found.get("aliases", ()))
            yield Known(one["name"], one["version"], ids, tuple(found.get("fix_versions", ())))


def _passed(one: Known, given: Iterable[Mapping[str, Any]], today: date, say: Callable[[str], object]) -> bool:
    for entry in given:
        if entry["id"] in one.ids and entry["package"] == one.package:
            if today <= entry["until"]:
                say(f"passed over until {entry['until']}: {one.package}: {entry['id']}: {entry['reason']}")
                return True
            say(f"passed over until {entry['until']}, which is over: {entry['id']}")
    return False


if __name__ == "__main__":
    sys.exit(main())
