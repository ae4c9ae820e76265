"""Metric templates of ARGO's POEM: in without loss, out as they were, and a second time without a change."""

from __future__ import annotations

import json

import pytest

from reconciler.exchange.poem import Odd, import_poem, poem_of, template_of
from reconciler.kinds.metrictemplate import MetricTemplateSpec
from reconciler.manifest.roundtrip import load_documents
from reconciler.model import encode

EMPTY = {"dependency": {}, "file_attribute": {}, "file_parameter": {}, "parent": ""}
TEMPLATES = {
    "org.example.AMS": {
        **EMPTY,
        "tags": ["messaging", "ams publisher"],
        "probe": "ams-publisher-probe",
        "config": {
            "interval": "180",
            "maxCheckAttempts": "1",
            "path": " /usr/libexec/argo-monitoring/probes/argo",
            "retryInterval": "1",
            "timeout": "120",
        },
        "flags": {"NOHOSTNAME": "1", "NOTIMEOUT": "1", "NOPUBLISH": "1"},
        "attribute": {},
        "parameter": {"-s": "/var/run/sock", "-q": "'w:m+g:p180' -c 4000 -q 'w:a' -c 1", "-a": "", "--Z": "1"},
        "docurl": "https://example.org/README.md",
    },
    "org.example.Login-Check_2": {
        **EMPTY,
        "tags": [],
        "probe": "check_login",
        "config": {"maxCheckAttempts": "2", "timeout": "10", "path": "/p", "interval": "15", "retryInterval": "2"},
        "flags": {"OBSESS": "1", "PNP": "1"},
        "dependency": {"hr.srce.Proxy": "0"},
        "attribute": {"SSO_USER": "-u", "SSO_PASSWORD": "-a", "B": "-b", "A": ""},
        "parameter": {},
        "file_attribute": {"UCC_CONFIG": "UCC_CONFIG"},
        "file_parameter": {"FILE_SIZE": "10"},
    },
    "org.example.Login-Told": {
        **EMPTY,
        "tags": ["told"],
        "probe": "",
        "config": {},
        "flags": {"PASSIVE": "1", "OBSESS": "1"},
        "attribute": {},
        "parameter": {},
        "parent": "org.example.Login-Check_2",
        "docurl": "",
    },
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_comes_out_as_it_went_in_options_in_their_order(name):
    spec = MetricTemplateSpec.model_validate_json(encode(template_of(TEMPLATES[name])))
    again = MetricTemplateSpec.model_validate_json(spec.canonical())
    assert json.dumps(poem_of(again)["parameter"]) == json.dumps(TEMPLATES[name]["parameter"])
    assert json.dumps(poem_of(again)["attribute"]) == json.dumps(TEMPLATES[name]["attribute"])
    assert poem_of(again) == TEMPLATES[name]


@pytest.mark.parametrize("form", ["list", "dictionary", "enveloped"])
def test_an_import_writes_manifests_that_say_the_same(tmp_path, form):
    shapes = {
        "list": [{name: one} for name, one in TEMPLATES.items()],
        "dictionary": TEMPLATES,
        "enveloped": {"data": [TEMPLATES]},
    }
    (tmp_path / "metrics.json").write_text(json.dumps(shapes[form]))
    report = import_poem([tmp_path / "metrics.json"], tmp_path / "manifests")
    assert (sorted(report.templates), report.problems) == (sorted(TEMPLATES), [])
    assert len(report.created) == 3
    for name, template in TEMPLATES.items():
        text = (tmp_path / f"manifests/metrictemplates/{name}.yaml").read_text()
        (document,) = load_documents(text, name)
        assert document.data["kind"] == "MetricTemplate"
        assert poem_of(MetricTemplateSpec.model_validate_json(encode(document.data["spec"]))) == template


def test_a_second_import_changes_nothing_and_comments_stay(tmp_path):
    (tmp_path / "metrics.json").write_text(json.dumps(TEMPLATES))
    import_poem([tmp_path / "metrics.json"], tmp_path / "manifests")
    file = tmp_path / "manifests/metrictemplates/org.example.AMS.yaml"
    file.write_text(file.read_text().replace("spec:", "spec: # ours"))
    before = file.read_text()
    report = import_poem([tmp_path / "metrics.json"], tmp_path / "manifests")
    assert (report.created, report.changed) == ([], [])
    changed = {**TEMPLATES, "org.example.AMS": {**TEMPLATES["org.example.AMS"], "probe": "another"}}
    (tmp_path / "metrics.json").write_text(json.dumps(changed))
    assert import_poem([tmp_path / "metrics.json"], tmp_path / "manifests").changed
    assert file.read_text() == before.replace("ams-publisher-probe", "another")


def test_profiles_come_in_too(tmp_path):
    profile = {"id": "1", "name": "CRITICAL", "services": [{"service": "webdav", "metrics": ["org.example.AMS"]}]}
    (tmp_path / "profiles.json").write_text(json.dumps({"status": {}, "data": [profile]}))
    report = import_poem([tmp_path / "profiles.json"], tmp_path)
    assert report.profiles == ["CRITICAL"]
    assert "org.example.AMS" in (tmp_path / "metricprofiles/CRITICAL.yaml").read_text()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"colour": "red"}, "colour is not known"),
        ({"config": {"interval": "05"}}, "'05' is no number"),
        ({"config": {"intervall": "5"}}, "config.intervall is not known"),
        ({"config": {"interval": "5"}}, "give probe, and in config"),
        ({"parameter": {"-x": 5}}, "5 is no text"),
    ],
)
def test_what_cannot_be_taken_in_without_loss_is_told(change, why):
    with pytest.raises(Odd, match=why):
        template_of({**TEMPLATES["org.example.AMS"], **change})


def test_one_that_is_odd_does_not_stop_the_others(tmp_path):
    wrong = {**TEMPLATES, "org.example.Odd": {"colour": "red"}}
    (tmp_path / "metrics.json").write_text(json.dumps(wrong))
    (tmp_path / "broken.json").write_text("{")
    report = import_poem([tmp_path / "broken.json", tmp_path / "metrics.json"], tmp_path)
    assert len(report.templates) == 3
    assert len(report.problems) == 2
