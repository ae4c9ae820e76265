"""``make demo-real``: the example federation on real servers. Root on Debian.

The portal's cluster is three hosts (network namespaces with sshd) that Ansible configures, its name stands in a BIND
that takes signed updates, its page is fetched over HTTP, and the Monitoring Plugins look at it. The sites of the EGI
Federated Cloud stay simulated. Everything is taken away at the end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.message
import dns.query

from reconciler.drivers import namespace
from reconciler.drivers.namespace.commands import PACKAGES, require
from reconciler.drivers.namespace.rootfs import ready_root
from reconciler.errors import HanseError
from reconciler.model import Target
from tests.demo.demo import REGISTERS
from tests.demo.stage import ROOT, Stage, WrongEndError
from tests.real.bind import Bind, start

CLOUD = "compute:HARBOUR/quay/vo.access.egi.eu"
ZONE = "coast.example.org."
SETTINGS = """\
[substitute]
openstack = "simulated"

# The harbour's cloud is this machine: each node is a network namespace with its own root and sshd.
[targets."compute:HARBOUR/*"]
driver = "namespace"
namespace = {{ rootfs = "{roots}" }}

# The coast's zone is on a BIND that takes updates signed with this key.
[targets."dns:coast.example.org."]
driver = "rfc2136"
server = "127.0.0.1"
port = {port}
key = {{ file = "{key}" }}
"""


def main(place: Path) -> int:
    """Play it in ``place``; 1 when this machine cannot, or something ended wrongly."""
    try:
        require(PACKAGES)
        roots = _roots()
        with tempfile.TemporaryDirectory(prefix="hanse-bind-") as folder, _served(Path(folder)) as bind:
            stage = Stage(place)
            with _hosts(stage, roots) as world:
                _play(stage, bind, world, roots)
    except (HanseError, WrongEndError) as error:
        print(f"\nThe demo stops: {error}", file=sys.stderr)
        return 1
    print(f"\nThat took {stage.seconds():.0f} s. The hosts, their network and the name server are gone again.")
    print("docs/how-to/ says how to keep zones on BIND and clusters on namespace hosts.")
    return 0


def _roots() -> Path:
    """The folder with the nodes' root, which is built when there is none (25 s, from Debian's mirrors)."""
    roots = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hanse" / "roots"
    print(f"The hosts' root file system is kept in {roots}; the first time it is made, in half a minute.", flush=True)
    ready_root(roots)
    return roots


@contextmanager
def _served(folder: Path) -> Iterator[Bind]:
    if shutil.which("named") is None:
        raise WrongEndError("BIND is not installed: apt-get install bind9 bind9-utils")
    bind = start(folder)
    try:
        bind.add_zone(ZONE)
        yield bind
    finally:
        bind.stop()


@contextmanager
def _hosts(stage: Stage, roots: Path) -> Iterator[namespace.World]:
    """The world of the portal's hosts; closed down in any case."""
    options = {"state": str(stage.place / ".hanse/state/compute"), "namespace": {"rootfs": str(roots)}}
    world = namespace.open(Target(CLOUD, "namespace", options))
    try:
        yield world
    finally:
        world.close_down()


def _play(stage: Stage, bind: Bind, world: namespace.World, roots: Path) -> None:
    _comes_up(stage, bind, roots)
    _is_checked(stage)
    _changes(stage, bind)
    _drifts(stage, bind, world)
    _goes(stage, bind, world)


def _comes_up(stage: Stage, bind: Bind, roots: Path) -> None:
    stage.chapter(1, "A cluster of hosts, a name in BIND, a page")
    stage.begin()
    shutil.copytree(ROOT / "manifests", stage.place / "manifests")
    stage.write("hanse.toml", SETTINGS.format(roots=roots, port=bind.port, key=bind.writer_key))
    stage.write(".gitignore", "/.hanse/\n")
    stage.say("The same manifests as in make demo. Only hanse.toml says where they become real:")
    print("\n" + (stage.place / "hanse.toml").read_text().rstrip(), flush=True)
    stage.hanse(f"import fedcloud {os.path.relpath(ROOT, stage.place)}/tests/data/fedcloud", fold=r"\[warning")
    stage.commit("The EGI Federated Cloud, and the coast")
    stage.say("Hosts boot and Ansible configures them, while everything else goes on.")
    stage.hanse("apply", fold=REGISTERS, expect="Applied: 123 created")
    stage.say("Nothing is left to do: hosts and zone were read again.")
    stage.hanse("plan", expect="nothing to do")
    _page(stage, bind, "Tide gauges, 2026")


