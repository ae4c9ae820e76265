"""The federated cloud's real files, in and out, and again after people and sources have changed things."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import SourceError
from reconciler.exchange.fedcloud import export_fedcloud, import_fedcloud
from reconciler.kinds import site as site_kind
from reconciler.kinds import vo as vo_kind
from reconciler.model import Location, Ref, Resource, encode

IMPORTED = pytest.StashKey[dict]()
REAL = Path(__file__).parents[1] / "data" / "fedcloud"


@pytest.fixture
def source(tmp_path):
    """A copy of the real files, to be changed."""
    copy = tmp_path / "source"
    shutil.copytree(REAL, copy)
    return copy


@pytest.fixture
def into(tmp_path):
    return tmp_path / "manifests"


@pytest.fixture
def start(tmp_path_factory, request):
    """Puts the manifests of a first import of the real files at a place."""
    cache = request.config.stash.setdefault(IMPORTED, {})
    if not cache:
        cache["at"] = tmp_path_factory.mktemp("imported")
        import_fedcloud(REAL, cache["at"])
    return lambda into: shutil.copytree(cache["at"], into)


@pytest.fixture
def small(tmp_path):
    """A source of one's own: write(name, text) puts a site file, write("vo-mappings", text) the mappings."""
    folder = tmp_path / "small"
    (folder / "sites").mkdir(parents=True)

    def write(name, text):
        path = folder / f"{name}.yaml" if name == "vo-mappings" else folder / "sites" / f"{name}.yaml"
        path.write_text(text)
        return folder

    write("vo-mappings", 'vos:\n  ops: "urn:mace:egi.eu:group:ops:role=vm_operator#aai.egi.eu"\n')
    return write


