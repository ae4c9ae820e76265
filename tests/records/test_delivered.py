"""What web hooks were told is remembered by subscription and subject."""

from __future__ import annotations


def test_what_was_told_last_is_known_to_whoever_asks_next(store):
    store.delivered.tell("copies", {"ocean:waves": (True, 1), "ocean:tides": (False, 2)})
    store.delivered.tell("probes", {"ocean:waves": ("WARNING", 1)})
    store.delivered.tell("copies", {"ocean:waves": (False, 2)})
    store.delivered.tell("copies", {})
    assert store.delivered.told("copies") == {"ocean:waves": (False, 2), "ocean:tides": (False, 2)}
    assert store.delivered.told("probes") == {"ocean:waves": ("WARNING", 1)}
    assert store.delivered.told("nobody") == {}
