"""``make bench``: clusters on the tests' OpenStack, by Hanse and by Infrastructure Manager, beside nova's own time.

For each size, in turn, in one run: servers made by libcloud alone, one after the other (what nova itself needs); the same
number as a cluster of Hanse; as an infrastructure of Infrastructure Manager. Each has a project and a counting front door of its
own, the same image and flavour, and ends with the same file on every machine, put there by Ansible.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from reconciler.drivers import openstack as driver
from reconciler.model import Target
from reconciler.settings import Settings
from reconciler.wiring import Wired
from tests.benchmarks import incumbent, page
from tests.house import commit
from tests.real.openstack import HUGE, Cloud, Project, Proxy, cloud

SIZES = (1, 5, 10)
IMAGE, FLAVOUR = "debian-12", "m1.small"
CONTENT = "measured"
_PATIENCE_SECONDS = 600.0
_SETTINGS = """\
playbooks = "{playbooks}"
[targets."compute:QUAY/*"]
auth = "password"
username = "{user}"
password = {{env = "CLOUD_PASSWORD"}}
prefer_address = "fixed"
"""
_SITE = """\
apiVersion: hanse/v1
kind: VO
metadata: {{name: vo.example.org}}
spec: {{}}
---
apiVersion: hanse/v1
kind: Site
metadata: {{name: QUAY}}
spec:
  clouds:
    - name: quay
      driver: openstack
      endpoint: {endpoint}
      region: {region}
      shares: [{{vo: vo.example.org, projectId: {project}}}]
"""
_CLUSTER = """\
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {{name: measured, namespace: bench}}
spec:
  vo: vo.example.org
  site: QUAY
  frontend: {{image: {image}, flavour: {flavour}}}
  workers: [{{name: workers, count: {workers}, image: {image}, flavour: {flavour}}}]
  software: [{{role: measured}}]
"""
_TASK = """\
---
- name: The file
  ansible.builtin.copy: {{dest: /etc/measured, content: {content}, mode: "0644"}}
"""
_RADL = """\
network machines (outbound = 'yes' and provider_id = 'private')
system node (
cpu.count >= 1 and instance_type = '{flavour}' and
net_interface.0.connection = 'machines' and net_interface.0.dns_name = 'node-#N#' and
disk.0.os.name = 'linux' and disk.0.image.url = 'ost://127.0.0.1/{image}' and
disk.0.os.credentials.username = 'root' and
disk.0.os.credentials.public_key = '{public}' and
disk.0.os.credentials.private_key = '{private}'
)
configure boot (
@begin
#!/bin/sh
mkdir -p /root/.ssh && echo {public} >> /root/.ssh/authorized_keys
@end
)
configure node (
@begin
---
- tasks:
  - copy: {{dest: /etc/measured, content: {content}, mode: "0644"}}
@end
)
contextualize (
system node configure boot with cloud_init
system node configure node step 1
)
deploy node {number}
"""


@dataclass
class Trial:
    """One tool at one size. Seconds from when it was asked."""

    tool: str
    size: int
    ssh: float = 0.0
    """Until every machine answered as SSH does, seen from outside."""
    configured: float | None = None
    """Until the tool said that all is configured; None where nothing is."""
    calls: int = 0
    """Of the cloud's API, until then."""
    mib: float | None = None
    """The most memory of the tool and the processes below it together; None where it says nothing."""


