"""What is told of something that takes long, where no line can move: now and then, and for each by itself."""

from __future__ import annotations

from reconciler.daemon.working import NowAndThen
from reconciler.model import Action, Progress, Reason, Ref, Started, Verb

WAVES, TIDES = (
    Action(Verb.CREATE, Ref(f"Replica/o/{name}"), Reason.NEW, "storage:A/disk", "a" * 32, 1) for name in "wt"
)


def test_each_transfer_is_told_of_at_most_once_in_a_while_and_short_ones_not_at_all():
    now, told = [0.0], []
    ears = NowAndThen(lambda action, progress: told.append((action.ref, progress.bytes)), 15.0, lambda: now[0])
    for second in range(0, 50, 5):
        now[0] = second
        ears(WAVES, Started("w", progress=Progress(second * 10)))
        ears(WAVES, Started("w"))
    assert told == [(WAVES.ref, 150), (WAVES.ref, 300), (WAVES.ref, 450)]
    ears(TIDES, Started("t", progress=Progress(1)))
    now[0] += 14
    ears(TIDES, Started("t", progress=Progress(2)))
    assert len(told) == 3
