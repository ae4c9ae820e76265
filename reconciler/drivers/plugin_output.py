"""Reads what monitoring plugins print: which line is the verdict, and the performance data.

The grammar is that of the Monitoring Plugins' development guidelines: ``text | label=value[unit];warn;crit;min;max``,
more text below, and again performance data after a bar there. Labels with blanks stand in single quotes.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Final

from reconciler.ports import CheckStatus, OtherResult

Row = tuple[str, float, str, str, str, str, str]
"""(label, value, unit, warn, crit, min, max), the last four as printed."""

_PAIR: Final = re.compile(r"(?:'(?P<quoted>(?:[^']|'')*)'|(?P<plain>[^\s'=]+))=(?P<rest>\S*)")
_VALUE: Final = re.compile(
    r"(?P<number>[-+]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?)(?P<unit>[^0-9;]*)"
)
_FIELDS: Final = 4
_COMMAND: Final = "PROCESS_SERVICE_CHECK_RESULT;"
_OTHER: Final = re.compile(
    rf"(?:\[\d+\]\s*)?{_COMMAND}(?P<host>[^;\s]+);(?P<metric>[^;\s]+);(?P<code>[0-3]);(?P<text>.*)"
)
_STATUSES: Final[tuple[CheckStatus, ...]] = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_MAX_SUMMARY: Final = 500


def split(output: str) -> tuple[list[str], str]:
    """The lines of text, and all performance data as one text."""
    first, *more = output.split("\n")
    text, _, perfdata = first.partition("|")
    lines, data = [text], [perfdata]
    for n, line in enumerate(more):
        before, bar, after = line.partition("|")
        lines.append(before)
        if bar:  # everything below a bar in the long text is performance data
            data += [after, *more[n + 1 :]]
            break
    return [line.strip() for line in lines if line.strip()], " ".join(data)


def apart(output: str) -> tuple[str, tuple[OtherResult, ...]]:
    """What a plugin says of its own metric, and what of others, in the form of Nagios's external commands."""
    if _COMMAND not in output:
        return output, ()
    own, others = [], []
    for line in output.split("\n"):
        found = _OTHER.match(line)
        if found:
            status = _STATUSES[int(found["code"])]
            others.append(OtherResult(found["host"], found["metric"], status, found["text"].partition("|")[0].strip()))
        else:
            own.append(line)
    return "\n".join(own), tuple(others)


def verdict(lines: list[str], status: CheckStatus) -> str:
    """The line that says the verdict: not always the first ("connect to address ... refused" comes before it)."""
    said = next((line for line in lines if re.search(rf"\b{status}\b", line)), lines[0] if lines else "")
    return said if len(said) <= _MAX_SUMMARY else f"{said[:_MAX_SUMMARY]}..."


def performance(data: str) -> tuple[Row, ...]:
    """Rows in the order printed. What is no measurement (``U``: undetermined; damaged text) is left out."""
    rows = []
    for found in _PAIR.finditer(data):
        label = found["plain"] if found["quoted"] is None else found["quoted"].replace("''", "'")
        value, *fields = found["rest"].split(";")
        number = _VALUE.fullmatch(value)
        measured = float(number["number"].replace(",", ".")) if number else 0.0
        if number and label and isfinite(measured):
            warn, crit, least, most = (fields + [""] * _FIELDS)[:_FIELDS]
            rows.append((label, measured, number["unit"], warn, crit, least, most))
    return tuple(rows)
