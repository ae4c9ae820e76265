"""Where roles come from that do not come with Hanse: handed to what runs playbooks, also when they are dropped."""

from __future__ import annotations

from reconciler.kinds.virtualcluster import runs
from reconciler.model import Change, Ref
from reconciler.ports import RoleSource
from tests.kinds.virtualcluster.conftest import UID, spec

PINNED = {"archive": "https://roles.example.org/tides.tar.gz", "sha256": "a" * 64}


def asked(wanted, before=None) -> list[RoleSource]:
    change = Change(Ref("VirtualCluster/tides/sediment"), UID, 1, wanted, before=before)
    return list(runs.request(change, wanted, [], drivers=None).roles)


def test_a_role_from_elsewhere_is_told_with_its_digest() -> None:
    wanted = spec(software=[{"role": "slurm"}, {"role": "tides", "source": PINNED}])
    assert asked(wanted) == [RoleSource("tides", PINNED["archive"], PINNED["sha256"])]


def test_a_dropped_role_is_told_too_so_that_it_can_be_taken_away() -> None:
    before = spec(software=[{"role": "ebb", "source": {"tree": "1" * 40}}])
    assert asked(spec(software=[]), before) == [RoleSource("ebb", tree="1" * 40)]
