"""cASO, the generator that OpenStack sites run, and Hanse say the same of the same machine, field by field.

Optional: HANSE_CASO=1 makes a virtual environment that has it (tests/real/caso.py).
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.exchange.apel import CLOUD, batches, read
from reconciler.exchange.apel.accounts import Naming, accelerators, addresses, cloud_record
from reconciler.exchange.apel.documents import parsed
from reconciler.model import Ref, UsageRecord
from tests.real.caso import python

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
START = datetime(2026, 10, 30, tzinfo=UTC)
BAY = Naming("BAY", {"bay": "cloud.bay.example.org"}, {"bay": "openstack"}, {})
VM = UsageRecord(
    month="2026-10",
    record="1e3d5c1a-93f5-4d0e-9d6c-3a2b7d0c4f55",
    ref=Ref("VirtualCluster/vo-x/c"),
    vo="vo-x",
    site="BAY",
    cloud="bay",
    kind="vm",
    start=START,
    end=START + timedelta(hours=3),
    status="completed",
    cpu_count=2,
    memory_mib=4096,
    disk_gib=20,
    image="debian-12",
    name="c-frontend-0",
    user="ada",
    wall_seconds=3 * 3600,
    total_wall_seconds=3 * 3600,
    total_cpu_seconds=6 * 3600,
    public_ips=1,
    gpus=2,
    benchmark_type="hepscore23",
    benchmark=12.5,
)
SCRIPT = """
import json, sys
from datetime import datetime, timezone
from caso import record
given = json.load(sys.stdin)
moment = lambda seconds: datetime.fromtimestamp(seconds, timezone.utc) if seconds else None
if given["kind"] == "cloud":
    fields = given["fields"]
    made = record.CloudRecord(moment(given["start"]), moment(given["end"]), **fields)
    if given["wall"] is not None:
        made.wall_duration = given["wall"]
    print("APEL-cloud-message: v0.4\\n" + made.ssm_message())
elif given["kind"] == "ip":
    print(record.IPRecord(moment(given["at"]), **given["fields"]).ssm_message())
else:
    print(record.AcceleratorRecord(**given["fields"]).ssm_message())
"""


def caso(**given) -> str:
    done = subprocess.run(
        [python(), "-W", "ignore", "-c", SCRIPT],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def theirs(use: UsageRecord):
    fields = {
        "site_name": "BAY",
        "compute_service": "cloud.bay.example.org",
        "uuid": use.record,
        "name": use.name,
        "user_id": use.user,
        "user_dn": use.user_name or None,
        "group_id": use.vo,
        "fqan": use.vo,
        "status": use.status,
        "image_id": use.image,
        "public_ip_count": use.public_ips,
        "cpu_count": use.cpu_count,
        "memory": use.memory_mib,
        "disk": use.disk_gib,
        "suspend_duration": use.total_suspend_seconds,
        "benchmark_type": use.benchmark_type,
        "benchmark_value": use.benchmark,
    }
    end = use.end.timestamp() if use.end else None
    wall = None if use.end else use.total_wall_seconds
    return read(caso(kind="cloud", fields=fields, start=use.start.timestamp(), end=end, wall=wall), NOW).records[0]


@pytest.mark.parametrize(
    "use",
    [
        VM,
        replace(VM, end=None, status="started", user_name="ada@example.org"),
        replace(VM, end=None, status="suspended", total_suspend_seconds=60),
    ],
    ids=lambda use: use.status,
)
def test_both_say_the_same_of_a_machine(use):
    (text,) = batches(CLOUD, [cloud_record(use, BAY, NOW)], NOW).messages
    ours, other = dict(read(text, NOW).records[0]), dict(theirs(use))
    for record in (ours, other):
        record.pop("RecordCreateTime", None)  # theirs has none
        record.pop("CloudType")  # the generator names itself
    if use.end is None:
        assert other.pop("EndTime") == datetime.fromtimestamp(0, UTC)  # how they write that there is none
    assert ours == other


def test_their_addresses_are_read_and_ours_say_the_same():
    at = int(NOW.timestamp())
    fields = {
        "site_name": "BAY",
        "user_id": "ada",
        "user_dn": "ada",
        "group_id": "vo-x",
        "fqan": "vo-x",
        "ip_version": 4,
    }
    fields |= {"uuid": VM.record, "public_ip_count": 1, "compute_service": "cloud.bay.example.org"}
    told = json.loads(caso(kind="ip", at=at, fields=fields))
    message = json.dumps({"Type": "APEL Public IP message", "Version": "0.2", "UsageRecords": [told]})
    (theirs_,) = parsed(message)[1]
    (ours,) = addresses([replace(VM, end=None, month="2026-11")], BAY, NOW)
    of_generators = ("CloudType", "uuid")
    assert {k: v for k, v in ours.items() if k not in of_generators} == {
        k: v for k, v in theirs_.items() if k not in of_generators
    }


def test_their_accelerators_are_read_and_ours_say_the_same():
    fields = {"measurement_month": 10, "measurement_year": 2026, "uuid": VM.record, "fqan": "vo-x", "site_name": "BAY"}
    fields |= {"count": 2, "available_duration": 3 * 3600, "accelerator_type": "GPU", "model": "A100", "user_dn": "ada"}
    fields |= {"compute_service": "cloud.bay.example.org"}
    told = json.loads(caso(kind="gpu", fields=fields))
    message = json.dumps({"Type": "APEL-accelerator-message", "Version": "0.1", "UsageRecords": [told]})
    ((theirs_,), (ours,)) = parsed(message)[1], accelerators([VM], BAY)
    assert ours.items() <= theirs_.items()
