"""VO ID cards become manifests that mean the same, again and again, and manifests become cards."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reconciler.exchange.vocard import cards, import_cards, read_cards
from reconciler.exchange.vocard.element import Malformed, parse
from reconciler.kinds.vo import (
    AcceptableUse,
    Card,
    Fqan,
    MailingLists,
    MemberList,
    Person,
    Range,
    Resources,
    VomsServer,
    VOSpec,
)
from reconciler.manifest.roundtrip import update
from reconciler.model import encode

CARD = (Path(__file__).parent / "card.xml").read_text()
NAME = "vo.tides.example.org"
FILE = f"vos/{NAME}.yaml"


def read(text):
    (found,), faults = read_cards(text.encode())
    assert not faults
    return found


def spec_of(text):
    found = read(text)
    assert (found.faults, found.left) == ((), ())
    return VOSpec.model_validate_json(encode(found.spec))


def card(inner, attributes=f'Name="{NAME}"', root="root"):
    return f"<{root}><IDCard {attributes}>{inner}</IDCard></{root}>"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("description", "Coastal and tidal research"),
        ("disciplines", ("Earth Sciences", "Oceanography")),
        ("scope", "Global"),
        ("status", "Production"),
        ("serial", 42),
        ("homepage", "https://www.tides.example.org"),
        ("enrolmentUrl", "https://aai.example.org/enrol"),
        ("aup", AcceptableUse(text="Be kind.\nAnd < careful.")),
        ("supportProcedure", "https://www.tides.example.org/help"),
        ("managers", (Person(name="Ana Gil", email="ana@tides.example.org", dn="/C=ES/CN=Ana Gil"),)),
        ("contacts", (Person(name="Bo Priel", role="VO EXPERT", telephone="+49 471 1"),)),
        ("mailingLists", MailingLists(admins="admins@tides.example.org", security="security@tides.example.org")),
        (
            "fqans",
            (
                Fqan(fqan=f"/{NAME}/Role=pilot", description="Pilots", type="Pilot", share="20"),
                Fqan(fqan=f"/{NAME}", used=False),
            ),
        ),
        (
            "voms",
            (
                VomsServer(
                    hostname="voms.example.org",
                    vomsesPort=15001,
                    httpsPort=8443,
                    admin=True,
                    membersUrl="https://voms.example.org:8443/voms/tides",
                    dn="/DC=org/CN=voms.example.org",
                    caDn="/DC=org/CN=CA",
                ),
            ),
        ),
        ("memberLists", (MemberList(system="Perun", url="https://perun.example.org/tides"),)),
        ("cvmfsRepositories", ("tides.example.org",)),
        (
            "resources",
            Resources(
                maxCpuMinutes=2880,
                ramX8664MB=2000,
                multicoreCores=Range(min=1, preferred=8, max=64),
                cloudCores="4-8",
                other="Outbound network",
            ),
        ),
        (
            "card",
            Card(
                id=77,
                alias="tides",
                gridId="t-1",
                validated=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
                disciplineIds={"Earth Sciences": "3", "Oceanography": "31"},
                middlewares=("gLite", "CLOUD_COMPUTING"),
            ),
        ),
    ],
)
def test_a_card_says_the_field(field, value):
    assert getattr(spec_of(CARD), field) == value


def test_a_card_says_nothing_of_what_is_not_on_it():
    assert spec_of(card("")) == VOSpec()


def test_the_second_form_is_read_as_the_first():
    second = CARD.replace("<VoDump>", '<root current="v2">').replace("</VoDump>", "</root>")
    assert spec_of(second) == spec_of(CARD)


@pytest.mark.parametrize(
    ("inner", "spec"),
    [
        ("<AUP>https://x.org/aup</AUP>", {"aup": {"url": "https://x.org/aup"}}),
        ("<AUP>be kind</AUP>", {"aup": {"text": "be kind"}}),
        ('<AUP type="File">aup.pdf</AUP>', {"aup": {"file": "aup.pdf"}}),
        ('<AUP type="Url"/>', {}),
        ("<Discipline>Physics</Discipline>", {"disciplines": ["Physics"]}),
        (
            "<Discipline>Physics</Discipline><Disciplines><Discipline>Optics</Discipline></Disciplines>",
            {"disciplines": ["Optics"], "card": {"discipline": "Physics"}},
        ),
        (
            "<Ressources><CernCVMFS><endpoints>http://x.org/cvmfs/a</endpoints></CernCVMFS></Ressources>",
            {"card": {"cvmfsEndpoints": "http://x.org/cvmfs/a"}},
        ),
        (
            "<Ressources><CernCVMFS><endpoints>a.example.org, /cvmfs/b.example.org</endpoints></CernCVMFS></Ressources>",
            {"cvmfsRepositories": ["a.example.org", "b.example.org"]},
        ),
        (
            "<Ressources><CloudCompute><CloudVmRam>16</CloudVmRam></CloudCompute></Ressources>",
            {"resources": {"cloudRam": 16}},
        ),
        (
            "<Contacts><Individuals><Contact><Name>A</Name><Role>VO Manager</Role></Contact></Individuals></Contacts>",
            {"managers": [{"name": "A", "role": "VO Manager"}]},
        ),
    ],
)
def test_odd_cards_are_understood(inner, spec):
    assert read(card(inner)).spec == spec


def test_the_number_at_the_portal_follows_from_the_serial_number():
    assert read(card("", f'Name="{NAME}" Serial="5" CIC_ID="10005"')).spec == {"serial": 5}
    assert 'CIC_ID="10005"' in cards({NAME: VOSpec(serial=5)}).text


def test_the_name_of_a_group_with_a_path_is_the_manifests_with_the_group_beside_it():
    found = read(card("", 'Name="/biomed/vip"'))
    assert (found.name, found.spec) == ("/biomed/vip", {"group": "/biomed/vip"})
    assert 'Name="/biomed/vip"' in cards({"biomed_vip": VOSpec(group="/biomed/vip")}).text


# --- what is wrong, and what is not known ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inner", "path", "left"),
    [
        ("<HomepageUrl>not a url</HomepageUrl>", "spec.homepage", {}),
        ("<Scope>{}</Scope>", "spec.scope", {}),
        (
            "<Contacts><Individuals><Contact><Name>A</Name><Email>a b</Email></Contact></Individuals></Contacts>",
            "spec.contacts[0].email",
            {"contacts": [{"name": "A"}]},
        ),
        (
            "<Contacts><Individuals><Contact><Role>expert</Role></Contact></Individuals></Contacts>",
            "spec.contacts[0].name",
            {},
        ),
        (
            '<gLiteConf><VOMSServers><VOMS_Server HttpsPort="x"><hostname>a.b</hostname></VOMS_Server></VOMSServers></gLiteConf>',
            "spec.voms[0].httpsPort",
            {"voms": [{"hostname": "a.b"}]},
        ),
        (
            '<gLiteConf><VOMSServers><VOMS_Server HttpsPort="8443"/></VOMSServers></gLiteConf>',
            "spec.voms[0].hostname",
            {},
        ),
        ('<ValidationDate TimeZone="CET">2026-01-01 00:00:00</ValidationDate>', "spec.card.validated", {}),
        ("<ValidationDate>soon</ValidationDate>", "spec.card.validated", {}),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_the_rest_is_taken(inner, path, left):
    found = read(f"<root>\n<IDCard Name='{NAME}'>\n{inner}\n</IDCard></root>")
    assert [(fault.path, fault.line) for fault in found.faults] == [(path, 3)]
    assert found.spec == left


def test_every_fault_of_a_card_is_told():
    found = read(card("<HomepageUrl>a b</HomepageUrl><EnrollmentUrl>c d</EnrollmentUrl>", f'Name="{NAME}" Status="?"'))
    assert [fault.path for fault in found.faults] == ["spec.status", "spec.homepage", "spec.enrolmentUrl"]
    assert found.spec == {}


@pytest.mark.parametrize(
    ("inner", "told"),
    [
        ('<Colour lang="en">blue</Colour>', {"Colour", "Colour@lang"}),
        ('<AUP type="Poem">roses</AUP>', {"AUP@type"}),
        ('<Scope level="1">Global</Scope>', {"Scope@level"}),
        ("<Scope>Global</Scope><Scope>Local</Scope>", {"Scope"}),
        ("<gLiteConf><BlackList><Sites>X</Sites></BlackList></gLiteConf>", {"gLiteConf/BlackList/Sites"}),
        ("<Colour/>", set()),
    ],
)
def test_nothing_is_lost_in_silence(inner, told):
    found = read(card(inner))
    assert {fault.path for fault in found.left} == told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no XML: no element found"),
        ("<root>", "no XML"),
        ("<root><IDCard></root>", "no XML: mismatched tag"),
        ("<html/>", "neither a VoDump nor a root"),
        ('<!DOCTYPE r [<!ENTITY a "x">]><root>&a;</root>', "it declares entities"),
        ("<?xml version='1.0' encoding='nix'?><root/>", "no XML: unknown encoding"),
    ],
)
def test_what_is_no_list_of_cards_is_refused(text, message, tmp_path):
    report = import_cards(text.encode(), "feed", tmp_path)
    assert message in str(report.problems[0])
    assert (report.vos, report.created) == (0, ())


def test_entities_are_refused_where_they_are_declared():
    with pytest.raises(Malformed) as caught:
        parse(b'<!DOCTYPE r [\n<!ENTITY a "x">]><r/>')
    assert caught.value.line == 2


# --- again and again ------------------------------------------------------------------------------------------------


def test_a_card_becomes_a_manifest_and_a_second_import_changes_nothing(tmp_path):
    report = import_cards(CARD.encode(), "feed", tmp_path)
    assert (report.complete, report.created, report.vos) == (True, (FILE,), 1)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again = import_cards(CARD.encode(), "feed", tmp_path)
    assert (again.created, again.changed, again.kept) == ((), (), ())
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    made = YAML(typ="safe").load((tmp_path / FILE).read_text())
    assert VOSpec.model_validate_json(encode(made["spec"])) == spec_of(CARD)


def changed(old, new):
    before, after = old.splitlines(), new.splitlines()
    return [line for line in before if line not in after], [line for line in after if line not in before]


@pytest.mark.parametrize(
    ("this", "that", "lines"),
    [
        ("15001", "15002", (["      vomsesPort: 15001 # ours"], ["      vomsesPort: 15002 # ours"])),
        (
            "Coastal and tidal",
            "Tidal",
            (["  description: Coastal and tidal research"], ["  description: Tidal research"]),
        ),
        ("<Scope>Global</Scope>", "", (["  scope: Global"], [])),
        ("+49 471 1", "+49 471 2", (["      telephone: +49 471 1"], ["      telephone: +49 471 2"])),
    ],
)
def test_a_changed_card_changes_a_line_and_comments_stay(tmp_path, this, that, lines):
    import_cards(CARD.encode(), "feed", tmp_path)
    file = tmp_path / FILE
    text = file.read_text().replace("vomsesPort: 15001", "vomsesPort: 15001 # ours")
    file.write_text(text)
    report = import_cards(CARD.replace(this, that).encode(), "feed", tmp_path)
    assert report.changed == (FILE,)
    assert changed(text, file.read_text()) == lines


def test_what_people_have_written_stays_and_is_told(tmp_path):
    import_cards(CARD.encode(), "feed", tmp_path)
    file = tmp_path / FILE
    text = file.read_text().replace("scope: Global", "scope: Local").replace("email: ana@", "email: ana.gil@")
    text += "  allocations:\n    - site: TIDE-CLOUD\n      vcpus: 3\n"
    file.write_text(text)
    report = import_cards(CARD.replace("Global", "National").encode(), "feed", tmp_path)
    assert [(one.path, one.line > 1) for one in report.kept] == [
        ("spec.scope", True),
        ("spec.managers.0.email", True),
    ]
    assert file.read_text() == text


def test_a_manifest_written_by_hand_is_completed_and_not_contradicted(tmp_path):
    file = tmp_path / "elsewhere.yaml"
    file.write_text(
        f"# ours\napiVersion: hanse/v1\nkind: VO\nmetadata: {{name: {NAME}}}\nspec:\n  description: Tides # short\n"
    )
    report = import_cards(CARD.encode(), "feed", tmp_path)
    assert report.changed == ("elsewhere.yaml",)
    assert [one.path for one in report.kept] == ["spec.description"]
    assert "description: Tides # short\n" in file.read_text()
    assert "scope: Global" in file.read_text()


def test_a_value_that_is_wrong_now_stays_as_it_was(tmp_path):
    import_cards(CARD.encode(), "feed", tmp_path)
    report = import_cards(CARD.replace("https://www.tides.example.org<", "nothing yet<").encode(), "feed", tmp_path)
    assert [one.path for one in report.problems] == ["spec.homepage"]
    assert (report.changed, report.complete) == ((), False)


def test_what_does_not_go_together_is_told_and_left_as_it_is_until_somebody_mends_it(tmp_path):
    by_url = CARD.replace('<AUP type="Text"><![CDATA[Be kind.\nAnd < careful.]]>', '<AUP type="Url">https://x.org/aup')
    import_cards(by_url.encode(), "feed", tmp_path)
    file = tmp_path / FILE
    text = file.read_text().replace("https://x.org/aup", "https://x.org/ours")
    file.write_text(text)
    for _ in range(2):
        report = import_cards(CARD.encode(), "feed", tmp_path)
        assert [one.path for one in report.problems] == ["spec.aup"]
        assert (report.vos, report.changed, file.read_text()) == (0, (), text)
    file.write_text(text.replace("url: https://x.org/ours", 'text: "Be kind."'))
    assert import_cards(CARD.encode(), "feed", tmp_path).complete
    assert 'text: "Be kind."' in file.read_text()


def test_files_of_other_kinds_are_not_read_and_a_vos_that_cannot_be_is_left_alone(tmp_path):
    (tmp_path / "site.yaml").write_text("kind: Site\nspec: [broken\n")
    assert import_cards(CARD.encode(), "feed", tmp_path).complete
    broken = tmp_path / FILE
    broken.write_text("kind: VO\nspec: [broken\n")
    report = import_cards(CARD.encode(), "feed", tmp_path)
    assert [one.file for one in report.problems] == [FILE]
    assert (report.vos, broken.read_text()) == (0, "kind: VO\nspec: [broken\n")
    broken.unlink()
    assert import_cards(CARD.encode(), "feed", tmp_path).created == (FILE,)
    broken.write_text(broken.read_text().replace("scope: Global", "scope: Local"))
    assert [one.path for one in import_cards(CARD.encode(), "feed", tmp_path).kept] == ["spec.scope"]


def test_a_card_that_is_gone_is_told_and_its_vo_stays(tmp_path):
    import_cards(CARD.encode(), "feed", tmp_path)
    assert import_cards(b"<VoDump/>", "feed", tmp_path).vanished == (NAME,)
    assert import_cards(b"<VoDump/>", "another feed", tmp_path).vanished == ()
    assert import_cards(b"<VoDump>", "feed", tmp_path).vanished == ()
    assert (tmp_path / FILE).exists()


@pytest.mark.parametrize("name", ["", "a b", "ä"])
def test_a_card_whose_name_cannot_be_one_is_refused(tmp_path, name):
    report = import_cards(card("", f'Name="{name}"').encode(), "feed", tmp_path)
    assert [one.path for one in report.problems] == ["IDCard@Name"]


@pytest.mark.parametrize("name", ["../x", ".", "-x", "x.", "/", "x" * 300])
def test_a_name_that_no_manifest_can_have_is_told_with_its_card_and_nothing_is_written(tmp_path, name):
    import_cards(CARD.encode(), "feed", tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for _ in range(2):
        report = import_cards(f'<root>\n<IDCard Name="{name}" Serial="3"/></root>'.encode(), "feed", tmp_path)
        (problem,) = report.problems
        assert (problem.file, problem.line, report.vos) == ("feed", 2, 0)
        assert f"card {name!r}" in problem.message
        assert "correct its Name" in problem.cure
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_of_two_cards_of_one_vo_the_second_is_refused(tmp_path):
    two = "<root><IDCard Name='x'><Scope>Global</Scope></IDCard><IDCard Name='x'/></root>"
    report = import_cards(two.encode(), "feed", tmp_path)
    assert (report.vos, len(report.problems)) == (1, 1)


# --- there and back -------------------------------------------------------------------------------------------------

TEXT = (
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12).map(str.strip)
).filter(bool)
SMALL = st.integers(0, 10**6)
URL = st.from_regex(r"https://[a-z]{1,8}\.org/[a-z?=&]{0,6}", fullmatch=True)
HOST = st.from_regex(r"[a-z]{1,6}(\.[a-z]{2,4}){1,2}", fullmatch=True)
MAIL = st.from_regex(r"[a-z]{1,6}@[a-z]{1,6}\.org", fullmatch=True)
DN = st.from_regex(r"(/[A-Z]{1,2}=[A-Za-z0-9 .]{0,6}[a-z]){1,3}", fullmatch=True)


def some(model, needed=None, **fields):
    """Models with some of the fields; None where none of them is."""
    return st.fixed_dictionaries(needed or {}, optional=fields).map(lambda given: model(**given))


def listed(strategy, key=lambda item: item, most=3):
    return st.lists(strategy, max_size=most, unique_by=key).map(tuple)


RANGE = some(Range, min=SMALL, preferred=SMALL, max=SMALL).filter(lambda one: one != Range())
PERSON = some(Person, {"name": TEXT}, email=MAIL, dn=DN, role=TEXT, telephone=st.just("+49 471 1"))
VO = some(
    VOSpec,
    description=TEXT,
    scope=st.just("Global"),
    status=st.sampled_from(["Production", "Leaving"]),
    serial=SMALL,
    homepage=URL,
    enrolmentUrl=URL,
    aup=st.one_of(
        URL.map(lambda text: AcceptableUse(url=text)),
        TEXT.map(lambda text: AcceptableUse(text=text)),
        TEXT.map(lambda text: AcceptableUse(file=text)),
    ),
    supportProcedure=TEXT,
    disciplines=listed(TEXT),
    managers=listed(some(Person, {"name": TEXT}, email=MAIL, role=st.just("VO Manager")), lambda one: one.name),
    contacts=listed(PERSON.filter(lambda one: (one.role or "").casefold() != "vo manager"), lambda one: one.name),
    mailingLists=some(MailingLists, admins=MAIL, operations=MAIL, userSupport=MAIL, users=MAIL, security=MAIL),
    fqans=listed(
        some(
            Fqan,
            {"fqan": st.from_regex(r"(/[a-z]{1,5}){1,3}(/Role=[a-z]{1,4})?", fullmatch=True)},
            description=TEXT,
            type=TEXT,
            used=st.booleans(),
            share=TEXT,
        ),
        lambda one: one.fqan,
    ),
    voms=listed(
        some(
            VomsServer,
            {"hostname": HOST},
            vomsesPort=st.integers(1, 65535),
            httpsPort=st.integers(1, 65535),
            admin=st.booleans(),
            membersUrl=URL,
            dn=DN,
            caDn=DN,
            certificate=TEXT,
            serialNumber=TEXT,
        ),
        lambda one: one.hostname,
    ),
    memberLists=listed(some(MemberList, {"system": st.sampled_from(["Perun", "Comanage"])}, url=URL)),
    resources=some(
        Resources,
        maxCpuMinutes=SMALL,
        maxWallMinutes=SMALL,
        ramI386MB=SMALL,
        ramX8664MB=SMALL,
        scratchMB=SMALL,
        multicoreRamMB=RANGE,
        multicoreScratchMB=RANGE,
        multicoreCores=RANGE,
        cloudCores=SMALL | st.just("4-8"),
        cloudStorage=SMALL,
        cloudRam=SMALL,
        other=TEXT,
    ).filter(lambda one: one != Resources()),
    cvmfsRepositories=listed(HOST),
)


@settings(max_examples=60, deadline=None)
@given(VO, st.sampled_from(["v1", "v2"]))
def test_what_a_manifest_says_comes_back_from_its_card(vo, form):
    made = cards({NAME: vo}, form)
    assert made.untold == ()
    assert spec_of(made.text) == vo
    assert cards({NAME: spec_of(made.text)}, form).text == made.text


@settings(max_examples=25, deadline=None)
@given(VO)
def test_an_import_of_an_export_changes_nothing(tmp_path_factory, vo):
    into = tmp_path_factory.mktemp("cards")
    text = cards({NAME: vo}).text.encode()
    first = import_cards(text, "feed", into)
    assert first.complete
    second = import_cards(text, "feed", into)
    assert (second.created, second.changed, second.kept) == ((), (), ())


@settings(max_examples=40, deadline=None)
@given(VO, VO, VO, st.data())
def test_whatever_people_and_the_portal_do_the_next_import_settles(tmp_path_factory, first, then, ours, data):
    into = tmp_path_factory.mktemp("cards")
    import_cards(cards({NAME: first}).text.encode(), "feed", into)
    manifest = YAML(typ="safe").load((into / FILE).read_text())
    theirs = orjson.loads(ours.canonical())
    edited = data.draw(st.sets(st.sampled_from(sorted({*manifest["spec"], *theirs}))))
    for field in edited:
        manifest["spec"].pop(field, None)
        if field in theirs:
            manifest["spec"][field] = theirs[field]
    (into / FILE).write_text(update((into / FILE).read_text(), manifest))
    text = cards({NAME: then}).text.encode()
    import_cards(text, "feed", into)
    after = (into / FILE).read_text()
    made = YAML(typ="safe").load(after)["spec"] or {}
    VOSpec.model_validate_json(encode(made))
    again = import_cards(text, "feed", into)
    assert (again.changed, again.created, (into / FILE).read_text()) == ((), (), after)
    for field in edited & made.keys() & theirs.keys() - orjson.loads(then.canonical()).keys():
        assert made[field] == theirs[field]


def test_the_first_form_keeps_everything_of_the_example():
    assert spec_of(cards({NAME: spec_of(CARD)}, "v1").text) == spec_of(CARD)


def test_what_a_card_cannot_say_is_told():
    vo = VOSpec(managers=(Person(name="Ana", role="deputy"),), description="a\x01b")
    assert cards({NAME: vo}).untold == (
        f"{NAME}: a card says of Ana that it is a manager, not: deputy",
        "Description: characters that XML cannot hold are left out",
    )
    assert spec_of(cards({NAME: vo}).text).description == "ab"
    vo = VOSpec(card=Card(middlewares=("gLite",)))
    assert cards({NAME: vo}).untold == (f"{NAME}: its middlewares have a place in the first form alone",)
    assert cards({NAME: vo}, "v1").untold == ()
