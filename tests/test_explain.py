"""Why something is not ready: the walk from a resource to its root causes."""

from dataclasses import replace

from reconciler.explain import explain
from reconciler.model import Choice, Condition, ConditionType, Edge, Pause, Policy, Ref, TargetState
from tests.federation import NOW, changed, graph, held, planned, present, resource


def named(name: str, *needs: Ref):
    return resource(f"VO/{name}", {}, edges=tuple(Edge(ref, "ready", f"spec.{ref.name}") for ref in needs))


A = named("a")
B = named("b", A.ref)
C = named("c", B.ref)
D = named("d", B.ref, C.ref)


def standing(ref: Ref, reason: str, message: str = "", status: str = "False", kind=ConditionType.READY):
    return {ref: (Condition(kind, status, reason, message),)}


def all_present(*resources):
    return {r.ref: present(r) for r in resources}


def test_what_is_well_is_said_to_be_ready():
    whole = graph(A, B)
    plan = planned(whole, held(A, B), all_present(A, B))
    found = explain(B.ref, whole, plan, {})
    assert (found.well, found.said, found.below) == (True, ("ready",), ())


def test_the_walk_follows_references_to_the_root_cause():
    whole = graph(A, B, C)
    plan = planned(whole, held(A, B, C), all_present(A, B, C))
    wrong = (
        standing(A.ref, "QuotaExceeded", "no cores left")
        | standing(B.ref, "DependencyFailed", "VO/a did not succeed")
        | standing(C.ref, "DependencyFailed", "VO/b did not succeed")
    )
    found = explain(C.ref, whole, plan, wrong)
    (below,) = found.below
    (cause,) = below.below
    assert (below.name, below.needed) == (B.ref, "spec.b, ready")
    assert (cause.name, cause.said) == (A.ref, ("not ready: QuotaExceeded: no cores left",))
    assert [c.name for c in found.causes] == [A.ref]


def test_a_cause_on_two_ways_is_named_once():
    whole = graph(A, B, C, D)
    plan = planned(whole, held(), {})
    found = explain(D.ref, whole, plan, {})
    assert [c.name for c in found.causes] == [A.ref]
    assert found.causes[0].said == ("to create in the next run: New",)


def test_a_target_that_is_down_is_the_cause():
    whole = graph(A)
    down = TargetState(reachable=False, complete=False, reason="connection refused")
    plan = planned(whole, held(A), {}, registry_vos=down)
    found = explain(A.ref, whole, plan, {})
    assert [(c.name, c.said) for c in found.causes] == [("registry:vos", ("cannot be read: connection refused",))]


def test_a_pause_is_said_with_who_made_it():
    whole = graph(changed(A, {"description": "other"}))
    pause = Pause("all", "upgrade", "maria", NOW)
    plan = planned(whole, held(A), all_present(A), Policy(NOW, pauses=(pause,)))
    found = explain(A.ref, whole, plan, {})
    assert found.said == ("waits: Paused (update held: all was paused by maria: upgrade)",)
    assert found.cause


def test_what_has_no_place_says_so():
    placed = replace(graph(A), unplaced={A.ref: Choice(A.ref, "site", (), "1 wanted, 0 of 3 candidates fit")})
    plan = planned(placed, held(), {})
    assert explain(A.ref, placed, plan, {}).said == ("waits: NoPlace (1 wanted, 0 of 3 candidates fit)",)


def test_the_same_words_are_not_said_twice():
    whole = graph(A)
    plan = planned(whole, held(A), all_present(A))
    wrong = {
        A.ref: (
            Condition(ConditionType.READY, "False", "QuotaExceeded", "none left"),
            Condition(ConditionType.STALLED, "True", "QuotaExceeded", "none left"),
            Condition(ConditionType.PROTECTED, "False", "NothingHeldBack"),
        )
    }
    assert explain(A.ref, whole, plan, wrong).said == ("not ready: QuotaExceeded: none left",)


def test_what_nobody_declares_is_said_to_be_unknown():
    whole = graph(A)
    found = explain(Ref("VO/nix"), whole, planned(whole, held(A), all_present(A)), {})
    assert found.said == ("is not declared at this commit, and nothing is known of it",)
