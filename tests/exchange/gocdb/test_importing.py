"""GOCDB's register taken in as manifests: once, again, after changes, with faults, and from an answer that breaks off."""

from __future__ import annotations

import json
from datetime import datetime
from xml.etree import ElementTree as ET

import pytest
import yaml

from reconciler.downtimes import declarations
from reconciler.errors import ManifestError
from reconciler.exchange.gocdb import Feed, View, answer, import_gocdb, read, topology
from reconciler.kinds import registry
from reconciler.manifest import RuleSettings, load
from reconciler.source import read as revision
from tests.exchange.gocdb import feed
from tests.exchange.gocdb.test_answering import NOW
from tests.house import git


@pytest.fixture
def into(tmp_path):
    return tmp_path / "manifests"


@pytest.fixture
def small():
    """Two sites, three services."""
    a, b = feed.site(1, "ALPHA"), feed.site(2, "BETA")
    return feed.Register([a, b], [feed.service(11, a), feed.service(12, a, "SRM"), feed.service(21, b)])


def taken(register, into, **more):
    with feed.served(register) as url:
        return import_gocdb(read([url], "2026-11-01"), into, NOW, **more)


def spec(into, name):
    return yaml.safe_load((into / "sites" / f"{name}.yaml").read_text())["spec"]


def state(into):
    return {path: path.read_bytes() for path in sorted(into.rglob("*")) if path.is_file()}


def said(diagnostics):
    return [f"{one.path}: {one.message}" for one in diagnostics]


def declared(into):
    """The manifests as Hanse reads them: valid, or this raises."""
    root = into.parent
    if not (root / ".git").exists():
        git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "import")
    return load(revision(root), registry(), RuleSettings({})).items


def test_hundreds_of_sites_come_in_page_by_page_and_a_second_import_changes_nothing(into):
    register = feed.federation(205, 2)
    report = taken(register, into)
    assert report.problems == report.findings == report.kept == ()
    assert (report.counts["site"], report.counts["service"], len(report.created)) == (205, 410, 205)
    sites = [int(one["next_cursor"]) for one in register.asked if one["method"] == "get_site"]
    assert sites == [0, 100, 200, 205]
    assert all(one["scope"] == "" for one in register.asked)
    before = state(into)
    again = taken(register, into)
    assert (again.created, again.changed, again.kept, again.vanished) == ((), (), (), ())
    assert state(into) == before
    assert len(declared(into)) == 205


def test_a_site_and_its_services_say_what_the_feed_said(into, small):
    small.services[0].endpoints = [("submit", "https://h11.example.org/submit")]
    small.services[0].extensions = [("queue", "short"), ("queue", "long")]
    taken(small, into)
    data = yaml.safe_load((into / "sites/ALPHA.yaml").read_text())
    assert data["metadata"] == {"name": "ALPHA", "annotations": {"gocdb/key": "1G0"}}
    assert data["spec"]["contacts"]["csirtEmail"] == "csirt@s1.example.org"
    assert (data["spec"]["latitude"], data["spec"]["ngi"], data["spec"]["country"]) == (42.88, "NGI_1", "ES")
    first = data["spec"]["services"][0]
    assert first["name"] == "h11.s1.example.org_CE"
    assert (first["primaryKey"], first["production"]) == ("11G0", True)
    assert first["endpoints"] == [
        {"name": "submit", "url": "https://h11.example.org/submit", "interface": "x"},
    ]
    assert first["extensions"] == [{"key": "queue", "value": "short"}, {"key": "queue", "value": "long"}]


def test_what_comes_in_goes_out_with_the_same_keys_and_values(into, small):
    taken(small, into)
    out = ET.fromstring(answer(Feed(topology(declared(into), {}, NOW), View()), "get_service", {}, NOW))
    for mine, theirs in zip(out, small.services, strict=True):
        told = {one.tag: one.text for one in ET.fromstring(theirs.xml()) if one.text and one.text.strip()}
        assert told.items() <= {one.tag: one.text for one in mine}.items()


