"""The words of a rendered plan: symbols, parts, values, the one-line summary. Shared by text and Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Any

from reconciler.model import Action, Choice, FieldChange, Plan, Ranked, Reason, Verb, encode
from reconciler.model.amounts import size

Style = Callable[[str, str], str]
"""(role, text) -> text with that role's colour. Roles: verbs, and blocked, drift, heading, reason, quiet."""

SYMBOLS = {
    Verb.CREATE: "+",
    Verb.UPDATE: "~",
    Verb.REPLACE: "-/+",
    Verb.DELETE: "-",
    Verb.ADOPT: ">",
    Verb.MOVE: ">",
    Verb.FORGET: ">",
    Verb.NOOP: "=",
    Verb.DEFER: "?",
}
BLOCKED = "!"
VERBS = (Verb.CREATE, Verb.UPDATE, Verb.REPLACE, Verb.DELETE, Verb.ADOPT, Verb.MOVE, Verb.FORGET)
_DRIFT = (Reason.DRIFT_DETECTED, Reason.VANISHED)
_FILES = {"digest", "count", "bytes"}
"""What stands for many files in a spec."""
_LONGEST = 60
"""Values longer than this many characters are shortened."""


def plain(_role: str, text: str) -> str:
    """The style without colour."""
    return text


@dataclass(frozen=True)
class Parts:
    """The actions of a plan, apart by why they are there."""

    intent: tuple[Action, ...]
    drift: tuple[Action, ...]
    blocked: tuple[Action, ...]
    waiting: tuple[Action, ...]
    noted: tuple[Action, ...]
    """Seen and left alone: lifecycle.mode or lifecycle.ignore says so."""


def parts(actions: Iterable[Action]) -> Parts:
    """Sort actions by why they are there; each part by verb, then in the plan's order."""
    found: dict[str, list[Action]] = {"intent": [], "drift": [], "blocked": [], "waiting": [], "noted": []}
    for action in actions:
        found[_part(action)].append(action)
    order = list(SYMBOLS)
    return Parts(**{part: tuple(sorted(those, key=lambda a: order.index(a.verb))) for part, those in found.items()})


def _part(action: Action) -> str:
    if action.blocked is not None:
        return "blocked"
    if action.verb is Verb.NOOP or action.reason is Reason.OBSERVE_ONLY:
        return "noted"
    if action.verb is Verb.DEFER:
        return "waiting"
    return "drift" if action.reason in _DRIFT else "intent"


def summary(plan: Plan) -> str:
    """One line: ``Plan: 3 to create, 1 to update (drift), 2 blocked; 97 unchanged.``."""
    found = parts(plan.actions)
    intent, drift = Counter(a.verb for a in found.intent), Counter(a.verb for a in found.drift)
    said = [f"{intent[verb]} to {verb}" for verb in VERBS if intent[verb]]
    said += [f"{drift[verb]} to {verb} (drift)" for verb in VERBS if drift[verb]]
    if found.blocked:
        said.append(f"{len(found.blocked)} blocked")
    if found.waiting:
        said.append(f"{len(found.waiting)} waiting")
    quiet = f"{plan.unchanged + len(found.noted):,} unchanged"
    if found.noted:
        quiet += f" ({len(found.noted)} noted)"
    if plan.unread:
        quiet += f", {plan.unread:,} unknown"
    if plan.unreachable:
        count = len(plan.unreachable)
        quiet += f"; {count} back end{'' if count == 1 else 's'} could not be read"
    return f"Plan: {', '.join(said) or 'nothing to do'}; {quiet}."


def why(action: Action) -> str:
    """The reason code, and where it happens when that is not plain from the name."""
    reason = str(action.blocked or action.reason)
    places = (Verb.CREATE, Verb.REPLACE, Verb.DELETE)
    return f"{reason} on {action.target}" if action.verb in places and action.target else reason


def changed(change: FieldChange) -> str:
    """``spec.ttl: 300 -> 600``, with what is to be known about it."""
    if not change.known:
        return f"{change.path}: known after apply ({change.after})"
    said = f"{change.path}: {between(change.before, change.after)}"
    return f"{said} (ignored)" if change.ignored else said


def differing(action: Action) -> tuple[FieldChange, ...]:
    """The changes that people can read: digests say nothing where something else is said."""
    telling = tuple(change for change in action.changes if not change.path.endswith(".digest"))
    return telling if telling or action.message else action.changes


