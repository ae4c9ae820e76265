"""``make demo``: Hanse's main job from beginning to end, on real input, as a person would type it. No root needed.

Every command is run for real and its exit code is checked, so that the demonstration is also a test.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from reconciler.drivers.simulated import World, world_path
from tests.demo.stage import ROOT, Stage, WrongEndError

SETTINGS = """\
# What the imported sites call openstack is simulated here, and takes a moment, as clouds do. Storages are directories.
[substitute]
openstack = "simulated"
webdav = "directory"
libcloud = "directory"

[targets."compute:*"]
simulate = {boot_seconds = 1.0, ssh_seconds = 0.3, configure_seconds = 0.5}
"""
BROKEN = """\
apiVersion: hanse/v1
kind: DNSRecord
metadata:
  name: tides
  namespace: coast
spec:
  zone: coast.example.org
  name: tides
  tttl: 300
  values: [192.0.2.300]
---
apiVersion: hanse/v1
kind: DNSRecrod
metadata: {name: waves, namespace: coast}
spec: {zone: coast.example.org, name: waves, values: [192.0.2.9]}
---
apiVersion: hanse/v1
kind: DNSRecord
metadata: {name: model, namespace: coast}
spec:
  zone: coast.example.org
  name: model
  ttl: 1h
  valuesFrom: {kind: VirtualCluster, name: modell, output: frontend_address}
"""
STAGING = """\
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {name: staging, namespace: coast}
spec:
  vo: vo.access.egi.eu
  site: auto
  requirements: {countries: [IT]}
  frontend: {cpus: 1, ramMiB: 2048, image: debian-12}
  data:
    - datasetRule: gauges-at-hand
---
apiVersion: hanse/v1
kind: DNSRecord
metadata: {name: staging, namespace: coast}
spec:
  zone: coast.example.org
  name: staging
  valuesFrom: {kind: VirtualCluster, name: staging, output: frontend_address}
---
apiVersion: hanse/v1
kind: Probe
metadata: {name: staging-ssh, namespace: coast}
spec:
  target: {dnsRecord: staging}
  plugin: check_ssh
  arguments: ["{address}"]
