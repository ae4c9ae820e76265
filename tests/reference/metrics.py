"""The page of metrics: what ``GET /metrics`` tells, from the collectors themselves."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client.metrics_core import Metric

from reconciler.measured import Measured
from reconciler.records.store import open_store
from reconciler.settings import WebSettings
from reconciler.web.known import Known
from reconciler.web.metrics import collectors

_ENDS = {"counter": "_total", "info": "_info"}


def page() -> Iterator[str]:
    """The lines of the page."""
    yield "# Metrics"
    yield ""
    yield "What `GET /metrics` of `hanse run --listen` tells; [how to monitor Hanse](../how-to/monitor-hanse.md). Besides these"
    yield "there are the usual ones of a process (`process_resident_memory_bytes` and others)."
    yield ""
    yield from ("| metric | type | labels | meaning |", "|---|---|---|---|")
    found = {metric.name: metric for metric in _told()}
    for _, metric in sorted(found.items()):
        labels = ", ".join(f"`{name}`" for name in getattr(metric, "_labelnames", ()))
        name = f"{metric.name}{_ENDS.get(metric.type, '')}"
        yield f"| `{name}` | {metric.type} | {labels} | {metric.documentation} |"


def _told() -> Iterator[Metric]:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder, open_store(f"sqlite:///{folder}/h.db", lambda: now) as store:
        settings = WebSettings(per_resource_metrics=True)
        for one in collectors(Known(store, settings, lambda: now, measured=Measured(commit="c"))):
            yield from one.collect()
