"""What a rule chooses and why, and what it brings along."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reconciler.kinds import NOWHERE
from reconciler.kinds.datasetrule import KIND, DatasetRuleSpec
from reconciler.kinds.replica import ReplicaSpec
from reconciler.kinds.site import SiteSpec
from reconciler.model import Ref
from reconciler.place.choose import choose
from tests.federation import resource

REF = Ref("DatasetRule/vo/waves")
FILES = [{"path": f"{i}.nc", "size": 100 * i, "checksum": f"adler32:{i:08x}"} for i in range(1, 4)]


def storage(name, **more):
    return {"name": name, "driver": "directory", **more}


class Federation:
    """Declared sites and replicas."""

    def __init__(self, sites, replicas=None):
        self.specs = {Ref(f"Site/{n}"): SiteSpec.model_validate(s, strict=False) for n, s in sorted(sites.items())}
        for name, given in (replicas or {}).items():
            self.specs[Ref(f"Replica/{name}")] = ReplicaSpec.model_validate(given, strict=False)

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
HELD = {
    "storage": {"site": "KIT", "name": "disk"},
    "dataset": "ocean:waves",
    "files": [{**f, "source": "data:,x"} for f in FILES],
}


@pytest.fixture
def federation():
    return Federation(SITES)


def rule(**given):
    spec = {"scope": "ocean", "name": "waves", "copies": 1, "locations": "*", "files": FILES, **given}
    return KIND.canonical(DatasetRuleSpec.model_validate(spec, strict=False))


def candidates(spec, federation):
    (choice,) = KIND.choices(REF, spec, federation, NOWHERE)
    return {c.name: c for c in choice.candidates}


def decided(spec, federation, ref=REF):
    picks = {choice.field: choose(ref, choice, ()).chosen for choice in KIND.choices(ref, spec, federation, NOWHERE)}
    return KIND.canonical(KIND.chosen(spec, picks))


def test_every_storage_of_every_site_is_a_candidate_with_its_reason(federation):
    seen = candidates(rule(locations="country=ES | tier=1"), federation)
    assert {name: c.why_not for name, c in seen.items()} == {
        "CESGA/disk": "",
        "CESGA/tape": "",
        "DESY/disk": "",
        "KIT/disk": "is not in country=ES | tier=1: country=ES no (it is DE), tier=1 no (not stated); takes 500 bytes, 600 are needed",
        "SHUT/disk": "is not in country=ES | tier=1: country=ES no (not stated), tier=1 no (not stated); "
        "may not be written until 2027-02-01: moving",
    }


@pytest.mark.parametrize(
    ("locations", "fitting"),
    [
        ("DESY", {"DESY/disk"}),
        ("disk \\ DESY", {"CESGA/disk"}),
        ("DESY/disk | tape", {"DESY/disk", "CESGA/tape"}),
        ("site=CESGA & type!=tape", {"CESGA/disk"}),
        ("qos=fast", {"CESGA/disk", "DESY/disk"}),
        ("class=fast & w>6", {"DESY/disk"}),
        ("tier=2", set()),
    ],
)
def test_expressions_see_names_sites_and_attributes(federation, locations, fitting):
    seen = candidates(rule(locations=locations), federation)
    assert {name for name, c in seen.items() if not c.why_not} == fitting


@pytest.mark.parametrize(
    ("given", "name", "why_not"),
    [
        ({"vo": "vo.other"}, "KIT/disk", "does not serve vo.other"),
        ({"vo": "vo.waves/sub"}, "KIT/disk", ""),
        ({"qos": "safe"}, "CESGA/disk", "is of class fast, not safe"),
        ({"qos": "fast"}, "CESGA/tape", "is of class none, not fast"),
        ({"weight": "w"}, "CESGA/tape", "has no attribute w that is a number of 0 or more"),
        ({"weight": "country"}, "CESGA/disk", "has no attribute country that is a number of 0 or more"),
    ],
)
def test_a_storage_that_does_not_fit_says_why(federation, given, name, why_not):
    files = [{"path": "a", "size": 1}]
    assert candidates(rule(files=files, **given), federation)[name].why_not == why_not


def test_weight_decides_among_what_fits_and_data_that_is_there_outweighs_it():
    spec = rule(weight="w", locations="w>0")
    assert decided(spec, Federation(SITES)).chosen == ("DESY/disk",)
    held = {**HELD, "storage": {"site": "CESGA", "name": "disk"}}
    seen = candidates(spec, Federation(SITES, {"vo/first": held}))
    assert "has a copy already" in seen["CESGA/disk"].reason
    assert seen["CESGA/disk"].score > seen["DESY/disk"].score
    assert decided(spec, Federation(SITES, {"vo/first": held})).chosen == ("CESGA/disk",)


def test_the_same_rule_chooses_the_same_places_and_another_rule_others(federation):
    spec = rule(copies=2, locations="* \\ SHUT \\ KIT")
    assert decided(spec, federation) == decided(spec, federation)
    chosen = {decided(spec, federation, Ref(f"DatasetRule/vo/r{i}")).chosen for i in range(30)}
    assert len(chosen) == 3


def test_fewer_places_than_copies_choose_nothing_and_say_why(federation):
    (choice,) = KIND.choices(REF, rule(copies=2, locations="DESY"), federation, NOWHERE)
    made = choose(REF, choice, ())
    assert made.chosen == ()
    assert made.reason == "2 wanted, 1 of 5 candidates fit"
    assert dict(made.rejected)["CESGA/disk"] == "is not in DESY: DESY no"


def test_each_place_gets_a_replica_with_all_files_and_the_rules_source(federation):
    source = {"site": "KIT", "storage": "disk", "path": "incoming"}
    spec = decided(rule(copies=2, locations="qos=fast", source=source), federation)
    made = list(KIND.derive(REF, spec, federation))
    assert [(d.kind, d.name, d.gate) for d in made] == [
        ("Replica", "waves.CESGA.disk", "ready"),
        ("Replica", "waves.DESY.disk", "ready"),
    ]
    first = made[0].spec
    assert (str(first.storage), first.dataset, first.rules, first.source.path) == (
        "CESGA/disk",
        "ocean:waves",
        (str(REF),),
        "incoming",
    )
    assert [f.path for f in first.files] == ["1.nc", "2.nc", "3.nc"]


def test_files_and_source_come_from_a_declared_replica_which_is_waited_for():
    federation = Federation(SITES, {"vo/first": HELD, "vo/other": {**HELD, "dataset": "ocean:tides"}})
    spec = decided(rule(files=[], locations="qos=fast"), federation)
    (made,) = KIND.derive(REF, spec, federation)
    assert [f.source for f in made.spec.files] == [None] * 3
    source = made.spec.source
    assert (source.site, source.storage, source.path, source.replica) == ("KIT", "disk", "ocean/waves", "first")


def test_a_declared_replica_counts_as_a_copy_and_is_not_made_twice():
    federation = Federation(SITES, {"vo/first": HELD})
    spec = decided(rule(copies=2, locations="DESY | KIT", files=[{"path": "a", "size": 1}]), federation)
    assert spec.chosen == ("DESY/disk", "KIT/disk")
    assert [d.name for d in KIND.derive(REF, spec, federation)] == ["waves.DESY.disk"]


def test_a_source_is_chosen_only_where_it_may_be_read():
    replicas = {"a/x": {**HELD, "storage": {"site": "DESY", "name": "disk"}}, "vo/y": HELD}
    federation = Federation(SITES, replicas)
    spec = rule(files=[], locations="CESGA & disk", sourceLocations="KIT")
    (made,) = KIND.derive(REF, decided(spec, federation), federation)
    assert made.spec.source.site == "KIT"
    (made,) = KIND.derive(REF, decided(rule(files=[], locations="CESGA & disk"), federation), federation)
    assert (made.spec.source.site, made.spec.source.replica) == ("DESY", "a/x")


def test_data_that_nobody_knows_has_no_place(federation):
    seen = candidates(rule(files=[]), federation)
    assert all(c.why_not.startswith("no files of ocean:waves are known") for c in seen.values())


def test_grouping_none_places_each_file_by_itself():
    sites = {f"S{i}": {"storage": [storage("d")]} for i in range(5)}
    files = [{"path": f"f{i}"} for i in range(40)]
    federation = Federation(sites)
    spec = decided(rule(files=files, grouping="NONE", copies=2), federation)
    assert all(len(names) == 2 for names in spec.chosenFiles.values())
    assert len(set(spec.chosenFiles.values())) > 3
    made = list(KIND.derive(REF, spec, federation))
    assert len(made) == 5
    placed = [(f.path, str(d.spec.storage)) for d in made for f in d.spec.files]
    assert len(placed) == 80
    assert sorted(placed) == sorted((path, name) for path, names in spec.chosenFiles.items() for name in names)


def test_places_given_by_hand_are_taken(federation):
    spec = rule(chosen=["DESY/disk"])
    assert KIND.choices(REF, spec, federation, NOWHERE) == ()
    assert [d.name for d in KIND.derive(REF, spec, federation)] == ["waves.DESY.disk"]
    assert ("Site/DESY", "exists") in [(e.ref, e.gate) for e in KIND.references(REF, spec)]


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
        ({"files": [{"path": "../x"}]}, "is not a path"),
    ],
)
def test_what_cannot_be_is_refused(given, said):
    with pytest.raises(ValidationError, match=said):
        rule(**given)


def test_rules_find_comparisons_that_never_hold_files_named_twice_and_too_few_places():
    rules = {r.id: r for r in KIND.rules}
    found = {
        "datasetrule-number": rule(locations="tier<two"),
        "datasetrule-unverified": rule(files=[{"path": "a"}]),
        "datasetrule-file-once": rule(files=[{"path": "a"}, {"path": "a"}]),
        "datasetrule-chosen": rule(copies=2, chosen=["A/b"]),
    }
    for name, spec in found.items():
        assert [r for r in rules if list(rules[r].check(REF, spec))] in ([name], ["datasetrule-unverified", name])
    assert not any(list(r.check(REF, rule())) for r in rules.values())


def test_a_thousand_rules_over_a_hundred_storages_are_decided_quickly():
    import time

    sites = {f"S{i:03}": {"country": "ES" if i % 2 else "DE", "storage": [storage("d")]} for i in range(100)}
    federation = Federation(sites)
    spec = rule(copies=2, locations="country=ES")
    started = time.perf_counter()
    for i in range(200):
        KIND.choices(Ref(f"DatasetRule/vo/{i}"), spec, federation, NOWHERE)
    assert (time.perf_counter() - started) / 200 < 0.01


def test_a_storage_that_no_site_declares_is_a_fault():
    site = resource("Site/CESGA", SITES["CESGA"])
    given = {"scope": "s", "name": "n", "copies": 1, "locations": "*", "files": [{"path": "a"}]}
    named = resource("DatasetRule/vo/r", {**given, "source": {"site": "CESGA", "storage": "dsk", "path": "x"}})
    there = {site.ref: site, named.ref: named}
    for changed in (list(there), [site.ref], [named.ref]):
        ((ref, name, fault),) = KIND.quarrels(there, changed)
        assert (ref, name, fault.path, fault.cure) == (
            named.ref,
            "datasetrule-storage",
            "spec.source.storage",
            "did you mean disk?",
        )
    assert list(KIND.quarrels(there, [])) == []
