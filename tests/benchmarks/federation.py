"""Federations of any size, made up by rule: the same number always gives the same files.

``python -m tests.benchmarks.federation 10000 DIRECTORY`` writes one as a git repository. Every resource has its own
file; files come in through ``git fast-import``, so that 100,000 of them take seconds.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.kinds import registry


@dataclass(frozen=True)
class Size:
    """How many of everything there are: 1 % sites, 2 % VOs, 80 % names, 15 % probes, 2 % clusters.

    No replicas: a directory is read file by file each time, and the disk would be what is measured.
    """

    resources: int

    def of(self, kind: str) -> int:
        """How many of a kind; names take what rounding leaves over."""
        if kind == "DNSRecord":
            return self.resources - sum(self.of(other) for other in PARTS if other != kind)
        return max(1, self.resources * PARTS[kind][0] // 100)

    @property
    def zones(self) -> int:
        """Zones that names are spread over: about 2,000 names in each."""
        return 1 + self.of("DNSRecord") // 2000


def site(n: int, size: Size) -> str:
    vos = sorted({(n + step) % size.of("VO") for step in range(10)})
    shares = "".join(f"        - vo: {_vo(vo)}\n          projectId: p{n:015x}{vo:016x}\n" for vo in vos)
    return f"""spec:
  officialName: Research Computing Centre {n}
  description: Cloud and storage.
  homeUrl: https://site{n}.example.org/
  ngi: NGI_DE
  country: DE
  domain: site{n}.example.org
  timezone: Europe/Berlin
  location: Bremerhaven
  latitude: 53.5
  longitude: 8.5
  contacts:
    email: admin@site{n}.example.org
    telephone: +49 471 000 100
    csirtEmail: csirt@site{n}.example.org
    csirtTelephone: +49 471 000 112
  scopes:
    - EGI
  certification: Certified
  infrastructure: Production
  services:
    - name: keystone
      type: org.openstack.nova
      hostname: cloud.site{n}.example.org
      url: https://cloud.site{n}.example.org:5000/v3
      description: Identity endpoint
      email: cloud@site{n}.example.org
      production: true
      monitored: true
  clouds:
    - name: cloud
      driver: simulated
      endpoint: https://cloud.site{n}.example.org:5000/v3
      networks:
        - name: public
          public: true
      shares:
{shares}  storage:
    - name: disk
      type: disk
      protocol: file
      url: https://disk.site{n}.example.org/fed
      driver: directory
      attributes:
        tier: {n % 3}
        country: DE
"""


def vo(n: int, size: Size) -> str:
    return f"""spec:
  description: Community {n}
  disciplines:
    - Earth Sciences
  scope: Global
  status: Production
  homepage: https://{_vo(n)}
  entitlements:
    - role: member
      value: urn:mace:egi.eu:group:{_vo(n)}:role=member#aai.egi.eu
  managers:
    - name: Manager {n}
      email: manager@{_vo(n)}
"""


def dns_record(n: int, size: Size) -> str:
    head = f"spec:\n  zone: z{n % size.zones}.fed.example.org\n  name: host-{n}\n  ttl: {300 + n % 60 * 60}\n"
    if n % 50 == 0 and n // 50 < size.of("VirtualCluster"):
        cluster = n // 50
        return (
            f"{head}  valuesFrom:\n    kind: VirtualCluster\n    name: cluster-{cluster}\n    namespace: {_namespace(cluster, size)}\n"
            "    output: frontend_address\n"
        )
    if n % 3 == 0:
        return f"{head}  type: CNAME\n  values:\n    - host-{n + 1}.z{(n + 1) % size.zones}.fed.example.org.\n"
    return f"{head}  type: A\n  values:\n    - 10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}\n"


def cluster(n: int, size: Size) -> str:
    at = n % size.of("Site")
    return f"""spec:
  vo: {_vo(at % size.of("VO"))}
  site: SITE-{at}
  cloud: cloud
  frontend:
    cpus: 4
    ramMiB: 8192
    image: debian-12
  workers:
    - name: batch
      cpus: 8
      ramMiB: 16384
      image: debian-12
      count: {1 + n % 3}
  network:
    ports:
      - 22/tcp
      - 443/tcp
