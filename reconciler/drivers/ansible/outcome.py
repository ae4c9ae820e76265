"""What came of a run: one file, written once and as a whole by whoever saw its end."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def settle(directory: Path, result: Mapping[str, Any]) -> None:
    """Write down what came of a run, once and as a whole."""
    temporary = directory / f"result.{os.getpid()}"
    temporary.write_text(json.dumps(result, sort_keys=True), encoding="utf-8")
    temporary.rename(directory / "result.json")
