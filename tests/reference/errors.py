"""The page of exit codes, verbs and reasons, and of the errors of the Python package."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from reconciler import errors
from reconciler.model.plan import BLOCKS, Reason, Verb

_EXIT_CODES = {
    0: "nothing to do, or done",
    1: "error: the message says what to do",
    2: "changes are pending (`plan`)",
    3: "blocked by a safety limit or a missing approval",
    4: "the plan is stale: plan again",
}
_VERBS = {
    Verb.CREATE: "make it; only where it is proved absent",
    Verb.UPDATE: "change it in place",
    Verb.REPLACE: "delete it, then make it anew: a field changed that cannot change in place",
    Verb.DELETE: "take it away: its manifest is gone",
    Verb.ADOPT: "take over what exists; nothing is changed at the back end",
    Verb.MOVE: "it has another name now; nothing is changed at the back end",
    Verb.FORGET: "strike it off the inventory, and leave the world as it is",
    Verb.NOOP: "noted, and nothing is done",
    Verb.DEFER: "not now: it waits for something",
}
_REASONS = {
    Reason.NEW: "git declares it, and it was never applied",
    Reason.SPEC_CHANGED: "git changed",
    Reason.IMMUTABLE_CHANGED: "git changed a field that cannot change in place",
    Reason.DRIFT_DETECTED: "the world changed, git did not",
    Reason.VANISHED: "it was there and is proved gone",
    Reason.REMOVED_FROM_GIT: "its manifest is gone",
    Reason.EXPIRED: "its lifetime is over, or that of what it belongs to",
    Reason.RENAMED: "`lifecycle.moved` says what it was called",
    Reason.FOUND: "it exists already and was not made by Hanse",
    Reason.OUTCOME_RESOLVED: "an interrupted run had made it: found again by its mark",
    Reason.ALREADY_GONE: "its manifest is gone, and so is it",
    Reason.RETAINED: "its manifest said that it is to be left standing",
    Reason.INPUT_CHANGED: "a value that it takes from another resource changed",
    Reason.DEPENDENCY_NOT_READY: "something that it needs is not ready yet: `hanse explain` names it",
    Reason.DEPENDENCY_FAILED: "something that it needs failed in this run",
    Reason.OBSERVATION_FAILED: "it could not be read, so nothing is concluded",
    Reason.OBSERVATION_STALE: "what is known of it is too old",
    Reason.TARGET_UNREACHABLE: "its back end could not be read",
    Reason.SITE_IN_DOWNTIME: "its site is in downtime: it is done when that is over",
    Reason.WINDOW_CLOSED: "a Window does not let it through now: it is done when one does",
    Reason.PLAN_STALE: "it moved since the plan was made: plan again",
    Reason.UNVERIFIED: "nobody who must (`[source] signers`, `signed`) has signed the commit, and none before is in force",
    Reason.DELETION_BLOCKED: "a proof for deleting is missing (an empty commit)",
    Reason.THRESHOLD_EXCEEDED: "more than the limits let through in one run: commit an Approval",
    Reason.APPROVAL_REQUIRED: "its manifest asks for an Approval (`deletionPolicy: wait`)",
    Reason.APPROVAL_EXPIRED: "the Approval for it has expired: write another",
    Reason.OUTCOME_UNKNOWN: "a call was sent, its answer lost, and the back end cannot be searched: look, then"
    " `hanse resume`",
    Reason.DRIFT_IGNORED: "the drift is in a field that its manifest ignores",
    Reason.PAUSED: "somebody holds it: `hanse resume` lets it go on",
    Reason.QUOTA_EXCEEDED: "the back end gives no more",
    Reason.INVALID_MANIFEST: "the manifest is wrong",
    Reason.ADOPTION_CONFLICT: "somebody else made what exists there: adopt it, or rename yours",
    Reason.OBSERVE_ONLY: "`lifecycle.mode` says that nothing is to be done to it",
    Reason.STUCK: "files could not be brought in; `hanse rule` says which, why, and when they are tried again",
    Reason.BACKING_OFF: "it failed, and `hanse run` tries it again after a while, which grows",
    Reason.SUSPENDED: "a rule has failed for too long: mend what it says, then change the rule in git",
    Reason.NO_PLACE: "no site or storage fits: `hanse explain` says why for each",
    Reason.LAST_COPY: "nothing else holds this data: only an Approval that names it lets it go",
    Reason.AGAINST_HISTORY: "what was applied forbids this step (a downtime that has begun goes, a certification jumps):"
    " only an Approval that names it lets it through",
    Reason.NOT_AUTHORISED: "who changed it in git may not, by a Tenancy: somebody who may agrees (`hanse consent`), or the"
    " change is taken back",
    Reason.APPROVAL_PENDING: "by a Tenancy it needs somebody's word besides (`hanse plan --parts` says whose):"
    " `hanse consent`",
    Reason.SITE_OBSERVE_ONLY: "its site lets Hanse look and change nothing (`spec.limits` of the Site): no Approval lifts it",
    Reason.SITE_FORBIDS_DELETE: "its site lets nothing be taken away (`spec.limits`): no Approval lifts it",
    Reason.SITE_LIMIT: "more than its site lets the federation take, or a kind that it does not take (`spec.limits`): no"
    " Approval lifts it",
    Reason.OVER_ALLOCATION: "more than the VO was granted at the site: ask for less, or for a larger allocation",
}
"""A reason that is missing here fails the check of generated files."""


def page() -> Iterator[str]:
    """The lines of the page."""
    yield from ("# Errors, reasons and exit codes", "", "## Exit codes", "", "| code | meaning |", "|---|---|")
    yield from (f"| {code} | {said} |" for code, said in _EXIT_CODES.items())
    yield from ("", "## Verbs of a plan", "", "| verb | meaning |", "|---|---|")
    yield from (f"| `{verb}` | {_VERBS[verb]} |" for verb in Verb)
    yield from ("", "## Reasons", "", "Those in bold stop an action until a person acts (exit code 3).", "")
    yield from ("| reason | meaning |", "|---|---|")
    yield from (f"| {f'**`{r}`**' if r in BLOCKS else f'`{r}`'} | {_REASONS[r]} |" for r in Reason)
    yield from ("", "## The errors of the Python package", "", "```text", inspect.getdoc(errors) or "", "```")
