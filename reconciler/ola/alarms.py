"""Alarms: checks of a report's services that fail for good, outside of any downtime."""

from __future__ import annotations

from datetime import datetime

from reconciler.kinds.report import ReportSpec
from reconciler.ola.drafts import Alarm
from reconciler.records.store import Store
from reconciler.uptime import Asked, declaration
from reconciler.uptime.days import start_of


def alarms(store: Store, asked: Asked, spec: ReportSpec, now: datetime) -> list[Alarm]:
    """Every enabled probe of a monitored service whose hard state is CRITICAL, the oldest first."""
    about = declaration(asked.now, asked.report, spec)
    sites = {(one.service, one.hostname): one.group for one in about.endpoints}
    ngis = {one.subgroup: one.group for one in about.groups}
    today = asked.told(start_of(now.date()))
    quiet = {(one.site, one.type, one.hostname) for one in today if one.start <= now < one.end}
    states = store.probes.states()
    found = []
    for source in about.sources:
        state, site = states.get(source.ref), sites.get((source.service, source.hostname))
        if state is None or site is None or not source.enabled or state.hard_status != "CRITICAL":
            continue
        if (site, source.service, source.hostname) not in quiet:
            told = (source.service, source.hostname, source.ref, state.since, state.summary)
            found.append(Alarm(site, ngis.get(site, ""), *told))
    return sorted(found, key=lambda one: (one.since, one.site, one.probe))
