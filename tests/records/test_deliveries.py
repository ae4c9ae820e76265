"""Web hooks that came before are known again, on either database and by every process that works on it."""

from __future__ import annotations

from reconciler.records.store import open_store


def test_what_came_before_is_known_by_any_of_its_marks(store):
    assert store.deliveries.first("forge", ("id:1", "body:a"))
    assert not store.deliveries.first("forge", ("id:1", "body:a"))
    assert not store.deliveries.first("forge", ("id:2", "body:a"))
    assert store.deliveries.first("other", ("id:1", "body:a"))


def test_what_one_process_has_taken_another_does_not_take_again(url, clock):
    with open_store(url, clock) as one, open_store(url, clock) as two:
        assert one.deliveries.first("forge", ("id:1",))
        assert not two.deliveries.first("forge", ("id:1",))


def test_only_the_latest_are_remembered(store, clock):
    for number in range(4):
        assert store.deliveries.first("forge", (f"id:{number}",), most=2)
        clock.pass_by(1)
    assert store.deliveries.first("forge", ("id:0",), most=2)
    assert not store.deliveries.first("forge", ("id:3",), most=2)
