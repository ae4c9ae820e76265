"""The configuration of every service: written anew at each start, because the ports differ from run to run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from configparser import RawConfigParser
from dataclasses import dataclass
from pathlib import Path

Sections = Mapping[str, Mapping[str, object]]
SERVICES = ("identity", "placement", "image", "network", "compute")
REGION = "RegionOne"
PASSWORD = "loopback"
"""Of the administrator and of the services' users: they live on this machine's loopback only."""
DATABASES = ("keystone", "placement", "glance", "nova_api", "nova", "nova_cell0", "neutron")
COMPUTES = (1, 2)


@dataclass(frozen=True)
class Layout:
    """Where things are in one run."""

    run: Path
    venv: Path
    ports: Mapping[str, int]
    """Of each of SERVICES, and of ``rabbit``, ``distribution`` (Erlang's) and ``epmd``."""

    @property
    def etc(self) -> Path:
        """Configuration files."""
        return self.run / "etc"

    @property
    def socket(self) -> Path:
        """MariaDB's."""
        return self.run / "mariadb.sock"

    def url(self, service: str) -> str:
        """Address of a service."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def endpoint(self, service: str) -> str:
        """Its entry in the catalogue."""
        return self.url(service) + {"identity": "/v3", "compute": "/v2.1"}.get(service, "")

    def database(self, name: str) -> str:
        """SQLAlchemy's URL of a database."""
        return f"mysql+pymysql://root@localhost/{name}?unix_socket={self.socket}&charset=utf8"

    @property
    def messages(self) -> str:
        """RabbitMQ's URL."""
        return f"rabbit://guest:guest@127.0.0.1:{self.ports['rabbit']}//"


def write(layout: Layout) -> None:
    """Write everything below ``layout.etc``, and RabbitMQ's files."""
    files = {
        "keystone/keystone.conf": _keystone(layout),
        "placement/placement.conf": _placement(layout),
        "glance/glance-api.conf": _glance(layout),
        "nova/nova.conf": {**_nova(layout), **_nova_databases(layout)},
        "neutron/neutron.conf": _neutron(layout),
        **{f"nova/compute-{n}.conf": {**_nova(layout), "DEFAULT": _compute(layout, n)} for n in COMPUTES},
    }
    for name, sections in files.items():
        _write(layout.etc / name, sections)
    # The API looks for it beside nova.conf, wherever that says it is.
    shutil.copy(layout.venv / "etc/nova/api-paste.ini", layout.etc / "nova/api-paste.ini")
    for folder in ("log", "images", "lock", "rabbit", "state", "python"):
        (layout.run / folder).mkdir(exist_ok=True)
    (layout.run / "rabbit/rabbitmq.conf").write_text("vm_memory_high_watermark.relative = 0.2\n")
    (layout.run / "rabbit/enabled_plugins").write_text("[].\n")
    # Neutron finds its mechanism drivers as entry points of installed distributions.
    entry = layout.run / "python/hanse_openstack-1.dist-info"
    entry.mkdir(exist_ok=True)
    (entry / "METADATA").write_text("Metadata-Version: 2.1\nName: hanse-openstack\nVersion: 1\n")
    (entry / "entry_points.txt").write_text("[neutron.ml2.mechanism_drivers]\neverywhere = hanse_binding:Everywhere\n")


def _write(file: Path, sections: Sections) -> None:
    parser = RawConfigParser()
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read_dict({name: {k: str(v) for k, v in values.items()} for name, values in sections.items()})
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as out:
        parser.write(out)


def _user(layout: Layout, name: str) -> dict[str, object]:
    return {
        "auth_url": layout.endpoint("identity"), "auth_type": "password", "username": name, "password": PASSWORD,
        "project_name": "service", "user_domain_id": "default", "project_domain_id": "default",
        "region_name": REGION,
    }  # fmt: skip


def _checked(layout: Layout, name: str) -> dict[str, object]:
    """How a service checks the tokens that it is shown."""
    return _user(layout, name) | {
        "www_authenticate_uri": layout.endpoint("identity"),
        "service_token_roles": "service", "service_token_roles_required": True,
    }  # fmt: skip


def _stored(layout: Layout, name: str) -> dict[str, object]:
    return {"connection": layout.database(name), "max_pool_size": 10, "max_overflow": 20}


def _keystone(layout: Layout) -> Sections:
    return {
        "DEFAULT": {"log_file": layout.run / "log/keystone.log"},
        "database": _stored(layout, "keystone"),
        # Passwords are known to be worthless here; the usual cost is a quarter of a second for each log-in.
        "identity": {"password_hash_rounds": 4},
        "token": {"provider": "fernet"},
        "fernet_tokens": {"key_repository": layout.run / "keys/fernet"},
        "credential": {"key_repository": layout.run / "keys/credential"},
        "auth": {"methods": "password,token,application_credential,openid,mapped"},
        "openid": {"remote_id_attribute": "HTTP_OIDC_ISS"},
    }


def _placement(layout: Layout) -> Sections:
    return {
        "DEFAULT": {"log_file": layout.run / "log/placement.log"},
        "placement_database": _stored(layout, "placement"),
        "keystone_authtoken": _checked(layout, "placement"),
    }


def _glance(layout: Layout) -> Sections:
    return {
        "DEFAULT": {
            "log_file": layout.run / "log/glance.log", "enabled_backends": "files:file",
            "worker_self_reference_url": layout.url("image"),
        },
        "database": _stored(layout, "glance"),
        "paste_deploy": {"flavor": "keystone", "config_file": layout.venv / "etc/glance/glance-api-paste.ini"},
        "glance_store": {"default_backend": "files"},
        "files": {"filesystem_store_datadir": layout.run / "images"},
        "os_glance_tasks_store": {"filesystem_store_datadir": layout.run / "state/glance-tasks"},
        "os_glance_staging_store": {"filesystem_store_datadir": layout.run / "state/glance-staging"},
        "oslo_concurrency": {"lock_path": layout.run / "lock"},
        "keystone_authtoken": _checked(layout, "glance"),
    }  # fmt: skip


def _nova(layout: Layout) -> Sections:
    return {
        "DEFAULT": {
            "log_dir": layout.run / "log", "state_path": layout.run / "state", "my_ip": "127.0.0.1",
            "transport_url": layout.messages, "compute_driver": "hanse_hosts.NamespaceDriver",
            "vif_plugging_is_fatal": False, "vif_plugging_timeout": 0,
            "report_interval": 2, "service_down_time": 15,
            # What dies behind nova's back is noticed after this many seconds.
            "sync_power_state_interval": 3,
            "periodic_fuzzy_delay": 0,
            "reserved_host_memory_mb": 0,
        },
        "api": {"auth_strategy": "keystone"},
        "compute": {"consecutive_build_service_disable_threshold": 0},
        "conductor": {"workers": 1},
        "scheduler": {"workers": 1},
        "filter_scheduler": {"build_failure_weight_multiplier": 0, "shuffle_best_same_weighed_hosts": True},
        "glance": {"endpoint_override": layout.url("image")},
        "placement": {**_user(layout, "placement"), "endpoint_override": layout.url("placement")},
        "neutron": {**_user(layout, "neutron"), "endpoint_override": layout.url("network")},
        "service_user": {**_user(layout, "nova"), "send_service_user_token": True},
        "oslo_concurrency": {"lock_path": layout.run / "lock"},
        "oslo_messaging_rabbit": {"rabbit_retry_interval": 1, "heartbeat_in_pthread": False},
        "vnc": {"enabled": False},
        "keystone_authtoken": _checked(layout, "nova"),
    }  # fmt: skip


def _nova_databases(layout: Layout) -> Sections:
    """What compute hosts may not know."""
    return {"api_database": _stored(layout, "nova_api"), "database": _stored(layout, "nova")}


def _compute(layout: Layout, number: int) -> Mapping[str, object]:
    name = f"compute-{number}"
    return {**_nova(layout)["DEFAULT"], "host": name, "state_path": layout.run / "state" / name}


def _neutron(layout: Layout) -> Sections:
    return {
        "DEFAULT": {
            "log_file": layout.run / "log/neutron.log", "state_path": layout.run / "state", "core_plugin": "ml2",
            "service_plugins": "router", "auth_strategy": "keystone", "transport_url": layout.messages,
            "api_paste_config": layout.venv / "etc/neutron/api-paste.ini", "dhcp_agent_notification": False,
            "notify_nova_on_port_status_changes": True, "notify_nova_on_port_data_changes": True,
        },
        "database": _stored(layout, "neutron"),
        "nova": {**_user(layout, "nova"), "endpoint_override": layout.endpoint("compute")},
        "ml2": {
            "type_drivers": "flat,local", "project_network_types": "local", "mechanism_drivers": "everywhere",
            "extension_drivers": "port_security",
        },
        "ml2_type_flat": {"flat_networks": "*"},
        "oslo_concurrency": {"lock_path": layout.run / "lock"},
        "keystone_authtoken": _checked(layout, "neutron"),
    }  # fmt: skip
