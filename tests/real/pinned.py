"""Virtual environments of what tests start beside Hanse, with pinned packages; kept from run to run."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from reconciler.drivers.locks import locked


def environment(name: str, requirements: Path) -> Path:
    """The virtual environment with the packages of a file of requirements, made when it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hanse"
    cache.mkdir(parents=True, exist_ok=True)
    version = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    venv = cache / f"{name}-{version}"
    with locked(cache / f"{name}.lock"):
        if not (venv / "whole").exists():
            shutil.rmtree(venv, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, capture_output=True)
            pip = [venv / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            subprocess.run([*pip, "--require-hashes", "-r", str(requirements)], check=True, capture_output=True)
            (venv / "whole").touch()
    return venv
