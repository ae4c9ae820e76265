"""What a plan says, case by case: intent, drift, absence, doubt, ownership, deletion."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import Action, Approval, Limit, Pause, Policy, Reason, Ref, TargetState, Unknown, Verb
from reconciler.plan.safety import limited
from reconciler.plan.saved import from_json, to_json
from tests.federation import NOW, changed, graph, held, planned, present, resource, verbs

VO = resource("VO/vo.example.org", {"description": "a VO"})
SITE = resource(
    "Site/ALPHA",
    {
        "officialName": "Alpha",
        "clouds": [
            {
                "name": "main",
                "driver": "openstack",
                "endpoint": "https://alpha.example.org:5000/v3",
                "shares": [{"vo": "vo.example.org", "projectId": "p1"}],
            }
        ],
    },
)
EMPTY = held()


def vos(count: int) -> list:
    return [resource(f"VO/vo{n:03}.example.org", {"description": "many"}) for n in range(count)]


def test_what_is_proved_absent_is_created_in_the_order_of_references():
    assert verbs(planned(graph(SITE, VO), EMPTY, {})) == ["create VO/vo.example.org New", "create Site/ALPHA New"]


def test_a_settled_federation_has_an_empty_plan():
    made = planned(graph(SITE, VO), held(SITE, VO), {SITE.ref: present(SITE), VO.ref: present(VO)})
    assert (made.actions, made.unchanged) == ((), 2)


def test_a_change_in_git_is_intent_and_counts_a_generation():
    new = changed(VO, {"description": "another"})
    (action,) = planned(graph(new), held(VO), {VO.ref: present(VO)}).actions
    assert (action.verb, action.reason, action.generation) == (Verb.UPDATE, "SpecChanged", 2)
    assert [(c.path, c.before, c.after, c.origin) for c in action.changes] == [
        ("spec.description", "a VO", "another", "intent")
    ]


def test_a_change_of_the_world_is_drift_and_counts_no_generation():
    moved = present(changed(VO, {"description": "vandalised"}))
    (action,) = planned(graph(VO), held(VO), {VO.ref: moved}).actions
    assert (action.verb, action.reason, action.generation) == (Verb.UPDATE, "DriftDetected", 1)
    assert action.changes[0].origin == "drift"


def test_what_vanished_is_made_again_and_called_drift():
    assert verbs(planned(graph(VO), held(VO), {})) == ["create VO/vo.example.org Vanished"]


@pytest.mark.parametrize("inventory", [EMPTY, held(VO)])
def test_what_could_not_be_read_is_never_created(inventory):
    new = changed(VO, {"description": "wanted otherwise"})
    made = planned(graph(new), inventory, {VO.ref: Unknown("listing failed")})
    assert verbs(made) == ["defer VO/vo.example.org ObservationFailed"]


def test_nothing_on_an_unreachable_target_is_created_or_deleted():
    down = TargetState(reachable=False, complete=False, reason="connection refused")
    made = planned(graph(VO), held(SITE), {}, registry_vos=down, registry_sites=down)
    assert {a.verb for a in made.actions} == {Verb.DEFER}
    assert made.unreachable == {"registry:sites": "connection refused", "registry:vos": "connection refused"}


def test_a_partial_listing_proves_nothing_absent():
    partial = TargetState(reachable=True, complete=False)
    assert verbs(planned(graph(VO), EMPTY, {}, registry_vos=partial)) == ["defer VO/vo.example.org ObservationFailed"]


def test_what_left_git_is_deleted_users_first():
    made = planned(graph(resource("VO/other", {})), held(SITE, VO), {SITE.ref: present(SITE), VO.ref: present(VO)})
    deletes = [said for said in verbs(made) if said.startswith("delete")]
    assert deletes == ["delete Site/ALPHA RemovedFromGit", "delete VO/vo.example.org RemovedFromGit"]


def test_a_commit_that_declares_nothing_deletes_nothing():
    made = planned(graph(), held(VO), {VO.ref: present(VO)})
    assert verbs(made) == ["delete VO/vo.example.org DeletionBlocked"]


def test_an_unverified_commit_changes_nothing():
    rest = resource("VO/rest", {})
    made = planned(graph(rest), held(VO), {VO.ref: present(VO)}, Policy(NOW, unverified="signed by nobody"))
    assert verbs(made) == ["create VO/rest Unverified", "delete VO/vo.example.org Unverified"]
    assert {action.message for action in made.actions} == {"signed by nobody: sign it (git commit -S)"}


def test_what_lost_our_mark_is_forgotten_and_left_standing():
    rest = resource("VO/rest", {})
    made = planned(graph(rest), held(VO, rest), {VO.ref: present(VO, owned=False, uid=""), rest.ref: present(rest)})
    assert verbs(made) == ["forget VO/vo.example.org AdoptionConflict"]


@pytest.mark.parametrize(
    ("policy", "said"),
    [("retain", "forget VO/vo.example.org Retained"), ("wait", "delete VO/vo.example.org ApprovalRequired")],
)
def test_the_deletion_policy_of_the_last_apply_decides(policy, said):
    kept, rest = resource("VO/vo.example.org", {"description": "a VO"}, deletionPolicy=policy), resource("VO/rest", {})
    made = planned(graph(rest), held(kept, rest), {kept.ref: present(kept), rest.ref: present(rest)})
    assert verbs(made) == [said]


def many_deletes(policy: Policy):
    gone, kept = vos(12), resource("VO/kept", {})
    seen = {r.ref: present(r) for r in [*gone, kept]}
    return planned(graph(kept), held(*gone, kept), seen, policy)


def test_deletes_over_the_limit_are_all_stopped_with_the_numbers():
    made = many_deletes(Policy(NOW, deletes=Limit(absolute=10)))
    assert len(made.blocked) == 12
    assert made.blocked[0].message.startswith("12 of 13 VO on registry:vos (92 %) is over the limit of 10 or 30 %")


def test_below_the_minimum_population_only_the_number_counts():
    gone, kept = vos(3), resource("VO/kept", {})
    made = planned(graph(kept), held(*gone, kept), {r.ref: present(r) for r in [*gone, kept]})
    assert [a.blocked for a in made.actions] == [None] * 3


def approval(**more) -> Approval:
    given = {
        "ref": Ref("Approval/clean-up"),
        "scope": {"kinds": ("VO",), "actions": ("delete",)},
        "at_most": 12,
        "expires": NOW + timedelta(hours=1),
        "reason": "clean-up",
        "by": "operator",
    }
    return Approval(**{**given, **more})


def test_an_approval_lets_through_what_it_names():
    made = many_deletes(Policy(NOW, approvals=(approval(),)))
    assert not made.blocked
    assert all(a.message.startswith("approved by Approval/clean-up") for a in made.actions)


@pytest.mark.parametrize(
    "other",
    [
        {"expires": NOW - timedelta(seconds=1)},
        {"scope": {"kinds": ("Site",)}},
        {"scope": {"actions": ("replace",)}},
        {"scope": {"targets": ("dns:*",)}},
        {"scope": {"resources": ("VO/elsewhere*",)}},
    ],
)
def test_an_approval_that_expired_or_names_something_else_lets_nothing_through(other):
    assert len(many_deletes(Policy(NOW, approvals=(approval(**other),))).blocked) == 12


def test_an_approval_is_spent_after_as_many_as_it_says():
    made = many_deletes(Policy(NOW, deletes=Limit(absolute=0), approvals=(approval(at_most=5),)))
    assert len(made.blocked) == 7


def test_an_approval_is_not_spent_on_what_needs_none():
    gone, kept = vos(3), resource("VO/kept", {}, deletionPolicy="wait")
    rest = resource("VO/rest", {})
    one = approval(at_most=1, scope={"actions": ("delete",)})
    seen = {r.ref: present(r) for r in [*gone, kept, rest]}
    made = planned(graph(rest), held(*gone, kept, rest), seen, Policy(NOW, approvals=(one,)))
    assert not made.blocked


def test_an_approval_lifts_the_limit_of_updates_too():
    before, after = vos(20), [changed(vo, {"description": "new"}) for vo in vos(20)]
    seen, limit = {r.ref: present(r) for r in before}, Limit(absolute=5, percent=100)
    one = approval(scope={"actions": ("update",)}, at_most=20)
    assert len(planned(graph(*after), held(*before), seen, Policy(NOW, updates=limit)).blocked) == 20
    assert not planned(graph(*after), held(*before), seen, Policy(NOW, updates=limit, approvals=(one,))).blocked


PRECIOUS = {Ref("VO/vo-00"): "the last of its kind"}


def dear(action: Action, *approvals: Approval) -> Action:
    policy = Policy(NOW, approvals=approvals)
    (found,) = limited([action], {("VO", action.target): 1}, policy, empty=False, precious=PRECIOUS)
    return found


@pytest.mark.parametrize("scope", [{}, {"kinds": ("VO",)}, {"resources": ("VO/*",)}])
def test_what_is_precious_stays_unless_an_approval_names_it_in_full(scope):
    going = Action(Verb.DELETE, Ref("VO/vo-00"), Reason.REMOVED_FROM_GIT)
    kept = dear(going, approval(scope=scope))
    assert (kept.blocked, kept.message.partition(":")[0]) == (Reason.LAST_COPY, "the last of its kind")
    assert dear(going, approval(scope={**scope, "resources": ("VO/vo-00",)})).blocked is None


def test_what_a_person_made_is_not_taken_over():
    made = planned(graph(VO), EMPTY, {VO.ref: present(VO, owned=False, uid="")})
    assert verbs(made) == ["adopt VO/vo.example.org AdoptionConflict"]


def test_adoption_takes_it_as_it_is():
    mine = resource("VO/vo.example.org", {"description": "mine"}, adopt=True)
    made = planned(graph(mine), EMPTY, {VO.ref: present(VO, owned=False, uid="")})
    assert verbs(made) == ["adopt VO/vo.example.org Found"]


def test_what_an_interrupted_run_made_is_found_again():
    assert verbs(planned(graph(VO), EMPTY, {VO.ref: present(VO)})) == ["adopt VO/vo.example.org OutcomeResolved"]


@pytest.mark.parametrize("mode", ["observe", "warn"])
def test_observe_and_warn_only_tell(mode):
    new = changed(VO, {"description": "x"}, mode=mode)
    assert verbs(planned(graph(new), held(VO), {VO.ref: present(VO)})) == ["defer VO/vo.example.org ObserveOnly"]


def test_ignored_drift_is_told_and_not_repaired():
    kept = resource("VO/vo.example.org", {"description": "a VO"}, ignore=("spec.description",))
    moved = present(changed(VO, {"description": "by hand"}))
    made = planned(graph(kept), held(kept), {VO.ref: moved})
    assert verbs(made) == ["noop VO/vo.example.org DriftIgnored"]
    assert made.actions[0].changes[0].ignored


def test_a_rename_destroys_nothing():
    new = resource("VO/vo.new.org", {"description": "a VO"}, moved="vo.example.org")
    inventory = held(VO)
    seen = {new.ref: present(VO)}
    made = planned(graph(new), inventory, seen)
    assert verbs(made) == ["move VO/vo.new.org Renamed"]
    assert made.actions[0].previous == VO.ref


@pytest.mark.parametrize("scope", ["all", "target:registry:vos", "resource:VO/vo.example.org"])
def test_what_is_paused_is_held_with_the_reason(scope):
    policy = Policy(NOW, pauses=(Pause(scope, "storage move", "ops", NOW),))
    (action,) = planned(graph(VO), EMPTY, {}, policy).actions
    assert (action.verb, action.reason) == (Verb.DEFER, "Paused")
    assert "storage move" in action.message


def test_what_waits_for_something_blocked_is_deferred_with_its_name():
    made = planned(graph(SITE, VO), EMPTY, {VO.ref: present(VO, owned=False, uid="")})
    assert verbs(made) == ["adopt VO/vo.example.org AdoptionConflict", "defer Site/ALPHA DependencyNotReady"]
    assert "VO/vo.example.org" in made.actions[1].message


def test_a_saved_plan_reads_back_the_same_and_a_touched_one_is_refused():
    made = planned(graph(SITE, VO), EMPTY, {})
    assert from_json(to_json(made)) == replace(made)
    with pytest.raises(Exception, match="changed after it was made"):
        from_json(to_json(made).replace(b"Alpha", b"Omega"))


@given(st.permutations([SITE, VO, *vos(5)]))
def test_the_same_input_gives_the_same_bytes_whatever_the_order(order):
    first = planned(graph(SITE, VO, *vos(5)), EMPTY, {})
    assert to_json(planned(graph(*order), EMPTY, {})) == to_json(first)


@given(st.sets(st.integers(0, 19)), st.sets(st.integers(0, 19)), st.sets(st.integers(0, 19)), st.booleans())
def test_no_reading_that_failed_ever_leads_to_a_delete(wanted, kept, unread, partial):
    all_vos = vos(20)
    inventory = held(*[all_vos[n] for n in kept])
    seen = {all_vos[n].ref: Unknown("no answer") if n in unread else present(all_vos[n]) for n in kept | unread}
    state = TargetState(reachable=True, complete=not partial)
    made = planned(
        graph(*[all_vos[n] for n in wanted]),
        inventory,
        seen,
        Policy(NOW, deletes=Limit(absolute=100, percent=100)),
        registry_vos=state,
    )
    touched = {a.ref for a in made.actions if a.verb in (Verb.DELETE, Verb.CREATE, Verb.REPLACE, Verb.FORGET)}
    assert not touched & {all_vos[n].ref for n in unread}
