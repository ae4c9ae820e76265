"""A small federation in a git repository, and the command line as people call it."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.cli import main
from tests.real.waiting import PATIENCE, until

VO = """\
apiVersion: hanse/v1
kind: VO
metadata:
  name: vo.example.org
spec:
  description: the first VO
"""
RECORD = """\
apiVersion: hanse/v1
kind: DNSRecord
metadata:
  name: {name}
  namespace: vo.example.org
spec:
  zone: fed.example.org
  name: {name}
  type: A
  ttl: {ttl}
  values:
    - 192.0.2.{last}
"""


def record(name: str, ttl: int = 300, last: int = 10) -> str:
    return RECORD.format(name=name, ttl=ttl, last=last)


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that is started; compiled modules are kept, or each start takes seconds."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(Path(__file__).parents[2]), **more}


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


class Log:
    """What a process logs, line by line as it comes."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.process, self._lines = process, []
        self._reader = threading.Thread(target=self._gather, daemon=True)
        self._reader.start()

    def _gather(self) -> None:
        self._lines.extend(iter(self.process.stderr.readline, ""))

    def __str__(self) -> str:
        return "".join(self._lines)

    def told(self, message: str) -> list[dict]:
        """What it has logged with a message."""
        found = (json.loads(line) for line in list(self._lines) if line.startswith("{"))
        return [line for line in found if line["message"] == message]

    def first(self, message: str) -> dict:
        """The first line with a message, once it is there."""
        return until(f"it logs {message!r}", lambda: self.told(message), why=lambda: str(self))[0]

    def end(self) -> str:
        """Tell the process to end, and wait until it has; all that it has logged."""
        self.process.terminate()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return str(self)


class Federation:
    """A repository that is reconciled; every command runs in this process unless a process is asked for."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self._capsys = root, capsys
        self._started: list[subprocess.Popen] = []

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
        done = subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, said: str = "a change") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", said)
        return self.git("rev-parse", "HEAD")

    def hanse(self, *arguments: str) -> Said:
        self._capsys.readouterr()
        code = main(["-C", str(self.root), *arguments])
        captured = self._capsys.readouterr()
        return Said(code, captured.out, captured.err)

    def start(self, *arguments: str) -> subprocess.Popen:
        """The same in a process of its own."""
        command = [sys.executable, "-c", "import sys; from reconciler.cli import main; sys.exit(main())"]
        process = subprocess.Popen(
            [*command, "-C", str(self.root), *arguments],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def listening(self, *arguments: str) -> tuple[str, Log]:
        """The loop in a process of its own, with an interval so long that only events wake it: its URL and its log."""
        log = Log(self.start("run", "--interval", "3600", "--listen", "127.0.0.1:0", *arguments))
        return log.first("listening")["url"], log

    def runs(self) -> list[tuple[str, dict]]:
        """State and counts of every run, the latest first, read beside whoever works on the database."""
        path = self.root / ".hanse" / "hanse.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=PATIENCE)) as database:
            try:
                rows = database.execute("SELECT state, counts FROM runs ORDER BY started_at DESC, id DESC").fetchall()
            except sqlite3.OperationalError:
                return []
        return [(state, json.loads(counts)) for state, counts in rows]

    def end(self) -> None:
        """End whatever process was started and still runs."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def federation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Federation]:
    """One VO and one name, committed, with nothing applied yet."""
    for name in [name for name in os.environ if name.startswith("HANSE_")]:
        monkeypatch.delenv(name)
    made = Federation(tmp_path / "fed", capsys)
    made.write("manifests/vo.yaml", VO)
    made.write("manifests/www.yaml", record("www"))
    made.write(".gitignore", "/.hanse/\n*.json\n")
    made.git("init", "-q")
    made.commit("first")
    yield made
    made.end()


@pytest.fixture
def applied(federation: Federation) -> Federation:
    """The same, applied."""
    assert federation.hanse("apply").code == 0
    return federation
