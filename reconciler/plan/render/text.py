"""A plan as text for people: what git moved apart from what the world moved, then what is held and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.model import Action, Choice, FieldChange, Plan, Reason, Verb
from reconciler.plan.render import claimed, data, parts, words
from reconciler.plan.render.causes import of_actions
from reconciler.plan.render.words import Style, plain

_SPARE = (Verb.CREATE, Verb.ADOPT, Verb.NOOP, Verb.MOVE)
"""Verbs whose long lists are cut; what takes away or changes is always listed in full."""
_WIDEST = 48
_SHORT = 100
"""Characters of a name, a reason and a message that still stand on one line."""


def text(plan: Plan, style: Style = plain, *, most: int = 100, steps: bool = True) -> str:
    """The whole plan. Of more than ``most`` harmless actions of one verb (creates, adoptions) the rest is counted.

    Without ``steps`` it is not said what a person can do now: the plan is only supposed.
    """
    found = words.parts(plan.actions)
    wide = min(_WIDEST, max((len(a.ref) for a in plan.actions), default=0))
    sections = [
        _section("Git moved", found.intent, style, wide, most),
        _section("The world moved (drift)", found.drift, style, wide, most),
        _stopped("Blocked: a person must allow it", found.blocked, style),
        parts.lines(plan.parts, style),
        _stopped("Waiting", found.waiting, style, most),
        _section("Noted, and left alone", found.noted, style, wide, most),
        _choices(words.told(plan.choices, plan.actions), style),
        data.lines(plan.data, style),
        claimed.lines(plan.allocations, style, most),
        _said("Could not be read", [f"{t}: {reason}" for t, reason in plan.unreachable.items()], style),
        _said("Strays: they carry our mark and nobody wants them; nothing is done to them", plan.strays, style),
        _said("Warnings", plan.warnings, style),
        [style("heading", words.summary(plan)), *(f"  {step}" for step in next_steps(plan) if steps)],
    ]
    blocks = ["\n".join(lines) for lines in map(list, sections) if lines]
    return "\n\n".join(blocks) + "\n"


def next_steps(plan: Plan) -> tuple[str, ...]:
    """What a person can do now, one line each; nothing when there is nothing to do."""
    found = words.parts(plan.actions)
    steps = list(words.approvals(found.blocked))
    if any(a.blocked is Reason.ADOPTION_CONFLICT and "lifecycle.adopt" in a.message for a in found.blocked):
        steps.append("set lifecycle.adopt: true where you mean to take over what exists")
    steps = [f"to allow it: {step}" for step in steps]
    if found.intent or found.drift:
        steps.append("to do this: hanse apply")
    return tuple(steps)


def _section(title: str, actions: Sequence[Action], style: Style, wide: int, most: int) -> Iterator[str]:
    if not actions:
        return
    yield style("heading", title)
    for verb in dict.fromkeys(action.verb for action in actions):
        those = [action for action in actions if action.verb is verb]
        shown = those[:most] if verb in _SPARE else those
        for action in shown:
            yield from _action(action, style, wide, brief=len(those) > most)
        if len(shown) < len(those):
            more = f"{len(those) - len(shown):,} more to {verb}"
            yield f"  {words.SYMBOLS[verb]:>3} … and {more} (hanse plan --full shows all)"


def _action(action: Action, style: Style, wide: int, *, brief: bool) -> Iterator[str]:
    """One line when one line can say it, otherwise its details below it."""
    head = f"  {style(action.verb, words.SYMBOLS[action.verb].rjust(3))} {action.ref:<{wide}}"
    reason = style("reason", words.why(action))
    details = [_change(change, action, style) for change in words.differing(action)]
    if action.message:
        details.insert(0, action.message)
    if action.waits_for:
        details.append(style("quiet", f"after {_few(action.waits_for)}"))
    if len(details) == 1 and action.verb is not Verb.CREATE:
        yield f"{head}  {details[0]}  {style('quiet', '(' + words.why(action) + ')')}"
        return
    yield f"{head}  {reason}"
    if action.verb is Verb.CREATE and not brief:
        details.insert(0, style("quiet", words.gist(action.spec)))
    yield from (f"        {line}" for line in details if line)


def _change(change: FieldChange, action: Action, style: Style) -> str:
    said = words.changed(change)
    mixed = change.origin == "drift" and action.reason not in (Reason.DRIFT_DETECTED, Reason.VANISHED)
    return f"{said} {style('drift', '(drift)')}" if mixed and not change.ignored else said


def _few(refs: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(refs[:most])
    return f"{shown} and {len(refs) - most} more" if len(refs) > most else shown


def _stopped(title: str, actions: Sequence[Action], style: Style, most: int = 0) -> Iterator[str]:
    """What is not done now; one reason for many is said once.

    Of more than ``most`` those that wait for others stand with their cause, and names are cut; 0: nothing is cut.
    """
    if not actions:
        return
    yield style("heading", title)
    if most and len(actions) > most:
        yield from _caused(actions, style)
        return
    for (verb, reason, _, message), those in words.grouped(actions).items():
        sign = words.BLOCKED if those[0].blocked else words.SYMBOLS[those[0].verb]
        what = f"{verb} " if those[0].blocked else ""
        role = "blocked" if those[0].blocked else "defer"
        names = f"{what}{those[0].ref}" if len(those) == 1 else f"{what}{len(those)} resources"
        head = f"  {style(role, sign.rjust(3))} {names}  {style('reason', reason)}"
        short = len(names) + len(reason) + len(message) <= _SHORT
        yield f"{head}: {message}" if message and short else head
        if message and not short:
            yield f"        {message}"
        if len(those) == 1:
            yield from (f"        {words.changed(change)}" for change in those[0].changes)
        else:
            yield from (f"        {action.ref}" for action in those)


def _caused(actions: Sequence[Action], style: Style) -> Iterator[str]:
    """Causes of very many that wait, what holds most first."""
    for cause in of_actions(actions):
        sign, number = words.SYMBOLS[Verb(cause.standing)], len(cause.those)
        what = cause.those[0].ref if number == 1 else f"{number:,} resources"
        yield f"  {style('defer', sign.rjust(3))} {what}  {style('reason', cause.reason)}"
        if cause.message:
            yield f"        {cause.message}"
        if number > 1:
            yield f"        {_few([one.ref for one in cause.those])}"
        if cause.waiting:
            yield f"        {len(cause.waiting):,} wait for that: {_few([one.ref for one in cause.waiting])}"
    yield "    each by itself: hanse plan --full"


def _choices(choices: Sequence[Choice], style: Style) -> Iterator[str]:
    if not choices:
        return
    yield style("heading", "Choices")
    for choice in choices:
        yield f"    {choice.ref}  {words.chose(choice)}"
        if gone := words.gone_from(choice):
            yield f"        {style('drift', gone)}"
        yield from (style("quiet", f"        not {why}") for why in words.lost(choice))


def _said(title: str, lines: Iterable[str], style: Style) -> list[str]:
    said = [f"    {line}" for line in lines]
    return [style("heading", title), *said] if said else []
