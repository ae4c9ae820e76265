"""Which driver a target gets: what hanse.toml names for it, or what manifests name, substituted or not."""

from __future__ import annotations

import pytest

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
