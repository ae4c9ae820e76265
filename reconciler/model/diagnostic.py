"""Diagnostic: one fault of one manifest, with the place and the cure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reconciler.inert import line

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """``file:line:column: path: message; cure``. ``rule`` is the id that ``hanse rules`` lists."""

    file: str
    line: int
    column: int
    path: str
    message: str
    cure: str = ""
    rule: str = "schema"
    severity: Severity = "error"

    def __str__(self) -> str:
        where = f"{line(self.file)}:{self.line}:{self.column}"
        what = f"{self.path}: {self.message}" if self.path else self.message
        said = f"{where}: {what}; {self.cure}" if self.cure else f"{where}: {what}"
        return said if self.severity == "error" else f"{said} [warning: {self.rule}]"