def tree(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def load(path):
    return yaml.safe_load(path.read_text())


def site(into, name):
    return load(into / "sites" / f"{name}.yaml")["spec"]


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def diff(old, new):
    a, b = old.decode().splitlines(), new.decode().splitlines()
    return [x for x in a if x not in b], [x for x in b if x not in a]


# --- the real files --------------------------------------------------------------------------------------------------


def test_the_real_federation_comes_in_whole(into):
    report = import_fedcloud(REAL, into)
    assert report.problems == ()
    assert (report.sites, report.clouds, report.vos) == (24, 25, 85)
    assert report.complete
    assert len(report.created) == 109
    shares = [s for f in (into / "sites").iterdir() for c in load(f)["spec"]["clouds"] for s in c["shares"]]
    assert len(shares) == 148
    assert {c["driver"] for f in (into / "sites").iterdir() for c in load(f)["spec"]["clouds"]} == {"openstack"}


def test_every_real_file_comes_back_with_the_same_data_under_the_same_name(start, into, tmp_path):
    start(into)
    out = tmp_path / "out"
    report = export_fedcloud(into, out)
    assert (report.problems, report.skipped) == ((), ())
    real = {p.relative_to(REAL) for p in [*REAL.glob("sites/*.yaml"), REAL / "vo-mappings.yaml"]}
    assert len(real) == 26
    assert {p.relative_to(out) for p in out.rglob("*.yaml")} == real
    for file in real:
        assert load(out / file) == load(REAL / file), file


def test_manifests_are_valid_resources(start, into):
    start(into)
    warned = []
    for path in sorted(into.rglob("*.yaml")):
        data = load(path)
        kind = {"Site": site_kind.KIND, "VO": vo_kind.KIND}[data["kind"]]
        spec = kind.canonical(kind.Spec.model_validate_json(encode(data["spec"])))
        ref = Ref.of(kind.name, data["metadata"]["name"])
        warned += [(ref, r.id, r.severity) for r in kind.rules for _ in r.check(ref, spec)]
    assert warned == [("VO/vo.imagine-ai.eu", "vo-entitlement", "warning")]


def test_every_vo_that_a_site_names_has_a_manifest(start, into):
    start(into)
    vos = {load(p)["metadata"]["name"] for p in (into / "vos").iterdir()}
    for path in (into / "sites").iterdir():
        spec = site_kind.SiteSpec.model_validate_json(encode(load(path)["spec"]))
        assert {e.ref.name for e in site_kind.KIND.references(Ref("Site/x"), spec)} <= vos


def test_resources_are_exported_as_manifests_are(start, into, tmp_path):
    start(into)
    resources = []
    for path in sorted(into.rglob("*.yaml")):
        data = load(path)
        kind = {"Site": site_kind.KIND, "VO": vo_kind.KIND}[data["kind"]]
        spec = kind.canonical(kind.Spec.model_validate_json(encode(data["spec"])))
        ref = Ref.of(kind.name, data["metadata"]["name"])
        resources.append(
            Resource(ref, spec.digest(), spec.canonical(), (), "", Location("", 1), kind.Spec.model_validate_json)
        )
    export_fedcloud(resources, tmp_path / "out")
    for file in REAL.glob("sites/*.yaml"):
        assert load(tmp_path / "out" / "sites" / file.name) == load(file), file.name


def test_a_second_import_changes_no_byte(start, into):
    start(into)
    before = tree(into)
    report = import_fedcloud(REAL, into)
    assert (report.created, report.changed, report.kept, report.vanished) == ((), (), (), ())
    assert tree(into) == before


def test_two_endpoints_of_a_site_are_one_site_with_two_clouds(start, into):
    start(into)
    clouds = site(into, "fedcloud.srce.hr")["clouds"]
    assert [(c["name"], c["endpoint"]) for c in clouds] == [
        ("fedcloud.srce.hr-2", "https://faust.srce.hr:5000/v3"),
        ("fedcloud.srce.hr", "https://cloud.cro-ngi.hr:5000/v3/"),
    ]


def test_a_name_with_a_path_keeps_its_group(start, into):
    start(into)
    assert load(into / "vos" / "biomed_vip.yaml")["spec"]["group"] == "/biomed/vip"
    assert load(into / "vos" / "vo.lifewatch.eu_openbiomap.yaml")["spec"]["group"] == "/vo.lifewatch.eu/openbiomap"


def test_the_broken_entitlement_is_found_at_its_character(into):
    report = import_fedcloud(REAL, into)
    (found,) = [f for f in report.findings if f.rule == "fedcloud-malformed"]
    assert (found.file, found.line, found.column) == ("vo-mappings.yaml", 50, 38)
    line = (REAL / "vo-mappings.yaml").read_text().splitlines()[found.line - 1]
    assert line[found.column - 1 :].startswith(" group:vo.imagine-ai.eu")
    assert (
        "# import: a space does not belong into an entitlement" in (into / "vos" / "vo.imagine-ai.eu.yaml").read_text()
    )


def test_the_linter_counts_what_is_known_of_the_real_data(into):
    report = import_fedcloud(REAL, into)
    rules = [f.rule for f in report.findings]
    assert {rule: rules.count(rule) for rule in set(rules)} == {
        "fedcloud-malformed": 1,
        "fedcloud-shared": 4,
        "fedcloud-unmapped": 18,
        "fedcloud-unused": 13,
    }


def test_an_unmapped_vo_has_a_manifest_that_says_so_and_what_may_be_meant(start, into):
    start(into)
    text = (into / "vos" / "vip.yaml").read_text()
    assert text.startswith("# import: no entitlement is mapped to it; did you mean /biomed/vip?\n")
    assert load(into / "vos" / "vip.yaml")["spec"] == {}


# --- people edit the manifests ---------------------------------------------------------------------------------------


def test_comments_and_added_fields_survive(start, source, into):
    start(into)
    path = into / "sites" / "BIFI.yaml"
    replace(path, "spec:\n", "spec:\n  country: ES   # Zaragoza\n  # what follows is imported\n")
    replace(path, "        - vo: ops\n", "        # monitoring\n        - vo: ops\n")
    before = path.read_bytes()
    report = import_fedcloud(source, into)
    assert path.read_bytes() == before
    assert (report.changed, report.kept) == ((), ())


def test_a_change_of_the_source_is_a_change_of_one_line(start, source, into):
    start(into)
    replace(into / "sites" / "BIFI.yaml", "spec:\n", "spec:\n  country: ES # by hand\n")
    before = tree(into)
    replace(source / "sites" / "BIFI.yaml", "038db3eeca5c4960a443a89b92373cd2", "11111111111111111111111111111111")
    report = import_fedcloud(source, into)
    after = tree(into)
    assert report.changed == ("sites/BIFI.yaml",)
    assert [f for f in after if after[f] != before[f]] == ["fedcloud.lock.json", "sites/BIFI.yaml"]
    assert diff(before["sites/BIFI.yaml"], after["sites/BIFI.yaml"]) == (
        ["          projectId: 038db3eeca5c4960a443a89b92373cd2"],
        ['          projectId: "11111111111111111111111111111111"'],
    )


def test_a_new_share_stands_where_the_source_has_it_and_a_dropped_one_goes(start, source, into):
    start(into)
    before = tree(into)
    path = source / "sites" / "CENI.yaml"
    replace(path, "  - name: vo.cnic.cn\n", "  - name: dteam\n    auth:\n      project_id: abc\n  - name: vo.cnic.cn\n")
    replace(path, "  - name: ops\n    auth:\n      project_id: 90c0ce1b2f1545c0b9a05d9a8fd45102\n", "")
    import_fedcloud(source, into)
    assert [s["vo"] for s in site(into, "CENI")["clouds"][0]["shares"]] == ["vo.access.egi.eu", "dteam", "vo.cnic.cn"]
    gone, new = diff(before["sites/CENI.yaml"], tree(into)["sites/CENI.yaml"])
    assert gone == ["        - vo: ops", "          projectId: 90c0ce1b2f1545c0b9a05d9a8fd45102"]
    assert new == [
        "# import: the VO ops is not supported, so the site cannot be monitored; add a share of ops",
        "        - vo: dteam",
        "          projectId: abc",
    ]


def test_a_field_changed_by_hand_stays_and_is_reported(start, source, into):
    start(into)
    path = into / "sites" / "BIFI.yaml"
    replace(path, "driver: openstack", "driver: simulated")
    replace(path, "imageSync: true", "imageSync: false")
    report = import_fedcloud(source, into)
    assert site(into, "BIFI")["clouds"][0]["driver"] == "simulated"
    assert [(k.file, k.line, k.path, k.message) for k in report.kept] == [
        ("sites/BIFI.yaml", 9, "spec.clouds.0.driver", "changed by hand; the source says 'openstack'"),
        ("sites/BIFI.yaml", 14, "spec.clouds.0.imageSync", "changed by hand; the source says True"),
    ]


def test_where_both_changed_the_hand_wins_and_the_report_says_so(start, source, into):
    start(into)
    replace(into / "sites" / "BIFI.yaml", "colossus.cesar", "by-hand.cesar")
    replace(source / "sites" / "BIFI.yaml", "colossus.cesar", "by-source.cesar")
    report = import_fedcloud(source, into)
    assert "by-hand.cesar" in site(into, "BIFI")["clouds"][0]["endpoint"]
    assert "by-source.cesar" in report.kept[0].message


def test_what_was_removed_by_hand_stays_removed_and_what_was_added_stays(start, source, into):
    start(into)
    path = into / "sites" / "CENI.yaml"
    text = path.read_text()
    start = text.index("        - vo: vo.cnic.cn")
    path.write_text(text[:start] + "        - vo: enmr.eu\n          projectId: mine\n")
    report = import_fedcloud(source, into)
    assert [s["vo"] for s in site(into, "CENI")["clouds"][0]["shares"]] == ["ops", "vo.access.egi.eu", "enmr.eu"]
    assert [k.message for k in report.kept] == ["vo.cnic.cn: removed by hand, and in the source"]


def test_a_manifest_may_be_moved_and_share_a_file(start, source, into):
    start(into)
    (into / "sites" / "all.yaml").write_text(
        "# ours\n---\n"
        + (into / "sites" / "BIFI.yaml").read_text()
        + "---\n"
        + (into / "sites" / "EODC.yaml").read_text()
    )
    (into / "sites" / "BIFI.yaml").unlink()
    (into / "sites" / "EODC.yaml").unlink()
    before = tree(into)
    assert import_fedcloud(source, into).created == ()
    assert tree(into) == before
    replace(source / "sites" / "EODC.yaml", "9197366d", "0000000d")
    assert import_fedcloud(source, into).changed == ("sites/all.yaml",)
    assert diff(before["sites/all.yaml"], tree(into)["sites/all.yaml"])[1] == [
        "          projectId: 0000000d7240406c9fcb7431bee8e569"
    ]


def test_a_manifest_that_cannot_be_read_is_not_written_over(start, source, into):
    start(into)
    path = into / "sites" / "BIFI.yaml"
    path.write_text("kind: Site\nmetadata: [broken\n")
    report = import_fedcloud(source, into)
    assert path.read_text() == "kind: Site\nmetadata: [broken\n"
    assert [p.file for p in report.problems] == ["sites/BIFI.yaml"]


def test_a_foreign_file_at_the_usual_place_is_added_to_and_not_lost(source, into):
    (into / "sites").mkdir(parents=True)
    (into / "sites" / "BIFI.yaml").write_text("kind: Probe\n")
    import_fedcloud(source, into)
    first, second = yaml.safe_load_all((into / "sites" / "BIFI.yaml").read_text())
    assert first == {"kind": "Probe"}
    assert second["metadata"]["name"] == "BIFI"


def test_without_a_lock_nothing_that_differs_is_overwritten(start, source, into):
    start(into)
    (into / "fedcloud.lock.json").unlink()
    replace(into / "sites" / "BIFI.yaml", "driver: openstack", "driver: simulated")
    before = (into / "sites" / "BIFI.yaml").read_bytes()
    report = import_fedcloud(source, into)
    assert (into / "sites" / "BIFI.yaml").read_bytes() == before
    assert len(report.kept) == 1


# --- the source changes, and breaks ----------------------------------------------------------------------------------


def test_a_vanished_site_is_reported_and_not_deleted(start, source, into):
    start(into)
    before = tree(into)
    (source / "sites" / "BIFI.yaml").unlink()
    (source / "sites" / "fedcloud.srce.hr-2.yaml").unlink()
    for _ in range(2):
        report = import_fedcloud(source, into)
        assert [v for v in report.vanished if v.startswith("Site/")] == [
            "Site/BIFI: the cloud BIFI, once from sites/BIFI.yaml",
            "Site/fedcloud.srce.hr: the cloud fedcloud.srce.hr-2, once from sites/fedcloud.srce.hr-2.yaml",
        ]
    assert (into / "sites" / "BIFI.yaml").read_bytes() == before["sites/BIFI.yaml"]
    assert len(site(into, "fedcloud.srce.hr")["clouds"]) == 2


def test_a_site_that_comes_back_is_updated(start, source, into):
    start(into)
    text = (source / "sites" / "BIFI.yaml").read_text()
    (source / "sites" / "BIFI.yaml").unlink()
    import_fedcloud(source, into)
    (source / "sites" / "BIFI.yaml").write_text(text.replace("sync: true", "sync: false"))
    report = import_fedcloud(source, into)
    assert report.kept == ()
    assert site(into, "BIFI")["clouds"][0]["imageSync"] is False


def test_a_bad_file_stops_no_other_and_changes_nothing_that_was_there(start, source, into):
    start(into)
    before = tree(into)
    (source / "sites" / "fedcloud.srce.hr-2.yaml").write_text("gocdb: fedcloud.srce.hr\nendpoint: [x\n")
    (source / "sites" / "CESNET-MCCG2.yaml").write_text("gocdb: CESNET-MCCG2\n")
    replace(source / "sites" / "BIFI.yaml", "sync: true", "sync: false")
    report = import_fedcloud(source, into)
    assert [str(p) for p in report.problems] == [
        "sites/CESNET-MCCG2.yaml:1:1: endpoint: is missing; add it",
        "sites/fedcloud.srce.hr-2.yaml:3:1: no YAML: expected ',' or ']', but got '<stream end>'",
    ]
    assert report.vanished == ()
    after = tree(into)
    assert [f for f in after if after[f] != before[f]] == ["fedcloud.lock.json", "sites/BIFI.yaml"]


def test_unreadable_mappings_take_no_entitlement_away(start, source, into):
    start(into)
    before = tree(into)
    for spoil in (lambda p: p.write_text("vos: [1, 2\n"), lambda p: p.write_text("vos: []\n"), lambda p: p.unlink()):
        spoil(source / "vo-mappings.yaml")
        report = import_fedcloud(source, into)
        assert [p.file for p in report.problems] == ["vo-mappings.yaml"]
        now = tree(into)
        for file in before:
            if file.startswith("vos/"):
                assert load(into / file)["spec"] == yaml.safe_load(before[file])["spec"]
        assert now.keys() == before.keys()


def test_a_renamed_file_is_the_same_cloud_and_comes_back_under_its_new_name(start, source, into, tmp_path):
    start(into)
    (source / "sites" / "BIFI.yaml").rename(source / "sites" / "Zaragoza.yaml")
    report = import_fedcloud(source, into)
    assert report.vanished == ()
    assert [c["name"] for c in site(into, "BIFI")["clouds"]] == ["BIFI"]
    export_fedcloud(into, tmp_path / "out")
    assert load(tmp_path / "out" / "sites" / "Zaragoza.yaml") == load(source / "sites" / "Zaragoza.yaml")
    assert not (tmp_path / "out" / "sites" / "BIFI.yaml").exists()


def test_no_sites_folder_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="no folder sites"):
        import_fedcloud(tmp_path, tmp_path / "into")


