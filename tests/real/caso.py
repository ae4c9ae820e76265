"""A Python that has cASO, in a virtual environment of its own, made from pinned packages when it is asked for.

``CASO_PYTHON`` names one; ``HANSE_CASO=1`` makes one, once for all, and so does continuous integration.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[2] / "requirements/caso.txt"


@cache
def _python() -> str:
    given = os.environ.get("CASO_PYTHON", "")
    if given or (os.environ.get("HANSE_CASO") != "1" and os.environ.get("CI") != "true"):
        return given
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hanse"
    home.mkdir(parents=True, exist_ok=True)
    made = home / f"caso-{sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]}"
    with (home / "caso.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / "whole").exists():
            shutil.rmtree(made, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(made)], check=True, capture_output=True)
            pip = [made / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
            subprocess.run([*pip, "--require-hashes", "-r", REQUIREMENTS], check=True, capture_output=True)
            (made / "whole").touch()
    return str(made / "bin/python")


def python() -> str:
    """Its path; skips the test where there is none."""
    return _python() or pytest.skip("no cASO: HANSE_CASO=1 makes one, CASO_PYTHON names one")
