"""A federation and three months of it, made up from a seed: manifests, results of probes, machines and jobs.

Most sites are as sites are: up, with an hour lost here and there. Some are made so that something is found: one that is
down for days in each month, one whose monitoring has a hole, a core service that is not good enough, a share of
machines that outgrows its grant, a downtime that was announced in time and one that was not.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from reconciler import metering
from reconciler.model import Ref
from reconciler.model.job import JobUse
from reconciler.model.machine import Machine
from reconciler.ola import month_before
from reconciler.ports import CheckResult
from reconciler.records.store import Store
from reconciler.records.told import Told

NGIS = (
    ("DE", "NGI_DE"),
    ("ES", "NGI_IBERGRID"),
    ("FR", "NGI_FRANCE"),
    ("IT", "NGI_IT"),
    ("PL", "NGI_PL"),
    ("SK", "NGI_SK"),
)
VOS = ("vo.tides.example.org", "vo.climate.example.org", "vo.genomes.example.org", "vo.photons.example.org")
_NAMES = ("HARBOUR", "DELTA", "FJORD", "LAGOON", "ESTUARY", "REEF", "DUNE", "CAPE", "MARSH", "STRAIT")
_PLUGINS = {"org.openstack.nova": "keystone", "webdav": "dav", "ARC-CE": "ce", "Top-BDII": "bdii"}
_PORTION = 20_000
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Scale:
    """How large it is made."""

    sites: int = 40
    minutes: int = 15
    """Between two results, in the last month."""
    jobs: int = 500
    """Of each month and batch system."""
    machines: int = 12
    """Of each cloud, at most."""
    brief: bool = False
    """Fewer commands are shown."""


FULL, SMALL = Scale(), Scale(sites=6, minutes=120, jobs=40, machines=2, brief=True)


@dataclass
class Site:
    """One site: what it runs, and when it did not."""

    name: str
    country: str
    ngi: str
    services: tuple[str, ...]
    outages: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)
    """By service type."""
    silent: list[tuple[datetime, datetime]] = field(default_factory=list)
    """Nothing was heard of it."""

    def host(self, service: str) -> str:
        """Its host name."""
        return f"{_PLUGINS[service]}.{self.name.lower()}.example.org"

    def probe(self, service: str) -> Ref:
        """What looks at it."""
        return Ref(f"Probe/ops/{self.name.lower()}-{_PLUGINS[service]}")


@dataclass
class Made:
    """The federation in its months."""

    month: str
    sites: list[Site]
    scale: Scale
    seed: int

    @property
    def first(self) -> datetime:
        """Of the month that is looked at."""
        return metering.bounds(self.month)[0]

    @property
    def months(self) -> list[str]:
        """The month, and the two before it, the oldest first."""
        before = month_before(self.month)
        return [month_before(before), before, self.month]

    def day(self, number: int, hour: int = 0, minute: int = 0) -> datetime:
        """In the month."""
        return self.first.replace(day=number, hour=hour, minute=minute)

    def site(self, number: int) -> Site:
        """One of those with a role: 0 fails for days, 1 is silent, 2 has the core service, 3 and 4 have downtimes."""
        return self.sites[number]


def made(month: str, scale: Scale = FULL, seed: int = 7) -> Made:
    """The same seed and month make the same federation."""
    draw = random.Random(seed)
    sites = []
    for n in range(scale.sites):
        country, ngi = NGIS[n % len(NGIS)]
        services = ["webdav", *(["org.openstack.nova"] if n % 5 else []), *([] if n % 2 else ["ARC-CE"])]
        services += ["Top-BDII"] if n in (2, 9) else []
        sites.append(Site(f"{_NAMES[n % len(_NAMES)]}-{n // len(_NAMES) + 1}", country, ngi, tuple(services)))
    whole = Made(month, sites, scale, seed)
    for one in sites:
        for service in one.services:
            one.outages[service] = list(_mishaps(draw, whole.months))
    _roles(whole)
    return whole


def _mishaps(draw: random.Random, months: Sequence[str]) -> Iterator[tuple[datetime, datetime]]:
    """An hour or so, once or twice in a month."""
    for month in months:
        first, after = metering.bounds(month)
        for _ in range(draw.choice((0, 0, 1, 1, 2))):
            start = first + (after - first) * draw.random() * 0.95
            yield start, start + _HOUR * draw.uniform(0.3, 5)


def _roles(whole: Made) -> None:
    """What is to be found."""
    for month in whole.months:
        first, _ = metering.bounds(month)
        whole.site(0).outages["webdav"].append((first + timedelta(days=9), first + timedelta(days=18, hours=7)))
    whole.site(1).silent.append((whole.day(20), whole.day(24, 18)))
    whole.site(2).outages["Top-BDII"] = [(whole.day(14, 3), whole.day(14, 19))]
    whole.site(3).outages["webdav"].append((whole.day(8, 8), whole.day(8, 16)))
    whole.site(4).outages["webdav"].append((whole.day(15, 9, 30), whole.day(15, 17)))
    for site in whole.sites:
        if site.ngi == "NGI_IT":  # the monitoring host was cut off
            site.outages["webdav"].append((whole.day(12, 8), whole.day(12, 10, 30)))


# -- manifests ---------------------------------------------------------------------------------------------------------


def manifests(whole: Made) -> Iterator[tuple[str, str]]:
    """Files by path: sites, VOs and probes."""
    for number, site in enumerate(whole.sites):
        yield f"manifests/sites/{site.name.lower()}.yaml", _site(site, number)
    for number, vo in enumerate(VOS):
        yield f"manifests/vos/{vo.split('.')[1]}.yaml", _vo(whole, vo, number)
    yield "manifests/probes.yaml", "---\n".join(_probe(site, s) for site in whole.sites for s in site.services)


def _site(site: Site, number: int) -> str:
    services = "".join(_service(site, service) for service in site.services)
    cloud = f"""\
  clouds:
    - name: cloud
      driver: openstack
      endpoint: https://{site.host("org.openstack.nova")}:5000/v3
      accounting: {{enabled: true, properties: {{benchmarkType: hepscore23, benchmark: {11 + number % 7}.5}}}}
