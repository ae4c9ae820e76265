"""What nova and neutron show, in the port's words."""

from __future__ import annotations

import pytest

from reconciler.drivers.openstack import options_of, shown
from reconciler.errors import Terminal
from reconciler.model import Target

GROUP = {"id": "g", "security_group_rules": []}


@pytest.mark.parametrize(
    ("specs", "number"),
    [
        ({}, 0),
        ({"Accelerator:Number": "2"}, 2),
        ({"resources:VGPU": "1"}, 1),
        ({"pci_passthrough:alias": "gpu-a100:4"}, 4),
        ({"pci_passthrough:alias": "a100:2,mlx5:1"}, 2),
        ({"pci_passthrough:alias": "infiniband:1"}, 0),
    ],
)
def test_accelerators_are_counted_from_extra_specs(specs, number) -> None:
    assert shown.gpus(specs) == number


def test_a_server_whose_deletion_is_under_way_is_going_whatever_its_status() -> None:
    assert shown.state({"status": "ACTIVE", "OS-EXT-STS:task_state": "deleting"}) == "deleting"
    assert shown.state({"status": "SHELVED_OFFLOADED"}) == "stopped"
    assert shown.state({"status": "SOMETHING_NEW"}) == "unknown"


def test_rules_that_are_there_are_not_made_again() -> None:
    wanted = shown.missing_rules(GROUP, ["22/tcp", "6000-6010/udp"])
    assert len(wanted) == 6
    there = [{**rule, "remote_ip_prefix": "0.0.0.0/0" if rule.get("protocol") else None} for rule in wanted[:4]]
    filled = [
        dict.fromkeys(("protocol", "port_range_min", "port_range_max", "remote_group_id")) | rule for rule in there
    ]
    left = shown.missing_rules({"id": "g", "security_group_rules": filled}, ["22/tcp", "6000-6010/udp"])
    assert left == wanted[4:]


def test_what_everybody_may_reach_and_nobody_wants_any_more_is_stale() -> None:
    rules = [{"id": n, **rule} for n, rule in enumerate(shown.missing_rules(GROUP, ["22/tcp", "80/tcp"]))]
    by_hand = [{**rules[4], "id": "ours", "remote_ip_prefix": "192.0.2.0/24"}, {"id": "out", "direction": "egress"}]
    group = {"id": "g", "security_group_rules": [*rules, *by_hand]}
    assert shown.stale_rules(group, ["22/tcp"]) == [4, 5]
    assert shown.stale_rules(group, ["22/tcp", "80/tcp"]) == []


def test_unlimited_is_no_number() -> None:
    limits = dict(shown.nova_limits({"maxTotalInstances": -1, "totalInstancesUsed": 3, "maxTotalCores": 8}))
    assert limits["instances"].left is None
    assert limits["cpus"].left == 8
    assert "ram_mib" not in limits


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "endpoint"),
        ({"endpoint": "https://c/v3", "auth": "v3password", "project_id": "p"}, "needs the options username, password"),
        ({"endpoint": "https://c/v3", "project_id": "p"}, "exactly one of the options access_token, issuer"),
        ({"endpoint": "https://c/v3", "access_token": {"env": "T"}}, "which project"),
        ({"endpoint": "https://c/v3", "acces_token": {"env": "T"}}, "acces_token"),
    ],
)
def test_options_that_do_not_suffice_are_named(options, said) -> None:
    with pytest.raises(Terminal, match=said):
        options_of(Target("compute:SITE/cloud/vo", "openstack", options))


def test_what_the_site_says_of_a_share_is_taken_where_the_operator_says_nothing() -> None:
    given = {"endpoint": "https://c:5000/v3/", "project_auth": {"project_id": "p"}, "access_token": {"env": "T"}}
    options = options_of(Target("compute:SITE/cloud/vo", "openstack", given))
    assert (options.endpoint, options.project_id, options.auth) == ("https://c:5000", "p", "v3oidcaccesstoken")


def test_traffic_is_that_of_all_network_cards_and_unknown_where_none_is_counted() -> None:
    card = {"mac_address": "02:00:00:00:00:01", "rx_octets": 5, "tx_octets": 7}
    silent = {**card, "rx_octets": None, "tx_octets": None}
    assert shown.traffic({"nic_details": [card, card, silent]}) == (10, 14)
    assert shown.traffic({"nic_details": [silent]}) is None
    assert shown.traffic({"nic_details": []}) is shown.traffic({"vnet0_rx": 5}) is None
