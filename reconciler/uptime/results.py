"""From what probes said to samples: results that count (hard ones), of the day and the last ones of the day before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from reconciler.availability import Recomputation, Sample, Series
from reconciler.model import Ref
from reconciler.records.store import Store
from reconciler.uptime.declared import Declaration, Source

_DAY = timedelta(days=1)


def series(
    store: Store, declaration: Declaration, recomputations: Sequence[Recomputation], start: datetime
) -> Iterator[Series]:
    """The series of the day that begins at ``start``, as they are read: one probe after the other."""
    data = bool(declaration.thresholds.rules)
    whole = data or any(one.exclude_monitors for one in recomputations)
    shared = _shared(declaration.sources)
    sources = {str(one.ref): one for one in declaration.sources}
    span = (start - _DAY, start + _DAY)
    rows = store.uptime.results(sorted(map(Ref, sources)), *span, changes_only=not whole and not shared, data=data)
    alone: dict[tuple[str, str, str], list[Sample]] = {}
    for ref, some in groupby(rows, key=itemgetter(0)):
        one = sources[ref]
        samples = [
            Sample(int((at - start).total_seconds() // 1), status, one.monitor, _data(measured))
            for _, at, status, measured in some
        ]
        key = (one.service, one.hostname, one.metric)
        if key in shared:
            alone.setdefault(key, []).extend(samples)
        else:
            yield Series(*key, samples)
    for key, together in alone.items():
        yield Series(*key, sorted(together, key=itemgetter(0)))


def _shared(sources: Iterable[Source]) -> set[tuple[str, str, str]]:
    """Metrics that several probes look at."""
    seen: set[tuple[str, str, str]] = set()
    twice = set()
    for one in sources:
        key = (one.service, one.hostname, one.metric)
        if key in seen:
            twice.add(key)
        seen.add(key)
    return twice


def _data(measured: Sequence[Sequence[object]] | None) -> str:
    """Performance data as a plugin prints it."""
    return " ".join(f"{label}={value}{unit}" for label, value, unit, *_ in measured or ())
