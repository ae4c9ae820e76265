"""What everything that runs playbooks does, whatever is behind it."""

from __future__ import annotations

import pytest

from tests.drivers.configure.conftest import finished


def test_a_run_is_started_at_once_and_succeeds(fleet) -> None:
    client = fleet.client(3)
    handle = client.start(fleet.request(3))
    assert client.poll(handle).state == "running"
    ended = finished(client, handle)
    assert ended.state == "successful", ended
    assert ended.failed_hosts == {}


def test_another_client_knows_how_it_stands(fleet) -> None:
    handle = fleet.client(0.1).start(fleet.request(0.1))
    assert finished(fleet.client(0.1), handle).state == "successful"
    assert fleet.client(0.1).poll(handle).state == "successful"


def test_a_host_that_does_not_answer_fails_the_run_and_is_named(fleet) -> None:
    client = fleet.client(0)
    ended = finished(client, client.start(fleet.request(hosts=[fleet.hosts[0], fleet.dead])))
    assert ended.state == "failed"
    assert set(ended.failed_hosts) == {fleet.dead.name}
    assert ended.failed_hosts[fleet.dead.name]


def test_a_run_that_nobody_knows_is_lost(fleet) -> None:
    for handle in ("20200101T000000-00000000", "", "../../etc", "run-77"):
        assert fleet.client(0).poll(handle).state == "lost"


def test_a_cancelled_run_stops(fleet) -> None:
    client = fleet.client(60)
    handle = client.start(fleet.request(60))
    client.cancel(handle)
    assert client.poll(handle).state in ("failed", "lost")


def test_cancelling_what_has_ended_or_never_was_changes_nothing(fleet) -> None:
    client = fleet.client(0)
    handle = client.start(fleet.request())
    assert finished(client, handle).state == "successful"
    client.cancel(handle)
    client.cancel("20200101T000000-00000000")
    assert client.poll(handle).state == "successful"


def test_a_run_may_be_started_again(fleet) -> None:
    client = fleet.client(0)
    for _ in range(2):
        assert finished(client, client.start(fleet.request())).state == "successful"


def test_hosts_that_answer_are_told_from_those_that_do_not(fleet) -> None:
    said = fleet.client(0).reachable([*fleet.hosts, fleet.dead])
    assert {name for name, why in said.items() if not why} == {h.name for h in fleet.hosts}
    assert said[fleet.dead.name]


def test_nobody_asked_about_is_nobody_answered_about(fleet) -> None:
    assert dict(fleet.client(0).reachable([])) == {}


@pytest.mark.parametrize("count", [1, 2])
def test_no_secret_shows_in_how_a_run_stands(fleet, count) -> None:
    client = fleet.client(0)
    secret = "correct-horse-battery"
    hosts = [fleet.hosts[0], fleet.dead][:count]
    ended = finished(client, client.start(fleet.request(hosts=hosts, secrets={"password": secret})))
    assert secret not in str(ended)
