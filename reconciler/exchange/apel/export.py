"""A month of a site as APEL's messages, each with the topic that it goes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from reconciler.exchange.apel.accounts import (
    Naming,
    accelerators,
    addresses,
    cloud_record,
    cloud_summaries,
    counts,
    job_record,
    summaries,
    summed,
)
from reconciler.exchange.apel.documents import ACCELERATORS, ADDRESSES, Document, written
from reconciler.exchange.apel.forms import CLOUD, CLOUD_SUMMARY, JOB, NORMALISED, SUMMARY, SYNC, Form, Value
from reconciler.exchange.apel.writing import LIMIT, batches
from reconciler.kinds.site import Cloud, SiteSpec
from reconciler.kinds.vo import VOSpec
from reconciler.model import UsageRecord
from reconciler.model.usage import JobSum

Jobs = Literal["records", "summaries", "normalised"]
"""How jobs are told: each, or a month's sums, or those in units of work."""
Clouds = Literal["records", "summaries"]
"""How machines are told: each, or a month's sums, which some that account for several clouds send on."""


@dataclass(frozen=True)
class Outgoing:
    """Messages of one form."""

    name: str
    topic: str
    messages: tuple[str, ...]
    rejects: tuple[tuple[Mapping[str, Any], str], ...]
    """Records that were not written, each with the reason."""


def month(
    uses: Iterable[UsageRecord | JobSum],
    naming: Naming,
    now: datetime,
    *,
    jobs: Jobs = "records",
    clouds: Clouds = "records",
    limit: int = LIMIT,
) -> tuple[Outgoing, ...]:
    """Everything of one site and month, whole: what is sent replaces what was sent before.

    Jobs that are told as sums may be given as sums.
    """
    told_of = list(uses)
    known = [use for use in told_of if isinstance(use, UsageRecord)]
    added = [use for use in told_of if isinstance(use, JobSum)]
    machines = [use for use in known if use.kind == "vm"]
    sums = [*summed(known), *added]
    each = clouds == "records"
    told = [
        _text(CLOUD, [cloud_record(use, naming, now) for use in machines], now, limit)
        if each
        else _text(CLOUD_SUMMARY, cloud_summaries(machines, naming), now, limit),
        _document("accelerators", ACCELERATORS, accelerators(machines, naming), limit),
        _document("addresses", ADDRESSES, addresses(machines, naming, now), limit),
    ]
    if jobs == "records":
        told.append(_text(JOB, [job_record(use, naming) for use in known if use.kind == "job"], now, limit))
    else:
        whole = jobs == "normalised"
        told.append(_text(NORMALISED if whole else SUMMARY, summaries(sums, naming, normalised=whole), now, limit))
    told.append(_text(SYNC, counts(sums, naming), now, limit))
    return tuple(one for one in told if one.messages or one.rejects)


def _text(form: Form, records: Sequence[Mapping[str, Value]], now: datetime, limit: int) -> Outgoing:
    batch = batches(form, records, now, limit=limit)
    return Outgoing(form.name, form.topic, batch.messages, tuple((r.record, r.reason) for r in batch.rejects))


def _document(name: str, document: Document, records: Iterable[Mapping[str, Any]], limit: int) -> Outgoing:
    messages, rejects = written(document, records, limit)
    return Outgoing(name, document.topic, messages, rejects)


# -- what manifests say ------------------------------------------------------------------------------------------------


def is_told(cloud: Cloud) -> bool:
    """Whether the usage of a cloud is told at all."""
    return cloud.accounting is not None and bool(cloud.accounting.enabled)


def namings(
    name: str, site: SiteSpec, vos: Mapping[str, VOSpec], made_by: str = "hanse"
) -> dict[str, tuple[Naming, frozenset[str]]]:
    """By the name to account under: how things are called, and the clouds that are told of there."""
    groups = {vo: spec.group or vo for vo, spec in vos.items()}
    services = {c.name: host for c in site.clouds if (host := urlsplit(c.endpoint).hostname)}
    kinds = {c.name: c.driver for c in site.clouds}
    under: dict[str, set[str]] = {name: set()}
    for cloud in site.clouds:
        if is_told(cloud):
            under.setdefault((cloud.accounting.siteName if cloud.accounting else None) or name, set()).add(cloud.name)
    return {n: (Naming(n, services, kinds, groups, made_by), frozenset(clouds)) for n, clouds in under.items()}


def benchmarks(name: str, site: SiteSpec) -> dict[tuple[str, str], tuple[str, float]]:
    """Benchmark of a core, by site and cloud; that of the site's batch systems by the cloud "".

    A cloud's accounting has the properties ``benchmarkType`` and ``benchmark``; a Site the extensions ``BenchmarkType``
    and ``Benchmark``, which hold where a cloud says nothing.
    """
    said = {extension.key: extension.value for extension in site.extensions}
    own = _benchmark(said.get("BenchmarkType"), said.get("Benchmark"))
    found = {(name, ""): own} if own else {}
    for cloud in site.clouds:
        told = cloud.accounting.properties if cloud.accounting else {}
        if one := _benchmark(told.get("benchmarkType"), told.get("benchmark")) or own:
            found[name, cloud.name] = one
    return found


def _benchmark(kind: Any, value: Any) -> tuple[str, float] | None:
    try:
        return (str(kind).lower(), float(value)) if kind and float(value) > 0 else None
    except (TypeError, ValueError):
        return None
