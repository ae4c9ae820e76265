"""Seeds: the databases, images and keys of a cloud that has just been made, kept so that the next one starts from them.

Making one takes about a minute. It is named after everything that it is made by.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from tests.real.openstack import conf, software
from tests.real.openstack.conf import DATABASES
from tests.real.openstack.plane import INSIDE, Plane

TABLES = INSIDE / "hanse_neutron_tables.py"
FOLDERS = ("db", "images", "keys", "state")
"""What a seed consists of, below the folder of a run."""


def seed() -> Path:
    """Where the seed of this version is, or will be."""
    here = Path(__file__).parent
    sources = [Path(__file__), TABLES, here / "conf.py", here / "filling.py"]
    made_by = software.version().encode() + b"".join(file.read_bytes() for file in sources)
    return software.cache() / f"openstack-seed-{hashlib.sha256(made_by).hexdigest()[:12]}"


def keep(run: Path, to: Path) -> None:
    """Keep the stopped cloud below ``run`` as a seed, the only one."""
    temporary = to.with_name(f"building-{to.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    copy(run, temporary)
    for other in to.parent.glob("openstack-seed-*"):
        shutil.rmtree(other, ignore_errors=True)
    temporary.rename(to)


def copy(from_: Path, to: Path) -> None:
    """Copy what a seed consists of."""
    for folder in FOLDERS:
        shutil.copytree(from_ / folder, to / folder, symlinks=True, dirs_exist_ok=True)


def make_databases(plane: Plane) -> None:
    """Make the databases and everything that the services' own programs put into them."""
    plane.sql("".join(f"create database {name} character set utf8mb3;" for name in DATABASES))
    layout = plane.layout
    etc, url = layout.etc, layout.endpoint("identity")
    keystone = plane.tool("keystone-manage", "--config-file", str(etc / "keystone/keystone.conf"))
    owner = ["--keystone-user", "root", "--keystone-group", "root"]
    named = ["--bootstrap-password", conf.PASSWORD, "--bootstrap-region-id", conf.REGION]
    urls = [part for kind in ("admin", "internal", "public") for part in (f"--bootstrap-{kind}-url", url)]
    nova = plane.tool("nova-manage", "--config-file", str(etc / "nova/nova.conf"))
    neutron = str(etc / "neutron/neutron.conf")
    jobs = {
        "keystone-manage": [
            [*keystone, "db_sync"],
            [*keystone, "fernet_setup", *owner],
            [*keystone, "credential_setup", *owner],
            [*keystone, "bootstrap", *named, *urls],
        ],
        "placement-manage": [
            plane.tool("placement-manage", "--config-file", str(etc / "placement/placement.conf"), "db", "sync")
        ],
        "glance-manage": [
            plane.tool("glance-manage", "--config-file", str(etc / "glance/glance-api.conf"), "db_sync")
        ],
        "nova-manage": [
            [*nova, "api_db", "sync"],
            # Templates: where database and broker are is another place in each run, and stands in nova.conf.
            [*nova, "cell_v2", "map_cell0", "--database_connection", _templated("nova_cell0")],
            [*nova, "db", "sync"],
            [*nova, "cell_v2", "create_cell", "--name", "cell1", *_cell()],
        ],
        "neutron-manage": [
            [str(layout.venv / "bin/python"), str(TABLES), layout.database("neutron")],
            plane.tool("neutron-db-manage", "--config-file", neutron, "stamp", "heads"),
        ],
    }  # fmt: skip
    for name, commands in jobs.items():
        plane.run(name, *commands)
    plane.finish(*jobs)


def discover_hosts(plane: Plane) -> None:
    """Have nova enter its new compute hosts; the scheduler's own round comes after three quarters of a minute."""
    nova = plane.tool("nova-manage", "--config-file", str(plane.layout.etc / "nova/nova.conf"))
    plane.run("discover", [*nova, "cell_v2", "discover_hosts"])
    plane.finish("discover")


def _templated(database: str) -> str:
    return f"{{scheme}}://{{username}}@{{hostname}}/{database}?{{query}}"


def _cell() -> list[str]:
    messages = "{scheme}://{username}:{password}@{hostname}:{port}//"
    return ["--database_connection", _templated("nova"), "--transport-url", messages]
