"""The OpenStack driver on the real OpenStack: how few calls it makes, and what it makes of failures."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from reconciler.errors import OutcomeUnknown, Terminal, Transient
from reconciler.model import Reason
from reconciler.ports import Size
from tests.drivers.openstack.conftest import OWNER, asked, settled
from tests.real.openstack import HUGE

pytestmark = pytest.mark.root


def test_ten_servers_take_at_most_25_calls_and_are_seen_in_one(place) -> None:
    place.cloud.set_quota(place.project.id, instances=20, cores=40, ram=102_400)
    compute = place.driver()
    assert compute.nodes().nodes == ()
    request = asked(compute)
    compute.quota()
    for number in range(10):
        compute.create(replace(request, name=f"{OWNER[:12]}-workers-{number}"))
    made = place.proxy.calls
    assert len(made) <= 25, [f"{c.method} {c.service} {c.path}" for c in made]
    there = settled(compute, lambda there: {node.state for node in there.values()} == {"running"})
    assert len(there) == 10
    place.proxy.reset()
    assert len(compute.nodes().nodes) == 10
    assert place.proxy.count() <= 2, "one list, and the images' names once"
    place.proxy.reset()
    compute.nodes()
    assert [call.path for call in place.proxy.calls] == ["/v2.1/servers/detail"]
    place.proxy.reset()
    fresh = place.driver()
    fresh.nodes(), fresh.holdings()
    assert place.proxy.count() <= 4
    assert place.proxy.writes() == []
    for node in there.values():
        compute.destroy(node.id)
    settled(compute, lambda there: not there)
    while not compute.release(OWNER):
        time.sleep(0.3)
    assert place.project.contents() == {}


def test_a_share_is_observed_in_six_calls_of_nova_at_most(place) -> None:
    compute = place.driver()
    compute.sizes(), compute.images(), compute.quota(), compute.nodes(), compute.holdings()
    assert place.proxy.count("compute") <= 6
    assert place.proxy.count("identity") == 1
    assert place.proxy.writes() == []


def test_what_is_used_and_what_is_allowed_is_told_of_networks_too(place) -> None:
    place.cloud.set_quota(place.project.id, instances=7, floatingip=3)
    limits = place.driver().quota().limits
    assert (limits["instances"].used, limits["instances"].limit) == (0, 7)
    assert (limits["floating_ips"].used, limits["floating_ips"].limit) == (0, 3)


def test_a_quota_that_is_used_up_is_said_with_nova_s_numbers(place) -> None:
    place.cloud.set_quota(place.project.id, instances=1)
    compute = place.driver()
    compute.create(asked(compute))
    with pytest.raises(Terminal, match=r"already used 1 of 1 instances") as caught:
        compute.create(asked(compute, 1))
    assert caught.value.reason is Reason.QUOTA_EXCEEDED


def test_a_server_that_fits_no_host_is_in_error_and_says_why(place) -> None:
    place.cloud.set_quota(place.project.id, cores=-1, ram=-1)
    compute = place.driver()
    request = asked(compute, size=HUGE)
    compute.create(request)
    there = settled(compute, lambda there: there[request.name].state == "error")
    assert "No valid host was found" in there[request.name].fault


def test_what_is_not_there_is_refused_for_good(place) -> None:
    compute = place.driver()
    request = asked(compute)
    with pytest.raises(Terminal, match="[Ff]lavor"):
        compute.create(replace(request, size=Size("no-such", "no-such", 1, 1, 1)))
    with pytest.raises(Terminal, match="no network is called wan; there are: .*private"):
        compute.create(replace(request, networks=("wan",)))
    assert place.project.servers() == []


def test_a_key_pair_that_somebody_took_away_is_made_anew(place) -> None:
    compute = place.driver()
    request = asked(compute)
    compute.create(request)
    place.project.api("DELETE", "compute", f"/os-keypairs/hanse-{OWNER}")
    second = replace(request, name=f"{request.name}-2")
    with pytest.raises(Transient, match="key_name"):
        compute.create(second)
    assert compute.create(second).state == "pending"


def test_a_503_on_the_third_create_makes_no_server_twice(place) -> None:
    compute = place.driver()
    request = asked(compute)
    compute.nodes()
    wanted = [replace(request, name=f"{OWNER[:12]}-workers-{n}") for n in range(4)]
    with place.proxy.fault("refuse", "compute", "POST", "/servers$", nth=3, status=503):
        made = [compute.create(r) for r in wanted[:2]]
        with pytest.raises(Transient):
            compute.create(wanted[2])
        made += [compute.create(r) for r in wanted]
    assert len({node.id for node in made}) == 4
    assert len(place.project.servers()) == 4


def test_a_create_whose_answer_is_lost_is_found_again_by_its_name(place) -> None:
    compute = place.driver()
    request = asked(compute)
    compute.nodes()
    with place.proxy.fault("lose", "compute", "POST", "/servers$"), pytest.raises(OutcomeUnknown):
        compute.create(request)
    assert compute.create(request).id == place.project.servers()[0]["id"]
    assert len(place.project.servers()) == 1


def test_an_api_that_hangs_is_given_up_and_tried_again_later(place) -> None:
    compute = place.driver(timeout_seconds=10)
    compute.sizes()
    with (
        place.proxy.fault("hang", "compute", "GET", "/servers"),
        pytest.raises(Transient, match="no answer in time"),
    ):
        compute.nodes()
    assert compute.nodes().complete


def test_a_service_that_is_too_busy_says_when_to_come_back(place) -> None:
    compute = place.driver()
    compute.sizes()
    with place.proxy.fault("refuse", "compute", "GET", "/servers", status=429), pytest.raises(Transient):
        compute.nodes()


def test_a_token_that_is_refused_is_renewed_once(place) -> None:
    compute = place.driver()
    compute.nodes()
    with place.proxy.fault("refuse", "compute", "GET", "/servers", status=401):
        assert compute.nodes().complete
    assert place.proxy.count("identity", "POST") == 2
    with (
        place.proxy.fault("refuse", "compute", "GET", "/servers", status=401, times=9) as fault,
        pytest.raises(Terminal, match="401"),
    ):
        compute.nodes()
    assert fault.hits == 2


def test_a_wrong_password_is_named_and_not_told(place) -> None:
    place.secrets["WRONG"] = "hunter2"
    with pytest.raises(Terminal, match="environment variable WRONG") as caught:
        place.driver(password={"env": "WRONG"}).nodes()
    assert "hunter2" not in str(caught.value)


def test_an_application_credential_is_enough(place) -> None:
    id_, secret = place.project.application_credential()
    place.secrets["APPCRED"] = secret
    only = {"username": None, "password": None, "project_id": None}
    compute = place.driver(
        **only,
        auth="v3applicationcredential",
        application_credential_id=id_,
        application_credential_secret={"env": "APPCRED"},
    )
    assert compute.nodes().complete
    assert "m1.tiny" in [size.name for size in compute.sizes()]


def test_the_token_of_a_member_opens_the_vo_s_project(place) -> None:
    compute = place.federated(place.cloud.token("vo.place.example.org"))
    node = compute.create(asked(compute))
    assert [server["id"] for server in place.project.servers()] == [node.id]


def test_tokens_are_asked_for_at_the_issuer_and_again_when_one_is_refused(place, issuer) -> None:
    issuer.mint = lambda: place.cloud.token("vo.place.example.org")
    place.secrets["CLIENT"] = "s3cret"
    asked_at = {"url": issuer.url, "client_id": "hanse", "client_secret": {"env": "CLIENT"}}
    compute = place.federated("", access_token=None, issuer=asked_at)
    assert compute.nodes().complete
    compute.nodes()
    assert len(issuer.forms) == 1, "one token is used as long as it lasts"
    with place.proxy.fault("refuse", "identity", "GET", "OS-FEDERATION", status=401):
        compute._session.forget(compute._session.login().token)
        assert compute.nodes().complete
    assert len(issuer.forms) == 2


def test_the_project_may_be_given_by_its_name(place) -> None:
    token = place.cloud.token("vo.place.example.org")
    assert place.federated(token, project_id=None, project_name=place.project.name).nodes().complete


def test_tokens_that_are_not_good_are_refused_and_named(place) -> None:
    bad = {
        "expired": place.cloud.token("vo.place.example.org", seconds=-10),
        "forged": place.cloud.forged_token("vo.place.example.org"),
        "foreign": place.cloud.token("vo.other.example.org"),
    }
    for token in bad.values():
        with pytest.raises(Terminal, match="access token in the environment variable TOKEN") as caught:
            place.federated(token).nodes()
        assert token not in str(caught.value)


def test_a_group_of_servers_is_made_where_the_site_wants_one(place) -> None:
    compute = place.driver(server_group="soft-anti-affinity")
    node = compute.create(asked(compute))
    settled(compute, lambda there: there[node.name].state == "running")
    assert [len(g) > 0 for g in place.project.contents()["server groups"]] == [True]
    compute.destroy(node.id)
    settled(compute, lambda there: not there)
    while not compute.release(OWNER):
        time.sleep(0.3)
    assert place.project.contents() == {}


def test_a_server_outlives_the_restart_of_its_compute_service(place) -> None:
    compute = place.driver()
    node = compute.create(asked(compute))
    settled(compute, lambda there: there[node.name].state == "running")
    place.cloud.restart_compute(1)
    place.cloud.restart_compute(2)
    assert settled(compute, lambda there: there[node.name].state == "running")[node.name].id == node.id
    compute.destroy(node.id)
    settled(compute, lambda there: not there)
    while not compute.release(OWNER):
        time.sleep(0.3)
    assert place.project.contents() == {}


def test_many_servers_are_seen_in_one_call(place) -> None:
    place.cloud.set_quota(place.project.id, instances=40, cores=-1, ram=-1)
    compute = place.driver()
    request = asked(compute, size=HUGE)  # they fit no host, and are there all the same
    body = {"name": "many", "flavorRef": request.size.id, "imageRef": request.image.id, "networks": "none"}
    place.project.api("POST", "compute", "/servers", {"server": {**body, "min_count": 40}})
    compute.nodes()
    place.proxy.reset()
    assert len(compute.nodes().nodes) == 40
    assert [call.path for call in place.proxy.calls] == ["/v2.1/servers/detail"]


def test_whose_a_server_is_and_what_it_carried_is_told_as_far_as_it_may_be(place) -> None:
    mine, compute = place.project.credential, place.driver(traffic=True)
    nodes = [compute.create(asked(compute, number)) for number in range(2)]
    there = settled(compute, lambda there: {node.state for node in there.values()} == {"running"}).values()
    assert {(node.user, node.user_name) for node in there} == {(mine.user_id, "")}
    named = place.driver(user_names=True)
    assert {(node.user, node.user_name) for node in named.nodes().nodes} == {(mine.user_id, mine.username)}
    assert named.traffic([node.id for node in nodes]) == {}
    place.proxy.reset()
    with pytest.raises(Terminal, match="403"):  # nova tells administrators alone
        compute.traffic([node.id for node in nodes])
    assert place.proxy.count() == 1
    role = place.cloud.api("GET", "identity", "/roles?name=admin")["roles"][0]["id"]
    place.cloud.api("PUT", "identity", f"/projects/{place.project.id}/users/{mine.user_id}/roles/{role}")
    told = place.driver(traffic=True).traffic([*(node.id for node in nodes), "0" * 32])
    assert told.keys() == {node.id for node in nodes}
    assert all(received > 0 < sent for received, sent in told.values())
    place.proxy.reset()
    assert len(place.driver(traffic=True, traffic_calls=1).traffic([node.id for node in nodes])) == 1
    assert place.proxy.count("compute") == 1