def _is_checked(stage: Stage) -> None:
    if not Path("/usr/lib/nagios/plugins/check_http").exists():
        stage.say("(No probes: apt-get install monitoring-plugins-basic)")
        return
    stage.chapter(2, "Checks")
    stage.say("""One round of the loop also runs the probes that are due. The portal answers; www.harbour.example.org
        does not exist, and its probe says so.""")
    stage.hanse("run --once", expect='"status":"OK"')


def _changes(stage: Stage, bind: Bind) -> None:
    stage.chapter(3, "One worker more, another page")
    stage.edit("manifests/coast/clusters.yaml", "name: web, count: 2", "name: web, count: 3")
    stage.edit("manifests/coast/clusters.yaml", "<h1>Tide gauges, 2026</h1>", "<h1>Tide gauges, winter</h1>")
    stage.commit("Portal: a third worker, and winter")
    stage.say("The hosts that are there stay; one is added, and all are configured.")
    stage.hanse("apply", expect="1 updated")
    _page(stage, bind, "Tide gauges, winter")


def _drifts(stage: Stage, bind: Bind, world: namespace.World) -> None:
    stage.chapter(4, "Drift")
    stage.say("A host dies, and somebody points a name elsewhere with nsupdate.")
    victim = next(node for node in world.nodes().nodes if "web" in node.name)
    world.destroy(victim.id)
    _nsupdate(bind, "delete gauges.coast.example.org. A", "add gauges.coast.example.org. 600 A 203.0.113.66")
    print(f"\n  (destroyed: {victim.name}; gauges.coast.example.org now points to 203.0.113.66)", flush=True)
    stage.hanse("plan", ends=2, expect="drift")
    stage.say("Both are repaired.")
    stage.hanse("apply", expect="2 updated")
    print(f"\n  gauges.coast.example.org is {_address(bind, 'gauges.coast.example.org.')}", flush=True)


def _goes(stage: Stage, bind: Bind, world: namespace.World) -> None:
    stage.chapter(5, "Everything is removed")
    shutil.rmtree(stage.place / "manifests/coast")
    stage.commit("The coast goes")
    stage.say("In the reverse of the order in which it was made: checks, names, clusters, data.")
    stage.hanse("apply", expect="deleted")
    stage.hanse("plan", expect="nothing to do")
    left = [node.name for node in world.nodes().nodes]
    if left or _address(bind, "portal.coast.example.org."):
        raise WrongEndError(f"something is left: {left}")
    print("\n  no host is left, and portal.coast.example.org no longer exists", flush=True)


def _page(stage: Stage, bind: Bind, words: str) -> None:
    """Ask BIND for the portal's address, and the portal for its page."""
    address = _address(bind, "portal.coast.example.org.")
    with urllib.request.urlopen(f"http://{address}:8080/", timeout=10) as answer:
        page = answer.read().decode().strip()
    stage.say("What the world says:")
    print(f"\n  portal.coast.example.org is {address}, says BIND", flush=True)
    print(f"  http://{address}:8080/ says {page}", flush=True)
    if words not in page:
        raise WrongEndError(f"the page does not say {words!r}")


def _address(bind: Bind, name: str) -> str:
    """The first address of a name, as the server has it; "" when it has none."""
    answer = dns.query.tcp(dns.message.make_query(name, "A"), "127.0.0.1", timeout=5, port=bind.port).answer
    return min(str(record) for record in answer[0]) if answer else ""


def _nsupdate(bind: Bind, *lines: str) -> None:
    script = "\n".join([f"server 127.0.0.1 {bind.port}", f"zone {ZONE}", *(f"update {line}" for line in lines), "send"])
    subprocess.run(["nsupdate", "-k", str(bind.writer_key)], input=script, text=True, check=True)


if __name__ == "__main__":
    sys.exit(main(Path(".demo")))
