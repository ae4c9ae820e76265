"""Which secrets manifests may name."""

from __future__ import annotations

import pytest

from reconciler.manifest import Memory, RuleSettings
from reconciler.model import SecretScope
from tests.manifest.revisions import outcome

CLUSTER = """\
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {{name: portal, namespace: {namespace}}}
spec:
  vo: vo.tides.example.org
  site: TIDE-CLOUD
  frontend: {{cpus: 1, ramMiB: 1024, diskGiB: 10, image: debian-12}}
  software:
    - role: portal
      variables:
        plain: {{env: staging, file: /etc/motd}}
        token: {{secretRef: {reference}}}
"""
SITE = """\
apiVersion: hanse/v1
kind: Site
metadata: {{name: {name}}}
spec:
  clouds:
    - name: openstack
      driver: openstack
      endpoint: https://cloud.tides.example.org:5000/v3
      options:
        application_credential_id: an-id
        application_credential_secret: {reference}
  storage:
    - name: pool
      driver: webdav
      url: davs://pool.tides.example.org/
      options: {{url: "davs://pool.tides.example.org/", token: {{file: /etc/hanse/tides/pool, base: /}}}}
"""
TIDES = {
    "namespace": "tides",
    "allow": ["env:TIDES_*", "file:/etc/hanse/tides/", "sops:secrets/tides/", "openbao:secret/tides/"],
}


def scoped(*given: dict) -> RuleSettings:
    return RuleSettings({}, tuple(SecretScope.model_validate(one, strict=False) for one in given))


def faults(text: str, settings: RuleSettings, memory: Memory | None = None) -> list[str]:
    return [said for said in outcome({"m.yaml": text}, settings, memory)[1] if "secret" in said]


ALLOWED = [
    "{env: TIDES_TOKEN}",
    "{file: /etc/hanse/tides/token}",
    "{sops: {file: secrets/tides/all.yaml, key: token}}",
    "{openbao: {path: tides/portal, key: token}}",
]
REFUSED = {
    "{env: HANSE_WEB__TOKEN}": "env:HANSE_WEB__TOKEN",
    "{env: TIDE}": "env:TIDE",
    "{file: /etc/shadow}": "file:/etc/shadow",
    "{file: /etc/hanse/tides/../ocean/token}": "file:/etc/hanse/tides/../ocean/token",
    "{file: /etc/hanse/tides//../token}": "file:/etc/hanse/tides//../token",
    "{file: secrets/tides/token}": "file:secrets/tides/token",
    "{sops: {file: secrets/ocean/all.yaml, key: token}}": "sops:secrets/ocean/all.yaml",
    "{sops: {file: /etc/hanse/tides/all.yaml, key: token}}": "sops:/etc/hanse/tides/all.yaml",
    "{openbao: {path: tides/portal, key: token, mount: other}}": "openbao:other/tides/portal",
    "{openbao: {path: ocean, key: token}}": "openbao:secret/ocean",
    "{openbao: {path: tides2/portal, key: token}}": "openbao:secret/tides2/portal",
}


@pytest.mark.parametrize("reference", ALLOWED)
def test_a_secret_that_the_namespace_may_name_is_taken(reference) -> None:
    assert faults(CLUSTER.format(namespace="tides", reference=reference), scoped(TIDES)) == []


@pytest.mark.parametrize("reference", REFUSED)
def test_a_secret_of_somebody_else_is_refused_with_line_field_and_cure(reference) -> None:
    (said,) = faults(CLUSTER.format(namespace="tides", reference=reference), scoped(TIDES))
    assert said.startswith("m.yaml:12:")
    assert "spec.software[0].variables.token.secretRef" in said
    assert f"VirtualCluster/tides/portal may not name the secret {REFUSED[reference]}" in said
    assert "name one below env:TIDES_*, file:/etc/hanse/tides/" in said


def test_a_namespace_that_no_scope_is_about_may_name_none() -> None:
    for reference in ALLOWED:
        (said,) = faults(CLUSTER.format(namespace="ocean", reference=reference), scoped(TIDES))
        assert "the operator allows it none: [[secrets]] in hanse.toml" in said


def test_without_any_scope_everything_is_as_it_was() -> None:
    for reference in (*ALLOWED, *REFUSED):
        assert faults(CLUSTER.format(namespace="tides", reference=reference), RuleSettings()) == []


def test_connection_data_of_sites_name_secrets_too() -> None:
    settings = scoped({"resources": "Site/TIDE-CLOUD", "allow": ["env:TIDE_CLOUD_*", "file:/etc/hanse/tides/"]})
    mine = SITE.format(name="TIDE-CLOUD", reference="{env: TIDE_CLOUD_SECRET}")
    assert faults(mine, settings) == []
    (said,) = faults(SITE.format(name="TIDE-CLOUD", reference="{env: OTHERS}"), settings)
    assert "spec.clouds[0].options.application_credential_secret.env" in said
    assert said.startswith("m.yaml:11:")
    found = faults(SITE.format(name="OTHER-CLOUD", reference="{env: TIDE_CLOUD_SECRET}"), settings)
    assert ["spec.clouds[0]" in found[0], "spec.storage[0].options.token.file" in found[1]] == [True, True]


def test_a_manifest_that_was_taken_before_is_judged_by_the_settings_of_today() -> None:
    memory = Memory()
    text = CLUSTER.format(namespace="tides", reference="{env: HANSE_WEB__TOKEN}")
    assert faults(text, RuleSettings(), memory) == []
    assert len(faults(text, scoped(TIDES), memory)) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"namespace": "a", "allow": ["TIDES_*"]}, "SOURCE:PLACE"),
        ({"namespace": "a", "allow": ["vault:x"]}, "one of env, file, sops, openbao"),
        ({"allow": ["env:X"]}, "exactly one of namespace, resources"),
    ],
)
def test_a_scope_that_cannot_be_meant_is_refused(given, said) -> None:
    with pytest.raises(ValueError, match=said):
        SecretScope.model_validate(given, strict=False)


def test_a_commands_option_beside_a_secrets_name_is_no_secret() -> None:
    text = "apiVersion: hanse/v1\nkind: MetricTemplate\nmetadata: {{name: t}}\nspec: {{probe: p, attribute: [{{name: X_TOKEN, value: {value}}}]}}\n"
    said = {
        value: faults(text.format(value=value), RuleSettings())
        for value in ("--token", "-t", "-hunter2", "--s3cr3t", "abc")
    }
    assert {value for value, found in said.items() if any("plain text" in one for one in found)} == {
        "-hunter2",
        "--s3cr3t",
        "abc",
    }