def test_what_goes_out_comes_in_as_the_same_manifests(into, small, tmp_path):
    taken(small, into)
    shown = Feed(topology(declared(into), {}, NOW), View("https://pi.example.org/"))
    files = []
    for method in ("get_site", "get_service_endpoint"):
        files.append(tmp_path / f"{method}.xml")
        files[-1].write_text(answer(shown, method, {"scope": ""}, NOW))
    other = tmp_path / "other"
    assert import_gocdb(read([str(one) for one in files]), other, NOW).complete
    assert {p.relative_to(other): t for p, t in state(other).items()} == {
        p.relative_to(into): t for p, t in state(into).items()
    }


def test_a_change_of_the_feed_changes_one_line_and_comments_stay(into, small):
    taken(small, into)
    path = into / "sites/ALPHA.yaml"
    text = path.read_text().replace("  ngi: NGI_1\n", "  ngi: NGI_1 # since 2019\n")
    path.write_text(text)
    small.services[1].elements["URL"] = "https://new.example.org/"
    report = taken(small, into)
    assert report.changed == ("sites/ALPHA.yaml",)
    after = path.read_text().splitlines()
    (gone,) = [line for line in text.splitlines() if line not in after]
    (new,) = [line for line in after if line not in text.splitlines()]
    assert (gone.strip(), new.strip()) == ("url: https://h12.example.org:8443/ce", "url: https://new.example.org/")


def test_what_people_wrote_stays_and_is_told(into, small):
    taken(small, into)
    path = into / "sites/ALPHA.yaml"
    path.write_text(path.read_text().replace("ngi: NGI_1", "ngi: NGI_OURS") + "  location: Faro\n")
    small.sites[0].elements["ROC"] = "NGI_THEIRS"
    report = taken(small, into)
    assert (spec(into, "ALPHA")["ngi"], spec(into, "ALPHA")["location"]) == ("NGI_OURS", "Faro")
    assert said(report.kept) == ["spec.ngi: changed by hand; the source says 'NGI_THEIRS'"]


def test_a_service_that_was_renamed_by_hand_keeps_its_name(into, small):
    taken(small, into)
    path = into / "sites/ALPHA.yaml"
    path.write_text(path.read_text().replace("name: h11.s1.example.org_CE", "name: grid"))
    small.services[0].elements["HOSTNAME"] = "new.s1.example.org"
    taken(small, into)
    found = {one["name"]: one["hostname"] for one in spec(into, "ALPHA")["services"]}
    assert found["grid"] == "new.s1.example.org"
    assert len(found) == 2


def test_two_services_of_one_type_at_one_host_are_two(into, small):
    small.services[1].elements |= {"SERVICE_TYPE": "CE", "HOSTNAME": small.services[0].elements["HOSTNAME"]}
    taken(small, into)
    assert [one["name"] for one in spec(into, "ALPHA")["services"]] == [
        "h11.s1.example.org_CE",
        "h11.s1.example.org_CE_12G0"[:-2],
    ]
    before = state(into)
    taken(small, into)
    assert state(into) == before


# -- what vanishes -----------------------------------------------------------------------------------------------------


def test_what_vanished_is_told_and_stays_until_its_removal_is_asked_for(into, small):
    taken(small, into)
    del small.sites[1], small.services[1:]
    for _ in range(2):
        report = taken(small, into)
        assert report.vanished == ("Site/ALPHA: the service h12.s1.example.org_SRM", "Site/BETA")
        assert report.changed == report.removed == ()
    report = taken(small, into, remove=True)
    assert report.removed == ("Site/ALPHA: the service h12.s1.example.org_SRM", "Site/BETA")
    assert not (into / "sites/BETA.yaml").exists()
    assert len(spec(into, "ALPHA")["services"]) == 1
    assert taken(small, into, remove=True).vanished == ()


@pytest.mark.parametrize("method", ["get_site", "get_service_endpoint"])
def test_an_answer_that_breaks_off_takes_nothing_away(into, method):
    register = feed.federation(105, 1)
    taken(register, into)
    before = state(into)
    del register.sites[101:], register.services[101:]
    register.broken = lambda asked: asked["method"] == method and asked["next_cursor"] != "0"
    report = taken(register, into, remove=True)
    assert any("answers 500" in one.message for one in report.problems)
    gone = [one for one in report.removed if (": the service" in one) == (method == "get_service_endpoint")]
    assert gone == []
    register.broken = lambda _asked: True
    assert taken(register, into, remove=True).removed == ()
    assert set(state(into)) <= set(before)


