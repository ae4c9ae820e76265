"""Logs: people's text on a terminal, JSON lines otherwise, always on stderr and bound with run, commit and resource.

Modules that log call ``structlog.get_logger()``; what a run is about is bound once with ``about`` and stands in every
line written inside it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from reconciler.masking import MASK


def configure(level: str, environment: Mapping[str, str]) -> None:
    """Send log lines of at least ``level`` to stderr: coloured text on a terminal, JSON where it is none."""
    terminal = sys.stderr.isatty()
    stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S" if terminal else "iso", utc=not terminal)
    shown: list[Processor] = [structlog.dev.ConsoleRenderer(colors=not environment.get("NO_COLOR"))]
    if not terminal:
        shown = [structlog.processors.format_exc_info, structlog.processors.EventRenamer("message"), _json]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            stamp,
            *shown,
            _masked,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


@contextmanager
def about(**what: Any) -> Iterator[None]:
    """Every line written inside, in this thread, says what it is about (``run``, ``commit``, ``resource``)."""
    with structlog.contextvars.bound_contextvars(**what):
        yield


def _masked(_logger: WrappedLogger, _method: str, line: Any) -> Any:
    """The second net: a secret that was read is in no line."""
    return MASK(line) if isinstance(line, str) else line


def _json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
