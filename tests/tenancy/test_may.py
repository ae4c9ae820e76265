"""Who may do what: the engine alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import Ref, Who
from reconciler.tenancy import Book, Charter, Rule, Rules, Scope, Subject, Thing, Word, may, needed
from reconciler.tenancy.entitlements import satisfies

ISSUER = "https://aai.example.org"
MANAGER = "urn:mace:egi.eu:group:tides:role=manager#aai.example.org"
ADA = Who("Ada", "signature", "ada@tides.example.org")
BOB = Who("Bob", "signature", "bob@waves.example.org")
EVE = Who("Eve", "oidc", "eve", ISSUER, frozenset({MANAGER.replace("tides", "waves")}))
MIA = Who("Mia", "oidc", "mia", ISSUER, frozenset({MANAGER}))
ALL = frozenset({"create", "update", "delete", "approve", "pause", "acknowledge"})


def tenancy(vo: str, *rules: Rule, words: tuple[Word, ...] = (), roles: bool = False) -> Charter:
    scope = Scope(namespaces=(f"vo-{vo}",))
    return Charter(Ref(f"Tenancy/{vo}"), scope, authority=f"vo:{vo}", rules=rules, words=words, roles=roles)


def lets(*who: Subject, deeds: frozenset[str] = ALL, **narrower) -> Rule:
    return Rule(who, deeds, **narrower)


def signer(who: Who) -> Subject:
    return Subject("signer", who.identity)


TIDES = tenancy("tides", lets(signer(ADA), Subject("entitlement", MANAGER, ISSUER)))
WAVES = tenancy("waves", lets(signer(BOB)))
OURS = Thing((Ref("Dataset/vo-tides/raw"),), frozenset({"manifests/tides/raw.yaml"}), fields=frozenset({"spec.files"}))


def test_a_manager_may_in_his_namespace_and_the_reason_is_told():
    verdict = may(Rules((TIDES, WAVES)), ADA, "update", OURS)
    assert verdict.allowed
    assert verdict.why == "Tenancy/tides lets Ada update it"


def test_a_manager_of_another_vo_may_not_and_is_told_who_could():
    verdict = may(Rules((TIDES, WAVES)), BOB, "update", OURS)
    assert not verdict.allowed
    assert verdict.why == "Tenancy/tides does not let Bob update Dataset/vo-tides/raw"
    assert verdict.instead == ("ada@tides.example.org", f"{MANAGER} ({ISSUER})")


@pytest.mark.parametrize("deed", sorted(ALL))
@pytest.mark.parametrize(
    "who",
    [
        BOB,
        EVE,
        Who("Mia", "oidc", "mia", "https://elsewhere.example.org", MIA.entitlements),
        Who("Ada", "forge", ADA.identity, "https://git.example.org"),
        Who("Ada", "oidc", ADA.identity, ISSUER),
        Who("Mia", "signature", "mia", ISSUER, MIA.entitlements),
        Who("bot", "token", "bot"),
    ],
    ids=["other VO", "other group", "other issuer", "name at the forge", "name at the issuer", "signer", "token"],
)
def test_the_wrong_person_may_nothing(who, deed):
    assert not may(Rules((TIDES, WAVES)), who, deed, OURS).allowed


def test_without_a_tenancy_nothing_is_governed():
    verdict = may(Rules(), BOB, "update", OURS)
    assert (verdict.allowed, verdict.governed) == (True, False)
    assert needed(Rules(), "update", OURS) == ()
    assert may(Rules((WAVES,)), ADA, "update", OURS).governed is False


def test_looking_is_forbidden_only_where_it_is_said_who_may_look():
    assert may(Rules((TIDES,)), BOB, "view", OURS).allowed
    closed = tenancy("tides", lets(signer(ADA), deeds=frozenset({"view"})))
    assert not may(Rules((closed,)), BOB, "view", OURS).allowed
    assert may(Rules((closed,)), ADA, "view", OURS).allowed


def test_who_brings_a_resource_from_another_namespace_must_have_both():
    moved = Thing((Ref("Dataset/vo-waves/raw"), Ref("Dataset/vo-tides/raw")))
    both = Rules((TIDES, WAVES))
    assert not may(both, ADA, "update", moved).allowed
    assert not may(both, BOB, "update", moved).allowed


def test_a_rule_about_fields_lets_nobody_change_others_nor_make_or_take_away():
    rules = Rules((tenancy("tides", lets(signer(ADA), fields=("spec.files",))),))
    assert may(rules, ADA, "update", OURS).allowed
    assert not may(rules, ADA, "create", OURS).allowed
    assert not may(rules, ADA, "delete", OURS).allowed
    more = Thing(OURS.refs, fields=frozenset({"spec.files[0].size", "spec.owner"}))
    assert not may(rules, ADA, "update", more).allowed
    two = tenancy("tides", *(lets(signer(ADA), fields=(one,)) for one in ("spec.files", "spec.owner")))
    assert may(Rules((two,)), ADA, "update", more).allowed


def test_a_rule_about_paths_is_not_for_files_elsewhere():
    rules = Rules((tenancy("tides", lets(signer(ADA), scope=Scope(paths=("manifests/tides",)))),))
    assert may(rules, ADA, "update", OURS).allowed
    elsewhere = Thing(OURS.refs, OURS.files | {"manifests/waves/raw.yaml"})
    assert not may(rules, ADA, "update", elsewhere).allowed


QUOTA = Word((Subject("role", "Site Operations Manager", level="site"),), ("spec.quotas",), "quota")
BOOK = Book({("site", "SEA"): {"Site Operations Manager": frozenset({"sam@sea.example.org"})}})
SAM = Who("Sam", "signature", "sam@sea.example.org")


def share(*fields: str, site: str = "SEA") -> Thing:
    return Thing((Ref("Share/vo-tides/sea"),), fields=frozenset(fields), over={"site": frozenset({site})})


def test_a_quota_needs_the_word_of_its_site():
    rules = Rules((tenancy("tides", lets(signer(ADA)), words=(QUOTA,)),), BOOK)
    right, word = needed(rules, "update", share("spec.quotas[0].vcpus"))
    assert (right.part, word.part, word.what) == ("vo:tides", "site:SEA", "quota")
    assert right.met([ADA], ())
    assert not word.met([ADA], ())
    assert not word.met([ADA], [ADA, BOB, MIA])
    assert word.met([ADA], [SAM])
    assert word.met([SAM], ())
    assert word.of == ("sam@sea.example.org",)
    assert [one.sort for one in needed(rules, "update", share("spec.enabled"))] == ["right"]


@pytest.mark.parametrize("field", ["spec", "spec.quotas", "spec.quotas[0]", "spec.quotas[0].vcpus"])
def test_a_change_around_the_field_needs_its_word_too(field):
    rules = Rules((tenancy("tides", lets(signer(ADA)), words=(QUOTA,)),), BOOK)
    assert [one.what for one in needed(rules, "update", share(field))] == ["update", "quota"]


@pytest.mark.parametrize(
    ("asked", "changed"),
    [
        ("spec.clouds[*].quotas", "spec.clouds[1].quotas"),
        ("spec.clouds[0].quotas", "spec.clouds[0].quotas"),
        ("spec.clouds[*].quotas", "spec.clouds[0].quotas.cores"),
        ("spec.*.quotas", "spec.clouds.quotas.cores"),
        ("spec.clouds[*].quotas", "spec.clouds"),
    ],
)
def test_a_field_in_a_list_is_asked_about_however_it_is_written(asked, changed):
    word = Word((signer(BOB),), (asked,), "quota")
    assert word.asked(replace(OURS, fields=frozenset({changed})))
    assert not word.asked(replace(OURS, fields=frozenset({"spec.clouds[0].name", "spec.quota"})))


def test_the_manager_of_another_site_gives_no_word():
    rules = Rules((tenancy("tides", words=(QUOTA,)),), BOOK)
    assert not needed(rules, "update", share("spec.quotas", site="LAKE"))[-1].met([ADA], [SAM])


def test_every_one_who_made_a_change_must_have_the_right():
    (right,) = needed(Rules((TIDES,)), "update", OURS)
    assert right.met([ADA], ())
    assert not right.met([ADA, BOB], ())
    assert not right.met([], ())
    assert right.met([BOB], [ADA])


GUARD = Thing((Ref("Tenancy/tides"),), fields=frozenset({"spec.allow"}))


def test_a_tenancy_is_changed_by_the_owners_alone():
    rules = Rules((TIDES, Charter(Ref("Tenancy/all"), rest=True, rules=(lets(signer(ADA)),))), owners=(signer(SAM),))
    assert may(rules, SAM, "update", GUARD).allowed
    assert not may(rules, ADA, "update", GUARD).allowed
    assert not may(Rules(), SAM, "create", GUARD).allowed


def test_roles_are_granted_by_those_who_may_grant_them():
    grant = Thing((Ref("RoleAssignment/sea"),), known=frozenset({"sam@sea.example.org"}))
    assert may(Rules((TIDES,)), SAM, "update", grant).allowed
    assert not may(Rules((TIDES,)), ADA, "update", grant).allowed
    assert may(Rules(), ADA, "update", grant).governed is False


@pytest.mark.parametrize(
    ("held", "asked", "means"),
    [
        ("urn:mace:egi.eu:group:tides:role=manager#aai", "urn:mace:egi.eu:group:tides:role=manager", True),
        ("URN:MACE:egi.eu:group:tides:role=manager#x", "urn:mace:egi.eu:group:tides:role=manager#y", True),
        ("urn:mace:egi.eu:group:tides:role=member", "urn:mace:egi.eu:group:tides:role=manager", False),
        ("urn:mace:egi.eu:group:tides:role=member", "urn:mace:egi.eu:group:tides", True),
        ("urn:mace:egi.eu:group:tides", "urn:mace:egi.eu:group:tides:role=member", False),
        ("urn:mace:egi.eu:group:tides:sub:role=manager", "urn:mace:egi.eu:group:tides:role=manager", False),
        ("urn:mace:egi.eu:group:tides:sub:role=manager", "urn:mace:egi.eu:group:tides:sub", True),
        ("urn:mace:egi.eu:group:tides:sub", "urn:mace:egi.eu:group:tides", False),
        ("urn:mace:other:group:tides:role=manager", "urn:mace:egi.eu:group:tides:role=manager", False),
        ("urn:mace:egi.eu:group:tides%20x", "urn:mace:egi.eu:group:tides x", True),
        ("urn:mace:egi.eu:group:tides%3Arole=manager", "urn:mace:egi.eu:group:tides:role=manager", False),
        ("urn:mace:egi.eu:res:cloud:act:run", "urn:mace:egi.eu:res:cloud:act:run#a", True),
        ("urn:mace:egi.eu:res:cloud", "urn:mace:egi.eu:res:cloud:act:run", False),
    ],
)
def test_entitlements_are_compared_by_group_and_role(held, asked, means):
    assert satisfies(held, asked) is means


_PEOPLE = [ADA, BOB, EVE, MIA, SAM]
_SUBJECTS = st.sampled_from([signer(ADA), signer(BOB), signer(SAM), Subject("entitlement", MANAGER, ISSUER)])
_RULES = st.builds(
    Rule,
    st.lists(_SUBJECTS, min_size=1, max_size=3).map(tuple),
    st.frozensets(st.sampled_from(sorted(ALL)), min_size=1),
    st.builds(Scope, kinds=st.sampled_from([(), ("*",), ("Dataset",), ("Share",)])),
    st.sampled_from([(), ("spec.files",), ("spec.owner",)]),
)
_CHARTERS = st.sampled_from(["tides", "waves", "lakes"]).flatmap(
    lambda vo: st.lists(_RULES, max_size=3).map(lambda rules: tenancy(vo, *rules))
)
_THINGS = st.builds(
    Thing,
    st.sampled_from(["Dataset/vo-tides/raw", "Share/vo-tides/sea", "Dataset/vo-waves/raw"]).map(
        lambda ref: (Ref(ref),)
    ),
    fields=st.frozensets(st.sampled_from(["spec.files", "spec.owner", "spec.files[0]"]), min_size=1),
)


@given(st.lists(_CHARTERS, max_size=3), _CHARTERS, _THINGS, st.sampled_from(_PEOPLE), st.sampled_from(sorted(ALL)))
def test_a_rule_of_another_namespace_never_changes_a_verdict(charters, another, thing, who, deed):
    if another.scope.touches(thing):
        return
    assert may(Rules(tuple(charters)), who, deed, thing) == may(Rules((*charters, another)), who, deed, thing)


@given(st.lists(_CHARTERS, min_size=2, max_size=3), _THINGS, st.sampled_from(_PEOPLE), st.sampled_from(sorted(ALL)))
def test_the_order_of_rules_does_not_matter(charters, thing, who, deed):
    verdicts = {may(Rules(tuple(order)), who, deed, thing).allowed for order in permutations(charters)}
    turned = [Charter(c.name, c.scope, rules=c.rules[::-1], authority=c.authority) for c in charters]
    assert verdicts == {may(Rules(tuple(turned)), who, deed, thing).allowed}


@given(st.lists(_CHARTERS, max_size=3), _THINGS, st.sampled_from(_PEOPLE), st.sampled_from(sorted(ALL)))
def test_whatever_a_tenancy_speaks_of_is_forbidden_unless_it_is_allowed(charters, thing, who, deed):
    rules = Rules(tuple(charters))
    verdict = may(rules, who, deed, thing)
    meant = [one for one in rules.over(thing) if any(s.means(who) for rule in one.rules for s in rule.who)]
    assert verdict.governed is bool(rules.over(thing))
    assert not verdict.allowed or len(meant) == len(rules.over(thing))


@pytest.mark.parametrize(
    ("beginning", "pattern", "spoken_of", "let"),
    [
        ("compute:SEA/", "compute:SEA/*", True, True),
        ("compute:SEA/", "compute:SEA/one/*", True, False),
        ("compute:SEA/", "compute:SEABED/*", False, False),
        ("compute:SEA/", "dns:*", False, False),
        ("compute:", "compute:SEA/*", True, False),
        ("compute:", "compute:*", True, True),
        ("compute:SEA/", "*", True, True),
    ],
)
def test_what_has_no_place_yet_is_guarded_wherever_it_could_go(beginning, pattern, spoken_of, let):
    cluster = Thing((Ref("VirtualCluster/vo-tides/surge"),), open=frozenset({beginning}))
    assert Scope(targets=(pattern,)).touches(cluster) == spoken_of
    assert Scope(targets=(pattern,)).covers(cluster) == let
    sea = Charter(Ref("Tenancy/sea"), Scope(targets=(pattern,)), authority="site:SEA", rules=(lets(signer(BOB)),))
    rules = Rules((TIDES, sea))
    assert may(rules, ADA, "create", cluster).allowed != spoken_of