# --- the format ------------------------------------------------------------------------------------------------------


def test_both_forms_of_vos_mean_the_same(small, into, tmp_path):
    listed = "gocdb: A\nendpoint: https://a.b/v3\nvos:\n  - name: ops\n    auth: {project_id: p, region: r}\n"
    mapped = "gocdb: B\nendpoint: https://a.b/v3\nvos:\n  ops:\n    auth: {project_id: p, region: r}\n  cms:\n"
    small("A", listed)
    import_fedcloud(small("B", mapped), into)
    a, b = (site(into, n)["clouds"][0]["shares"] for n in "AB")
    assert a == [{"vo": "ops", "projectId": "p", "region": "r"}]
    assert b == [*a, {"vo": "cms"}]


def test_no_field_is_lost(small, into, tmp_path):
    text = """
gocdb: A
endpoint: https://a.b/v3
auth: v3applicationcredential
region: north
protocol: openid
images: {sync: false, formats: [], odd: 1}
accounting: {enabled: true, site_name: B, ams_host: c.d}
vos:
  - name: /x/y
    auth: {project_id: "1", project_name: n, region: r, user_domain: d, deep: {a: [1, null, true]}}
    note: keep
  - name: ops
    auth: {}
unknown: {x: [1, 2]}
"""
    import_fedcloud(small("A", text), into)
    cloud = site(into, "A")["clouds"][0]
    assert cloud["shares"][0] == {
        "vo": "/x/y",
        "projectId": "1",
        "projectName": "n",
        "region": "r",
        "auth": {"user_domain": "d", "deep": {"a": [1, None, True]}},
        "properties": {"note": "keep"},
    }
    export_fedcloud(into, tmp_path / "out")
    assert load(tmp_path / "out" / "sites" / "A.yaml") == yaml.safe_load(text)