"""
    batch = "  batch: [{name: main, type: slurm}]\n"
    domain = f"{site.name.lower()}.example.org"
    return f"""\
apiVersion: hanse/v1
kind: Site
metadata: {{name: {site.name}}}
spec:
  officialName: Computing Centre {site.name}
  ngi: {site.ngi}
  country: {site.country}
  domain: {domain}
  timezone: Europe/Berlin
  certification: Certified
  infrastructure: Production
  scopes: [EGI]
  contacts:
    email: admin@{domain}
    telephone: +49 471 000 1{number:02}
    csirtEmail: csirt@{domain}
    csirtTelephone: +49 471 000 2{number:02}
  extensions: [{{key: BenchmarkType, value: hepscore23}}, {{key: Benchmark, value: "{10 + number % 6}.25"}}]
  services:
{services}{cloud if "org.openstack.nova" in site.services else ""}{batch if "ARC-CE" in site.services else ""}"""


def _service(site: Site, service: str) -> str:
    return f"""\
    - name: {_PLUGINS[service]}
      type: {service}
      hostname: {site.host(service)}
      description: {service} of {site.name}
      email: admin@{site.name.lower()}.example.org
      production: true
      core: {str(service == "Top-BDII").lower()}
"""


def _vo(whole: Made, vo: str, number: int) -> str:
    own = [s for n, s in enumerate(whole.sites) if "org.openstack.nova" in s.services and n % len(VOS) == number][:3]
    grants = "".join(
        f"    - {{site: {site.name}, vcpus: {8 if n == 0 else 400}, availabilityTarget: {99.9 if n == 1 else 95}}}\n"
        for n, site in enumerate(own)
    )
    return f"apiVersion: hanse/v1\nkind: VO\nmetadata: {{name: {vo}}}\nspec:\n  allocations:\n{grants}"


def _probe(site: Site, service: str) -> str:
    return f"""\
apiVersion: hanse/v1
kind: Probe
metadata: {{name: {site.probe(service).name.rpartition("/")[2]}, namespace: ops}}
spec:
  target: {{siteService: {{site: {site.name}, service: {_PLUGINS[service]}}}}}
  plugin: check_http
  interval: 900
  attempts: 2
"""


# -- records -----------------------------------------------------------------------------------------------------------


def results(whole: Made) -> Iterator[Told]:
    """Each probe's, in the order of time: often in the month, and every six hours in the two before it."""
    draw = random.Random(whole.seed + 1)
    for site in whole.sites:
        for service in site.services:
            shift = timedelta(seconds=draw.randrange(300))
            for when in _times(whole):
                if not any(start <= when < end for start, end in site.silent):
                    bad = next((s for s, end in site.outages[service] if s <= when < end), None)
                    yield Told(site.probe(service), when + shift, _said(service, bad), 2)