def test_an_empty_answer_takes_nothing_away(into, small):
    taken(small, into)
    before = state(into)
    report = taken(feed.Register(), into, remove=True)
    assert (report.removed, report.vanished) == ((), ())
    assert state(into) == before


@pytest.mark.parametrize("count", ["2", "0", "many", ""])
def test_a_page_whose_count_contradicts_it_takes_nothing_away(into, small, count):
    taken(small, into)
    before = state(into)
    del small.sites[1], small.services[2]
    right = small.answer
    small.answer = lambda asked: right(asked).replace("<count>1</count>", f"<count>{count}</count>")
    report = taken(small, into, remove=True)
    (problem,) = report.problems
    assert problem.message == f"its count says {count or 0}, and there are 1"
    assert problem.file.endswith("?method=get_site")
    assert (report.vanished, report.removed, state(into)) == ((), (), before)


def test_a_site_that_is_told_of_twice_is_the_first_and_is_told(into, small):
    taken(small, into)
    before = state(into)
    small.sites.append(feed.site(3, "ALPHA"))
    report = taken(small, into, remove=True)
    (problem,) = report.problems
    assert problem.path == "SITE[ALPHA]/SHORT_NAME"
    assert "is told of already, at" in problem.message
    assert problem.message.endswith("the first is taken")
    assert state(into) == before


def test_a_service_whose_key_is_told_twice_is_the_first_and_none_is_removed(into, small):
    taken(small, into)
    before = state(into)
    small.services[2].number = 11
    report = taken(small, into, remove=True)
    (problem,) = report.problems
    assert problem.path == "SITE[BETA]/SERVICE_ENDPOINT[h21.s2.example.org]/PRIMARY_KEY"
    assert problem.message.startswith("11G0 is told of already, at")
    assert (report.removed, state(into)) == ((), before)


def test_when_most_has_vanished_nothing_is_removed(into):
    register = feed.federation(30, 1)
    taken(register, into)
    del register.sites[5:]
    report = taken(register, into, remove=True)
    assert said(report.problems)[0] == ": 25 of 30 have vanished: none of them is removed"
    assert len(list((into / "sites").iterdir())) == 30


def test_a_filtered_answer_says_nothing_of_what_it_leaves_out(into, small):
    taken(small, into)
    with feed.served(small) as url:
        del small.sites[1]
        report = import_gocdb(read([f"{url}?method=get_site&roc=NGI_1"]), into, NOW, remove=True)
    assert report.vanished == report.removed == ()


def test_sites_of_ones_own_are_never_touched(into, small):
    own = into / "sites" / "OWN.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("apiVersion: hanse/v1\nkind: Site\nmetadata: {name: OWN}\nspec: {country: PT} # ours\n")
    before = own.read_bytes()
    taken(small, into)
    report = taken(small, into, remove=True)
    assert own.read_bytes() == before
    assert report.vanished == ()


def test_a_site_that_people_added_to_is_not_removed(into, small):
    taken(small, into)
    path = into / "sites/BETA.yaml"
    path.write_text(path.read_text() + "  location: Faro\n")
    del small.sites[1]
    report = taken(small, into, remove=True)
    assert path.exists()
    assert said(report.kept) == [": no longer in the feed, and kept: it was changed by hand"]


def test_services_of_a_site_that_was_closed_are_hidden_and_stay(into, small):
    taken(small, into)
    small.sites[1].elements["CERTIFICATION_STATUS"] = "Closed"
    del small.services[2]
    assert taken(small, into, remove=True).vanished == ()
    assert len(spec(into, "BETA")["services"]) == 1


# -- files -------------------------------------------------------------------------------------------------------------


def page(register, cursor, **more):
    return register.answer({"method": "get_site", "scope": "", "next_cursor": str(cursor), **more})


