"""Which driver a target gets: what hanse.toml names for it, or what manifests name, substituted or not."""

from __future__ import annotations

import pytest

from reconciler.drivers.ec2 import options as ec2
from reconciler.errors import Terminal
from reconciler.model import Target
from reconciler.settings import Settings
from reconciler.wiring import Wired


@pytest.mark.parametrize(
    ("target", "manifest", "driver"),
    [
        ("compute:ALPHA/main/vo", "openstack", "simulated"),
        ("compute:ALPHA/main/vo", "ec2", "ec2"),
        ("compute:ALPHA/main/vo", "", "simulated"),
        ("compute:HARBOUR/quay/vo", "simulated", "openstack"),
        ("compute:HARBOUR/quay/vo", "openstack", "openstack"),
    ],
)
def test_what_manifests_name_is_substituted_and_what_the_operator_names_is_not(target, manifest, driver):
    settings = Settings(
        substitute={"openstack": "simulated"},
        targets={"compute:*": {"timeout": 5}, "compute:HARBOUR/*": {"driver": "openstack"}},
    )
    assert Wired(settings).options(target, manifest)[0] == driver


def test_what_clouds_are_told_for_others_troubles_no_driver():
    told = {
        "state": "/nowhere",
        "joins": ["LIGHTHOUSE/lamp"],
        "beside": {},
        "key": "k",
        "secret": {"env": "S"},
        "region": "r",
    }
    assert ec2.options_of(Target("compute:ALPHA/main/vo", "ec2", told)).region == "r"
    with pytest.raises(Terminal, match="joined"):
        ec2.options_of(Target("compute:ALPHA/main/vo", "ec2", {**told, "joined": []}))
