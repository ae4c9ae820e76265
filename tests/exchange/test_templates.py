"""Templates of Infrastructure Manager and its kin as manifests: what they become, and that nothing goes unmentioned.

``python -m tests.exchange.test_templates`` writes the golden files anew; look at what changed.
"""

from __future__ import annotations

import copy
import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.exchange.templates import Wishes, import_radl, import_tosca
from reconciler.exchange.templates.amounts import bytes_of, truth, whole
from reconciler.kinds import registry
from reconciler.manifest.roundtrip import dump, load_documents
from reconciler.model import encode

HERE = Path(__file__).parent / "templates"
TIDES = Wishes("vo.tides.example.org", images={"ost://*": "debian-12"})
CASES = {
    "slurm": (import_tosca, ["tides-slurm.yaml"], TIDES),
    "slurm-elastic": (
        import_tosca,
        ["tides-slurm.yaml", "tides-elastic.yaml"],
        Wishes("vo.tides.example.org", zone="tides.example.org", inputs={"max_workers": "20", "fe_cpus": "3"}),
    ),
    "notebooks": (import_tosca, ["notebooks.yaml"], Wishes("vo.course.example.org", images={"appdb://*": "debian-12"})),
    "kubernetes": (import_tosca, ["kubernetes.yaml"], TIDES),
    "machines": (import_tosca, ["machines.yaml"], Wishes("vo.tides.example.org", site="TIDE-CLOUD", name="readers")),
    "radl": (import_radl, ["tides.radl"], TIDES),
    "ec3": (import_radl, ["ec3-slurm.radl", "ec3-images.radl"], TIDES),
    "json": (import_radl, ["tides.json"], TIDES),
}
LISTS = ("problems", "unmapped", "changed", "needless")
FORMS_ONLY = {"description", "type", "entry_schema", "required", "constraints", "template_version", "token_type"}
"""Keys whose values are for people and for the form that asks for inputs: they change nothing that is made."""


def imported(case):
    take_in, files, wishes = CASES[case]
    return take_in([HERE / file for file in files], wishes)


def told(report):
    """Every remark and input, as it is printed, without the folder."""
    text = ""
    for title in LISTS:
        said = [str(d) for d in getattr(report, title)]
        text += f"{title}: {len(said)}\n" + "".join(f"  {line}\n" for line in said)
    text += f"inputs: {len(report.inputs)}\n" + "".join(f"  {line}\n" for line in report.inputs)
    return text.replace(f"{HERE}/", "")


def one(take_in, text, tmp_path, name="t.yaml", wishes=TIDES, more=()):
    path = tmp_path / name
    path.write_text(text)
    return take_in([path, *more], wishes)


# --- what becomes of them --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_templates_become_what_they_became_before(case):
    report = imported(case)
    assert report.manifest == (HERE / "golden" / f"{case}.yaml").read_text()
    assert told(report) == (HERE / "golden" / f"{case}.txt").read_text()


@pytest.mark.parametrize("case", CASES)
def test_what_they_become_is_valid(case):
    for document in load_documents(imported(case).manifest):
        kind = registry()[document.data["kind"]]
        spec = kind.Spec.model_validate_json(encode(document.data["spec"]))
        assert [f for rule in kind.rules if rule.severity == "error" for f in rule.check("x", spec)] == []


def test_the_cloud_calls_images_otherwise(tmp_path):
    text = (HERE / "machines.yaml").read_text()
    said = one(import_tosca, text, tmp_path, wishes=Wishes("vo", images={"debian*": "d12", "debian": "exactly"}))
    assert "image: exactly" in said.manifest


def test_an_image_that_nobody_names_stops_the_import(tmp_path):
    report = one(import_radl, "system s (cpu.count = 1)\ndeploy s 1\n", tmp_path, "t.radl")
    assert (report.manifest, report.complete) == ("", False)
    assert "which image?" in str(report.problems[0])
    assert "--image '*=NAME'" in str(report.problems[0])


def test_a_template_without_machines_is_refused(tmp_path):
    report = one(import_tosca, "topology_template: {node_templates: {}}\n", tmp_path)
    assert "deploys no machine" in str(report.problems[0])


def test_a_secret_stands_in_no_manifest_and_no_remark():
    for case in CASES:
        report = imported(case)
        for secret in ("not-for-manifests", "changeme", "a-secret-of-clues", "abc-123", "not_very_secret", "ak:sk"):
            assert secret not in report.manifest + told(report), (case, secret)