def test_files_count_as_all_only_from_the_first_page_to_the_last(tmp_path):
    register = feed.federation(130, 0)
    for n, cursor in enumerate((0, 100, 130)):
        (tmp_path / f"{n}.xml").write_text(page(register, cursor))
    names = [str(tmp_path / f"{n}.xml") for n in range(3)]
    assert read(names).complete == {"SITE"}
    assert read([names[1], names[0]]).complete == {"SITE"}
    assert read(names[1:]).complete == read(names[:1]).complete == set()
    (tmp_path / "0.xml").write_text(page(register, 0, roc="NGI_1"))
    assert read(names).complete == set()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<results", "cannot be read: no XML"),
        ("<error>Unsupported parameter: x</error>", "cannot be read: it answers: Unsupported parameter: x"),
        ("<html/>", "cannot be read: it begins with <html>"),
        ('<!DOCTYPE r [<!ENTITY a "b">]><results>&a;</results>', "cannot be read: it declares a document type"),
    ],
)
def test_what_is_no_answer_is_told(tmp_path, text, why):
    (tmp_path / "a.xml").write_text(text)
    (problem,) = read([str(tmp_path / "a.xml"), str(tmp_path / "none.xml")]).problems[:1]
    assert problem.message.startswith(why)


def test_answers_that_tell_of_sites_in_short_take_nothing_away(into, small, tmp_path):
    taken(small, into)
    before = state(into)
    short = f'<results><SITE ID="1" PRIMARY_KEY="1G0" NAME="ALPHA">{"<SHORT_NAME>ALPHA</SHORT_NAME>"}</SITE></results>'
    (tmp_path / "short.xml").write_text(short)
    report = import_gocdb(read([str(tmp_path / "short.xml")]), into, NOW, remove=True)
    assert ["no answer of get_site" in one.message for one in report.problems] == [True]
    with feed.served(small) as url:
        small.of = lambda _method: [(1, short)]
        report = import_gocdb(read([f"{url}?method=get_site_list"]), into, NOW, remove=True)
    assert [one.message for one in report.problems] == ["answers of get_site_list are not taken in"]
    assert state(into) == before


def test_a_fault_is_told_with_its_file_and_line(tmp_path, into, small):
    small.sites[1].elements["CSIRT_EMAIL"] = "nobody"
    text = f"<results>\n<!-- by hand -->\n{small.sites[0].xml()}\n{small.sites[1].xml()}</results>"
    (tmp_path / "sites.xml").write_text(text)
    (problem,) = import_gocdb(read([str(tmp_path / "sites.xml")]), into, NOW).problems
    line = text[: text.index('<SITE ID="9002"')].count("\n") + 1
    assert (problem.file, problem.line, problem.path) == (str(tmp_path / "sites.xml"), line, "SITE[BETA]/CSIRT_EMAIL")


# -- faults of real feeds ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("element", "text", "field", "kept"),
    [
        ("CONTACT_EMAIL", "a@example.org, b@example.org", ("contacts", "email"), "a@example.org;b@example.org"),
        ("SITE_DESCRIPTION", 'The "big" centre\nof all', ("description",), "The big centre of all"),
        ("COUNTRY_CODE", "UK", ("country",), "GB"),
        ("TIMEZONE", "UTC", ("timezone",), "Etc/UTC"),
        ("SITE_IP", "192.0.2.0/24", ("ipRanges", 0), "192.0.2.0/255.255.255.0"),
    ],
)
def test_what_can_be_put_right_is_taken_in_and_told(into, small, element, text, field, kept):
    small.sites[0].elements[element] = text
    report = taken(small, into)
    found = spec(into, "ALPHA")
    for part in field:
        found = found[part]
    assert found == kept
    assert report.problems == ()
    assert [one.path for one in report.findings] == [f"SITE[ALPHA]/{element}"]


