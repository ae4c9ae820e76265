"""What a virtual cluster's manifest may say."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

import reconciler.kinds.virtualcluster
from reconciler.kinds.schema import of
from reconciler.kinds.virtualcluster import KIND, VirtualClusterSpec
from reconciler.model import Edge, Ref, encode

REF = Ref("VirtualCluster/tides/sediment")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f anna"


def cluster(**more) -> VirtualClusterSpec:
    body = {"vo": "vo.example.org", "site": "SITE-A", "cloud": "cloud", "frontend": {"image": "debian-12"}, **more}
    return VirtualClusterSpec.model_validate_json(encode(body))


def group(**more) -> dict:
    return {
        "name": "workers",
        "image": "debian-12",
        **({"count": 1} if not more.keys() & {"min", "max"} else {}),
        **more,
    }


def faults(spec: VirtualClusterSpec) -> dict[str, list[str]]:
    """Rule -> paths."""
    found = {rule.id: [fault.path for fault in rule.check(REF, spec)] for rule in KIND.rules}
    return {rule: paths for rule, paths in found.items() if paths}


def example() -> dict:
    path = Path(reconciler.kinds.virtualcluster.__file__).with_name("example.yaml")
    yaml = YAML(typ="safe", pure=True)
    text = path.read_text().replace("2027-06-30T22:00:00Z", '"2027-06-30T22:00:00Z"')
    return yaml.load(text)["spec"]


def test_the_example_is_valid_and_quiet() -> None:
    spec = VirtualClusterSpec.model_validate_json(encode(example()))
    assert faults(spec) == {}
    assert KIND.canonical(spec) == spec
    assert VirtualClusterSpec.model_validate_json(spec.canonical()).digest() == spec.digest()


def test_the_smallest_cluster_is_a_front_end() -> None:
    assert faults(cluster()) == {}


@pytest.mark.parametrize(
    ("where", "more"),
    [
        ("vo", {"vo": "/biomed/vip"}),
        ("frontend", {"frontend": {"image": "debian-12", "cpu": 2}}),
        ("frontend", {"frontend": {"cpus": 2}}),
        ("workers", {"workers": [group(name="Workers")]}),
        ("workers", {"workers": [group(count=-1)]}),
        ("workers", {"workers": [group(count="2")]}),
        ("network", {"network": {"ports": ["22"]}}),
        ("software", {"software": [{"role": "../../etc"}]}),
        ("software", {"software": [{"role": "web", "variables": {"a-b": 1}}]}),
        ("lifetime", {"lifetime": {"expires": "tomorrow"}}),
        ("lifetime", {"lifetime": {}}),
        ("data", {"data": [{"datasetRule": "a/b/c"}]}),
    ],
)
def test_wrong_fields_are_refused_by_name(where, more) -> None:
    with pytest.raises(ValidationError) as caught:
        cluster(**more)
    assert {error["loc"][0] for error in caught.value.errors()} == {where}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
        ("ssh-dss AAAA", "not a public SSH key"),
        ("ssh-ed25519", "not a public SSH key"),
        ("ssh-ed25519 AAA!", "damaged"),
        (KEY.replace("ssh-ed25519 ", "ssh-rsa "), "not that of a ssh-rsa key"),
        (f"{KEY}\n{KEY}", "pattern"),
    ],
)
def test_keys_are_looked_into(key, said) -> None:
    with pytest.raises(ValidationError, match=said):
        cluster(sshKeys=[key])
    assert cluster(sshKeys=[KEY]).sshKeys == (KEY,)


@pytest.mark.parametrize(
    ("rule", "paths", "more"),
    [
        ("virtualcluster-counts", ["spec.frontend.count"], {"frontend": {"image": "debian-12", "count": 0}}),
        ("virtualcluster-counts", ["spec.workers[0].count"], {"workers": [group(count=1, min=1, max=2)]}),
        ("virtualcluster-counts", ["spec.workers[0]"], {"workers": [group(min=1)]}),
        ("virtualcluster-counts", ["spec.workers[0].min"], {"workers": [group(min=3, max=2)]}),
        ("virtualcluster-unready", ["spec.workers[0].unready"], {"workers": [group(unready=1, count=1)]}),
        ("virtualcluster-groups", ["spec.workers[0].name"], {"workers": [group(name="frontend")]}),
        ("virtualcluster-groups", ["spec.workers[1].name"], {"workers": [group(), group()]}),
        ("virtualcluster-ports", ["spec.network.ports[0]"], {"network": {"ports": ["70000/tcp"]}}),
        ("virtualcluster-ports", ["spec.network.ports[0]"], {"network": {"ports": ["30-20/udp"]}}),
        ("virtualcluster-site", ["spec.cloud"], {"site": "auto"}),
        ("virtualcluster-requirements", ["spec.requirements"], {"requirements": {"countries": ["ES"]}}),
        ("virtualcluster-once", ["spec.sshKeys[1]"], {"sshKeys": [KEY, KEY]}),
        (
            "virtualcluster-secrets",
            ["spec.software[0].variables.a", "spec.software[0].variables.b"],
            {
                "software": [
                    {"role": "web", "variables": {"a": {"secretRef": {"env": "1"}}, "b": {"c": [{"secretRef": {}}]}}}
                ]
            },
        ),
    ],
)
def test_rules_name_the_field(rule, paths, more) -> None:
    assert faults(cluster(**more)) == {rule: paths}


def test_it_refers_to_vo_site_and_data() -> None:
    spec = cluster(data=[{"datasetRule": "waves"}, {"datasetRule": "other/maps", "gate": "exists"}])
    assert list(KIND.references(REF, spec)) == [
        Edge(Ref("VO/vo.example.org"), "exists", "spec.vo"),
        Edge(Ref("Site/SITE-A"), "exists", "spec.site"),
        Edge(Ref("DatasetRule/tides/waves"), "ready", "spec.data[0].datasetRule"),
        Edge(Ref("DatasetRule/other/maps"), "exists", "spec.data[1].datasetRule"),
    ]


def test_its_target_is_the_vos_share_and_open_until_the_cloud_is_known() -> None:
    assert KIND.target(REF, cluster()) == "compute:SITE-A/cloud/vo.example.org"
    assert KIND.target(REF, cluster(cloud=None)) == ""
    assert KIND.target(REF, cluster(site="auto", cloud=None)) == ""


def test_the_schema_says_what_unready_is() -> None:
    schema = of(KIND)
    unready = schema["$defs"]["WorkerGroup"]["properties"]["unready"]
    assert unready["readOnly"]
    assert orjson.dumps(schema)
