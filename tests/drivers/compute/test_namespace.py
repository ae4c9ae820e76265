"""What nodes as network namespaces do beyond the contract: they are hosts, and nothing of them is ever lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.drivers import namespace
from reconciler.drivers.namespace import book, commands, machine
from reconciler.drivers.namespace.__main__ import close_all
from reconciler.drivers.namespace.network import mac
from reconciler.drivers.sshkey import own_key
from reconciler.errors import SettingsError, Terminal
from reconciler.model import Reason, Target
from reconciler.ports import Node, NodeRequest
from tests.real.namespaces import of_world
from tests.real.waiting import PATIENCE

NAME = "aaaaaaaaaaaa-workers-0"

needs_root = pytest.mark.root


def target(state: Path, roots: Path, name: str = "SITE-A/cloud/vo.example.org", **options) -> Target:
    table = {"rootfs": str(roots), **options}
    return Target(f"compute:{name}", "namespace", {"state": str(state / "compute"), "namespace": table})


def request(world: namespace.World, name: str = NAME, **more) -> NodeRequest:
    return NodeRequest(name, world.sizes()[0], world.images()[0], **more)


@pytest.fixture
def world(roots, tmp_path):
    made = namespace.open(target(tmp_path, roots))
    yield made
    made.close_down()
    assert of_world(made) == set()


THERE = "for i in $(seq 600); do [ -s {0} -o -e {0} ] && break; sleep 0.1; done"
"""In a shell: wait for a file."""


def ssh(world: namespace.World, node: Node, command: str, key: Path | None = None) -> subprocess.CompletedProcess[str]:
    key = key or own_key(world.options.state)
    options = ["-F", "/dev/null", "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]
    options += ["-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={world.directory / 'known'}"]
    end = time.monotonic() + PATIENCE
    while True:
        done = subprocess.run(
            ["ssh", *options, f"root@{node.addresses[0]}", command],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=PATIENCE,
        )  # fmt: skip
        if "Connection refused" not in done.stderr or time.monotonic() > end:
            return done
        time.sleep(0.02)


# -- a node is a host -------------------------------------------------------------------------------------------------


@needs_root
def test_a_node_is_a_host_of_its_own(world) -> None:
    node = world.create(request(world))
    said = ssh(
        world,
        node,
        "hostname; ps -e -o comm=; id -un; cat /etc/hostname; ls /sys/class/net; test -e /dev/sda || echo none",
    )
    assert said.returncode == 0, said.stderr
    lines = said.stdout.split()
    assert lines[0] == NAME
    assert "root" in lines
    assert set(lines) & {"sshd"}
    assert "python" not in said.stdout, "it sees processes of its host"
    assert lines[-3:] == ["eth0", "lo", "none"]


@needs_root
def test_a_careful_umask_of_ours_locks_no_user_of_a_node_out(world) -> None:
    before = os.umask(0o077)
    try:
        node = world.create(request(world))
    finally:
        os.umask(before)
    said = ssh(world, node, "su -s /bin/sh nobody -c 'cat /etc/hostname'; umask")
    assert said.stdout.split() == [NAME, "0022"], said.stderr


@needs_root
def test_nodes_reach_each_other_and_have_host_keys_of_their_own(world) -> None:
    first, second = (world.create(request(world, f"aaaaaaaaaaaa-workers-{i}")) for i in range(2))
    script = "import socket,sys; print(socket.create_connection((sys.argv[1], 22), 5).recv(4))"
    assert ssh(world, first, f"python3 -c '{script}' {second.addresses[0]}").stdout.strip() == "b'SSH-'"
    keys = {ssh(world, node, "cat /etc/ssh/ssh_host_ed25519_key.pub").stdout for node in (first, second)}
    assert len(keys) == 2


@needs_root
def test_only_the_keys_asked_for_and_our_own_may_log_in(world, tmp_path) -> None:
    keys = [own_key(str(tmp_path / which / "compute")) for which in ("asked", "stranger")]
    node = world.create(request(world, public_keys=(keys[0].with_name("id_ed25519.pub").read_text(),)))
    assert ssh(world, node, "true").returncode == 0
    assert ssh(world, node, "true", keys[0]).returncode == 0
    assert "Permission denied" in ssh(world, node, "true", keys[1]).stderr


@needs_root
def test_what_a_node_writes_is_seen_by_no_other(world, roots) -> None:
    first, second = (world.create(request(world, f"aaaaaaaaaaaa-workers-{i}")) for i in range(2))
    ssh(world, first, "echo mine > /etc/motd; rm /etc/debian_version")
    assert ssh(world, second, "cat /etc/debian_version").stdout.strip()
    assert all((root / "etc/debian_version").exists() for root in roots.iterdir() if root.is_dir())


@needs_root
def test_what_comes_to_a_node_and_goes_from_it_is_counted_until_it_is_started_anew(world) -> None:
    node = world.create(request(world))
    assert ssh(world, node, "head -c 300000 /dev/zero").returncode == 0
    counted = world.traffic([node.id, "no-such-node"])
    assert list(counted) == [node.id]
    assert counted[node.id].sent > 300_000 > counted[node.id].received > 0
    world.stop(node.id)
    world.power_on(node.id)
    assert world.traffic([node.id])[node.id].sent < 100_000


@needs_root
def test_user_data_runs_once(world) -> None:
    node = world.create(request(world, user_data="#!/bin/sh\necho started >> /root/boots\n"))
    assert ssh(world, node, f"{THERE.format('/root/boots')}; cat /root/boots").stdout == "started\n"
    world.stop(node.id)
    world.power_on(node.id)
    assert ssh(world, node, "sleep 0.3; cat /root/boots").stdout == "started\n"


@needs_root
def test_enabled_services_start_with_the_node(world) -> None:
    node = world.create(request(world))
    script = "#!/bin/sh\n[ $1 = start ] && touch /run/has-started\n"
    ssh(
        world,
        node,
        f"printf '{script}' > /etc/init.d/mine; chmod +x /etc/init.d/mine; ln -s ../init.d/mine /etc/rc2.d/S01mine",
    )
    world.stop(node.id)
    world.power_on(node.id)
    assert ssh(world, node, f"{THERE.format('/run/has-started')}; ls /run/has-started").returncode == 0


# -- names, addresses, worlds -----------------------------------------------------------------------------------------


@needs_root
def test_long_names_that_begin_alike_are_different_nodes(world) -> None:
    names = [f"aaaaaaaaaaaa-a-group-with-a-long-name-{i}{'x' * 60}" for i in (1, 2)]
    nodes = [world.create(request(world, name)) for name in names]
    assert len({node.addresses for node in nodes}) == 2
    assert {node.name for node in world.nodes().nodes} == set(names)


@needs_root
@pytest.mark.parametrize("name", ["../escape", "", "a/b", "-x", "a" * 201])
def test_a_name_that_is_no_file_name_is_refused(world, name) -> None:
    with pytest.raises(Terminal, match="cannot be a node's name"):
        world.create(request(world, name))


@needs_root
def test_an_address_used_again_answers_at_once(world) -> None:
    usual = 0.0
    for generation in range(3):
        node = world.create(request(world, f"aaaaaaaaaaaa-workers-{generation}"))
        began = time.monotonic()
        assert ssh(world, node, "true").returncode in (0, 255)
        usual = usual or time.monotonic() - began
        (world.directory / "known").unlink(missing_ok=True)
        began = time.monotonic()
        link = ssh(world, node, "cat /sys/class/net/eth0/address")
        assert link.stdout.strip() == mac(node.addresses[0])
        assert time.monotonic() - began < 5 + 5 * usual
        world.destroy(node.id)
    assert node.addresses[0].endswith(".2")


@needs_root
def test_worlds_do_not_see_each_other(world, roots, tmp_path) -> None:
    other = namespace.open(target(tmp_path, roots, "SITE-B/cloud"))
    try:
        here, there = world.create(request(world)), other.create(request(other))
        assert here.addresses != there.addresses
        assert [n.id for n in other.nodes().nodes] == [there.id]
        world.destroy(there.id)
        assert other.nodes().nodes[0].state == "running"
    finally:
        other.close_down()


@needs_root
def test_a_subnet_that_was_asked_for_is_used(roots, tmp_path) -> None:
    world = namespace.open(target(tmp_path, roots, subnet="10.111.222.0/29"))
    try:
        nodes = [world.create(request(world, f"aaaaaaaaaaaa-workers-{i}")) for i in range(5)]
        assert {n.addresses[0] for n in nodes} == {f"10.111.222.{i}" for i in range(2, 7)}
        with pytest.raises(Terminal, match=r"10\.111\.222\.0/29 are taken"):
            world.create(request(world, "aaaaaaaaaaaa-workers-5"))
        assert len(world.nodes().nodes) == 5
    finally:
        world.close_down()
    assert of_world(world) == set()


@needs_root
def test_a_subnet_that_somebody_else_has_is_not_taken(world, roots, tmp_path) -> None:
    world.create(request(world))
    held = json.loads((world.directory / "world.json").read_text())["subnet"]
    other = namespace.open(target(tmp_path, roots, "SITE-B/cloud", subnet=held))
    with pytest.raises(Terminal, match=f"the nodes' subnet {held} touches {held} of hb"):
        other.create(request(other))
    other.close_down()
    assert of_world(other) == set()
    assert world.nodes().nodes[0].state == "running"


@needs_root
def test_every_world_of_a_state_folder_can_be_taken_away_at_once(world, roots, tmp_path) -> None:
    other = namespace.open(target(tmp_path, roots, "SITE-B/cloud"))
    for each in (world, other):
        each.create(request(each))
    close_all(world.options.state)
    assert of_world(world) | of_world(other) == set()
    assert not any(world.directory.parent.iterdir())


# -- states -----------------------------------------------------------------------------------------------------------


@needs_root
def test_a_node_whose_process_died_is_stopped_and_keeps_its_files(world) -> None:
    node = world.create(request(world))
    ssh(world, node, "echo kept > /root/file")
    (key,) = {ssh(world, node, "cat /etc/ssh/ssh_host_ed25519_key.pub").stdout}
    process = json.loads((world.directory / "nodes" / NAME / "process.json").read_text())
    os.kill(process["pid"], signal.SIGKILL)
    while world.nodes().nodes[0].state == "running":
        time.sleep(0.01)
    assert world.nodes().nodes[0].state == "stopped"
    assert world.create(request(world)).id == node.id
    again = ssh(world, node, "cat /root/file /etc/ssh/ssh_host_ed25519_key.pub")
    assert again.stdout == "kept\n" + key


@needs_root
def test_a_process_id_that_somebody_else_has_now_is_not_taken_for_the_node(world) -> None:
    node = world.create(request(world))
    world.stop(node.id)
    (world.directory / "nodes" / NAME / "process.json").write_text(json.dumps({"pid": os.getpid(), "started": 1}))
    assert world.nodes().nodes[0].state == "stopped"
    world.destroy(node.id)
    assert world.nodes().nodes == ()


@needs_root
def test_a_damaged_record_makes_the_list_incomplete_and_hides_no_other_node(world) -> None:
    world.create(request(world))
    world.create(request(world, "aaaaaaaaaaaa-workers-1"))
    (world.directory / "nodes" / NAME / "node.json").write_text('{"id": "abc"')
    listing = world.nodes()
    assert not listing.complete
    assert [n.name for n in listing.nodes] == ["aaaaaaaaaaaa-workers-1"]


@needs_root
def test_more_than_the_quota_is_refused_with_its_reason(roots, tmp_path) -> None:
    world = namespace.open(target(tmp_path, roots, quota={"cpus": 1}))
    try:
        world.create(request(world))
        with pytest.raises(Terminal, match="quota exceeded for cpus: 1 asked for, 0 left") as refused:
            world.create(request(world, "aaaaaaaaaaaa-workers-1"))
        assert refused.value.reason == Reason.QUOTA_EXCEEDED
        assert len(world.nodes().nodes) == 1
    finally:
        world.close_down()


@needs_root
def test_a_node_that_cannot_boot_says_why(world) -> None:
    world.create(request(world, "aaaaaaaaaaaa-workers-1"))
    root = json.loads((world.directory / "nodes/aaaaaaaaaaaa-workers-1/node.json").read_text())["root"]
    world._book.write(world._enter(request(world), Path(root)).model_copy(update={"root": "/nonexistent"}))
    with pytest.raises(Terminal, match=f"{NAME} did not come up: .*mount overlay"):
        world.create(request(world))
    broken = next(n for n in world.nodes().nodes if n.name == NAME)
    assert broken.state == "error"
    assert "mount overlay" in broken.fault


# -- kill -9 ----------------------------------------------------------------------------------------------------------

STEPS = [
    (commands.subprocess, "run"), (machine, "_await"), (book, "_write"), (book.Book, "strike"),
]  # fmt: skip
"""What is counted: every program that is run, every wait and every write."""


def killed(world: namespace.World, step: int, what: Callable[[], object]) -> bool:
    """Do it in a process that is killed before its step number ``step``; False when it finished first."""
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in (0, -signal.SIGKILL)
        return status != 0
    try:
        left = iter(range(step))
        for holder, name in STEPS:
            setattr(holder, name, _counted(getattr(holder, name), left))
        what()
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _counted(call, left):
    def counted(*arguments, **more):
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **more)

    return counted


@needs_root
def test_a_create_killed_at_any_step_is_seen_and_completed(world) -> None:
    for step in range(60):
        if not killed(world, step, lambda: world.create(request(world, metadata={"hanse-uid": "u"}))):
            break
        listing = world.nodes()
        assert listing.complete
        for node in listing.nodes:
            assert node.state == "error", f"step {step}"
            assert "interrupted" in node.fault
            assert dict(node.metadata) == {"hanse-uid": "u"}
        made = world.create(request(world, metadata={"hanse-uid": "u"}))
        assert [n.state for n in world.nodes().nodes] == ["running"]
        assert ssh(world, made, "true").returncode == 0, f"step {step}"
        world.destroy(made.id)
        (world.directory / "known").unlink()
        assert not any("netns" in name or "process" in name for name in of_world(world)), f"step {step}"
    assert 10 < step < 59


@needs_root
def test_what_a_killed_create_left_can_be_destroyed(world) -> None:
    for step in range(0, 60, 3):
        if not killed(world, step, lambda: world.create(request(world, metadata={"hanse-uid": "u"}))):
            break
        for node in world.nodes().nodes:
            world.destroy(node.id)
        assert world.nodes().nodes == ()
        left = {name for name in of_world(world) if not name.startswith("link hb")}
        assert left == set(), f"step {step}"


@needs_root
def test_a_destroy_killed_at_any_step_is_seen_and_completed(world) -> None:
    for step in range(60):
        node = world.create(request(world))
        if not killed(world, step, lambda made=node: world.destroy(made.id)):
            break
        states = [n.state for n in world.nodes().nodes]
        assert states in (["running"], ["deleting"]), f"step {step}"
        if step % 2:
            world.create(request(world))
            assert [n.state for n in world.nodes().nodes] == ["running"]
        for node in world.nodes().nodes:
            world.destroy(node.id)
        assert world.nodes().nodes == ()
    assert 3 < step < 59


@needs_root
def test_a_node_being_made_is_pending_for_others(world) -> None:
    from reconciler.drivers.locks import locked

    node = world.create(request(world))
    record = world._book.read(NAME)
    world._book.write(record.model_copy(update={"phase": "building"}))
    with locked(world._book.lock(NAME)):
        assert world.nodes().nodes[0].state == "pending"
    assert world.nodes().nodes[0].state == "error"
    assert world.create(request(world)).id == node.id


# -- what it needs ----------------------------------------------------------------------------------------------------


def test_without_root_it_says_so(monkeypatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Terminal, match="need root"):
        commands.require(["ip"])


def test_elsewhere_than_on_linux_it_says_so(monkeypatch) -> None:
    monkeypatch.setattr(commands.platform, "system", lambda: "Darwin")
    with pytest.raises(Terminal, match="need Linux; this is Darwin"):
        commands.require(["ip"])


@needs_root
def test_a_missing_tool_is_named_with_its_package(monkeypatch, tmp_path, roots) -> None:
    monkeypatch.setattr(commands, "PATH", str(tmp_path))
    with pytest.raises(Terminal, match=r"mmdebstrap, nsenter not found: apt-get install mmdebstrap util-linux"):
        commands.require(["mmdebstrap", "nsenter"])


def test_a_wrong_option_is_named() -> None:
    with pytest.raises(SettingsError, match=r"namespace\.subnet: .*8\.8\.8\.0/24 is not a private network"):
        namespace.open(Target("compute:a/b", "namespace", {"state": "s", "namespace": {"subnet": "8.8.8.0/24"}}))
    with pytest.raises(SettingsError, match=r"namespace\.subnett"):
        namespace.open(Target("compute:a/b", "namespace", {"state": "s", "namespace": {"subnett": "10.0.0.0/24"}}))


def test_looking_at_a_world_makes_nothing(tmp_path) -> None:
    world = namespace.open(target(tmp_path, tmp_path / "roots"))
    assert world.nodes().nodes == ()
    assert world.quota().instances is None
    world.close_down()
    assert list(tmp_path.iterdir()) == []