@pytest.mark.parametrize(
    ("element", "text"),
    [
        ("CSIRT_EMAIL", "nobody"),
        ("CONTACT_TEL", "ask Ana"),
        ("HOME_URL", "https://host:8443/"),
        ("LATITUDE", "142.5"),
        ("CERTIFICATION_STATUS", "Certifed"),
        ("COUNTRY_CODE", "XX"),
    ],
)
def test_a_field_that_breaks_the_rules_is_left_out_and_told_and_the_rest_comes_in(into, small, element, text):
    small.sites[0].elements |= {"COUNTRY": "", element: text}
    report = taken(small, into)
    assert [one.path for one in report.problems] == [f"SITE[ALPHA]/{element}"]
    assert "correct it in GOCDB" in report.problems[0].cure
    assert spec(into, "ALPHA")["officialName"] == "Computing Centre 1"
    assert len(spec(into, "ALPHA")["services"]) == 2
    declared(into)


def test_a_slip_of_the_feed_does_not_take_away_what_was_right(into, small):
    taken(small, into)
    before = state(into)
    small.sites[0].elements["CSIRT_EMAIL"] = "oops"
    small.services[0].elements["HOSTNAME"] = "no_dot"
    report = taken(small, into)
    assert [one.path for one in report.problems] == ["SITE[ALPHA]/CSIRT_EMAIL", "SITE[ALPHA]/SERVICE_ENDPOINT[no_dot]"]
    assert (into / "sites/ALPHA.yaml").read_bytes() == before[into / "sites/ALPHA.yaml"]


def test_what_a_feed_withholds_stays(into, small):
    taken(small, into)
    before = state(into)
    for name in ("CONTACT_EMAIL", "CONTACT_TEL", "CSIRT_EMAIL", "CERTIFICATION_STATUS"):
        small.sites[0].elements[name] = ""
    assert taken(small, into).problems == ()
    assert state(into) == before
    small.sites[0].elements["HOME_URL"] = ""
    taken(small, into)
    assert "homeUrl" not in spec(into, "ALPHA")


def test_services_that_break_gocdbs_own_rules_are_put_right(into, small):
    small.services[0].elements["NODE_MONITORED"] = "N"
    small.services[1].scopes = ["EGI", "wlcg"]
    report = taken(small, into)
    first, second = spec(into, "ALPHA")["services"]
    assert (first["monitored"], first.get("production")) == (False, None)
    assert second["scopes"] == ["EGI"]
    assert len(report.findings) == 2
    declared(into)


def test_words_that_a_closed_vocabulary_does_not_have_stay_out(into, small):
    own = into / "words.yaml"
    own.parent.mkdir()
    said_ = "{closed: true, scopes: [{name: EGI}], serviceTypes: [{name: org.own, monitoringOptional: true}]}"
    own.write_text(f"apiVersion: hanse/v1\nkind: Vocabulary\nmetadata: {{name: own}}\nspec: {said_}\n")
    small.services[0].elements |= {"SERVICE_TYPE": "org.own", "NODE_MONITORED": "N"}
    small.services[1].elements["SERVICE_TYPE"] = "org.other"
    small.services[2].scopes = ["EGI", "Elsewhere"]
    report = taken(small, into)
    assert [one.path for one in report.problems] == ["SITE[ALPHA]/SERVICE_ENDPOINT[h12.s1.example.org]/SERVICE_TYPE"]
    assert [one.path for one in report.findings] == ["SITE[BETA]/SERVICE_ENDPOINT[h21.s2.example.org]/SCOPES"]
    assert spec(into, "ALPHA")["services"][0]["production"] is True
    declared(into)


def test_services_of_a_site_that_is_not_told_of_are_told(into, small):
    small.services.append(feed.service(99, feed.site(9, "NOWHERE")))
    report = taken(small, into)
    assert said(report.problems) == ["SITE[NOWHERE]: services name this site, and it is not told of; they are left out"]


def test_services_alone_are_added_to_sites_that_are_known(into, small):
    taken(small, into)
    small.services[0].elements["URL"] = "https://new.example.org/"
    with feed.served(small) as url:
        report = import_gocdb(read([f"{url}?method=get_service_endpoint"]), into, NOW)
    assert report.changed == ("sites/ALPHA.yaml",)
    assert spec(into, "ALPHA")["ngi"] == "NGI_1"


def test_the_lock_names_what_came_from_the_feed(into, small):
    taken(small, into)
    assert list(json.loads((into / "gocdb.lock.json").read_text())["documents"]) == ["Site/ALPHA", "Site/BETA"]


