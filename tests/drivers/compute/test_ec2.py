"""What is peculiar to the EC2 driver."""

from __future__ import annotations

import pytest

from reconciler.drivers import ec2 as driver
from reconciler.drivers.ec2 import options_of
from reconciler.errors import Terminal, Transient
from reconciler.model import Target
from reconciler.ports import NodeRequest
from reconciler.settings import Settings
from reconciler.wiring import Wired
from tests.real.ec2 import SECRET
from tests.real.s3 import s3

__all__ = ["s3"]

NAME = "compute:SITE/cloud/vo"
LEAST = {"key": "AKIA", "secret": {"env": "HANSE_TEST_SECRET"}}


@pytest.fixture
def s3_as_ec2(s3) -> int:
    """Port of moto's server as it is: its EC2 spells the XML name space in its own way."""
    return s3.port


def opened(options, secret: str = SECRET):
    return driver.open(Target(NAME, "ec2", options), Wired(Settings(), {"HANSE_TEST_SECRET": secret}))


def test_a_site_s_endpoint_says_where_it_is() -> None:
    options = options_of(Target(NAME, "ec2", {**LEAST, "endpoint": "https://ec2.example.org:8443/", "auth": "x"}))
    assert (options.host, options.port, options.secure) == ("ec2.example.org", 8443, True)


def test_options_that_do_not_suffice_are_named() -> None:
    with pytest.raises(Terminal, match="regoin"):
        options_of(Target(NAME, "ec2", {**LEAST, "regoin": "eu-west-1"}))
    with pytest.raises(Terminal, match="secret"):
        options_of(Target(NAME, "ec2", {"key": "AKIA"}))
    with pytest.raises(Terminal, match="Invalid region: mars"):
        opened({**LEAST, "region": "mars"}).nodes()


def test_a_service_that_is_not_there_is_asked_again_later() -> None:
    with pytest.raises(Transient, match="cannot be reached"):
        opened({**LEAST, "host": "127.0.0.1", "port": 9, "secure": False}).nodes()


def test_an_answer_in_another_name_space_is_no_empty_cloud(s3_as_ec2) -> None:
    with pytest.raises(Transient, match="DescribeInstances was answered without reservationSet"):
        opened({**LEAST, "host": "127.0.0.1", "port": s3_as_ec2, "secure": False, "region": "eu-west-1"}).nodes()


def test_a_subnet_that_is_not_there_is_said_to_be_missing(ec2) -> None:
    ec2.empty()
    compute = opened({**ec2.options, "images": {"debian-12": ec2.image}, "networks": ["subnet-00000000"]})
    request = NodeRequest("n", compute.sizes()[0], compute.images()[0], owner="a" * 32)
    with pytest.raises(Terminal, match="subnet-00000000"):
        compute.create(request)


def test_ports_that_nobody_asks_for_any_more_are_closed(ec2) -> None:
    ec2.empty()

    def opened_ports(*ports: str) -> set[str]:
        compute = opened({**ec2.options, "images": {"debian-12": ec2.image}})
        size, image = compute.sizes()[0], compute.images()[0]
        compute.create(NodeRequest(f"n{len(ports)}", size, image, security_ports=ports, owner="a" * 32))
        (group,) = [g for g in ec2.driver().ex_list_security_groups() if "a" * 32 in g]
        (found,) = ec2.driver().ex_get_security_groups(group_names=[group])
        return {str(rule["from_port"]) for rule in found.ingress_rules if rule["cidr_ips"]}

    assert opened_ports("22/tcp", "80/tcp") == {"22", "80"}
    assert opened_ports("22/tcp") == {"22"}
