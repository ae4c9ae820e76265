"""The playbooks that come with Hanse, on real hosts: they make it so, and a second run changes nothing."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from reconciler.drivers.sshkey import own_key
from reconciler.ports import RunRequest
from tests.drivers.configure.conftest import finished
from tests.drivers.configure.test_ansible import on
from tests.real.waiting import PATIENCE, until

pytestmark = pytest.mark.root

STRANGER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f anna@tides.example.org"
SECRET = "correct horse"


def request(hosts, playbook: str = "present.yml", **variables) -> RunRequest:
    secrets = {"hanse_secret_0_token": SECRET} if "token" in variables else {}
    given = {
        "hanse_cluster": {"name": "sediment", "namespace": "tides", "uid": "a" * 32, "vo": "vo.tides.example.org"},
        "hanse_members": [{"name": h.name, "address": h.address, "groups": list(h.groups)} for h in hosts],
        "hanse_worker_groups": ["workers"],
        "hanse_cpus": 1,
        "hanse_ram_mib": 1024,
        "hanse_ports": ["22/tcp"],
        "hanse_ssh_keys": [STRANGER],
        "hanse_software": [{"role": "http_service", "variables": variables}],
    }
    return RunRequest(f"virtualcluster/{playbook}", hosts, given, secrets)


def page(address: str, port: int, token: str = "") -> str:
    asked = urllib.request.Request(f"http://{address}:{port}/")
    if token:
        asked.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
        return answer.read().decode()


def test_a_cluster_is_configured_changed_and_freed(runs, hosts, world) -> None:
    client = runs(playbooks="")
    front = hosts[0].address

    def run(**variables):
        ended = finished(client, client.start(request(hosts, **variables)))
        assert ended.state == "successful", ended
        return ended.message

    first = {"page": "<h1>{{ tides }}</h1>", "port": 8081}
    assert "changed 0" not in run(**first)
    assert page(front, 8081) == "<h1>{{ tides }}</h1>"
    assert on(hosts[1], world, "cat /proc/sys/kernel/hostname; hostname") == "sediment-workers-0\n" * 2
    assert "sediment-frontend-0" in on(hosts[2], world, "getent hosts sediment-frontend-0 | cat")
    keys = on(hosts[1], world, "cat /root/.ssh/authorized_keys").splitlines()
    assert keys == [own_key(world.options.state).with_name("id_ed25519.pub").read_text().strip(), STRANGER]
    mark = json.loads(on(hosts[1], world, "cat /etc/hanse-cluster.json"))
    assert (mark["cluster"]["name"], mark["group"], mark["ordinal"]) == ("sediment", "workers", 0)

    assert "changed 0" in run(**first), "a second run changes nothing"

    second = {"page": "<h1>Ebb</h1>", "port": 80, "token": "{{ hanse_secret_0_token }}"}
    assert "changed 0" not in run(**second)
    assert page(front, 80, SECRET) == "<h1>Ebb</h1>"
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        page(front, 80)
    refused.value.close()
    with pytest.raises(OSError, match="refused"):
        page(front, 8081)
    ours = "ps -o user=,args= -C python3 | awk 'NF > 2 {print $1}'"  # other tests leave theirs for a while
    user = lambda: on(hosts[0], world, ours).split()  # noqa: E731
    until("only its own user serves it", user, lambda found: found == ["nobody"])

    node = next(n for n in world.nodes().nodes if n.name == hosts[0].name)
    world.stop(node.id)
    world.power_on(node.id)
    until("it starts with its host", user, lambda found: found == ["nobody"])
    on(hosts[0], world, "for i in $(seq 600); do ss -Hlt 'sport = 80' | grep -q . && exit; sleep 0.1; done")
    assert page(front, 80, SECRET) == "<h1>Ebb</h1>"

    assert "changed 0" not in run(playbook="absent.yml", **second)
    assert on(hosts[0], world, "ls /etc/init.d /srv /etc | grep hanse || true") == ""
    until("nothing serves it", user, lambda found: found == [])
    assert "changed 0" in run(playbook="absent.yml", **second)


def test_a_variable_of_the_wrong_type_is_named(runs, hosts) -> None:
    client = runs(playbooks="")
    ended = finished(client, client.start(request(hosts[:1], port="eighty")))
    assert ended.state == "failed"
    (said,) = ended.failed_hosts.values()
    assert "port" in said
    assert "eighty" in said


def test_a_role_that_is_not_there_is_named(runs, hosts) -> None:
    client = runs(playbooks="")
    asked = request(hosts[:1])
    asked.variables["hanse_software"][0]["role"] = "teleporter"
    ended = finished(client, client.start(asked))
    assert ended.state == "failed"
    assert "teleporter" in f"{ended.message} {ended.failed_hosts}"
