"""Pages whose commands are run: ``python -m tests.docs.replay`` runs them and pastes what they print.

In such a page a ``console`` block holds commands (lines that begin with ``$``) and their output, and a block below
``<!-- file: PATH -->`` is written to that file. Everything happens in one empty folder, from the top of the page down.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.forked import served

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(
    r"^(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<form>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_MARK = "@@hanse-docs-{}@@"
_VARYING = (
    (r"\d{8}T\d{9}Z-[0-9a-f]{6}", "RUN"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "WHEN"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "WHEN"),
    (r" B +\d{4}-\d\d-\d\d\b", " B DAY"),
    (r"\b[0-9a-f]{7,64}\b", "HASH"),
    (r"\b\d+(\.\d)? (s|min)\b", "TIME"),
    (r"\b198\.1[89]\.\d+\.\d+\b", "ADDRESS"),
    (r" +", " "),
)
"""What is another thing each time, so that pages can be compared with what is printed now."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    form: str
    body: str
    file: str
    start: int
    end: int


def blocks(page: str) -> Iterator[Block]:
    """Every fenced block; ``start`` and ``end`` are those of its body."""
    for found in _BLOCK.finditer(page):
        yield Block(found["form"], found["body"], found["file"] or "", found.start("body"), found.end("body"))


def replayed(page: str, hanse: Path) -> str:
    """The page with the output that its commands have now; ``hanse`` is the program of that name."""
    with tempfile.TemporaryDirectory(prefix="hanse-docs-") as folder:
        return Replay(Path(folder), hanse).page(page)


def surroundings() -> dict[str, str]:
    """The environment of every command: nothing of whoever runs this."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HANSE_", "GIT_"))}
    who = {"NAME": "Ada Tide", "EMAIL": "ada.tide@example.org"}
    identity = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in who.items()}
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "PYTHONPATH": str(ROOT)}
    return {**kept, **identity, **quiet, "LC_ALL": "C.UTF-8"}


class Replay:
    """One shell's worth of state: a folder, and the folder in it where the page has got to."""

    def __init__(self, folder: Path, hanse: Path) -> None:
        self.here = folder / "work"
        self.here.mkdir()
        (self.here / "fedcloud-catchall-operations").symlink_to(ROOT / "tests/data/fedcloud")
        found = surroundings()
        self.environment = {**found, "PATH": f"{hanse.parent}:{found['PATH']}"}

    def page(self, page: str) -> str:
        made, at = [], 0
        for block in blocks(page):
            if block.file:
                path = self.here / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.body, encoding="utf-8")
            elif block.form == "console":
                made += [page[at : block.start], self._console(block.body)]
                at = block.end
        return "".join([*made, page[at:]])

    def _console(self, body: str) -> str:
        commands = [line[2:] for line in body.splitlines() if line.startswith("$ ")]
        lines = ["__s=0"]
        for number, command in enumerate(commands):
            lines += [f"(exit $__s); {command}", "__s=$?", f"echo; echo {_MARK.format(number)}"]
        script = "\n".join([*lines, "pwd"])
        ran = subprocess.run(
            ["bash", "-c", script], cwd=self.here, env=self.environment, capture_output=False, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=600,
        )  # fmt: skip
        rest = ran.stdout
        said = []
        for number, command in enumerate(commands):
            output, _, rest = rest.partition(f"\n{_MARK.format(number)}\n")
            said.append("\n".join([f"$ {command}", *([self._tidy(output)] if output.strip() else [])]))
        self.here = Path(rest.strip().splitlines()[-1])
        return "\n".join(said) + "\n"

    def _tidy(self, output: str) -> str:
        """Without who and where this happens to run."""
        whose = f"{getpass.getuser()}@{socket.gethostname()}"
        return output.strip("\n").replace(whose, "ada@laptop").replace(str(self.here), "/home/ada/federation").rstrip()


def comparable(page: str) -> list[str]:
    """The lines of a page without what varies; outcomes of one run, which come in any order, sorted."""
    lines: list[str] = []
    run: list[str] = []
    for line in page.splitlines():
        text = line
        for pattern, word in _VARYING:
            text = re.sub(pattern, word, text)
        if re.match(r" (done|deferred|failed) ", text):
            run.append(text)
            continue
        lines += sorted(run)
        run = []
        lines.append(text.rstrip())
    return lines + sorted(run)


def pages() -> list[Path]:
    """Tutorials and how-tos that show commands with their output."""
    found = sorted((ROOT / "docs").glob("*/*.md"))
    return [path for path in found if "```console\n$" in path.read_text(encoding="utf-8")]


def main() -> int:
    """Paste into each page, or into those named, what its commands print. Where only times differ, nothing changes."""
    with served(surroundings()) as hanse:
        for path in [Path(name) for name in sys.argv[1:]] or pages():
            before = path.read_text(encoding="utf-8")
            after = replayed(before, hanse)
            if comparable(before) != comparable(after):
                path.write_text(after, encoding="utf-8")
                print(f"changed {path.relative_to(ROOT) if path.is_absolute() else path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