@pytest.mark.parametrize(
    "text", ["<<<<<<< HEAD\n{}", "", "[]", '{"version": 9}', '{"version": 1, "documents": {"Site/ALPHA": 1}}']
)
def test_a_lock_that_cannot_be_read_is_an_error_and_nothing_is_written(into, small, text):
    taken(small, into)
    (into / "gocdb.lock.json").write_text(text)
    small.sites[0].elements["ROC"] = "NGI_NEW"
    before = state(into)
    with pytest.raises(ManifestError, match=r"gocdb\.lock\.json.*take it from git again, or remove it"):
        taken(small, into)
    assert state(into) == before


def test_a_site_that_two_files_declare_is_told(into, small):
    taken(small, into)
    second = into / "sites/again.yaml"
    second.write_bytes((into / "sites/ALPHA.yaml").read_bytes())
    (problem,) = taken(small, into).problems
    assert problem.file == "sites/again.yaml"
    assert problem.message == "Site/ALPHA is declared in sites/ALPHA.yaml already; this one is left as it is"


@pytest.mark.parametrize("text", ["kind: Site\nspec: [broken\n", "kind: [\n", "\x00", "a: 1\na: 2\n"])
def test_a_file_that_cannot_be_parsed_is_told_and_left_alone(into, small, text):
    taken(small, into)
    (into / "other.yaml").write_text(text)
    report = taken(small, into)
    assert [one.file for one in report.problems] == ["other.yaml"]
    assert (report.changed, (into / "other.yaml").read_text()) == ((), text)


# -- downtimes and groups ----------------------------------------------------------------------------------------------


def downtime(number, services, start, end, inserted="2026-10-01T00:00:00Z", **elements):
    times = {"INSERT_DATE": inserted, "START_DATE": start, "END_DATE": end}
    seconds = {name: str(int(datetime.fromisoformat(text).timestamp())) for name, text in times.items()}
    return feed.Downtime(number, services, {"SEVERITY": "OUTAGE", "DESCRIPTION": "New switches", **seconds, **elements})


AHEAD = ("2026-12-01T08:00:00Z", "2026-12-01T16:00:00Z")
PAST = ("2026-11-10T08:00:00Z", "2026-11-10T16:00:00Z")


def test_a_downtime_comes_in_with_its_services_and_when_it_was_declared(into, small):
    small.downtimes = [downtime(701, small.services[:2], *AHEAD)]
    assert taken(small, into).problems == ()
    data = yaml.safe_load((into / "downtimes/2026-12-01-ALPHA-701.yaml").read_text())
    assert data["metadata"]["annotations"] == {"gocdb/key": "701G0", "gocdb/declared": "2026-10-01T00:00:00Z"}
    assert data["spec"] == {
        "description": "New switches",
        "severity": "OUTAGE",
        "start": "2026-12-01T08:00:00Z",
        "end": "2026-12-01T16:00:00Z",
        "affects": [{"site": "ALPHA", "services": ["h11.s1.example.org_CE", "h12.s1.example.org_SRM"]}],
    }
    before = state(into)
    taken(small, into)
    assert state(into) == before


def test_a_downtime_of_a_host_and_a_type_is_one_of_all_services_that_are_both(into, small):
    small.services[1].elements |= {"SERVICE_TYPE": "CE", "HOSTNAME": small.services[0].elements["HOSTNAME"]}
    small.downtimes = [downtime(701, small.services[:1], *AHEAD)]
    assert taken(small, into).problems == ()
    data = yaml.safe_load((into / "downtimes/2026-12-01-ALPHA-701.yaml").read_text())
    both = ["h11.s1.example.org_CE", "h11.s1.example.org_CE_12"]
    assert data["spec"]["affects"] == [{"site": "ALPHA", "services": both}]
    before = state(into)
    assert taken(small, into).problems == ()
    assert state(into) == before


