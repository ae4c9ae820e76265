"""How an apply behaves: everything that is not the plan."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.apply.lanes import Breaker, Pace
from reconciler.model import Action, Outcome, Reason, Ref, Started


@dataclass(frozen=True)
class Conduct:
    """Pace, clock and randomness, who is told, and who may stop it."""

    pace: Pace = field(default_factory=Pace)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    progress: Callable[[Outcome], None] = lambda _outcome: None
    advance: Callable[[Action, Started], None] = lambda _action, _started: None
    """Told how far something has come that is under way."""
    breaker: Callable[[str, Breaker], None] = lambda _target, _state: None
    """Told how the breaker of a target stands."""
    alive: Callable[[], None] = lambda: None
    """Told whenever a call has come back, or nothing but time is waited for."""
    held: Mapping[Ref, tuple[Reason, str]] = field(default_factory=dict)
    """What is not to be done in this run, why, and in words; what waits for it is not done either."""
    leave: threading.Event = field(default_factory=threading.Event)
    """When set, nothing is waited for any more: what is in flight, and a replace of which something is done, comes to
    its end; the next run looks at the rest again."""
    stop: threading.Event = field(default_factory=threading.Event)
    """When set, nothing new is started and what is in flight is finished."""