def _times(whole: Made) -> Iterator[datetime]:
    oldest, (first, after) = metering.bounds(whole.months[0])[0], metering.bounds(whole.month)
    when = oldest
    while when < after:
        yield when
        when += timedelta(minutes=whole.scale.minutes) if when >= first else 6 * _HOUR


def _said(service: str, bad: datetime | None) -> CheckResult:
    if bad is None:
        return CheckResult("OK", f"{_PLUGINS[service]} answers")
    return CheckResult("CRITICAL", f"connection refused since {bad:%Y-%m-%d %H:%M}")


def write(whole: Made, store: Store) -> tuple[int, int, int]:
    """Results, machines and jobs into the records; how many there are of each."""
    count, portion = 0, []
    for told in results(whole):
        portion.append(told)
        if len(portion) == _PORTION:
            store.telling.add(portion)
            count, portion = count + len(portion), []
    store.telling.add(portion)
    return count + len(portion), _machines(whole, store), _jobs(whole, store)


def _machines(whole: Made, store: Store) -> int:
    """Clouds that are looked at once a day; machines come and go."""
    draw = random.Random(whole.seed + 2)
    seen: set[str] = set()
    start, end = metering.bounds(whole.months[0])[0], metering.bounds(whole.month)[1]
    for number, site in enumerate(whole.sites):
        if "org.openstack.nova" in site.services:
            vo = VOS[number % len(VOS)]
            lives = [_life(draw, start, end) for _ in range(draw.randint(1, whole.scale.machines))]
            held = [_machine(site, vo, n, draw.choice((2, 4, 8, 16))) for n in range(len(lives))]
            seen |= {machine.node for machine in held}
            for day in range((end - start).days + 1):
                now = start + timedelta(days=day)
                up = [m for m, (since, until) in zip(held, lives, strict=True) if since <= now < until]
                store.machines.saw(f"compute:{site.name}/cloud/{vo}", up, now)
            store.machines.saw(f"compute:{site.name}/cloud/{vo}", [], end + timedelta(days=2))
    return len(seen)


def _life(draw: random.Random, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    since = start + (end - start) * draw.random() * 0.8
    return since, since + timedelta(days=draw.uniform(3, 70))


def _machine(site: Site, vo: str, number: int, cpus: int) -> Machine:
    return Machine(
        f"compute:{site.name}/cloud/{vo}",
        f"{site.name.lower()}-{number:03}",
        Ref(f"VirtualCluster/{vo.split('.')[1]}/analysis"),
        site.name,
        "cloud",
        vo,
        f"analysis-worker-{number}",
        "started",
        image="debian-12",
        cpus=cpus,
        memory_mib=cpus * 2048,
        disk_gib=40,
        public_ips=int(number == 0),
    )


def _jobs(whole: Made, store: Store) -> int:
    draw = random.Random(whole.seed + 3)
    count = 0
    for number, site in enumerate(whole.sites):
        if "ARC-CE" in site.services:
            for month in whole.months:
                told = [_job(draw, month, n) for n in range(whole.scale.jobs)]
                vos = {f"grp{n}": vo for n, vo in enumerate(VOS)}
                bench = ("hepscore23", 10.25 + number % 6)
                records = metering.of_jobs(told, site.name, metering.bounds(month)[1], vos, bench)[month]
                store.usage.rebuild(month, [replace(r, partial=False) for r in records], site=site.name, kind="job")
                count += len(records)
    return count


def _job(draw: random.Random, month: str, number: int) -> JobUse:
    first, after = metering.bounds(month)
    end = first + timedelta(seconds=draw.randrange(int((after - first).total_seconds())))
    wall, cores, group = draw.randrange(300, 86_400), draw.choice((1, 1, 4, 8)), draw.randrange(len(VOS))
    cpu = round(wall * cores * draw.uniform(0.55 + 0.1 * group, 0.99))
    account, user = f"grp{group}", f"user{draw.randrange(30)}"
    start = end - timedelta(seconds=wall)
    return JobUse("main", str(number), user, account, "main", "COMPLETED", start, end, wall, cpu, cores, 1)


def last_month(today: date) -> str:
    """The last month that is over."""
    return month_before(f"{today:%Y-%m}")