def test_a_project_of_only_digits_stays_text(small, into):
    text = "gocdb: A\nendpoint: https://a.b/v3\nvos: [{name: ops, auth: {project_id: 00812e34}}]\n"
    import_fedcloud(small("A", text), into)
    assert site(into, "A")["clouds"][0]["shares"][0]["projectId"] == "00812e34"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1:1: is not one mapping"),
        ("- a\n", "1:1: is not one mapping"),
        ("gocdb: A\ngocdb: B\nendpoint: x\n", "2:1: the key gocdb stands twice"),
        ("gocdb: a b\nendpoint: https://a.b\n", "1:8: gocdb: 'a b' is not a name of letters, digits, - . _"),
        (
            "gocdb: .a\nendpoint: https://a.b\n",
            "1:8: gocdb: '.a' does not begin and end with a letter or digit, or is too long",
        ),
        ("gocdb: A\nendpoint: a b\n", "2:11: endpoint: 'a b' is not a URL"),
        ("gocdb: A\nendpoint: {a: b}\n", "2:11: endpoint: is not text"),
        ("gocdb: A\nendpoint: https://a.b\nvos: x\n", "3:6: vos: is neither a list nor a mapping"),
        ("gocdb: A\nendpoint: https://a.b\nvos:\n  - auth: {}\n", "4:5: vos.0.name: is missing; add it"),
        ("gocdb: A\nendpoint: https://a.b\nvos:\n  - name: a b\n", "4:11: vos.0.name: 'a b' is not a name"),
        ("gocdb: A\nendpoint: https://a.b\nvos:\n  - ops\n", "4:5: vos.0: is not a mapping"),
        ("gocdb: A\nendpoint: https://a.b\nvos:\n  - name: ops\n    auth: x\n", "5:11: vos.0.auth: is not a mapping"),
        ("gocdb: A\nendpoint: https://a.b\nimages: {sync: 1}\n", "3:16: images.sync: is neither true nor false"),
        ("gocdb: A\nendpoint: https://a.b\nimages: {formats: raw}\n", "3:19: images.formats: is not a list"),
        ("gocdb: A\nendpoint: https://a.b\naccounting: yes\n", "3:13: accounting: is not a mapping"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(small, into, text, said):
    small("good", "gocdb: GOOD\nendpoint: https://a.b/v3\nvos: [{name: ops, auth: {}}]\n")
    report = import_fedcloud(small("bad", text), into)
    assert str(report.problems[0]).startswith(f"sites/bad.yaml:{said}")
    assert report.created == ("sites/GOOD.yaml", "vos/ops.yaml")


def test_the_same_site_and_endpoint_twice_is_refused(small, into):
    text = "gocdb: A\nendpoint: https://a.b/v3\n"
    small("one", text)
    report = import_fedcloud(small("two", text), into)
    assert [str(p) for p in report.problems] == ["sites/two.yaml:2:11: endpoint: stands already in sites/one.yaml"]


def test_two_groups_of_one_name_are_refused(small, into):
    report = import_fedcloud(small("vo-mappings", "vos:\n  a: x\n  /a: y\n  a b: z\n"), into)
    assert [str(p) for p in report.problems] == [
        "vo-mappings.yaml:3:7: vos./a: is the VO a, as a is",
        "vo-mappings.yaml:4:8: vos.a b: 'a b' is not a name of letters, digits, - . _",
    ]
    assert report.created == ("vos/a.yaml",)


def test_a_site_without_ops_and_an_entitlement_of_another_group_are_noticed(small, into):
    small("vo-mappings", "vos:\n  cms: urn:mace:egi.eu:group:atlas#aai.egi.eu\n  x: urn:mace:egi.eu:res:y#a\n")
    report = import_fedcloud(
        small("A", "gocdb: A\nendpoint: https://a.b/v3\nvos: [{name: cms, auth: {}}, {name: x, auth: {}}]\n"), into
    )
    assert [(f.file, f.line, f.column, f.rule, f.message) for f in report.findings] == [
        (
            "sites/A.yaml",
            3,
            6,
            "fedcloud-no-ops",
            "Site/A: the VO ops is not supported, so the site cannot be monitored",
        ),
        ("vo-mappings.yaml", 2, 8, "fedcloud-other-group", "VO/cms: the entitlement is of the group atlas"),
        ("vo-mappings.yaml", 3, 6, "fedcloud-other-group", "VO/x: the entitlement is a capability, not a group"),
    ]


def test_a_cloud_of_another_driver_is_not_exported_and_that_is_said(start, source, into, tmp_path):
    start(into)
    replace(into / "sites" / "BIFI.yaml", "driver: openstack", "driver: simulated")
    report = export_fedcloud(into, tmp_path / "out")
    assert report.skipped == ("Site/BIFI: the cloud BIFI has the driver simulated, not openstack",)


def test_an_export_over_the_source_touches_only_what_changed(start, source, into):
    start(into)
    before = tree(source)
    assert export_fedcloud(into, source).written == ()
    assert tree(source) == before
    replace(into / "sites" / "ILIFU-UCT.yaml", "imageSync: true", "imageSync: false")
    assert export_fedcloud(into, source).written == ("sites/ILIFU-UCT.yaml",)
    assert diff(before["sites/ILIFU-UCT.yaml"], tree(source)["sites/ILIFU-UCT.yaml"]) == (
        ["  sync: true"],
        ["  sync: false"],
    )


NAME = st.from_regex(r"[a-z][a-z0-9.]{0,6}[a-z0-9]", fullmatch=True)
TEXT = st.from_regex(r"[A-Za-z0-9:/ ._#-]{1,10}", fullmatch=True).filter(lambda t: t.strip() == t)
FREE = st.recursive(
    st.integers(-9, 9) | st.booleans() | TEXT,
    lambda i: st.lists(i, max_size=2) | st.dictionaries(NAME, i, max_size=2),
    max_leaves=4,
)
SHARE = st.fixed_dictionaries(
    {
        "name": NAME | NAME.map(lambda n: f"/{n}/sub"),
        "auth": st.fixed_dictionaries({}, optional={"project_id": TEXT, "region": TEXT, "zz": FREE}),
    },
    optional={"zz": FREE},
)
SITE = st.fixed_dictionaries(
    {
        "gocdb": NAME,
        "endpoint": st.just("https://a.b:5000/v3"),
        "vos": st.lists(SHARE, max_size=4, unique_by=lambda s: s["name"]),
    },
    optional={
        "auth": TEXT,
        "region": TEXT,
        "protocol": TEXT,
        "images": st.fixed_dictionaries({"sync": st.booleans()}, optional={"formats": st.lists(TEXT, max_size=2)}),
        "accounting": st.fixed_dictionaries({}, optional={"enabled": st.booleans(), "site_name": TEXT, "zz": FREE}),
        "zz": FREE,
    },
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(SITE, min_size=1, max_size=3, unique_by=lambda s: s["gocdb"]), st.dictionaries(NAME, TEXT, max_size=3))
def test_any_federation_comes_back_as_it_was_and_is_stable(tmp_path_factory, sites, mapped):
    folder = tmp_path_factory.mktemp("any")
    (folder / "in" / "sites").mkdir(parents=True)
    for n, data in enumerate(sites):
        (folder / "in" / "sites" / f"s{n}.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    (folder / "in" / "vo-mappings.yaml").write_text(yaml.safe_dump({"vos": mapped}))
    assert import_fedcloud(folder / "in", folder / "m").problems == ()
    before = tree(folder / "m")
    import_fedcloud(folder / "in", folder / "m")
    assert tree(folder / "m") == before
    export_fedcloud(folder / "m", folder / "out")
    for n, data in enumerate(sites):
        assert load(folder / "out" / "sites" / f"s{n}.yaml") == data
    assert load(folder / "out" / "vo-mappings.yaml") == {"vos": mapped}