@dataclass
class Watch:
    """Looks from outside at a project's machines, and at a process's memory."""

    project: Project
    number: int
    pid: Callable[[], int] | None = None
    began: float = field(default_factory=time.monotonic)
    ssh: float = 0.0
    kib: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watching(self) -> Iterator[Watch]:
        """Until the end of the context."""
        threads = [threading.Thread(target=self._machines), threading.Thread(target=self._memory)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def wait(self) -> None:
        """Wait until every machine has answered."""
        deadline = self.began + _PATIENCE_SECONDS
        while not self.ssh:
            if time.monotonic() > deadline:
                raise SystemExit(f"not all of {self.number} machines answer")
            time.sleep(0.05)

    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.began

    def _machines(self) -> None:
        """The cloud is asked, past every proxy, until it has named all addresses; then it is left alone."""
        missing: set[str] | None = None
        while not self._over.is_set() and not self.ssh:
            if missing is None:
                there = {a["addr"] for s in self.project.servers() for net in s["addresses"].values() for a in net[:1]}
                missing = there if len(there) == self.number else None
            else:
                missing = {address for address in missing if not _greets(address)}
                self.ssh = 0.0 if missing else self.seconds()
            self._over.wait(0.2 if missing is None else 0.05)

    def _memory(self) -> None:
        while self.pid is not None and not self._over.wait(0.2):
            self.kib = max(self.kib, sum(_resident(pid) for pid in incumbent.family(self.pid())))


def trials(openstack: Cloud, sizes: tuple[int, ...] = SIZES, rounds: int = 3) -> Iterator[Trial]:
    """Measure, the tools in turn; Infrastructure Manager, which takes minutes, in the first round alone."""
    with tempfile.TemporaryDirectory(prefix="hanse-bench-clouds-") as name:
        root = Path(name)
        with incumbent.running(root / "im") as im:
            for turn, size in itertools.product(range(rounds), sizes):
                place = root / f"hanse-{size}-{turn}"
                yield _tried(openstack, lambda p, x, n=size: _plain(root, p, x, n))
                yield _tried(openstack, lambda p, x, n=size, at=place: _hanse(at, p, x, n))
                if turn == 0:
                    yield _tried(openstack, lambda p, x, n=size: _incumbent(root, im, p, x, n))


@dataclass(frozen=True)
class Observed:
    """What it takes to know every server of a project."""

    servers: int
    calls: int
    seconds: float


def observed(openstack: Cloud, number: int) -> Observed:
    """Have so many servers, none of which finds a host, and let Hanse's driver look at them all."""
    with openstack.project(quota={"instances": -1, "cores": -1, "ram": -1}) as project, openstack.proxy() as proxy:
        flavours = openstack.api("GET", "compute", "/flavors")["flavors"]
        flavour = next(f["id"] for f in flavours if f["name"] == HUGE)
        body = {"name": "many", "flavorRef": flavour, "imageRef": _image(openstack), "networks": "none"}
        for first in range(0, number, 100):
            some = {**body, "min_count": min(100, number - first)}
            project.api("POST", "compute", "/servers", {"server": some})
        options = {
            "endpoint": proxy.auth_url, "auth": "password", "username": project.credential.username,
            "password": {"env": "CLOUD_PASSWORD"}, "project_id": project.id,
        }  # fmt: skip
        drivers = Wired(Settings(), {"CLOUD_PASSWORD": project.credential.password})
        compute = driver.open(Target("compute:QUAY/quay/vo.example.org", "openstack", options), drivers)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while len(compute.nodes().nodes) < number and time.monotonic() < deadline:
            time.sleep(1)
        proxy.reset()
        start = time.monotonic()
        found = len(compute.nodes().nodes)
        return Observed(found, len(proxy.calls), time.monotonic() - start)


def _tried(openstack: Cloud, trial: Callable[[Project, Proxy], Trial]) -> Trial:
    with openstack.project(quota={"instances": 50, "cores": 100}) as project, openstack.proxy() as proxy:
        made = trial(project, proxy)
    told = "" if made.configured is None else f", configured {made.configured:.1f} s"
    print(f"{made.tool}, {made.size}: SSH {made.ssh:.1f} s{told}, {made.calls} calls", file=sys.stderr, flush=True)
    return made


def _plain(root: Path, project: Project, proxy: Proxy, number: int) -> Trial:
    """libcloud, as a person with a script would use it."""
    public, _ = _key(root)
    driver = project.libcloud(proxy.auth_url)
    with Watch(project, number).watching() as watch:
        driver.import_key_pair_from_string("measured", public)
        size = next(s for s in driver.list_sizes() if s.name == FLAVOUR)
        image = next(i for i in driver.list_images() if i.name == IMAGE)
        network = next(n for n in driver.ex_list_networks() if n.name == "private")
        for n in range(number):
            driver.create_node(f"plain-{n}", size, image=image, networks=[network], ex_keyname="measured")
        watch.wait()
        return Trial("nova alone", number, watch.ssh, None, len(proxy.calls))


def _hanse(root: Path, project: Project, proxy: Proxy, number: int) -> Trial:
    """``hanse apply`` of a commit with one cluster more; site and VO are there already."""
    _playbooks(root / "playbooks")
    site = _SITE.format(endpoint=proxy.auth_url, region=project.cloud.region, project=project.id)
    commit(root / "federation", {"site.yaml": site})
    settings = _SETTINGS.format(playbooks=root / "playbooks", user=project.credential.username)
    (root / "federation" / "hanse.toml").write_text(settings)
    _applied(root / "federation", project).wait()
    cluster = _CLUSTER.format(image=IMAGE, flavour=FLAVOUR, workers=number - 1)
    commit(root / "federation", {"cluster.yaml": cluster})
    proxy.reset()
    watch = Watch(project, number)
    process = _applied(root / "federation", project)
    watch.pid = lambda: process.pid
    with watch.watching():
        code = process.wait(_PATIENCE_SECONDS)
        configured, calls = watch.seconds(), len(proxy.calls)
        if code:
            raise SystemExit(f"hanse apply: {code}\n{(root / 'federation' / 'said.txt').read_text()}")
        watch.wait()
    return Trial("Hanse", number, min(watch.ssh, configured), configured, calls, watch.kib / 1024)


def _applied(federation: Path, project: Project) -> subprocess.Popen[bytes]:
    hidden = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"CLOUD_PASSWORD": project.credential.password, "PYTHONPATH": str(Path(__file__).parents[2])}
    with (federation / "said.txt").open("wb") as out:
        command = [sys.executable, "-m", "reconciler.cli", "apply", "--yes"]
        return subprocess.Popen(command, cwd=federation, env=environment, stdout=out, stderr=subprocess.STDOUT)


