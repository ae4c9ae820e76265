"""What a demonstration is made of: commands run as a person would type them, their output, and what is said between."""

from __future__ import annotations

import copy
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
HANSE = [sys.executable, "-m", "reconciler.cli"]
_WIDTH = 100
_KEPT = 3
"""How many lines of a long run of like lines are shown."""


class WrongEndError(Exception):
    """A command ended otherwise than the demonstration says."""


class Stage:
    """A folder with a git repository in it, in which commands are run and shown. Wiped at the start."""

    def __init__(self, place: Path, environment: dict[str, str] | None = None) -> None:
        self.place = place.absolute()
        self.began = time.monotonic()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HANSE_", "GIT_"))}
        self.environment = {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        self.environment.update(environment or {})
        self.bold = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self.prompt = "$"
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)

    def at(self, folder: str, who: str, environment: dict[str, str] | None = None) -> Stage:
        """The same stage with somebody else at the keyboard, in a folder of theirs."""
        other = copy.copy(self)
        other.place, other.prompt = self.place / folder, f"{who}$"
        other.environment = {**self.environment, **(environment or {})}
        other.place.mkdir(parents=True, exist_ok=True)
        return other

    def chapter(self, number: int, title: str) -> None:
        """A heading."""
        self._print(f"\n{number}. {title}", strong=True)

    def note(self, line: str) -> None:
        """A line that stands out."""
        self._print(f"\n{line}", strong=True)

    def say(self, text: str) -> None:
        """What is about to happen, and why."""
        print(flush=True)
        self._print(textwrap.fill(" ".join(text.split()), _WIDTH))

    def hanse(self, line: str, ends: int = 0, fold: str = "", expect: str = "") -> str:
        """Run ``hanse line`` and show it. ``ends`` is the exit code it must have, ``expect`` what it must print.

        Of lines in a row that match ``fold`` the first few are shown and the rest is counted.
        """
        return self._run(f"hanse {line}", [*HANSE, *shlex.split(line)], ends, fold, expect)

    def shell(self, line: str, expect: str = "") -> str:
        """Run another command and show it."""
        return self._run(line, shlex.split(line), 0, "", expect)

    def write(self, path: str, text: str) -> None:
        """Write a file of the repository."""
        file = self.place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a file of the repository; ``old`` must be there."""
        text = (self.place / path).read_text(encoding="utf-8")
        if old not in text:
            raise WrongEndError(f"{path} does not hold {old!r}")
        self.write(path, text.replace(old, new))

    def begin(self) -> None:
        """Make the repository."""
        for words in (["init", "-q", "-b", "main"], ["config", "user.name", "Ada Tide"]):
            self._git(words)
        self._git(["config", "user.email", "ada.tide@harbour.example.org"])

    def commit(self, subject: str) -> None:
        """Commit everything that changed, and show the command."""
        self._git(["add", "-A"])
        self._print(f"\n{self.prompt} git add -A && git commit -m {shlex.quote(subject)}", strong=True)
        self._git(["commit", "-q", "-m", subject])

    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self.began

    def _git(self, words: Sequence[str]) -> None:
        subprocess.run(["git", *words], cwd=self.place, env=self.environment, check=True)

    def _run(self, shown: str, command: Sequence[str], ends: int, fold: str, expect: str) -> str:
        self._print(f"\n{self.prompt} {shown}", strong=True)
        lines: list[str] = []
        with subprocess.Popen(
            command,
            cwd=self.place,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in folded(_kept(process.stdout, lines), fold):
                print(_cut(line), flush=True)
        if process.returncode != ends:
            raise WrongEndError(f"{shown!r} ended with {process.returncode}, not {ends}")
        output = "\n".join(lines)
        if expect and not re.search(expect, output):
            raise WrongEndError(f"{shown!r} did not print {expect!r}")
        if ends:
            print(f"(exit code {ends})")
        return output

    def _print(self, text: str, *, strong: bool = False) -> None:
        print(f"\x1b[1m{text}\x1b[0m" if strong and self.bold else text, flush=True)


def folded(lines: Iterable[str], pattern: str) -> Iterator[str]:
    """Lines as they come; of a long run of lines that match ``pattern`` the first ones and the number of the rest."""
    run = 0
    for line in lines:
        if pattern and re.search(pattern, line):
            run += 1
            if run <= _KEPT:
                yield line
            continue
        if run > _KEPT:
            yield _more(run)
        run = 0
        yield line
    if run > _KEPT:
        yield _more(run)


def _more(run: int) -> str:
    return f"    [{run - _KEPT} more lines like these]"


def _kept(lines: Iterable[str], everything: list[str]) -> Iterator[str]:
    for line in lines:
        everything.append(line.rstrip("\n"))
        yield everything[-1]


def _cut(line: str) -> str:
    return line if len(line) <= 2 * _WIDTH else f"{line[: 2 * _WIDTH - 2]} …"