def between(before: Any, after: Any) -> str:
    """``before -> after``; of long lists only what comes and goes."""
    old, new = _whole(before), _whole(after)
    if not isinstance(before, list) or not isinstance(after, list) or len(old) + len(new) <= _LONGEST:
        return f"{_cut(old)} -> {_cut(new)}"
    had, wants = ([_whole(item) for item in side] for side in (before, after))
    comes = [f"+ {_cut(item)}" for item in wants if item not in had]
    goes = [f"- {_cut(item)}" for item in had if item not in wants]
    if not comes and not goes:
        return f"the same {len(after)} in another order"
    return f"{len(before)} -> {len(after)} items: {', '.join(goes + comes)}"


def gist(spec: Mapping[str, Any] | None, *, room: int = 130) -> str:
    """A spec on one line of about ``room`` characters, what is short before what is nested."""
    if not spec:
        return ""
    given = [key for key in spec if spec[key] not in (None, "", [], {}) and spec[key] is not False]
    simple = [key for key in given if not isinstance(spec[key], (dict, list))]
    nested = [key for key in given if key not in simple]
    said: list[str] = []
    for number, key in enumerate([*simple, *nested]):
        piece = f"{key}: {_cut(_whole(spec[key]))}"
        if said and len(", ".join([*said, piece])) > room:
            return f"{', '.join(said)}, and {len(given) - number} more"
        said.append(piece)
    return ", ".join(said)


def value(data: Any) -> str:
    """One value, short."""
    return _cut(_whole(data))


def _whole(data: Any) -> str:
    if data is None:
        return "(not set)"
    if isinstance(data, dict) and data.keys() == _FILES:
        return f"{data['count']:,} {'file' if data['count'] == 1 else 'files'}, {size(data['bytes'])}"
    if isinstance(data, str) and data.isprintable() and data == data.strip() and data:
        return data
    return encode(data).decode()


def _cut(said: str) -> str:
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"


def told(choices: Sequence[Choice], actions: Sequence[Action]) -> list[Choice]:
    """The choices worth telling: made anew, or made for something that this plan touches."""
    touched = {action.ref for action in actions if action.verb is not Verb.NOOP}
    return [c for c in choices if c.moved_from or not c.kept or c.ref in touched or _held_down(c)]


def _held_down(choice: Choice) -> bool:
    """Whether more was wanted than a cloud has room for."""
    return any(why.startswith("quota:") for _, why in choice.rejected)


def chose(choice: Choice) -> str:
    """``spec.site = CESGA: most free cores (3 of 25 candidates fit); next best IFCA``."""
    said = f"{choice.field} = {', '.join(choice.chosen) or 'none'}: {choice.reason}"
    return f"{said}; next best {choice.runner_up}" if choice.runner_up else said


def gone_from(choice: Choice) -> str:
    """Where it was before, and why it cannot stay there; "" when it did not move."""
    reasons = dict(choice.rejected)
    left = [f"{name} ({reasons[name]})" if name in reasons else name for name in choice.moved_from]
    said = [f"moved from {', '.join(left)}"] if left else []
    said += [f"released {', '.join(choice.released)}"] if choice.released else []
    return "; ".join(said)


def lost(choice: Choice) -> list[str]:
    """``IFCA: does not serve the VO``: why each other candidate was not taken; one reason of many is said once."""
    said = [_outscored(one) for one in choice.ranked if one.name not in choice.chosen]
    alike: dict[str, list[str]] = {}
    for name, why in choice.rejected:
        if name not in choice.moved_from:
            alike.setdefault(why, []).append(name)
    return [*said, *(f"{', '.join(names)}: {why}" for why, names in alike.items())]


def _outscored(one: Ranked) -> str:
    scored = f"fits, scores {one.score:.3f}" if one.parts else "fits"
    return f"{one.name}: {scored}{f': {one.reason}' if one.reason else ''}"


def grouped(actions: Iterable[Action]) -> dict[tuple[str, str, str, str], list[Action]]:
    """Actions that share verb, reason, target and message: said once for all of them."""
    found: dict[tuple[str, str, str, str], list[Action]] = {}
    for action in actions:
        key = str(action.verb), str(action.blocked or action.reason), action.target, action.message
        found.setdefault(key, []).append(action)
    return found


def approvals(blocked: Sequence[Action]) -> list[str]:
    """The commands that would write the approvals which let blocked deletes and replaces through."""
    liftable = (Reason.THRESHOLD_EXCEEDED, Reason.APPROVAL_REQUIRED, Reason.APPROVAL_EXPIRED)
    counts = Counter((a.ref.kind, a.target, str(a.verb)) for a in blocked if a.blocked in liftable)
    last = [a for a in blocked if a.blocked in (Reason.LAST_COPY, Reason.AGAINST_HISTORY)]
    return [
        f"hanse approve --action {verb} --kind {kind} --target {quote(target)} --at-most {count} --reason WHY"
        for (kind, target, verb), count in sorted(counts.items())
    ] + [f"hanse approve {quote(a.ref)} --action {a.verb} --reason WHY" for a in last]