def _playbooks(folder: Path) -> None:
    """Hanse's own, and a role with one task."""
    shutil.copytree(Path(__file__).parents[2] / "playbooks", folder)
    role = folder / "roles" / "measured" / "tasks"
    role.mkdir(parents=True)
    (role / "main.yml").write_text(_TASK.format(content=CONTENT))
    (role / "absent.yml").write_text("---\n[]\n")


def _incumbent(root: Path, im: incumbent.InfrastructureManager, project: Project, proxy: Proxy, number: int) -> Trial:
    """A POST of one document, and its state until that is ``configured``."""
    public, private = _key(root)
    login = incumbent.login_of(project, proxy)
    given = {"flavour": FLAVOUR, "image": _image(project.cloud), "public": public, "private": private, "number": number}
    watch = Watch(project, number, lambda: im.process.pid)
    infrastructure = im.create(_RADL.format(**given, content=CONTENT), login)
    with watch.watching():
        incumbent.configured(im, infrastructure, login)
        configured, calls = watch.seconds(), len(proxy.calls)
        watch.wait()
    im.destroy(infrastructure, login)
    return Trial("Infrastructure Manager", number, watch.ssh, configured, calls, watch.kib / 1024)


def _image(openstack: Cloud) -> str:
    """The image's id."""
    found = openstack.api("GET", "image", f"/v2/images?name={IMAGE}&visibility=public")["images"]
    return str(found[0]["id"])


def _key(root: Path) -> tuple[str, str]:
    """Public and private half of a key pair for the machines."""
    path = root / "key"
    if not path.exists():
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "rsa", "-m", "PEM", "-N", "", "-C", "measured", "-f", path], check=True
        )
    return path.with_suffix(".pub").read_text().strip(), path.read_text()


