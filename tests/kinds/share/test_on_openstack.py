"""A VO onboarded on a whole OpenStack: limits in nova and neutron, members who use it, and contents that hold it fast."""

from __future__ import annotations

import secrets

import pytest

from reconciler.drivers import keystone as keystone_driver
from reconciler.drivers import openstack as compute_driver
from reconciler.exchange.glue import document, offers
from reconciler.exchange.shares import Known
from reconciler.kinds.share import KIND, Quota, ShareSpec
from reconciler.kinds.site import Cloud, Share
from reconciler.model import Absent, Change, Done, Ref, Target, Wanted
from tests.federation import NOW
from tests.real.openstack import openstack

__all__ = ["openstack"]
pytestmark = pytest.mark.root


class Drivers:
    """Enough of ``ports.Drivers``: secrets, and the keystone of one cloud."""

    def __init__(self, given, endpoint=""):
        self.given, self.endpoint = given, endpoint

    def secret(self, reference):
        return self.given[reference.env]

    def identity(self, target):
        administrator = {"username": "admin", "password": {"env": "ADMIN"}}
        options = {"endpoint": self.endpoint, "administrator": administrator}
        return keystone_driver.open(Target(target.id, "openstack", options), self)


class Onboarding:
    """A VO of the test's own at the cloud."""

    def __init__(self, cloud, endpoint):
        self.name = f"vo{secrets.token_hex(4)}.example.org"
        self.cloud, self.endpoint = cloud, endpoint
        self.issuer = f"https://aai.example.org/{self.name}"
        self.drivers = Drivers(
            {"ADMIN": cloud.admin.password, "TOKEN": cloud.token(self.name, issuer=self.issuer)}, endpoint
        )
        self.target = Target("identity:SITE/cloud", "openstack", {})
        self.ref, self.uid = Ref(f"Share/{self.name}"), secrets.token_hex(16)
        entitlement = f"urn:mace:egi.eu:group:{self.name}:role=member#aai.egi.eu"
        said = {"site": "SITE", "cloud": "cloud", "vo": self.name, "entitlements": (entitlement,)}
        quota = Quota(instances=3, vcpus=7, ramMiB=4096, storageGiB=9, floatingIps=1, ports=11)
        where = {"issuer": self.issuer, "identityProvider": self.name, "quotas": (quota,)}
        self.spec = KIND.canonical(ShareSpec(**said, **where))

    def put(self):
        (answer,) = KIND.put(self.target, [Change(self.ref, self.uid, 1, self.spec, self.spec)], self.drivers).values()
        assert isinstance(answer, Done), answer
        return answer.outputs["project_id"]

    def look(self):
        return KIND.observe(self.target, [Wanted(self.ref, self.uid, self.spec, self.spec)], self.drivers).results[
            self.ref
        ]

    def remove(self):
        (answer,) = KIND.remove(
            self.target, [Change(self.ref, self.uid, 1, self.spec, self.spec)], self.drivers
        ).values()
        return answer

    def compute(self, project_id):
        """The project as a member sees it."""
        options = {
            "endpoint": self.endpoint,
            "identity_provider": self.name,
            "access_token": {"env": "TOKEN"},
            "project_id": project_id,
        }
        return compute_driver.open(Target(f"compute:SITE/cloud/{self.name}", "openstack", options), self.drivers)


@pytest.fixture
def proxy(openstack):
    with openstack.proxy() as running:
        yield running


@pytest.fixture
def vo(openstack, proxy):
    made = Onboarding(openstack, proxy.auth_url)
    yield made
    made.remove()


def test_limits_are_set_in_every_service_and_mended_when_somebody_changes_them(vo, openstack):
    project = vo.put()
    assert vo.look().spec == vo.spec
    nova = openstack.api("GET", "compute", f"/os-quota-sets/{project}")["quota_set"]
    assert (nova["instances"], nova["cores"], nova["ram"]) == (3, 7, 4096)
    neutron = openstack.api("GET", "network", f"/v2.0/quotas/{project}")["quota"]
    assert (neutron["floatingip"], neutron["port"]) == (1, 11)
    openstack.set_quota(project, cores=500, port=12)
    assert [(q.vcpus, q.ports) for q in vo.look().spec.quotas] == [(500, 12)]
    vo.put()
    assert vo.look().spec == vo.spec


def test_nothing_is_written_when_all_is_as_it_should_be(vo, proxy):
    vo.put()
    proxy.reset()
    vo.put()
    assert proxy.writes() == []


def test_a_member_uses_what_was_made_and_what_is_in_it_holds_it_fast(vo, openstack):
    project = vo.put()
    member = vo.compute(project)
    assert member.sizes()
    assert member.quota().cpus == 7
    made = openstack.api("POST", "network", "/v2.0/networks", {"network": {"name": "n", "project_id": project}})
    answer = vo.remove()
    assert (answer.fate, answer.reason) == ("terminal", "DeletionBlocked")
    assert "1 network" in answer.message
    assert member.images()
    openstack.api("DELETE", "network", f"/v2.0/networks/{made['network']['id']}")
    assert isinstance(vo.remove(), Done)
    assert isinstance(vo.look(), Absent)


def test_a_share_is_told_of_in_few_calls_and_a_broken_one_loses_no_other(vo, proxy):
    project = vo.put()
    cloud = Cloud(name="cloud", driver="openstack", endpoint=proxy.auth_url)
    whole = Known(cloud, Share(vo=vo.name), vo.name, project, vo.name)
    broken = Known(cloud, Share(vo="vo.broken.org"), "vo.broken.org", "0" * 32, "")
    assert vo.compute(project).sizes()  # keystone notes whom it has never seen; two at once, and it answers 500
    proxy.reset()
    found = offers([broken, whole], lambda known: vo.compute(known.project_id))
    told = document("SITE", "", found, NOW)
    assert [bool(offer.fault) for offer in found] == [True, False], [offer.fault for offer in found]
    assert [share["OtherInfo"]["quotas"]["cpus"] for share in told["Share"]] == [7]
    assert len(told["CloudComputingInstanceType"]) >= 4
    assert proxy.count("compute") <= 6
