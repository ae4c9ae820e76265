"""The first half of ``make demo-real``: the example federation on real servers. Root on Debian.

The harbour's cloud is an OpenStack (keystone, placement, glance, neutron, nova with two compute hosts) that lets a
member of the VO in with an access token. The portal's cluster is three of its servers, network-namespace hosts that
answer to SSH, configured by Ansible; its name stands in a BIND that takes signed updates, its page is fetched over HTTP,
and the Monitoring Plugins look at it. The sites of the EGI Federated Cloud stay simulated. Everything is taken away at
the end.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dns.message
import dns.query

from reconciler.errors import HanseError
from tests.demo.demo import REGISTERS
from tests.demo.stage import ROOT, Stage, WrongEndError
from tests.real.bind import Bind, start
from tests.real.openstack import Project, cloud

VO = "vo.access.egi.eu"
ZONE = "coast.example.org."
SETTINGS = """\
[substitute]
openstack = "simulated"
webdav = "directory"
libcloud = "directory"

# The harbour's cloud is a real OpenStack. Members of the VO get into its project with an access token.
[targets."compute:HARBOUR/*"]
driver = "openstack"
endpoint = "{endpoint}"
project_id = "{project}"
access_token = {{ env = "ACCESS_TOKEN" }}

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
        print("An OpenStack is started. The first time its software is fetched, which takes minutes.", flush=True)
        with ExitStack() as open_:
            project = open_.enter_context(open_.enter_context(cloud()).project(vo=VO))
            folder = open_.enter_context(tempfile.TemporaryDirectory(prefix="hanse-bind-"))
            bind = open_.enter_context(_served(Path(folder)))
            os.environ["ACCESS_TOKEN"] = project.cloud.token(VO, seconds=3600)
            stage = Stage(place)
            _play(stage, bind, project)
    except (HanseError, WrongEndError, OSError) as error:
        print(f"\nThe demo stops: {error}", file=sys.stderr)
        return 1
    print(f"\nThat took {stage.seconds():.0f} s. The servers, the cloud and the name server are gone again.")
    print("docs/how-to/ says how to keep zones on BIND and clusters on OpenStack.")
    return 0


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


def _play(stage: Stage, bind: Bind, project: Project) -> None:
    _comes_up(stage, bind, project)
    _is_checked(stage)
    _changes(stage, bind)
    _drifts(stage, bind, project)
    _goes(stage, bind, project)


def _comes_up(stage: Stage, bind: Bind, project: Project) -> None:
    stage.chapter(1, "A cluster on OpenStack, a name in BIND, a page")
    stage.begin()
    shutil.copytree(ROOT / "manifests", stage.place / "manifests")
    stage.write("hanse.toml", _settings(bind, project))
    stage.write(".gitignore", "/.hanse/\n")
    stage.say("The same manifests as in make demo. Only hanse.toml says where they become real:")
    print("\n" + (stage.place / "hanse.toml").read_text().rstrip(), flush=True)
    stage.hanse(f"import fedcloud {os.path.relpath(ROOT, stage.place)}/tests/data/fedcloud", fold=r"\[warning")
    stage.commit("The EGI Federated Cloud, and the coast")
    stage.say("Servers boot and Ansible configures them, while everything else goes on.")
    stage.hanse("apply", fold=REGISTERS, expect="Applied: 139 created")
    stage.say("Nothing is left to do: cloud and zone were read again.")
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
    stage.say("The servers that are there stay; one is added, and all are configured.")
    stage.hanse("apply", expect="1 updated")
    _page(stage, bind, "Tide gauges, winter")


def _drifts(stage: Stage, bind: Bind, project: Project) -> None:
    stage.chapter(4, "Drift")
    stage.say("The cloud loses a server, and somebody points a name elsewhere with nsupdate.")
    victim = next(server for server in project.servers() if "web" in server["name"])
    project.cloud.delete_server(victim["id"])
    _nsupdate(bind, "delete gauges.coast.example.org. A", "add gauges.coast.example.org. 600 A 203.0.113.66")
    print(f"\n  (deleted: {victim['name']}; gauges.coast.example.org now points to 203.0.113.66)", flush=True)
    stage.hanse("plan", ends=2, expect="drift")
    stage.say("Both are repaired.")
    stage.hanse("apply", expect="2 updated")
    print(f"\n  gauges.coast.example.org is {_address(bind, 'gauges.coast.example.org.')}", flush=True)


def _goes(stage: Stage, bind: Bind, project: Project) -> None:
    stage.chapter(5, "Everything is removed")
    shutil.rmtree(stage.place / "manifests/coast")
    stage.commit("The coast goes")
    stage.say("""In the reverse of the order in which it was made: checks, names, clusters, data. Nobody else has the
        gauges' data: its last copy stays until somebody says so in git.""")
    said = stage.hanse("apply", ends=3, expect="LastCopy")
    for copy in sorted(set(re.findall(r"hanse approve (Replica/[^\s)]+)", said))):
        stage.hanse(f"approve {copy} --reason 'the coast is closed'", expect="wrote")
    stage.commit("The gauges may go")
    stage.hanse("apply", expect="deleted")
    stage.hanse("plan", expect="nothing to do")
    left = project.contents()
    if left or _address(bind, "portal.coast.example.org."):
        raise WrongEndError(f"something is left: {left}")
    print("\n  no server, port, key or security group is left, and portal.coast.example.org is no name", flush=True)


def _settings(bind: Bind, project: Project) -> str:
    there = {"endpoint": project.cloud.auth_url, "project": project.id}
    return SETTINGS.format(**there, port=bind.port, key=bind.writer_key)


def _page(stage: Stage, bind: Bind, words: str) -> None:
    """Ask BIND for the portal's address, and the portal for its page."""
    address = _address(bind, "portal.coast.example.org.")
    with urllib.request.urlopen(f"http://{address}:8080/", timeout=120) as answer:
        page = answer.read().decode().strip()
    stage.say("What the world says:")
    print(f"\n  portal.coast.example.org is {address}, says BIND", flush=True)
    print(f"  http://{address}:8080/ says {page}", flush=True)
    if words not in page:
        raise WrongEndError(f"the page does not say {words!r}")


def _address(bind: Bind, name: str) -> str:
    """The first address of a name, as the server has it; "" when it has none."""
    answer = dns.query.tcp(dns.message.make_query(name, "A"), "127.0.0.1", timeout=120, port=bind.port).answer
    return min(str(record) for record in answer[0]) if answer else ""


def _nsupdate(bind: Bind, *lines: str) -> None:
    script = "\n".join([f"server 127.0.0.1 {bind.port}", f"zone {ZONE}", *(f"update {line}" for line in lines), "send"])
    subprocess.run(["nsupdate", "-k", str(bind.writer_key)], input=script, text=True, check=True)


if __name__ == "__main__":
    sys.exit(main(Path(".demo")))
