"""Files placed one by one: what must hold whatever the storages, and whatever was remembered of the run before."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.kinds.datasetrule.ring import Ring
from reconciler.kinds.datasetrule.scatter import Remembered, Scatter
from reconciler.ports import File, Files

FILES = Files.of(File(f"f{n:04}", n % 7 + 1, f"adler32:{n:08x}") for n in range(300))
names = st.lists(st.sampled_from([f"S{n}/d" for n in range(12)]), min_size=4, max_size=12, unique=True)


class Free:
    """Room without limits, or with the same limit everywhere."""

    def __init__(self, each=float("inf")):
        self.each, self.used = each, {}

    def left(self, name):
        return self.each - self.used.get(name, 0)

    def charge(self, storages, _bytes, new):
        for name in storages:
            self.used[name] = self.used.get(name, 0) + new


def ring(storages, weights=None, apart=None):
    given = {name: (weights or {}).get(name, 1.0) for name in storages}
    return Ring(b"data", given, {name: (apart or {}).get(name, "") for name in storages})


def scatter(storages, copies=2, standing=None, memory=None, files=FILES, room=None, **more):
    memory = memory or Remembered()
    room = room or Free()
    limited = frozenset(storages) if room.each < float("inf") else frozenset()
    made = Scatter("rule", files, copies, ring(storages, **more), room, limited, memory)
    return made.run({name: part for name, part in (standing or {}).items() if name in storages})


def held(found):
    """File -> where it is."""
    by_file = {}
    for name, part in found.parts.items():
        for path in part.paths:
            by_file.setdefault(path, set()).add(name)
    return by_file


def same(one, other):
    return {n: tuple(p.paths) for n, p in one.parts.items()} == {n: tuple(p.paths) for n, p in other.parts.items()}


@given(names, st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_every_file_has_as_many_places_as_copies_are_wanted_all_different(storages, copies):
    found = scatter(storages, copies)
    assert {len(places) for places in held(found).values()} == {copies}
    assert sum(len(part) for part in found.parts.values()) == copies * len(FILES)
    assert same(found, scatter(list(reversed(storages)), copies))


@given(names, st.data())
@settings(max_examples=30, deadline=None)
def test_what_stands_stays_and_another_storage_moves_nothing(storages, data):
    first = scatter(storages[:-1])
    after = scatter(storages, standing=first.parts)
    assert same(first, after)
    assert after.kept == 2 * len(FILES)
    gone = data.draw(st.sampled_from(storages[:-1]))
    left = scatter([name for name in storages[:-1] if name != gone], standing=first.parts)
    before, now = held(first), held(left)
    assert all(before[path] - {gone} <= now[path] for path in now)
    assert {len(places) for places in now.values()} == {2}


@given(names, st.lists(st.integers(0, 11), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_what_is_remembered_changes_no_answer(storages, dropped):
    memory = Remembered()
    found = scatter(storages, memory=memory)
    for n in dropped:
        if len(storages) > 3:
            storages = [name for name in storages if name != f"S{n}/d"]
        warm = scatter(storages, standing=found.parts, memory=memory)
        cold = scatter(storages, standing=found.parts)
        assert same(warm, cold)
        assert {n: p.digest for n, p in warm.parts.items()} == {n: p.digest for n, p in cold.parts.items()}
        assert {n: p.bytes for n, p in warm.parts.items()} == {n: p.bytes for n, p in cold.parts.items()}
        found = warm


@given(names)
@settings(max_examples=20, deadline=None)
def test_a_plan_that_was_never_carried_out_leaves_no_trace(storages):
    memory = Remembered()
    first = scatter(storages, memory=memory)
    assert same(scatter(storages, memory=memory), first)
    assert same(scatter(storages[:-1], memory=memory), scatter(storages[:-1]))


@given(names, st.integers(100, 400))
@settings(max_examples=20, deadline=None)
def test_no_storage_takes_more_than_it_can(storages, each):
    found = scatter(storages, 1, room=Free(each))
    assert all(part.bytes <= each for part in found.parts.values())
    assert sum(len(part) for part in found.parts.values()) + found.homeless == len(FILES)
    memory = Remembered()
    one = scatter(storages, 1, room=Free(each), memory=memory)
    assert same(scatter(storages, 1, room=Free(each), memory=memory), one)


@given(names)
@settings(max_examples=20, deadline=None)
def test_copies_are_apart_and_one_that_is_given_up_is_the_one_too_many(storages):
    apart = {name: "EU" if n % 2 else "NA" for n, name in enumerate(storages)}
    found = scatter(storages, 2, apart=apart)
    assert all({apart[name] for name in places} == {"EU", "NA"} for places in held(found).values())
    fewer = scatter(storages, 1, standing=found.parts)
    before, now = held(found), held(fewer)
    assert all(len(now[path]) == 1 and now[path] <= before[path] for path in before)


def test_each_gets_its_part_by_weight_and_nothing_new_goes_where_it_is_0():
    storages = ["A/d", "B/d", "C/d"]
    found = scatter(storages, 1, weights={"A/d": 1.0, "B/d": 3.0, "C/d": 0.0})
    assert "C/d" not in found.parts
    assert 40 < len(found.parts["A/d"]) < 115
    kept = scatter(storages, 1, standing={"C/d": FILES}, weights={"A/d": 1.0, "B/d": 3.0, "C/d": 0.0})
    assert list(kept.parts) == ["C/d"]


def test_files_that_come_later_move_none_of_those_before():
    storages = [f"S{n}/d" for n in range(6)]
    fewer = FILES.only(range(0, 300, 2))
    first = scatter(storages, files=fewer)
    after = scatter(storages, standing=first.parts)
    before, now = held(first), held(after)
    assert all(now[path] == places for path, places in before.items())
    assert same(after, scatter(storages))


@given(names, st.sets(st.integers(0, 299), max_size=40), st.integers(0, 11))
@settings(max_examples=30, deadline=None)
def test_files_that_come_are_placed_as_if_nothing_had_been_remembered(storages, later, dropped):
    fewer = FILES.only([n for n in range(300) if n not in later])
    memory = Remembered()
    first = scatter(storages, files=fewer, memory=memory)
    left = [name for name in storages if name != f"S{dropped}/d"] if len(storages) > 3 else storages
    warm = scatter(left, standing=first.parts, memory=memory)
    cold = scatter(left, standing=first.parts)
    assert {n: (p.digest, p.bytes) for n, p in warm.parts.items()} == {
        n: (p.digest, p.bytes) for n, p in cold.parts.items()
    }
    assert same(warm, cold)
    assert same(scatter(left, standing=warm.parts, memory=memory), warm)
