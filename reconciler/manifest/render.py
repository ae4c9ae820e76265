"""Diagnostics for people, for programs, and for a pull request's changed files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.model import Diagnostic


def data(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """Plain JSON data, one mapping per fault."""
    return [
        {
            "file": d.file,
            "line": d.line,
            "column": d.column,
            "path": d.path,
            "message": d.message,
            "cure": d.cure,
            "rule": d.rule,
            "severity": d.severity,
        }
        for d in diagnostics
    ]


def github(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """Workflow commands that GitHub and Forgejo show beside the lines they speak of."""
    return [
        f"::{d.severity} file={_property(d.file)},line={d.line},col={d.column},title={_property(d.rule)}::{_message(d)}"
        for d in diagnostics
    ]


def _message(diagnostic: Diagnostic) -> str:
    said = f"{diagnostic.path}: {diagnostic.message}" if diagnostic.path else diagnostic.message
    return _escaped(f"{said}; {diagnostic.cure}" if diagnostic.cure else said)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
