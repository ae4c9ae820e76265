"""A name follows its cluster on every kind of name server there is, as the operator's hanse.toml names it."""

from __future__ import annotations

import pytest

from reconciler.model import Target
from tests.e2e.test_line import CLUSTER, SITE, VO
from tests.e2e.test_names import RECORD, front, world
from tests.house import applied, commit, opened, planned
from tests.real.nsupdate import nsupdate
from tests.real.powerdns import KEY, powerdns

__all__ = ["nsupdate", "powerdns"]

POWERDNS = """[targets."dns:{zone}"]
driver = "powerdns"
url = "{url}"
key = {{ env = "API_KEY" }}
"""
DYNDNS2 = """[targets."dns:{zone}"]
driver = "dyndns2"
url = "{url}"
nameserver = "{address}"
settle_seconds = 0.0
hosts = {{ "hpc.{zone}" = {{ env = "HOST_SECRET" }} }}
"""
EGI = """[targets."dns:{zone}"]
driver = "egi-dyndns"
url = "{url}"
nameserver = "{address}"
settle_seconds = 0.0
token = {{ env = "TOKEN" }}
"""


@pytest.fixture
def on_powerdns(powerdns):
    with powerdns.zone("follows.example.") as zone:
        yield zone, POWERDNS.format(zone=zone, url=powerdns.url), {"API_KEY": KEY}


@pytest.fixture
def on_dyndns2(nsupdate):
    zone = nsupdate.zone()
    secret = nsupdate.arrange(f"hpc.{zone}")["secret"]
    return zone, DYNDNS2.format(zone=zone, url=nsupdate.url, address=nsupdate.address), {"HOST_SECRET": secret}


@pytest.fixture
def on_egi(nsupdate):
    zone = nsupdate.zone()
    return zone, EGI.format(zone=zone, url=nsupdate.url, address=nsupdate.address), {"TOKEN": "token-of-op"}


@pytest.mark.parametrize("server", ["on_powerdns", "on_dyndns2", "on_egi"])
def test_a_name_comes_moves_and_goes_with_its_cluster(tmp_path, request, server):
    zone, toml, secrets = request.getfixturevalue(server)
    (tmp_path / "hanse.toml").write_text(toml)
    names = RECORD.format(zone=zone)
    commit(tmp_path, {"vo.yaml": VO, "site.yaml": SITE, "cluster.yaml": CLUSTER, "names.yaml": names})

    def run(**more):
        return applied(tmp_path, environment=secrets, **more)

    def shown():
        with opened(tmp_path, environment=secrets) as house:
            target, options = house.drivers.options(f"dns:{zone}", "")
            held = house.drivers.dns(Target(f"dns:{zone}", target, options)).read().rrsets
        return [value for key, one in held.items() if key == (f"hpc.{zone}", "A") for value in one.values]

    report = run(until_quiet=True)
    assert {outcome.state for outcome in report.outcomes} <= {"done"}, [o.message for o in report.outcomes]
    before = front(tmp_path)
    assert shown() == [before]
    (name,) = [name for name in world(tmp_path).names() if "front" in name]
    world(tmp_path).destroy_behind_our_back(name)
    run()
    run()
    assert front(tmp_path) != before
    assert shown() == [front(tmp_path)]
    assert planned(tmp_path, environment=secrets).actions == ()
    commit(tmp_path, {"cluster.yaml": None, "names.yaml": None})
    assert {outcome.state for outcome in run().outcomes} == {"done"}
    assert shown() == []
    assert planned(tmp_path, environment=secrets).actions == ()
    kept = [path for path in (tmp_path / ".hanse").rglob("*") if path.is_file()]
    assert kept
    assert [path for path in kept if any(one.encode() in path.read_bytes() for one in secrets.values())] == []
