"""Whether what git moved was moved by those who may: between reading a commit and building its graph.

Changes since the commit that was accepted last are judged by the Tenancies and RoleAssignments of that commit, on what
is proved of those who made them and of those who agreed. What may not be, or not yet, is held back: it counts as it was
accepted last, and everything else goes on. Without a Tenancy nothing is looked at.
"""

from reconciler.authority.following import followed_up, guarded
from reconciler.authority.judging import Authority, Judged, between, judge, respecting, settle
from reconciler.authority.parts import agreeable
from reconciler.authority.rulebook import rules_of, thing_of
from reconciler.authority.teams import Memberships

__all__ = [
    "Authority",
    "Judged",
    "Memberships",
    "agreeable",
    "between",
    "followed_up",
    "guarded",
    "judge",
    "respecting",
    "rules_of",
    "settle",
    "thing_of",
]
