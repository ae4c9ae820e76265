"""What a Site's manifest may say of the reconciler's own machine: nothing that would hand it over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.kinds import Declared
from reconciler.kinds.replica import KIND as REPLICA
from reconciler.kinds.site import KIND as SITE
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.site.own import OPERATORS_OWN
from reconciler.kinds.virtualcluster import KIND as CLUSTER
from reconciler.model import Ref, encode
from tests.federation import NoDrivers, resource

EVIL = {name: f"/srv/evil/{name}" for name in sorted(OPERATORS_OWN)}


def site(**storage: Any) -> SiteSpec:
    cloud = {"name": "main", "driver": "openstack", "endpoint": "https://a.example.org/v3", "options": EVIL}
    one = {"name": "disk", "driver": "directory", "options": EVIL, **storage}
    return SiteSpec.model_validate_json(encode({"clouds": [cloud], "storage": [one]}))


def faults(spec: SiteSpec) -> set[str]:
    return {
        fault.path for rule in SITE.rules for fault in rule.check(Ref("Site/A"), spec) if rule.id == "site-own-machine"
    }


def test_options_of_the_operator_are_refused_in_a_manifest():
    assert faults(site()) == {f"spec.{where}[0].options.{name}" for where in ("clouds", "storage") for name in EVIL}


def test_they_count_for_nothing_where_a_rule_was_switched_to_a_warning():
    """Playbooks, keys, ssh's configuration, and where files are written."""
    made = resource("Site/A", {}), site()
    declared = Declared({Ref("Site/A"): made[0]._replace(content=made[1].canonical())})
    for kind, target in ((CLUSTER, "compute:A/main/tides"), (REPLICA, "storage:A/disk")):
        options = kind.connect(target, declared, NoDrivers()).options
        assert not options.keys() & OPERATORS_OWN


@pytest.mark.parametrize(
    "folder",
    [
        "/",
        "/etc",
        "/etc/cron.d",
        "/root",
        "/root/.ssh",
        "/home",
        "/home/ana/.ssh",
        "/srv/../etc",
        "/usr/lib",
        "/var/lib/x",
        "//etc",
        "/proc/self",
        "/data/.hanse/state",
        "/%65tc",
    ],
)
def test_no_storage_lies_where_the_system_or_a_person_keeps_their_own(folder):
    assert "spec.storage[0].url" in faults(site(options={}, url=f"file://{folder}"))


@pytest.mark.parametrize("folder", ["/data/hanse", "/srv/disk-1", "/home/ana/data", "/mnt/disk"])
def test_a_folder_for_data_may_be_one(folder):
    assert "spec.storage[0].url" not in faults(site(options={}, url=f"file://{folder}"))


def test_no_manifest_has_a_file_of_the_reconciler_copied(tmp_path: Path):
    """``fileSources`` alone says what may be: the manifest's own is not taken."""
    from reconciler.errors import Terminal
    from reconciler.kinds.replica.connect import permitted

    declared = Declared({Ref("Site/A"): resource("Site/A", {})._replace(content=site().canonical())})
    target = REPLICA.connect("storage:A/disk", declared, NoDrivers())
    for url in ("file:///etc/passwd", f"file://{tmp_path}/x", "file:///srv/evil/fileSources/../../../etc/passwd"):
        with pytest.raises(Terminal, match="may not be copied"):
            permitted(target, url)
