"""What every kind must do, tried on its documented example; a new kind is covered by being there.

The examples of all kinds together are one federation, so it is made whole, looked at, and taken apart again.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import reconciler.kinds
from reconciler.kinds import registry
from reconciler.model import Absent, Change, Done, Present, Ref, Started, Wanted
from reconciler.reconcile import propose
from tests.house import applied, commit, opened, planned, said

EXAMPLES = {name: Path(reconciler.kinds.__file__).parent / name.lower() / "example.yaml" for name in registry()}
SIMULATED = """[substitute]
openstack = "simulated"

[tenancy]
trust = "author"
owners = [{ signer = "tester@example.org" }]
"""
"""Whoever commits here owns the policy: a Tenancy counts at once."""
every_kind = pytest.mark.parametrize("name", registry())


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """The federation of all examples, applied."""
    root = tmp_path_factory.mktemp("examples")
    commit(root, {f"{name}.yaml": path.read_text() for name, path in EXAMPLES.items()})
    (root / "hanse.toml").write_text(SIMULATED)
    report = applied(root, until_quiet=True)
    assert not report.failed
    return root


@pytest.fixture
def root(made, tmp_path) -> Path:
    """A federation of one's own to take apart."""
    shutil.copytree(made, tmp_path / "own")
    return tmp_path / "own"


def of_kind(house, name: str):
    """(kind, target, resources, wanted) of the example, with choices and inputs filled in as they were applied."""
    kind, graph = registry()[name], propose(house, "HEAD").graph
    refs = sorted(ref for ref in house.store.inventory.entries() if ref.kind == name)
    details, entries = house.store.inventory.details(refs), house.store.inventory.entries()
    for target in sorted({entries[ref].target for ref in refs}):
        here = [ref for ref in refs if entries[ref].target == target]
        specs = {ref: kind.Spec.model_validate_json(details[ref].content) for ref in here}
        wanted = [Wanted(ref, entries[ref].uid, specs[ref], specs[ref]) for ref in here]
        yield kind, graph, graph.targets[target], wanted


def changes(graph, wanted: list[Wanted], *, present: bool) -> list[Change]:
    return [
        Change(
            w.ref,
            w.uid,
            1,
            w.spec,
            w.spec if present else None,
            {e.ref: graph.resources[e.ref].spec for e in graph.resources[w.ref].edges},
        )
        for w in wanted
    ]


def settled(do, target, due: list[Change], drivers) -> dict[Ref, Done]:
    """Ask until everything is done, one batch at a time, as apply would."""
    answers: dict[Ref, Done] = {}
    for change in due:
        handle = ""
        for _ in range(500):
            asked = Change(
                change.ref, change.uid, change.generation, change.spec, change.before, change.context, handle
            )
            answer = do(target, [asked], drivers)[change.ref]
            if not isinstance(answer, Started):
                break
            handle = answer.handle
        assert isinstance(answer, Done), f"{change.ref}: {answer}"
        answers[change.ref] = answer
    return answers


@every_kind
def test_the_example_is_there_and_declares_the_kind(name):
    assert f"kind: {name}\n" in EXAMPLES[name].read_text()


@every_kind
def test_what_is_put_is_observed_the_same(made, name):
    with opened(made) as house:
        for kind, _, target, wanted in of_kind(house, name):
            seen = kind.observe(target, wanted, house.drivers)
            assert seen.complete
            for w in wanted:
                found = seen.results[w.ref]
                assert isinstance(found, Present), f"{w.ref}: {found}"
                assert found.owned
                assert found.spec == w.spec
                assert found.digest == w.spec.digest()


@every_kind
def test_a_second_put_changes_nothing(root, name):
    with opened(root) as house:
        for kind, graph, target, wanted in of_kind(house, name):
            settled(kind.put, target, changes(graph, wanted, present=True), house.drivers)
    assert said(planned(root)) == []


@every_kind
def test_what_is_removed_is_gone_and_may_be_removed_again(root, name):
    with opened(root) as house:
        for kind, graph, target, wanted in of_kind(house, name):
            for _ in range(2):
                settled(kind.remove, target, changes(graph, wanted, present=True), house.drivers)
            seen = kind.observe(target, wanted, house.drivers)
            gone = [w.ref for w in wanted if not getattr(w.spec, "origin", False)]
            assert {type(seen.results[ref]) for ref in gone} <= {Absent}


@every_kind
def test_a_spec_in_canonical_form_reads_back_the_same(made, name):
    with opened(made) as house:
        graph, kind = propose(house, "HEAD").graph, registry()[name]
        for ref in [ref for ref in graph.resources if ref.kind == name]:
            spec = graph.resources[ref].spec
            assert kind.Spec.model_validate_json(spec.canonical()).canonical() == spec.canonical()
            assert kind.canonical(spec) == spec


@every_kind
def test_an_object_nobody_wants_any_more_is_shown_as_a_stray(root, name):
    """Marked by us and in no manifest and no inventory: it must show, or it would be lost for ever."""
    with opened(root) as house:
        for kind, _, target, wanted in of_kind(house, name):
            seen = kind.observe(target, wanted[1:], house.drivers)
            assert wanted[0].uid in {stray.uid for stray in seen.strays}


@every_kind
def test_what_vanishes_behind_our_back_is_made_again(root, name):
    with opened(root) as house:
        for kind, graph, target, wanted in of_kind(house, name):
            settled(kind.remove, target, changes(graph, wanted, present=True), house.drivers)
    report = applied(root, until_quiet=True)
    assert not report.failed
    assert said(planned(root)) == []


def test_taking_every_manifest_but_one_away_leaves_nothing_behind_but_last_copies(root):
    for path in sorted((root / "manifests").glob("*.yaml")):
        commit(root, {path.name: None}) if path.name != "VO.yaml" else None
    (root / "manifests/VO.yaml").write_text(EXAMPLES["VO"].read_text().split("  allocations:")[0])
    commit(root, {})
    report = applied(root, until_quiet=True)
    assert not report.failed
    with opened(root) as house:
        left = set(house.store.inventory.entries()) - {"VO/vo.tides.example.org", "Site/TIDE-CLOUD"}
        assert {ref.kind for ref in left} == {"Replica"}
        assert {ref.name.partition(".")[0] for ref in left} == {"cores", "notes"}
        assert len(left) == 2