"""


def probe(n: int, size: Size) -> str:  # of a site's service, of a name, of a page
    target = (
        f"    siteService:\n      site: SITE-{n % size.of('Site')}\n      service: keystone\n",
        f"    dnsRecord: {_namespace(n, size)}/host-{n}\n",
        f"    url: https://host-{n}.fed.example.org/\n",
    )[n % 3]
    arguments = '-H, "{host}", -p, "{port}"' if n % 3 != 1 else '-H, "{host}"'
    return f"spec:\n  target:\n{target}  plugin: check_http\n  arguments: [{arguments}]\n  interval: 300\n"


PARTS: Mapping[str, tuple[int, str, Callable[[int, Size], str]]] = {
    "Site": (1, "SITE-{}", site),
    "VO": (2, "vo{}.example.org", vo),
    "DNSRecord": (60, "host-{}", dns_record),
    "Probe": (15, "probe-{}", probe),
    "VirtualCluster": (2, "cluster-{}", cluster),
}
"""Kind -> (percent, form of the name, the spec of the n-th one)."""


def documents(resources: int) -> Iterator[tuple[str, str]]:
    """Path and text of every manifest of a federation of so many resources."""
    size, kinds = Size(resources), registry()
    for kind, (_, form, spec) in PARTS.items():
        for n in range(size.of(kind)):
            place = "" if kinds[kind].federation_wide else f"  namespace: {_namespace(n, size)}\n"
            name = form.format(n)
            folder = f"manifests/{kinds[kind].plural}/{n % 100:02d}"
            head = f"apiVersion: hanse/v1\nkind: {kind}\nmetadata:\n  name: {name}\n{place}"
            yield f"{folder}/{name}.yaml", head + spec(n, size)


def make(directory: Path, resources: int) -> Path:
    """Write the federation as a git repository with one commit; returns its directory."""
    directory.mkdir(parents=True, exist_ok=True)
    _git(directory, "init", "-q", "-b", "main")
    commit(directory, documents(resources), f"{resources} resources")
    return directory


def commit(directory: Path, files: Iterator[tuple[str, str]], subject: str) -> None:
    """Add or change files in one commit on main, without a working tree."""
    exists = subprocess.run(
        ["git", "rev-parse", "-q", "--verify", "main"], cwd=directory, capture_output=True
    ).returncode
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=directory, stdin=subprocess.PIPE) as running:
        assert running.stdin is not None
        base = "" if exists else "from refs/heads/main^0\n"
        who = "Hanse benchmark <bench@example.org> 1763700000 +0000"
        running.stdin.write(f"commit refs/heads/main\ncommitter {who}\ndata <<END\n{subject}\nEND\n{base}".encode())
        for path, text in files:
            content = text.encode()
            running.stdin.write(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content))
    if running.returncode:
        raise RuntimeError(f"git fast-import failed with {running.returncode}")


def change_one(directory: Path, resources: int, step: int = 1) -> None:
    """Commit another TTL for one name."""
    path, text = next((p, t) for p, t in documents(resources) if "kind: DNSRecord" in t and "values:" in t)
    changed = "".join(f"  ttl: {86400 + step}\n" if "ttl:" in line else line for line in text.splitlines(keepends=True))
    commit(directory, iter([(path, changed)]), f"another TTL, {step}")


def _vo(n: int) -> str:
    return f"vo{n}.example.org"


def _namespace(n: int, size: Size) -> str:
    return f"vo{n % size.of('VO')}"


def _git(directory: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=directory, check=True)


if __name__ == "__main__":
    make(Path(sys.argv[2]), int(sys.argv[1]))