def test_inputs_are_given_and_their_constraints_are_looked_at():
    report = imported("slurm-elastic")
    assert "max: 20" in report.manifest
    assert any("3 is against valid_values" in d.message for d in report.changed)


def test_an_input_that_is_none_of_the_template_is_said():
    take_in, files, _ = CASES["kubernetes"]
    report = take_in([HERE / f for f in files], Wishes("vo", inputs={"nix": "1"}))
    assert any(line.startswith("nix:") for line in report.inputs)


def test_a_playbook_that_does_more_than_its_role_is_not_mapped(tmp_path):
    text = (HERE / "tides-slurm.yaml").read_text().replace("/docker.yml", "/notebook_in_a_container.yml")
    report = one(import_tosca, text, tmp_path)
    assert any("notebook_in_a_container.yml" in d.message for d in report.unmapped)


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("system front (\n  cpu.count ~ 2\n)\n", "2:13: not RADL: '~ 2' stands here"),
        ("network a (outbound = 'yes'\nsystem b ()", "2:1: not RADL"),
        ("deploy\n", "1:1: not RADL: 'the end'"),
        ('[{"class": "sistem", "id": "x"}]', "1:2: class: 'sistem' is no class of RADL"),
    ],
)
def test_what_is_no_radl_is_told_with_its_place(tmp_path, text, place):
    report = one(import_radl, text, tmp_path, "t.radl")
    assert f"t.radl:{place}" in str(report.problems[0])


def test_what_is_no_yaml_is_told_with_its_place(tmp_path):
    assert "t.yaml:2:" in str(one(import_tosca, "a: 1\n: [", tmp_path).problems[0])


def test_functions_that_lead_in_circles_end(tmp_path):
    text = """\
topology_template:
  node_templates:
    a:
      type: tosca.nodes.Compute
      capabilities: {host: {properties: {num_cpus: {get_property: [a, host, num_cpus]}}}, os: {properties: {image: i}}}
"""
    report = one(import_tosca, text, tmp_path)
    assert any("it is made of itself" in d.message for d in report.unmapped)


@settings(max_examples=40, deadline=None)
@given(text=st.text(alphabet="system network deploy(1)='\"\n@#,.a0 and>=<contains", max_size=80))
def test_no_text_breaks_the_reader_of_radl(text, tmp_path_factory):
    one(import_radl, text, tmp_path_factory.getbasetemp(), "fuzz.radl")


KEYS = re.findall(
    r"\w+",
    """topology_template node_templates inputs a type properties capabilities host os endpoint scalable ports source
    num_cpus requirements get_input concat default artifacts file interfaces Standard configure implementation outputs
    policies config_options wn max_instances dns_name image metadata imports record_name domain_name os_users""",
)
TYPES = ("Compute", "ElasticCluster", "LRMS.FrontEnd.Slurm", "LRMS.WorkerNode.Slurm", "JupyterHub", "DNSRegistry")
NAMES = [f"tosca.nodes.indigo.{kind}" for kind in TYPES]
SCALARS = st.sampled_from([None, "", 0, 1, -1, 2.5, True, "a", "4 GB", "tosca.nodes.BlockStorage", *NAMES])
DATA = st.recursive(SCALARS, lambda d: st.lists(d, max_size=3) | st.dictionaries(st.sampled_from(KEYS), d, max_size=4))
NODES = st.dictionaries(
    st.sampled_from(["a", "b"]), st.dictionaries(st.sampled_from(KEYS), DATA, max_size=5), max_size=2
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nodes=NODES, rest=DATA)
def test_no_structure_breaks_the_reader_of_tosca(nodes, rest, tmp_path_factory):
    template = {
        "topology_template": {"node_templates": nodes, "inputs": {"a": rest}, "outputs": rest},
        "metadata": rest,
    }
    one(import_tosca, json.dumps(template), tmp_path_factory.getbasetemp(), "fuzz.json")


# --- nothing is dropped in silence -----------------------------------------------------------------------------------


def leaves(data, path=()):
    below = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    if not below or not data:
        yield path
    for key, value in below:
        yield from leaves(value, (*path, key))


def at(data, path):
    for key in path:
        data = data[key]
    return data


def with_change(data, path, value):
    changed = copy.deepcopy(data)
    at(changed, path[:-1])[path[-1]] = value
    return changed


def another(value):
    return value + 1 if isinstance(value, int | float) and not isinstance(value, bool) else "another"


def outcome(report):
    """What is made and said; places are left out."""
    return report.manifest, [(d.path, d.message) for kind in LISTS for d in getattr(report, kind)], report.inputs


