"""A copy under way is seen to move: on the terminal, and by whoever asks for the status meanwhile."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

from tests.cli.conftest import environment
from tests.real.web import web

__all__ = ["web"]

SIZE = 30_000_000
MANIFESTS = """\
apiVersion: hanse/v1
kind: Site
metadata:
  name: ALPHA
spec:
  officialName: Alpha
  storage:
    - name: disk
      driver: directory
---
apiVersion: hanse/v1
kind: Replica
metadata:
  name: waves
  namespace: vo.example.org
spec:
  storage: {{ site: ALPHA, name: disk }}
  path: waves.nc
  size: {size}
  source: {web}/slow/{size}
"""
HANSE = [sys.executable, "-c", "import sys; from reconciler.cli import main; sys.exit(main())"]


def on_a_terminal(root, *arguments):
    """The process, and the list that its output is gathered in."""
    ours, theirs = pty.openpty()
    command = [*HANSE, "-C", str(root), *arguments]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(TERM="xterm", COLUMNS="150")
    )
    os.close(theirs)
    said = []

    def gather():
        try:
            while piece := os.read(ours, 65536):
                said.append(piece.decode(errors="replace"))
        except OSError:
            pass
        os.close(ours)

    reader = threading.Thread(target=gather)
    reader.start()
    return process, reader, said


def test_a_person_sees_a_copy_move_and_another_terminal_is_told_bytes_rate_and_end(federation, web):
    federation.write("manifests/data.yaml", MANIFESTS.format(web=web, size=SIZE))
    federation.commit()
    process, reader, said = on_a_terminal(federation.root, "apply", "--yes")
    seen = []
    try:
        while process.poll() is None:
            told = federation.hanse("status", "-o", "json")
            seen += json.loads(told.out)["under_way"] if told.code == 0 else []
            time.sleep(0.3)
    finally:
        process.kill()
        process.wait()
        reader.join()
    out = "".join(said)
    assert process.returncode == 0, out
    moving = [come for come in seen if 0 < come.get("bytes", 0) < SIZE and come["bytes_per_second"]]
    assert moving, seen
    last = moving[-1]
    assert (last["ref"], last["total_bytes"]) == ("Replica/vo.example.org/waves", SIZE)
    assert 1e5 < last["bytes_per_second"] < 20e6
    assert abs((datetime.fromisoformat(last["estimated_end"]) - datetime.now(UTC)).total_seconds()) < 120
    shown = set(re.findall(r"[\d.]+ MB of 30\.0 MB, [\d.]+ MB/s, done in \d+ s", out))
    assert len(shown) >= 2, out[-3000:]
    assert json.loads(federation.hanse("status", "-o", "json").out)["under_way"] == []