def test_an_imported_downtime_keeps_its_key_its_time_and_its_class(into, small, tmp_path):
    small.downtimes = [downtime(701, small.services[:1], *PAST), downtime(702, small.services[2:], *PAST, PAST[0])]
    taken(small, into)
    resources = declared(into)
    kept = tmp_path / "cache"
    stated = declarations(into.parent, revision(into.parent), resources, kept)
    assert declarations(into.parent, revision(into.parent), resources, kept) == stated
    out = ET.fromstring(answer(Feed(topology(resources, stated, NOW), View()), "get_downtime", {}, NOW))
    told = {one.get("PRIMARY_KEY"): one for one in out}
    assert {key: one.get("CLASSIFICATION") for key, one in told.items()} == {
        "701G0": "SCHEDULED",
        "702G0": "UNSCHEDULED",
    }
    for mine in small.downtimes:
        theirs = told[f"{mine.number}G0"]
        assert {name: theirs.findtext(name) for name in mine.elements} == mine.elements


@pytest.mark.parametrize("commits", [0, 1])
def test_an_imported_downtime_has_its_time_before_it_is_committed(into, small, commits):
    small.downtimes = [downtime(701, small.services[:1], *PAST)]
    taken(small, into)
    root = into.parent
    git(root, "init", "-q", "-b", "main")
    for _ in range(commits):
        git(root, "commit", "-q", "--allow-empty", "-m", "nothing yet")
    here = revision(root, worktree=True)
    resources = load(here, registry(), RuleSettings({})).items
    (said_,) = declarations(root, here, resources).values()
    assert [f"{one.at:%Y-%m-%d}" for one in said_] == ["2026-10-01"]


def test_a_downtime_that_is_moved_changes_its_file_and_keeps_its_name(into, small):
    small.downtimes = [downtime(701, small.services[:1], *AHEAD)]
    taken(small, into)
    small.downtimes = [downtime(701, small.services[:1], "2026-12-02T08:00:00Z", "2026-12-02T09:00:00Z")]
    assert taken(small, into).changed == ("downtimes/2026-12-01-ALPHA-701.yaml",)
    text = (into / "downtimes/2026-12-01-ALPHA-701.yaml").read_text()
    assert "2026-12-02T09:00:00Z" in text


def test_a_downtime_that_was_called_off_is_removed_when_asked_and_one_that_began_never(into, small):
    small.downtimes = [downtime(701, small.services[:1], *AHEAD), downtime(702, small.services[:1], *PAST)]
    small.downtimes.append(downtime(703, small.services[2:], *AHEAD))
    taken(small, into)
    del small.downtimes[:2]
    assert taken(small, into).vanished == ("Downtime/2026-12-01-ALPHA-701",)
    assert taken(small, into, remove=True).removed == ("Downtime/2026-12-01-ALPHA-701",)
    assert sorted(path.name for path in (into / "downtimes").iterdir()) == [
        "2026-11-10-ALPHA-702.yaml",
        "2026-12-01-BETA-703.yaml",
    ]


def test_of_past_downtimes_a_service_that_is_gone_is_no_fault(into, small):
    gone = feed.service(99, small.sites[0])
    small.downtimes = [downtime(701, [gone], *PAST), downtime(702, [gone], *AHEAD)]
    report = taken(small, into)
    assert [one.path for one in report.problems] == ["DOWNTIME[702G0]/SERVICE[h99.s1.example.org CE]"]
    assert [one.path for one in report.findings] == ["DOWNTIME[701G0]/SERVICE[h99.s1.example.org CE]"]
    assert not (into / "downtimes").exists()


def test_a_downtime_of_months_gets_a_reason_and_one_of_decades_is_left_out(into, small):
    small.downtimes = [
        downtime(701, small.services[:1], AHEAD[0], "2027-03-01T00:00:00Z", DESCRIPTION='Moving "all"'),
        downtime(702, small.services[:1], AHEAD[0], "2099-03-01T00:00:00Z"),
        downtime(703, small.services[:1], AHEAD[0], AHEAD[0]),
    ]
    report = taken(small, into)
    said_ = yaml.safe_load((into / "downtimes/2026-12-01-ALPHA-701.yaml").read_text())["spec"]
    assert (said_["reason"], said_["description"]) == ("declared so in GOCDB", "Moving all")
    assert [one.path for one in report.problems] == ["DOWNTIME[702G0]", "DOWNTIME[703G0]"]
    declared(into)