def spoken_of(report, path, marks=None):
    """Whether a remark is of this place or of something that it belongs to."""
    said = [d for kind in LISTS for d in getattr(report, kind)]
    if marks:
        return {(d.line, d.column) for d in said} & {marks[path[:n]] for n in range(1, len(path) + 1)} != set()
    return any(d.path and f"{'.'.join(map(str, path))}.".startswith(f"{d.path}.") for d in said)


@pytest.mark.parametrize(
    "file", ["tides-slurm.yaml", "notebooks.yaml", "kubernetes.yaml", "machines.yaml", "tides.json"]
)
def test_whatever_a_template_says_is_mapped_or_told(file, tmp_path):
    """A value that is told nowhere must make a difference when it is another."""
    more = [HERE / "tides-elastic.yaml"] if file == "tides-slurm.yaml" else []
    take_in, suffix = (import_radl, "json") if file.endswith("json") else (import_tosca, "yaml")
    [document] = load_documents((HERE / file).read_text())
    wishes = Wishes("vo.tides.example.org", images={"*://*": "debian-12"})
    before = take_in([HERE / file, *more], wishes)
    silent = []
    paths = [*leaves(document.data)]
    for path in random.sample(paths, min(len(paths), 60)):  # others each time: reading is slow
        if FORMS_ONLY & {str(key) for key in path} or spoken_of(before, path, document.marks):
            continue
        changed = with_change(document.data, path, another(at(document.data, path)))
        text = json.dumps(changed) if suffix == "json" else dump(changed)
        if outcome(one(take_in, text, tmp_path, f"{Path(file).stem}.{suffix}", wishes, more)) == outcome(before):
            silent.append(path)
    assert not silent, silent


@pytest.mark.parametrize("file", ["tides-slurm.yaml", "notebooks.yaml", "kubernetes.yaml", "machines.yaml"])
def test_whatever_is_added_to_a_template_is_told(file, tmp_path):
    """A key that nobody knows in every mapping but the calls of functions, which are values."""
    [document] = load_documents((HERE / file).read_text())
    mappings = {path[:n] for path in leaves(document.data) for n in range(len(path))}
    added, changed = {}, document.data
    for n, path in enumerate(sorted(mappings, key=str)):
        there = at(document.data, path)
        if isinstance(there, dict) and not {"get_input", "get_property", "get_attribute", "concat"} & there.keys():
            added[f"odd{n}of"] = path
            changed = with_change(changed, (*path, f"odd{n}of"), "odd")
    report = one(import_tosca, dump(changed), tmp_path, file, Wishes("vo.tides.example.org", images={"*://*": "d"}))
    silent = [path for key, path in added.items() if key not in told(report) and not spoken_of(report, path)]
    assert len(added) > 20
    assert [path for path in silent if not FORMS_ONLY & {str(key) for key in path}] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("disk.0.os.name = 'windows'", "windows is not configured"),
        ("gpu.model = 'x'", "gpu.model is not known"),
        ("availability_zone = 'nova'", "availability_zone is not known"),
        ("memory.size >= lots", "'lots' is no amount of memory"),
        ("net_interface.0.connection = 'nowhere'", "there is no network nowhere"),
        ("cpu.arch = 'arm64'", "the architecture arm64"),
        ("queue_system = 'torque'", "no role that is tested for torque"),
    ],
)
def test_features_of_radl_that_are_not_mapped_are_told(tmp_path, line, said):
    text = f"system s (disk.0.image.url = 'debian-12' and\n{line})\ndeploy s 1\n"
    report = one(import_radl, text, tmp_path, "t.radl")
    assert [d.line for d in report.unmapped if said in d.message] == [2]


# --- amounts ---------------------------------------------------------------------------------------------------------


def test_amounts_are_what_they_say():
    said = {"4 GiB": 1 << 32, "4GB": 4 * 10**9, "512m": 512 * 10**6, "1.5 kB": 1500, "10": 10, 7: 7, "2TiB": 2 << 40}
    assert {text: bytes_of(text) for text in said} == said
    assert [bytes_of(x) for x in ("many", "4 XB", None, True, "-1")] == [None] * 5
    assert [whole(x) for x in ("3", 3, "3.0", "3.5", None, True)] == [3, 3, 3, None, None, None]
    assert [truth(x) for x in ("yes", "False", "", "perhaps")] == [True, False, False, None]


def main():
    """Write the golden files anew."""
    for case in CASES:
        report = imported(case)
        (HERE / "golden" / f"{case}.yaml").write_text(report.manifest)
        (HERE / "golden" / f"{case}.txt").write_text(told(report))


if __name__ == "__main__":
    main()
