"""How an apply behaves: everything that is not the plan."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.apply.lanes import Breaker, Pace
from reconciler.model import Action, Outcome, Started


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
    leave: threading.Event = field(default_factory=threading.Event)
    """When set, transfers are not waited for once nothing else is to be done: the next run looks at them again."""
    stop: threading.Event = field(default_factory=threading.Event)
    """When set, nothing new is started and what is in flight is finished."""