def test_downtimes_of_ones_own_that_went_out_do_not_come_back_as_others(into, small, tmp_path):
    taken(small, into)
    own = into / "downtimes" / "ours.yaml"
    own.parent.mkdir()
    times = f"start: {AHEAD[0]}, end: {AHEAD[1]}"
    spec_ = f"{{description: Ours, severity: OUTAGE, {times}, affects: [{{site: ALPHA}}]}}"
    own.write_text(f"apiVersion: hanse/v1\nkind: Downtime\nmetadata: {{name: ours}}\nspec: {spec_}\n")
    shown = Feed(topology(declared(into), {}, NOW), View())
    for method in ("get_downtime", "get_downtime_nested_services"):
        file = tmp_path / f"{method}.xml"
        file.write_text(answer(shown, method, {"scope": ""}, NOW))
        before = state(into)
        report = import_gocdb(read([str(file)]), into, NOW)
        assert report.problems == ()
        assert state(into) == before


GROUP = (
    '<SERVICE_GROUP PRIMARY_KEY="{0}G0"><NAME>{1}</NAME><DESCRIPTION>Clouds</DESCRIPTION><MONITORED>N</MONITORED>'
    "<CONTACT_EMAIL>a@example.org</CONTACT_EMAIL>{2}<SCOPES><SCOPE>EGI</SCOPE></SCOPES><EXTENSIONS/></SERVICE_GROUP>"
)
MEMBER = (
    '<SERVICE_ENDPOINT PRIMARY_KEY="{0}G0"><HOSTNAME>x</HOSTNAME><SERVICE_TYPE>CE</SERVICE_TYPE></SERVICE_ENDPOINT>'
)


def test_a_group_comes_in_with_its_members_by_key_and_goes_out_again(into, small):
    small.groups = [
        GROUP.format(5, "NGI_CLOUDS", MEMBER.format(11) + MEMBER.format(21)),
        GROUP.format(6, "bad name", ""),
    ]
    report = taken(small, into)
    assert [one.path for one in report.problems] == ["SERVICE_GROUP[bad name]/NAME"]
    data = yaml.safe_load((into / "servicegroups/NGI_CLOUDS.yaml").read_text())
    assert data["metadata"]["annotations"] == {"gocdb/key": "5G0"}
    assert (data["spec"]["monitored"], data["spec"]["scopes"]) == (False, ["EGI"])
    assert data["spec"]["members"] == [
        {"site": "ALPHA", "services": ["h11.s1.example.org_CE"]},
        {"site": "BETA", "services": ["h21.s2.example.org_CE"]},
    ]
    out = ET.fromstring(answer(Feed(topology(declared(into), {}, NOW), View()), "get_service_group", {}, NOW))
    assert [one.get("PRIMARY_KEY") for one in out[0].findall("SERVICE_ENDPOINT")] == ["11G0", "21G0"]


def test_a_group_that_chooses_the_same_services_otherwise_stays_as_it_is(into, small):
    small.groups = [GROUP.format(5, "NGI_CLOUDS", MEMBER.format(21))]
    taken(small, into)
    path = into / "servicegroups/NGI_CLOUDS.yaml"
    head = path.read_text().partition("  members:")[0]
    path.write_text(f"{head}  members:\n    - site: BETA # all of it\n  scopes: [EGI]\n")
    before = path.read_bytes()
    assert taken(small, into).kept == ()
    assert path.read_bytes() == before


def test_a_change_of_certification_comes_in_as_a_step_with_its_reason(into, small):
    taken(small, into)
    small.sites[0].elements["CERTIFICATION_STATUS"] = "Suspended"
    small.sites[1].elements["CERTIFICATION_STATUS"] = "Candidate"
    taken(small, into)
    assert spec(into, "ALPHA")["certificationChange"] == {"reason": "Certified to Suspended in GOCDB"}
    assert spec(into, "BETA")["certificationChange"] == {"reason": "Certified to Candidate in GOCDB", "force": True}
    before = state(into)
    taken(small, into)
    assert state(into) == before
