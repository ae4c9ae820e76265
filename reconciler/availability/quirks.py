"""What ARGO does in ways that may surprise, each with its own switch. The defaults do as ARGO does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quirks:
    """How far ARGO is followed."""

    downtime_minute_included: bool = True
    """The minute in which a downtime ends belongs to it: the status before is back one minute after the end."""
    sample_at_end_hides_return: bool = True
    """A sample at the very end of a downtime becomes DOWNTIME, and nothing follows until the next one."""
    return_overrules_samples: bool = True
    """One minute after a downtime the status of its end is put back, also over a sample within that minute."""
    no_return_in_last_minute: bool = True
    """A downtime that ends in the day's last minute and a half lasts until midnight."""
    excluded_counts_as_down: bool = True
    """EXCLUDED time is known and not up, so that it lowers availability; False: it counts as unknown."""
    unscheduled_counts: bool = True
    """An outage that was not scheduled is no downtime: it counts against reliability."""
    new_metric_is_unknown: bool = True
    """A metric that came into its profile that day, and has no sample, is UNKNOWN; False: MISSING like any other."""


ARGO = Quirks()