def _greets(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _resident(pid: int) -> int:
    """In KiB."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4
    except (OSError, IndexError):
        return 0


def table(measured: list[Trial]) -> Iterator[str]:
    """The median of each tool's trials at each size, and how they compare."""
    yield "| | " + " | ".join(f"{n} machine{'s' if n > 1 else ''}" for n in _sizes(measured)) + " |"
    yield "|---|" + "---:|" * len(_sizes(measured))
    for row, cell in _ROWS.items():
        yield f"| {row} | " + " | ".join(cell(_Side(measured, n)) for n in _sizes(measured)) + " |"


@dataclass(frozen=True)
class _Side:
    """What was measured at one size."""

    measured: list[Trial]
    size: int

    def of(self, tool: str, what: str) -> float:
        """The median."""
        return median(self._all(tool, what))

    def ratio(self, what: str, upper: str, lower: str) -> str:
        """How many times the one is the other: the median over the rounds, since a machine's load drifts."""
        pairs = zip(self._all(upper, what), self._all(lower, what), strict=False)
        return f"{median(one / other for one, other in pairs):.2f}"

    def _all(self, tool: str, what: str) -> list[float]:
        return [getattr(t, what) for t in self.measured if (t.tool, t.size) == (tool, self.size)]


def _sizes(measured: list[Trial]) -> list[int]:
    return sorted({trial.size for trial in measured})


_NOVA, _HANSE, _IM = "nova alone", "Hanse", "Infrastructure Manager"
_ROWS: dict[str, Callable[[_Side], str]] = {
    "all answer to SSH: nova alone (libcloud)": lambda s: f"{s.of(_NOVA, 'ssh'):.1f} s",
    "all answer to SSH: Hanse": lambda s: f"{s.of(_HANSE, 'ssh'):.1f} s",
    "all answer to SSH: Infrastructure Manager": lambda s: f"{s.of(_IM, 'ssh'):.1f} s",
    "configured: Hanse": lambda s: f"{s.of(_HANSE, 'configured'):.1f} s",
    "configured: Infrastructure Manager": lambda s: f"{s.of(_IM, 'configured'):.1f} s",
    "API calls: nova alone, Hanse, Infrastructure Manager": lambda s: ", ".join(
        f"{s.of(tool, 'calls'):.0f}" for tool in (_NOVA, _HANSE, _IM)
    ),
    "peak memory: Hanse, Infrastructure Manager": lambda s: f"{s.of(_HANSE, 'mib'):.0f}, {s.of(_IM, 'mib'):.0f} MiB",
    "**Hanse's time to SSH, of nova's own**": lambda s: f"**{s.ratio('ssh', _HANSE, _NOVA)}**",
    "**Infrastructure Manager's time to configured, of Hanse's**": lambda s: (
        f"**{s.ratio('configured', _IM, _HANSE)}**"
    ),
}
_PAGE = """Measured by `make bench` on {when}, on two shared cores, the tools in turn in one run: medians of {rounds} trials of *nova alone* and
Hanse, one trial of Infrastructure Manager. The cloud is the OpenStack of the tests (keystone, placement, glance, nova with
two compute hosts, neutron; servers are namespace hosts that answer to SSH). All make the same number of servers of one
flavour and image. *nova alone* is libcloud in a loop, and configures nothing. Hanse is `hanse apply` of a commit with a
cluster, from the process's start to its end, after which all is configured and recorded. Infrastructure Manager 2.0.0
(PyPI, in an environment of its own) runs already; it is given one RADL document, and counts until it says
`configured`, asked once a second. Both put one file on every machine by Ansible, beside what they always do (names and keys
of the members). *Peak memory* is that of the tool and all processes below it together.

{table}

Infrastructure Manager installs Ansible on one of the machines, from the Internet. These machines have no way there, so it
is handed what it would have installed, in an archive of some 20 MB: elsewhere it takes longer by its downloads. It launches five
machines at once, not one as is its default; nothing else of it is changed. Control plane, machines and tools share two
cores, with whatever else ran there, so times are long and vary. The last two rows are medians of the ratios of trials that
followed on one another. What Hanse adds to nova's own time comes before the first server is asked for: its start and plan,
two seconds of computing, and a dozen calls that read the cloud and make the security group and the key pair. From then on
both wait for nova.

{observed}
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.clouds", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=3, help="trials of nova alone and Hanse at each size")
    parser.add_argument("--servers", type=int, default=1000, help="so many are observed at once")
    parser.add_argument("--write", type=Path, help="also write the table into this Markdown page")
    given = parser.parse_args()
    with cloud() as openstack:
        many = observed(openstack, given.servers)
        measured = list(trials(openstack, tuple(given.sizes), given.rounds))
    said = f"{many.servers:,} servers of one project are observed in {many.calls} calls and {many.seconds:.1f} s."
    text = "\n".join(table(measured))
    print(f"{text}\n\n{said}")
    if given.write:
        filled = _PAGE.format(table=text, when=page.today(), rounds=given.rounds, observed=said)
        page.put(given.write, "Clusters on OpenStack", filled)


if __name__ == "__main__":
    main()
