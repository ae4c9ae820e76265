"""What a rule chooses and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from reconciler.kinds import NOWHERE
from reconciler.kinds.dataset import KIND as DATASET
from reconciler.kinds.dataset import DatasetSpec
from reconciler.kinds.datasetrule import KIND, DatasetRuleSpec
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.vo import VOSpec
from reconciler.kinds.world import Held, Lock, Outage
from reconciler.model import Ref
from reconciler.place.choose import choose
from reconciler.ports import Space
from tests.federation import resource

REF = Ref("DatasetRule/vo/waves")
FILES = [{"path": f"{i}.nc", "size": 100 * i, "checksum": f"adler32:{i:08x}"} for i in range(1, 4)]
WAVES = {"scope": "ocean", "name": "waves", "files": FILES}


def storage(name, **more):
    return {"name": name, "driver": "directory", **more}


class Federation:
    """Declared sites and datasets; these as they are once their files are known."""

    def __init__(self, sites, datasets=None, vos=None):
        self.specs = {Ref(f"Site/{n}"): SiteSpec.model_validate(s, strict=False) for n, s in sorted(sites.items())}
        for name, given in (datasets if datasets is not None else {"vo/waves": WAVES}).items():
            spec = DatasetSpec.model_validate(given, strict=False)
            self.specs[Ref(f"Dataset/{name}")] = DATASET.complete(Ref(f"Dataset/{name}"), spec, self, NOWHERE).spec
        for name, given in (vos or {}).items():
            self.specs[Ref(f"VO/{name}")] = VOSpec.model_validate(given, strict=False)

    def get(self, ref):
        return self.specs.get(ref)

    def of_kind(self, kind):
        return [(ref, spec) for ref, spec in sorted(self.specs.items()) if ref.kind == kind]


SITES = {
    "CESGA": {
        "country": "ES",
        "tier": 1,
        "storage": [storage("disk", qos="fast", attributes={"w": 5}), storage("tape", type="tape")],
    },
    "DESY": {"country": "DE", "tier": 2, "storage": [storage("disk", qos="fast", attributes={"w": 7.5, "tier": 1})]},
    "KIT": {"country": "DE", "storage": [storage("disk", vos=["/vo.waves/sub"], limits={"maxBytes": 500})]},
    "SHUT": {
        "storage": [
            storage(
                "disk", availability={"write": {"allowed": False, "reason": "moving", "until": "2027-02-01T00:00:00Z"}}
            )
        ]
    },
}


@pytest.fixture
def federation():
    return Federation(SITES)


def rule(**given):
    spec = {"scope": "ocean", "name": "waves", "copies": 1, "locations": "*", **given}
    return KIND.canonical(DatasetRuleSpec.model_validate(spec, strict=False))


def candidates(spec, federation, world=NOWHERE):
    (choice,) = KIND.choices(REF, spec, federation, world)
    return {c.name: c for c in choice.candidates}


def decided(spec, federation, ref=REF, world=NOWHERE, earlier=()):
    """The rule as place/ leaves it."""
    picks = {}
    for choice in KIND.choices(ref, spec, federation, world):
        if choice.after is not None:
            choice = replace(choice, candidates=choice.after(picks, tuple(earlier)))
        picks[choice.field] = choose(ref, choice, tuple(earlier)).chosen
    settled = KIND.complete(ref, KIND.canonical(KIND.chosen(spec, picks)), federation, world)
    assert settled.undecided is None, settled.undecided
    return KIND.canonical(settled.spec)


def held(*locks):
    return replace(NOWHERE, locked=Held().with_(Lock(*lock) for lock in locks))


def test_every_storage_of_every_site_is_a_candidate_with_its_reason(federation):
    seen = candidates(rule(locations="country=ES | tier=1"), federation)
    assert {name: c.why_not or c.why_not_anew for name, c in seen.items()} == {
        "CESGA/disk": "",
        "CESGA/tape": "",
        "DESY/disk": "",
        "KIT/disk": "is not in country=ES | tier=1: country=ES no (it is DE), tier=1 no (not stated)",
        "SHUT/disk": "is not in country=ES | tier=1: country=ES no (not stated), tier=1 no (not stated); "
        "may not be written until 2027-02-01: moving",
    }


@pytest.mark.parametrize(
    ("locations", "fitting"),
    [
        ("DESY", {"DESY/disk"}),
        ("disk \\ DESY \\ KIT", {"CESGA/disk"}),
        ("DESY/disk | tape", {"DESY/disk", "CESGA/tape"}),
        ("site=CESGA & type!=tape", {"CESGA/disk"}),
        ("qos=fast", {"CESGA/disk", "DESY/disk"}),
        ("class=fast & w>6", {"DESY/disk"}),
        ("continent=Europe & tape", {"CESGA/tape"}),
        ("tier=2", set()),
    ],
)
def test_expressions_see_names_sites_continents_and_attributes(federation, locations, fitting):
    seen = candidates(rule(locations=locations), federation)
    assert {name for name, c in seen.items() if not c.why_not} == fitting


@pytest.mark.parametrize(
    ("given", "name", "why_not"),
    [
        ({"vo": "vo.other"}, "KIT/disk", "does not serve vo.other"),
        ({"qos": "safe"}, "CESGA/disk", "is of class fast, not safe"),
        ({"qos": "fast"}, "CESGA/tape", "is of class none, not fast"),
        ({"weight": "w"}, "CESGA/tape", "has no attribute w that is a number of 0 or more"),
        ({"weight": "country"}, "CESGA/disk", "has no attribute country that is a number of 0 or more"),
        ({"spread": "rack"}, "CESGA/disk", "it is not said which rack it is in"),
        ({}, "KIT/disk", "takes 500 B, 0 B of it used; 600 B are needed"),
        ({}, "CESGA/disk", ""),
    ],
)
def test_a_storage_that_does_not_fit_says_why(federation, given, name, why_not):
    seen = candidates(rule(**given), federation)[name]
    assert (seen.why_not or seen.why_not_anew) == why_not


def test_places_are_drawn_in_proportion_to_their_weights_and_nothing_new_goes_where_it_is_0():
    sites = {name: {"storage": [storage("d", attributes={"w": w})]} for name, w in (("A", 1), ("B", 3), ("C", 0))}
    federation = Federation(sites)
    chosen = [decided(rule(weight="w"), federation, Ref(f"DatasetRule/vo/r{i}")).chosen[0] for i in range(400)]
    assert set(chosen) == {"A/d", "B/d"}
    assert 240 < chosen.count("B/d") < 360
    assert decided(rule(weight="w"), federation, earlier=["C/d"]).chosen == ("C/d",)


def test_data_that_is_there_already_outweighs_every_weight():
    seen = held(("CESGA/disk", "ocean:waves", 600, 600))
    spec = rule(weight="w", locations="w>0")
    assert {decided(spec, Federation(SITES), Ref(f"DatasetRule/vo/{i}"), seen).chosen for i in range(20)} == {
        ("CESGA/disk",)
    }
    assert "has a copy already" in candidates(spec, Federation(SITES), seen)["CESGA/disk"].reason


def test_a_storage_in_downtime_keeps_what_it_has_and_gets_nothing_new():
    service = {"name": "dav", "type": "webdav", "hostname": "dav.desy.de"}
    other = {"name": "ce", "type": "CE", "hostname": "ce.desy.de"}
    held = [storage("disk", url="https://dav.desy.de/fed"), storage("other")]
    federation = Federation({"DESY": {"services": [service, other], "storage": held}})
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    end = now.replace(hour=18)
    outage = Outage(Ref("Downtime/works"), "DESY", now, end, "works", frozenset({"dav"}), whole=False)
    world = replace(NOWHERE, now=now, outages={"DESY": (outage,)})
    seen = candidates(rule(), federation, world)
    assert seen["DESY/disk"].why_not_anew == "is down until 2026-11-21 18:00Z: works (Downtime/works)"
    assert seen["DESY/other"].why_not_anew == ""
    assert decided(rule(), federation, world=world).chosen == ("DESY/other",)
    ailing = replace(NOWHERE, now=now, ailing={("DESY", "dav"): "dav is CRITICAL since yesterday"})
    said = "its service dav is down: dav is CRITICAL since yesterday"
    assert candidates(rule(), federation, ailing)["DESY/disk"].why_not_anew == said
    assert decided(rule(), federation, world=world, earlier=["DESY/disk"]).chosen == ("DESY/disk",)


def test_a_closed_storage_keeps_what_it_has_and_gets_nothing_new(federation):
    assert "may not be written" in candidates(rule(), federation)["SHUT/disk"].why_not
    seen = held(("SHUT/disk", "ocean:waves", 600, 600))
    assert decided(rule(), federation, world=seen).chosen == ("SHUT/disk",)


def test_the_same_rule_chooses_the_same_places_and_another_rule_others(federation):
    spec = rule(copies=2, locations="* \\ SHUT \\ KIT")
    assert decided(spec, federation) == decided(spec, federation)
    chosen = {decided(spec, federation, Ref(f"DatasetRule/vo/r{i}")).chosen for i in range(30)}
    assert len(chosen) == 3


def test_another_storage_moves_only_what_it_must():
    sites = {f"S{i}": {"storage": [storage("d")]} for i in range(9)}
    refs = [Ref(f"DatasetRule/vo/r{i}") for i in range(100)]
    before = {ref: decided(rule(), Federation(sites), ref).chosen for ref in refs}
    after = {
        ref: decided(rule(), Federation({**sites, "NEW": {"storage": [storage("d")]}}), ref).chosen for ref in refs
    }
    moved = {after[ref] for ref in refs if before[ref] != after[ref]}
    assert moved == {("NEW/d",)}


def test_fewer_places_than_copies_choose_nothing_and_say_why(federation):
    (choice,) = KIND.choices(REF, rule(copies=2, locations="DESY"), federation, NOWHERE)
    made = choose(REF, choice, ())
    assert made.chosen == ()
    assert made.reason == "2 wanted, 1 of 5 candidates fit"
    assert dict(made.rejected)["CESGA/disk"] == "is not in DESY: DESY no"


def test_copies_are_spread_over_countries_and_a_rule_that_cannot_be_says_so():
    sites = {n: {"country": c, "storage": [storage("d")]} for n, c in (("A", "DE"), ("B", "DE"), ("C", "FR"))}
    federation = Federation(sites)
    for i in range(10):
        chosen = decided(rule(copies=2, spread="country"), federation, Ref(f"DatasetRule/vo/{i}")).chosen
        assert "C/d" in chosen
    (choice,) = KIND.choices(REF, rule(copies=3, spread="country"), federation, NOWHERE)
    assert choose(REF, choice, ()).reason == "3 wanted, 3 of 3 candidates fit, in DE, FR alone"
    (choice,) = KIND.choices(REF, rule(copies=3, spread="continent"), federation, NOWHERE)
    assert choose(REF, choice, ()).reason == "3 wanted, 3 of 3 candidates fit, in Europe alone"


def test_what_it_rests_on_are_the_replicas_of_its_dataset(federation):
    spec = decided(rule(copies=2, locations="qos=fast", sourceLocations="KIT | tape"), federation)
    assert spec.replicas == ("vo/waves.CESGA.disk", "vo/waves.DESY.disk")
    assert {place: part.bytes for place, part in spec.placed["ocean:waves"].items()} == {
        "CESGA/disk": 600,
        "DESY/disk": 600,
    }
    edges = {(e.ref, e.gate) for e in KIND.references(REF, spec)}
    assert ("Replica/vo/waves.CESGA.disk", "ready") in edges
    assert spec.readable == ("CESGA/tape", "KIT/disk")
    assert (spec.may_read("KIT/disk"), spec.may_read("DESY/disk")) == (True, False)


def test_data_that_nobody_knows_has_no_place():
    seen = candidates(rule(), Federation(SITES, {}))
    assert {c.why_not for c in seen.values()} == {"no Dataset is called ocean:waves, or it is empty"}
    listing = {"scope": "ocean", "name": "waves", "listing": {"site": "KIT", "storage": "disk", "path": "in"}}
    seen = candidates(rule(), Federation(SITES, {"vo/waves": listing}))
    assert {c.why_not for c in seen.values()} == {"it is not known which files ocean:waves has"}


# -- quotas ------------------------------------------------------------------------------------------------------------


def quotas(*given):
    return {"A": {"storage": [storage("d", quotas=list(given))]}}


@pytest.mark.parametrize(
    ("quota", "vo", "said"),
    [
        ({"vo": "vo.waves", "maxBytes": 600}, "vo.waves", ""),
        (
            {"vo": "vo.waves", "maxBytes": 599},
            "vo.waves",
            "the quota of vo.waves is 599 B, 0 B of it taken; 600 B are needed",
        ),
        ({"vo": "vo.other"}, "vo.waves", "the quota of vo.waves is 0 B, 0 B of it taken; 600 B are needed"),
        ({"vo": "vo.waves"}, "vo.waves", ""),
        ({"vo": "vo.waves"}, None, "the quota of no VO is 0 B, 0 B of it taken; 600 B are needed"),
    ],
)
def test_a_quota_may_be_reached_and_not_passed_and_who_is_not_named_has_none(quota, vo, said):
    given = rule(vo=vo) if vo else rule()
    assert candidates(given, Federation(quotas(quota)))["A/d"].why_not_anew == said


def test_what_rules_before_it_hold_counts_also_for_a_copy_that_they_share():
    federation = Federation(quotas({"vo": "vo.waves", "maxBytes": 1000}))
    seen = held(("A/d", "ocean:waves", 600, 600, "vo.waves"))
    assert "600 B of it taken" in candidates(rule(vo="vo.waves"), federation, seen)["A/d"].why_not_anew
    assert decided(rule(vo="vo.waves"), federation, world=seen, earlier=["A/d"]).chosen == ("A/d",)


def test_data_that_has_grown_beyond_a_quota_stays_and_is_told():
    federation = Federation(quotas({"vo": "vo.waves", "maxBytes": 599}))
    spec = rule(vo="vo.waves", chosen=["A/d"])
    (fault,) = KIND.complete(REF, spec, federation, NOWHERE).faults
    assert fault.message == (
        "A/d holds more than it may: the quota of vo.waves is 599 B, 0 B of it taken; 600 B are needed"
    )
    assert KIND.complete(REF, spec, Federation(quotas({"vo": "vo.waves"})), NOWHERE).faults == ()


def test_a_quota_over_several_storages_counts_them_together():
    sites = {n: {"country": c, "storage": [storage("d")]} for n, c in (("A", "ES"), ("B", "ES"), ("C", "FR"))}
    vos = {"vo.waves": {"storageQuotas": [{"locations": "country=ES", "maxBytes": 1000}]}}
    seen = candidates(rule(vo="vo.waves"), Federation(sites, vos=vos), held(("A/d", "x:y", 401, 401, "vo.waves")))
    assert (
        seen["B/d"].why_not_anew
        == "the quota of vo.waves for country=ES is 1.0 kB, 401 B of it taken; 600 B are needed"
    )
    assert seen["C/d"].why_not_anew == ""


def test_what_must_stay_free_counts_what_this_plan_brings():
    sites = {"A": {"storage": [storage("d", limits={"minFreeBytes": 100})]}}
    world = replace(held(("A/d", "x:y", 50, 50, "", 50)), spaces={"storage:A/d": Space(free=749)})
    seen = candidates(rule(), Federation(sites), world)["A/d"]
    assert seen.why_not_anew == "699 B are free, of which 100 B must stay so; 600 B are needed"
    world = replace(world, spaces={"storage:A/d": Space(free=750)})
    assert candidates(rule(), Federation(sites), world)["A/d"].why_not_anew == ""


def test_a_container_charges_quotas_dataset_by_dataset_in_one_plan():
    sites = {n: {"storage": [storage("d", quotas=[{"vo": "v", "maxBytes": 1200}])]} for n in "AB"}
    datasets = {f"vo/d{i}": {**WAVES, "name": f"d{i}"} for i in range(4)}
    datasets["vo/all"] = {"scope": "ocean", "name": "all", "datasets": [f"ocean:d{i}" for i in range(4)]}
    federation = Federation(sites, datasets)
    spec = decided(rule(name="all", vo="v"), federation)
    places = [name for names in spec.chosenDatasets.values() for name in names]
    assert sorted(places) == ["A/d", "A/d", "B/d", "B/d"]
    together = candidates(rule(name="all", vo="v", grouping="ALL"), federation)
    assert all("2.4 kB are needed" in c.why_not_anew for c in together.values())


# -- file by file ------------------------------------------------------------------------------------------------------


class Catalogue(dict):
    """Files by digest."""

    def keep(self, settled):
        self.update((files.digest, files) for files in settled.files)


def scattered(spec, federation, world=NOWHERE, ref=REF):
    catalogue = Catalogue()
    for name, found in federation.of_kind("Dataset"):
        catalogue.keep(DATASET.complete(name, found, federation, NOWHERE))
    settled = KIND.complete(ref, spec, federation, replace(world, files=catalogue.get))
    catalogue.keep(settled)
    return settled, {
        place: catalogue[part.digest].paths for place, part in settled.spec.placed.get("ocean:waves", {}).items()
    }


def many(count, size=10):
    files = [{"path": f"f{i:03}", "size": size, "checksum": "adler32:00000001"} for i in range(count)]
    return {"vo/waves": {**WAVES, "files": files}}


def test_grouping_none_places_each_file_by_itself_and_says_how_many_went_where():
    sites = {f"S{i}": {"storage": [storage("d")]} for i in range(5)}
    federation = Federation(sites, many(200))
    settled, places = scattered(rule(grouping="NONE", copies=2), federation)
    assert sum(map(len, places.values())) == 400
    by_file = {path: {p for p, paths in places.items() if path in paths} for path in places["S0/d"]}
    assert {len(names) for names in by_file.values()} == {2}
    assert all(50 < len(paths) < 110 for paths in places.values())
    (choice,) = settled.choices
    assert choice.reason.startswith("400 copies of files at 5 storages, 0 of them where they are; most S")
    assert choice.runner_up in places
    assert scattered(rule(grouping="NONE", copies=2), federation)[1] == places


def test_files_go_past_a_storage_that_is_full_and_never_over_its_limit():
    sites = {f"S{i}": {"storage": [storage("d")]} for i in range(3)}
    sites["S1"]["storage"] = [storage("d", limits={"maxBytes": 95})]
    settled, places = scattered(rule(grouping="NONE"), Federation(sites, many(60)))
    assert len(places["S1/d"]) == 9
    assert "full: S1/d" in settled.choices[0].reason
    refused, _ = scattered(rule(grouping="NONE", locations="S1"), Federation(sites, many(60)))
    assert refused.undecided.reason == "51 of 60 files have no 1 places; 1 of 3 candidates fit; full: S1/d"


def test_the_two_copies_of_each_file_are_spread():
    sites = {n: {"country": c, "storage": [storage("d")]} for n, c in (("A", "DE"), ("B", "DE"), ("C", "FR"))}
    _, places = scattered(rule(grouping="NONE", copies=2, spread="country"), Federation(sites, many(50)))
    assert len(places["C/d"]) == 50


# -- stages ------------------------------------------------------------------------------------------------------------

STAGES = [
    {"for": "30d", "copies": [{"copies": 2, "qos": "fast"}]},
    {"copies": [{"copies": 1, "qos": "safe"}, {"copies": 1, "locations": "type=tape"}]},
]


def at(*day):
    return replace(NOWHERE, now=datetime(*day, tzinfo=UTC))


def test_what_is_wanted_follows_the_day():
    sites = {
        n: {"storage": [storage("d", qos=q, type=t)]}
        for n, q, t in (("F1", "fast", "disk"), ("F2", "fast", "disk"), ("S", "safe", "disk"), ("T", "safe", "tape"))
    }
    staged = {"scope": "ocean", "name": "waves", "stages": STAGES, "from": "2026-11-01T00:00:00Z"}
    spec = KIND.canonical(DatasetRuleSpec.model_validate(staged, strict=False))
    federation = Federation(sites)
    assert decided(spec, federation, world=at(2026, 11, 30)).chosen == ("F1/d", "F2/d")
    later = decided(spec, federation, world=at(2026, 12, 1), earlier=["F1/d", "F2/d"])
    assert later.chosen == ("S/d", "T/d")
    assert spec.turns(datetime(2026, 11, 2, tzinfo=UTC)) == datetime(2026, 12, 1, tzinfo=UTC)
    assert b'"for":"30d"' in spec.canonical()
    assert b'"from":"2026-11-01T00:00:00Z"' in spec.canonical()


def test_the_next_stage_is_told_a_week_before_it_begins():
    staged = resource("DatasetRule/vo/r", {"scope": "s", "name": "n", "stages": STAGES, "from": "2026-11-01T00:00:00Z"})
    assert list(KIND.reminders({staged.ref: staged}, datetime(2026, 11, 2, tzinfo=UTC))) == []
    ((_, name, fault),) = KIND.reminders({staged.ref: staged}, datetime(2026, 11, 26, tzinfo=UTC))
    assert (name, fault.message) == (
        "datasetrule-stage",
        "its next stage begins 2026-12-01 00:00 UTC: copies will move",
    )


def test_places_given_by_hand_are_taken(federation):
    spec = rule(chosen=["DESY/disk"])
    assert KIND.choices(REF, spec, federation, NOWHERE) == ()
    assert ("Site/DESY", "exists") in [(e.ref, e.gate) for e in KIND.references(REF, spec)]
    assert decided(spec, federation).replicas == ("vo/waves.DESY.disk",)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"locations": "country="}, "column 9: a value is missing"),
        ({"sourceLocations": "a b"}, "column 3: an operator is missing"),
        ({"copies": 0}, "greater than or equal to 1"),
        ({"lifetime": {}}, "exactly one of days, expires"),
        ({"lifetime": {"days": 3, "expires": "2027-01-01T00:00:00Z"}}, "exactly one of days, expires"),
        ({"grouping": "SOME"}, "Input should be"),
        ({"scope": "a b"}, "match pattern"),
        ({"priority": 6}, "less than or equal to 5"),
        ({"stages": STAGES}, "copies, locations and qos stand in each of the stages"),
        ({"copies": None, "locations": None}, "copies and locations are missing"),
        ({"from": "2026-11-01T00:00:00Z"}, "from and stages go together"),
        ({"copies": None, "locations": None, "stages": STAGES}, "from and stages go together"),
        (
            {
                "copies": None,
                "locations": None,
                "stages": [*STAGES[1:], STAGES[0]],
                "from": "2026-11-01T00:00:00Z",
            },
            "a stage that has no end is followed by another",
        ),
    ],
)
def test_what_cannot_be_is_refused(given, said):
    with pytest.raises(ValidationError, match=said):
        rule(**given)


def test_rules_find_comparisons_that_never_hold_and_too_few_places():
    rules = {r.id: r for r in KIND.rules}
    found = {
        "datasetrule-number": rule(locations="tier<two"),
        "datasetrule-chosen": rule(copies=2, chosen=["A/b"]),
        "datasetrule-stages": rule(
            copies=None, locations=None, stages=STAGES, grouping="NONE", **{"from": "2026-11-01T00:00:00Z"}
        ),
    }
    for name, spec in found.items():
        assert [r for r in rules if list(rules[r].check(REF, spec))] == [name]
    assert not any(list(r.check(REF, rule())) for r in rules.values())


# -- beside others -----------------------------------------------------------------------------------------------------


def quarrels(*declared, changed=None):
    there = {one.ref: one for one in declared}
    return [(ref, name, f.path, f.cure) for ref, name, f in KIND.quarrels(there, changed or list(there))]


SITE = resource("Site/CESGA", SITES["CESGA"])
DATA = resource("Dataset/vo/waves", WAVES)
GIVEN = {"scope": "ocean", "name": "waves", "copies": 1, "locations": "*"}


def test_a_storage_that_no_site_declares_is_a_fault():
    named = resource("DatasetRule/vo/r", {**GIVEN, "chosen": ["CESGA/dsk"]})
    for changed in (None, [SITE.ref], [named.ref]):
        found = quarrels(SITE, DATA, named, changed=changed)
        assert found == [(named.ref, "datasetrule-storage", "spec.chosen[0]", "did you mean disk?")]
    assert quarrels(SITE, DATA, named, changed=[Ref("VO/x")]) == []


def test_data_that_no_dataset_declares_is_a_fault():
    named = resource("DatasetRule/vo/r", {**GIVEN, "name": "wave"})
    assert quarrels(SITE, DATA, named) == [(named.ref, "datasetrule-dataset", "spec.name", "did you mean ocean:waves?")]


def test_an_attribute_that_no_storage_has_is_odd():
    named = resource("DatasetRule/vo/r", {**GIVEN, "locations": "contry=ES & disk | w>1"})
    assert quarrels(SITE, DATA, named) == [
        (named.ref, "datasetrule-attribute", "spec.locations", "did you mean country?")
    ]


def test_a_rule_that_says_what_another_says_is_refused_unless_somebody_else_asks():
    one = resource("DatasetRule/vo/a", {**GIVEN, "locations": "country=ES & disk"})
    two = resource("DatasetRule/vo/b", {**GIVEN, "locations": "country=ES&disk"})
    assert [(ref, name) for ref, name, *_ in quarrels(SITE, DATA, one, two)] == [(two.ref, "datasetrule-twice")]
    two = resource("DatasetRule/vo/b", {**GIVEN, "locations": "country=ES&disk", "owner": "ben"})
    assert quarrels(SITE, DATA, one, two) == []


@pytest.mark.parametrize("grouping", ["DATASET", "ALL", "NONE"])
def test_data_that_lies_somewhere_already_is_chosen_there_first(grouping):
    places = [{"site": "CESGA", "storage": "tape", "naming": "rucio"}]
    federation = Federation(SITES, {"vo/waves": {**WAVES, "copies": places}})
    ref = Ref("Dataset/vo/waves")
    waves = federation.get(ref)
    (files,) = DATASET.complete(ref, waves, federation, NOWHERE).files
    locked = Held().with_(DATASET.demand(ref, waves, NOWHERE).locks)
    world = replace(NOWHERE, locked=locked, files=lambda _digest: files)
    for copies in (1, 2):
        spec = decided(rule(copies=copies, grouping=grouping), federation, world=world)
        there = spec.placed["ocean:waves"]
        assert there["CESGA/tape"] == waves.fileset
        assert sum(part.count for part in there.values()) == copies * 3
