"""What Hanse runs on, as a CycloneDX bill of materials: ``python -m tests.sbom FILE`` (``make sbom``).

It is made of the locked requirements, so that it names exactly what is installed: versions, purls and hashes.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
REQUIREMENTS = ROOT / "requirements/run.txt"


def write(file: Path, requirements: Path = REQUIREMENTS) -> None:
    """Write the bill, the same bytes for the same requirements; checked against the schema of CycloneDX."""
    program = Path(sys.executable).with_name("cyclonedx-py")
    command = [str(program), "requirements", str(requirements), "--pyproject", str(ROOT / "pyproject.toml")]
    command += ["--output-reproducible", "--validate", "--of", "JSON", "-o", str(file)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
