"""The tests' own OpenStack: what it promises, asked with libcloud as a person with a script would."""

from __future__ import annotations

import subprocess
import time

import pytest
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import InvalidCredsError
from libcloud.compute.providers import get_driver

from tests.real.openstack import HUGE, IMAGES, NETWORK, Cloud, Project
from tests.real.waiting import PATIENCE

KEY = "test"


@pytest.fixture(scope="module")
def private_key(tmp_path_factory):
    file = tmp_path_factory.mktemp("key") / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    return file


def asked_for(driver, name: str, size: str = "m1.tiny", **more):
    sizes = {offered.name: offered for offered in driver.list_sizes()}
    image = next(image for image in driver.list_images() if image.name == IMAGES[0])
    networks = [network for network in driver.ex_list_networks() if network.name == NETWORK]
    return driver.create_node(name=name, size=sizes[size], image=image, networks=networks, **more)


def said(address: str, key, *command: str) -> str:
    options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    line = ["ssh", "-i", str(key), *options, "-o", "ConnectTimeout=5", f"root@{address}", *command]
    deadline = time.monotonic() + PATIENCE
    while (done := subprocess.run(line, capture_output=True, text=True, check=False)).returncode == 255:
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.2)
    return done.stdout


def address_of(server: dict) -> str:
    return server["addresses"][NETWORK][0]["addr"]


def federated(cloud: Cloud, token: str, project: Project):
    return get_driver("openstack")(
        cloud.idp, token, api_version="2.2", ex_force_auth_url=cloud.auth_url.removesuffix("/v3"),
        ex_force_auth_version="3.x_oidc_access_token", ex_tenant_name=cloud.protocol, ex_domain_name=project.id,
        ex_force_service_region=cloud.region,
    )  # fmt: skip


def test_a_server_is_made_answers_to_ssh_and_leaves_nothing(openstack: Cloud, private_key):
    with openstack.project() as project:
        driver = project.libcloud()
        driver.import_key_pair_from_string(KEY, private_key.with_suffix(".pub").read_text())
        node = asked_for(driver, "one", ex_keyname=KEY, ex_userdata="#!/bin/sh\necho told > /root/told\n")
        server = openstack.wait(node.id, "ACTIVE")
        assert said(address_of(server), private_key, "hostname").strip() == "one"
        assert "told" in said(
            address_of(server),
            private_key,
            "for i in $(seq 600); do [ -s /root/told ] && break; sleep 0.1; done; cat /root/told",
        )
        assert openstack.hosts()[node.id]
        assert {"servers", "ports", "key pairs", "hosts"} == set(project.contents())
        driver.destroy_node(node)
        openstack.wait(node.id, "DELETED")
        driver.delete_key_pair(driver.get_key_pair(KEY))
        assert project.contents() == {}


def test_servers_stop_start_and_outlive_their_agent(openstack: Cloud, private_key):
    with openstack.project() as project:
        driver = project.libcloud()
        driver.import_key_pair_from_string(KEY, private_key.with_suffix(".pub").read_text())
        node = asked_for(driver, "two", ex_keyname=KEY)
        server = openstack.wait(node.id, "ACTIVE")
        said(address_of(server), private_key, "touch /root/kept")
        openstack.stop_server(node.id)
        assert openstack.hosts() | {node.id: False} == openstack.hosts()
        driver.ex_start_node(node)
        openstack.wait(node.id, "ACTIVE")
        assert "kept" in said(address_of(server), private_key, "ls /root")
        number = int(server["OS-EXT-SRV-ATTR:host"].removeprefix("compute-"))
        openstack.restart_compute(number)
        assert openstack.wait(node.id, "ACTIVE")
        assert "kept" in said(address_of(server), private_key, "ls /root")
        driver.reboot_node(node)
        openstack.wait(node.id, "ACTIVE")
        assert "kept" in said(address_of(server), private_key, "ls /root")


def test_a_server_that_dies_behind_the_clouds_back_is_seen_as_shut_off(openstack: Cloud):
    with openstack.project() as project:
        node = asked_for(project.libcloud(), "three")
        openstack.wait(node.id, "ACTIVE")
        openstack.kill_server(node.id)
        openstack.wait(node.id, "SHUTOFF")


def test_builds_fail_where_nothing_fits_and_where_a_test_wants_it(openstack: Cloud):
    with openstack.project() as project:
        driver = project.libcloud()
        too_big = openstack.wait(asked_for(driver, "huge", HUGE).id, "ERROR")
        assert "No valid host was found" in too_big["fault"]["message"]
        openstack.fail_builds(2)
        openstack.wait(asked_for(driver, "unlucky").id, "ERROR")
        openstack.wait(asked_for(driver, "lucky").id, "ACTIVE")


def test_a_quota_is_kept(openstack: Cloud):
    with openstack.project(quota={"instances": 1}) as project:
        driver = project.libcloud()
        asked_for(driver, "first")
        with pytest.raises(BaseHTTPError, match="Quota exceeded"):
            asked_for(driver, "second")


def test_members_of_a_vo_come_in_with_their_token_and_nobody_else(openstack: Cloud):
    with openstack.project(vo="vo.example.org") as project, openstack.project() as other:
        member = federated(openstack, openstack.token("vo.example.org"), project)
        node = asked_for(member, "of-the-vo")
        assert openstack.wait(node.id, "ACTIVE")["tenant_id"] == project.id
        refused = {
            "wrong VO": (openstack.token("vo.elsewhere.org"), project),
            "a name that only looks alike": (openstack.token("voXexample.org"), project),
            "expired": (openstack.token("vo.example.org", seconds=-10), project),
            "forged": (openstack.forged_token("vo.example.org"), project),
            "garbage": ("garbage", project),
            "unknown issuer": (openstack.token("vo.example.org", issuer="https://elsewhere.org"), project),
            "not their project": (openstack.token("vo.example.org"), other),
        }
        for why, (token, where) in refused.items():
            with pytest.raises((InvalidCredsError, BaseHTTPError, ValueError)):
                pytest.fail(f"{why}: {federated(openstack, token, where).list_sizes()}")


def test_application_credentials_open_their_project(openstack: Cloud):
    with openstack.project() as project:
        key, secret = project.application_credential()
        driver = get_driver("openstack")(
            key, secret, api_version="2.2", ex_force_auth_url=openstack.auth_url.removesuffix("/v3"),
            ex_force_auth_version="3.x_appcred", ex_force_service_region=openstack.region,
        )  # fmt: skip
        assert driver.list_sizes()


def test_the_proxy_counts_refuses_and_loses(openstack: Cloud):
    with openstack.project() as project, openstack.proxy() as proxy:
        driver = project.libcloud(proxy.auth_url)
        driver.list_nodes()
        assert proxy.count("compute", "GET", "/servers/detail") == 1
        assert proxy.count("identity", "POST", "/auth/tokens$") == 1
        proxy.reset()
        with proxy.fault("refuse", "compute", "POST", "/servers$", nth=2) as fault:
            asked_for(driver, "first")
            with pytest.raises(BaseHTTPError):
                asked_for(driver, "second")
            asked_for(driver, "third")
        assert fault.hits == 1
        with proxy.fault("lose", "compute", "POST", "/servers$"), pytest.raises(Exception, match="abort"):
            asked_for(driver, "lost")
        assert [call.status for call in proxy.writes()] == [202, 503, 202, 0]
        assert sorted(server["name"] for server in project.servers()) == ["first", "lost", "third"]
