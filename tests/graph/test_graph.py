"""References: resolved, or refused with the nearest name or the whole circle."""

import pytest

from reconciler.errors import ManifestError
from reconciler.graph import build
from reconciler.kinds import registry
from reconciler.model import Edge, Ref, Resources
from tests.federation import NoDrivers, graph, resource

VO = resource("VO/vo.example.org", {})


def linked(name: str, *to: str):
    return resource(f"VO/{name}", {}, edges=tuple(Edge(Ref(f"VO/{t}"), "exists", "spec.parent") for t in to))


def faults(*resources) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        graph(*resources)
    return [str(d) for d in caught.value.diagnostics]


def test_a_dangling_reference_names_the_nearest_name():
    assert faults(VO, linked("child", "vo.exmaple.org")) == [
        "manifests/child.yaml:1:1: spec.parent: VO/child refers to VO/vo.exmaple.org, which does not exist; "
        "did you mean VO/vo.example.org?"
    ]


def test_every_dangling_reference_is_reported():
    assert len(faults(linked("a", "x"), linked("b", "y", "z"))) == 3


def test_a_circle_is_printed_as_its_chain():
    (said,) = faults(linked("a", "b"), linked("b", "c"), linked("c", "a"), VO)
    assert "VO/a -> VO/b -> VO/c -> VO/a" in said


def test_a_resource_may_not_need_itself():
    assert "VO/a -> VO/a" in faults(linked("a", "a"))[0]


def after(before, *resources, changed):
    found = Resources("d" * 40, {r.ref: r for r in resources}, (), frozenset(Ref(c) for c in changed))
    return build(found, registry(), NoDrivers(), before)


def test_a_graph_built_on_an_earlier_one_is_the_graph_built_from_nothing():
    before = graph(VO, linked("a", "vo.example.org"), linked("b", "a"))
    now = (VO, linked("a"), linked("c", "a"))
    made, fresh = after(before, *now, changed=["VO/a", "VO/b", "VO/c"]), graph(*now)
    assert (made.digests, made.targets, made.taking, made.moved) == (
        fresh.digests,
        fresh.targets,
        fresh.taking,
        fresh.moved,
    )


def test_taking_away_what_an_unchanged_resource_needs_is_found():
    before = graph(VO, linked("a", "vo.example.org"))
    with pytest.raises(ManifestError, match="VO/a refers to VO/vo.example.org"):
        after(before, linked("a", "vo.example.org"), changed=["VO/vo.example.org"])


def test_a_new_circle_through_unchanged_resources_is_found():
    before = graph(linked("a", "b"), linked("b"))
    with pytest.raises(ManifestError, match="round in a circle"):
        after(before, linked("a", "b"), linked("b", "a"), changed=["VO/b"])
