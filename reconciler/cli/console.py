"""The terminal: colour and questions only where a person sits; plain text everywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

from reconciler.inert import coloured as coloured_only

_COLOURS = {
    "create": "32",
    "update": "33",
    "replace": "33",
    "delete": "31",
    "adopt": "36",
    "move": "36",
    "forget": "36",
    "defer": "35",
    "noop": "2",
    "blocked": "1;31",
    "drift": "33",
    "heading": "1",
    "reason": "2",
    "quiet": "2",
    "good": "32",
    "bad": "31",
    "doubt": "33",
}


def coloured(stream: TextIO) -> bool:
    """Whether colour may be used on ``stream``: a terminal, and nobody said NO_COLOR."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def style(role: str, text: str) -> str:
    """``text`` in the colour of its role, as stdout can show it."""
    code = _COLOURS.get(role)
    return f"\x1b[{code}m{text}\x1b[0m" if code and text and coloured(sys.stdout) else text


def attended() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def say(text: str) -> None:
    """Print a result; only our own colours act on the terminal."""
    print(coloured_only(text))


def note(text: str) -> None:
    """Tell the person something that is not the result; after what was said before, also where both go to one file."""
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    print(coloured_only(text), file=sys.stderr)


def data(value: object) -> None:
    """Print a result as JSON: indented, keys sorted."""
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
    print(orjson.dumps(value, default=_plain, option=options).decode())


@contextmanager
def waiting(what: str) -> Iterator[Callable[[str], None]]:
    """A line that says what is being waited for, on a terminal only, gone at the end; give it each step's name.

    What was said before is read meanwhile, by programs too.
    """
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    if not coloured(sys.stderr):
        yield lambda _step: None
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{what} ...") as status:
        yield lambda step: status.update(f"{what} ... {step}")


def table(
    head: tuple[str, ...], rows: Sequence[tuple[str, ...]], roles: Sequence[tuple[str, ...]] | None = None
) -> str:
    """Columns as wide as their widest value, the last one open; ``roles`` colours values."""
    widths = [max(len(line[n]) for line in (head, *rows)) for n in range(len(head))]
    lines = [style("heading", _row(head, widths, ()))]
    lines += [_row(row, widths, roles[n] if roles else ()) for n, row in enumerate(rows)]
    return "\n".join(lines)


def _row(values: tuple[str, ...], widths: list[int], roles: tuple[str, ...]) -> str:
    last = len(values) - 1
    padded = [v if n == last else v.ljust(w) for n, (v, w) in enumerate(zip(values, widths, strict=True))]
    named = [style(roles[n], text) if n < len(roles) else text for n, text in enumerate(padded)]
    return "  ".join(named).rstrip()


def _plain(value: object) -> object:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    dump = getattr(value, "model_dump", None)
    return dump(mode="json", by_alias=True, exclude_none=True) if dump else str(value)
