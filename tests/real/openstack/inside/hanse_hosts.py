"""Nova's hypervisor: servers are namespace hosts with sshd, at the fixed address that neutron gave.

What really runs is asked of the machine each time: a restart of nova-compute forgets nothing, and a host that died
behind nova's back is seen as shut down. Memory, cores and disks are only counted, as in nova's own fake driver.
"""

# ruff: noqa: PLR0917  (the signatures are nova's)
import base64
import json
import os
from contextlib import contextmanager
from pathlib import Path

from hanse_machines import Machines, network_of, take_failure
from nova import conf, exception
from nova.compute import power_state
from nova.virt import fake, hardware

from reconciler.errors import HanseError

RUN = Path(os.environ["HANSE_RUN"])


class NamespaceDriver(fake.FakeDriverWithoutFakeNodes):
    """The servers of one compute host."""

    vcpus, memory_mb, local_gb = 4000, 16_000_000, 400_000

    def init_host(self, host):
        super().init_host(host)
        facts = json.loads((RUN / "machines.json").read_text())
        self._machines = Machines(RUN / "machines" / conf.CONF.host, network_of(facts), facts["root"])

    def update_provider_tree(self, provider_tree, nodename, allocations=None):
        super().update_provider_tree(provider_tree, nodename, allocations)
        # Nova asks for this after it has begun to listen to its queue: whoever waits for this host may go on.
        (Path(conf.CONF.state_path) / "ready").touch()

    def get_num_instances(self):
        return len(self._machines.ids())

    def list_instance_uuids(self):
        return self._machines.ids()

    def list_instances(self):
        return self._machines.ids()

    def instance_exists(self, instance):
        return self._machines.runs(instance.uuid) is not None

    def get_info(self, instance, use_cache=True):
        runs = self._machines.runs(instance.uuid)
        if runs is None:
            raise exception.InstanceNotFound(instance_id=instance.uuid)
        return hardware.InstanceInfo(state=power_state.RUNNING if runs else power_state.SHUTDOWN)

    def spawn(self, context, instance, image_meta, injected_files, admin_password, allocations,
              network_info=None, block_device_info=None, power_on=True, accel_info=None):  # fmt: skip
        if take_failure(RUN):
            raise exception.InstanceDeployFailure(reason="a test wants this build to fail")
        addresses = [ip["address"] for vif in network_info or () for ip in vif.fixed_ips() if ip["version"] == 4]
        if not addresses:
            raise exception.InstanceDeployFailure(reason="a namespace host needs an IPv4 address")
        user_data = base64.b64decode(instance.user_data or "").decode(errors="replace")
        keys = [key for key in (instance.key_data or "").splitlines() if key.strip()]
        try:
            self._machines.build(instance.uuid, instance.hostname, addresses[0], keys, user_data)
        except HanseError as error:
            raise exception.InstanceDeployFailure(reason=str(error)) from error

    def destroy(self, context, instance, network_info, block_device_info=None, destroy_disks=True,
                destroy_secrets=True):  # fmt: skip
        self._machines.take_away(instance.uuid)

    def cleanup(self, context, instance, network_info, block_device_info=None, destroy_disks=True, migrate_data=None,
                destroy_vifs=True, destroy_secrets=True):  # fmt: skip
        self._machines.take_away(instance.uuid)

    def power_off(self, instance, timeout=0, retry_interval=0):
        with _found(instance):
            self._machines.stop(instance.uuid)

    def power_on(self, context, instance, network_info, block_device_info=None, accel_info=None, share_info=None):
        with _found(instance):
            self._machines.start(instance.uuid)

    def reboot(self, context, instance, network_info, reboot_type, block_device_info=None, bad_volumes_callback=None,
               accel_info=None, share_info=None):  # fmt: skip
        with _found(instance):
            self._machines.stop(instance.uuid)
            self._machines.start(instance.uuid)

    def get_console_output(self, context, instance):
        return self._machines.console(instance.uuid)


@contextmanager
def _found(instance):
    """Say in nova's words that there is no such server."""
    try:
        yield
    except KeyError as error:
        raise exception.InstanceNotFound(instance_id=instance.uuid) from error