"""
UNUSED = [
    "aquamonitor.c-scale.eu",
    "biomed_vip",
    "d4science.org",
    "icecube",
    "openrisknet.org",
    "vo.beamide.com",
    "vo.complex-systems.eu",
    "vo.envri-fair.eu",
    "vo.lifewatch.eu_openbiomap",
    "vo.oipub.com",
    "vo.phiri.eu",
    "vo.projectescape.eu",
    "vo.thepund.it",
]
"""VOs of the mapping that no site serves: the import says so."""
REGISTERS = r"^ +(\S+ )? *(create +)?(VO|Site)/|^ +after VO/|^        not |^    \S+/\S+/\S+  \S+ = "
"""Lines about VOs and Sites, of which there are a hundred, and choices, which were shown before."""


def main(place: Path) -> int:
    """Play it in ``place``."""
    stage = Stage(place)
    print("Hanse: one git repository says how a federation should be; hanse plans it, does it, keeps it so.")
    print(f"Everything happens in {place}/ with simulated clouds, zone files and folders as storages.")
    try:
        _begins(stage)
        _is_made(stage)
        _changes(stage)
        _drifts(stage)
        _is_wrong(stage)
        _is_dangerous(stage)
        _is_drawn(stage)
        _is_told(stage)
    except WrongEndError as error:
        print(f"\nThe demo is broken: {error}", file=sys.stderr)
        return 1
    _ends(stage, place)
    return 0


def _begins(stage: Stage) -> None:
    stage.chapter(1, "A federation in git")
    stage.say("""A repository with the example of manifests/: sites, VOs, two clusters, two datasets and rules for
        their copies, names, probes.""")
    stage.begin()
    shutil.copytree(ROOT / "manifests", stage.place / "manifests")
    stage.write("hanse.toml", SETTINGS)
    stage.write(".gitignore", "/.hanse/\n")
    stage.say("Beside it the 25 real site files of the EGI Federated Cloud. The import also says what is odd in them.")
    stage.hanse(
        f"import fedcloud {os.path.relpath(ROOT, stage.place)}/tests/data/fedcloud",
        fold=r"\[warning",
        expect="24 sites with 25 clouds",
    )
    stage.commit("The EGI Federated Cloud, and the coast")


def _is_made(stage: Stage) -> None:
    stage.chapter(2, "Plan, apply, and nothing left to do")
    stage.say("Every manifest is checked: types, rules, references.")
    stage.hanse("validate", expect="valid")
    stage.say("""What would be done, and why. This is the part about clusters, data and names; VOs and sites are 109
        more. The cluster `model` did not say where it goes: the plan does, with reasons.""")
    kinds = "--kind VirtualCluster --kind DatasetRule --kind Replica --kind DNSRecord"
    stage.hanse(f"plan {kinds}", ends=2, expect="Choices")
    stage.say(
        "Do it. Data comes before the cluster that needs it, the cluster before its name, the name before checks."
    )
    stage.hanse("apply", fold=REGISTERS, expect="Applied: 139 created")
    stage.say("Once more: nothing is left to do.")
    stage.hanse("plan", expect="nothing to do; 139 unchanged")


def _changes(stage: Stage) -> None:
    stage.chapter(3, "A commit that changes one thing")
    stage.edit("manifests/coast/names.yaml", "ttl: 600", "ttl: 300")
    stage.commit("Gauges move soon: a shorter TTL")
    stage.say("One commit, one line.")
    stage.hanse("plan", ends=2, expect="600 -> 300")
    stage.say("It is done, and nothing else is touched.")
    stage.hanse("apply", expect="1 updated")


def _drifts(stage: Stage) -> None:
    stage.chapter(4, "The world moves behind Hanse's back")
    stage.say("Somebody edits the zone, a machine of the cluster disappears, a disk spoils a file.")
    zone = ".hanse/state/dns/coast.example.org.zone"
    print(f"\n  (in the zone file, gauges now points to 203.0.113.66: {zone})")
    stage.edit(zone, "192.0.2.40", "203.0.113.66")
    print(f"  (destroyed: the machine {_lose_a_worker(stage.place)})")
    spoilt = ".hanse/state/storage/HARBOUR/pool-b/coast/gauges-2026/november.csv"
    print(f"  (overwritten: {spoilt})")
    stage.write(spoilt, "nothing sensible\n")
    stage.say("The plan shows it as drift, apart from what git asks for.")
    stage.hanse("plan", ends=2, expect="drift")
    stage.say("Repaired: the record, the one machine that is missing, the one file that is spoilt.")
    stage.hanse("apply", expect="Applied: 3 updated")
    stage.hanse("plan", expect="nothing to do")


def _lose_a_worker(place: Path) -> str:
    world = World.open(world_path(str(place / ".hanse/state/compute"), "CLOUDIFIN/CLOUDIFIN/vo.access.egi.eu"))
    name = next(name for name in world.names() if "compute" in name)
    world.destroy_behind_our_back(name)
    world.close()
    return name


def _is_wrong(stage: Stage) -> None:
    stage.chapter(5, "Manifests with mistakes")
    stage.say("""Every mistake of every file at once, with its place and its cure. Nothing is planned from such
        manifests, so nothing can happen.""")
    stage.write("manifests/coast/new.yaml", BROKEN)
    stage.hanse("validate --worktree", ends=1, expect="did you mean")
    (stage.place / "manifests/coast/new.yaml").unlink()


def _is_dangerous(stage: Stage) -> None:
    stage.chapter(6, "A dangerous delete")
    stage.say(f"Somebody tidies up: the {len(UNUSED)} VOs that are mapped but that no site serves go in one commit.")
    for name in UNUSED:
        (stage.place / f"manifests/vos/{name}.yaml").unlink()
    stage.commit("Remove VOs that no site serves")
    stage.say(
        "More than ten at once is over the limit: all of it is stopped, the exit code is 3 (of `hanse plan` too)."
    )
    stage.hanse("apply", ends=3, fold=r"^ +deferred|^        VO/", expect="over the limit")
    stage.say("There is no --force. A person writes an Approval, which names its scope and expires, and commits it.")
    reason = "no site has served them since 2025 (ticket 4711)"
    scope = f"--kind VO --at-most {len(UNUSED)} --expires 2h --name unused-vos"
    stage.hanse(f"approve {scope} --reason '{reason}'", expect="wrote manifests/approvals")
    stage.commit("Approve: unused VOs may go")
    stage.say("Now it is done, and the history will say who allowed it.")
    stage.hanse("apply", fold=r"VO/", expect=f"{len(UNUSED)} deleted")


def _is_drawn(stage: Stage) -> None:
    stage.chapter(7, "What happens in what order, and why something is not there yet")
    stage.say("A new cluster in Italy, with a name and a check.")
    stage.write("manifests/coast/staging.yaml", STAGING)
    stage.commit("A staging host for the portal")
    stage.say("Why is there no check? Along what it needs, down to the cause.")
    stage.hanse("explain Probe/coast/staging-ssh", expect="Root cause")
    stage.say("There is none in Italy. So that is changed.")
    stage.edit("manifests/coast/staging.yaml", "countries: [IT]", "countries: [FR, PT]")
    stage.commit("Staging may also be in France or Portugal")
    stage.say("In what order things will be done, as a drawing that a pull request can show.")
    stage.hanse("graph -o mermaid", expect="flowchart")
    stage.say("And it is done in that order.")
    stage.hanse("apply", expect="3 created")


def _is_told(stage: Stage) -> None:
    stage.chapter(8, "How it stands, and what was done")
    stage.say("From the records alone: nothing is asked of the world.")
    stage.hanse("status --kind VirtualCluster --kind DNSRecord --kind DatasetRule --all", expect="ready")
    stage.say("Every run, and everything that was ever done to one name.")
    stage.hanse("history")
    stage.hanse("history DNSRecord/coast/gauges", expect="DriftDetected")


def _ends(stage: Stage, place: Path) -> None:
    hanse = os.path.relpath(Path(sys.executable).with_name("hanse"), stage.place)
    print(f"\nThat took {stage.seconds():.0f} s. What to try next:\n")
    for line, why in (
        (f"cd {place}", "a repository like any other: change manifests/, commit"),
        (f"{hanse} plan", "what it means"),
        (f"{hanse} apply", "do it (asks first, on a terminal)"),
        (f"{hanse} run --interval 10", "keep it so, until Ctrl-C: spoil the zone file meanwhile"),
        (f"{hanse} --help", "all commands"),
    ):
        print(f"  {line:<36}  # {why}")
    print("\n  docs/tutorial/first-federation.md goes through it step by step; sudo make demo-real uses real servers.")


if __name__ == "__main__":
    sys.exit(main(Path(".demo")))
