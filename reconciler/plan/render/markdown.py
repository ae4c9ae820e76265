"""A plan as one comment on a pull request, found again by its marker so that the next plan replaces it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import ascii_lowercase

from reconciler.inert import inert
from reconciler.model import Action, Choice, FieldChange, Plan, Ref, Verb
from reconciler.model.claim import Claim
from reconciler.model.part import Part
from reconciler.plan.render import claimed, data, parts, words

MARKER = "<!-- hanse-plan -->"
_ROOM = 60_000
"""Characters; forges refuse comments of more than 65,536."""
_SOME = 20
"""Changes of one part that are named."""
_HEAD = 3
"""Lines with which a fold begins: its title, an empty one, a fence or the first of a list."""
_DIFF = {Verb.CREATE: "+", Verb.DELETE: "-", Verb.UPDATE: "!", Verb.REPLACE: "!"}


def markdown(plan: Plan, *, room: int = _ROOM) -> str:
    """The comment: counts first, then what is blocked, then details folded away; at most about ``room`` characters."""
    found = words.parts(plan.actions)
    head = [MARKER, f"### {words.summary(plan).removesuffix('.')}", "", f"Commit {_code(plan.commit[:12])}."]
    blocks = ["\n".join(head), *_table(found), *_words(plan.parts), *_blocked(found.blocked)]
    details = [
        _granted(plan.allocations),
        _list("Data", [_code(line.strip()) for line in data.told(plan.data, words.plain)] if plan.data else []),
        _folded("Git moved", found.intent),
        _folded("The world moved (drift)", found.drift),
        _waiting(found.waiting),
        _folded("Noted, and left alone", found.noted),
        _choices(words.told(plan.choices, plan.actions)),
        _list("Could not be read", [f"{_code(t)}: {_code(why)}" for t, why in plan.unreachable.items()]),
        _list("Strays: they carry our mark and nobody wants them", [_code(stray) for stray in plan.strays]),
        _list("Warnings", [_code(warning) for warning in plan.warnings]),
    ]
    for block in details:
        if block:
            left = room - sum(len(b) + 2 for b in blocks)
            blocks.append(_fitted(block, left * 2 // 3))
    return "\n\n".join([*blocks, f"<sub>Plan {_code(plan.digest)}</sub>"]) + "\n"


def within(comment: str, room: int = _ROOM) -> str:
    """A comment that somebody may have added to, cut at a line where a forge would refuse it."""
    if len(comment) <= room:
        return comment
    kept = comment[:room].rpartition("\n")[0]
    folds = "\n</details>" * (kept.count("<details>") - kept.count("</details>"))
    fence = "\n```" if sum(line.startswith("```") for line in kept.splitlines()) % 2 else ""
    return f"{kept}{fence}{folds}\n\n… the rest is too long for a comment: hanse plan shows all of it\n"


def faulty(commit: str, faults: Iterable[str]) -> str:
    """The comment for a commit that cannot be planned."""
    said = [_code(fault) for fault in faults]
    head = f"{MARKER}\n### Cannot be planned\n\nCommit {_code(commit[:12])}.\n\n"
    return within(head + "\n".join(f"- {one}" for one in said) + "\n")


def overlapping(shared: Mapping[int, Sequence[Ref]]) -> str:
    """What to add to a comment where other open pull requests touch the same resources; "" where none does."""
    if not shared:
        return ""
    lines = ["", "**Other open pull requests touch the same**", ""]
    for number, refs in shared.items():
        names = ", ".join(_code(ref) for ref in refs[:10])
        more = f" and {len(refs) - 10} more" if len(refs) > 10 else ""  # noqa: PLR2004
        lines.append(f"- #{number}: {names}{more}")
    return "\n".join(lines) + "\n"


def _table(found: words.Parts) -> Iterator[str]:
    rows = (("git moved", found.intent), ("the world moved (drift)", found.drift), ("blocked", found.blocked))
    counts = {title: Counter(a.verb for a in actions) for title, actions in rows if actions}
    columns = [verb for verb in words.VERBS if any(count[verb] for count in counts.values())]
    if not columns:
        return
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    for title, count in counts.items():
        lines.append(f"| {title} | {' | '.join(str(count[verb] or '') for verb in columns)} |")
    yield "\n".join(lines)


def _words(those: Sequence[Part]) -> Iterator[str]:
    """Who must agree before it is done, and who has."""
    if not those:
        return
    lines = ["**Whose word it needs**", ""]
    for part in those:
        by = f" by {_code(parts.givers(part))}" if parts.givers(part) else ""
        lines.append(f"- {_code(part.name)}: {parts.standing(part)}{by}")
        lines += [f"  - {_code(one.ref)}: {_code(one.what)}: {_code(parts.told(one))}" for one in part.wanted[:_SOME]]
        lines += [f"  - and {len(part.wanted) - _SOME} more"] if len(part.wanted) > _SOME else []
    left = [part for part in those if part.open]
    if left:
        trailers = [f"Hanse-Agreed: {part.digest}" for part in left]
        lines += [
            "",
            "Who may agree approves the pull request, or signs a commit that says so:",
            "",
            _fenced(trailers, ""),
        ]
    yield "\n".join(lines)


def _blocked(actions: Sequence[Action]) -> Iterator[str]:
    if not actions:
        return
    lines = ["**Blocked: a person must allow it**", ""]
    for (verb, reason, _, message), those in words.grouped(actions).items():
        names = ", ".join(_code(action.ref) for action in those[:10])
        more = f" and {len(those) - 10} more" if len(those) > 10 else ""  # noqa: PLR2004
        lines.append(f"- {verb} {names}{more}: {reason}: {_code(message)}")
    commands = words.approvals(actions)
    if commands:
        lines += ["", "To allow it, commit what this writes:", "", _fenced(commands, "sh")]
    yield "\n".join(lines)


def _granted(claims: Sequence[Claim]) -> str:
    """What was granted, what is used of it and what is asked."""
    if not claims:
        return ""
    head, rows = claimed.table(claimed.worst(claims))
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join([_cell(site), _cell(vo), *rest])} |" for site, vo, *rest in rows]
    over = sum(bool(claim.over) for claim in claims)
    return _details(
        f"{claimed.TITLE}: {len(claims)}{f', too much is asked of {over}' if over else ''}", "\n".join(lines)
    )


def _cell(said: str) -> str:
    return _code(said).replace("|", "\\|")


def _folded(title: str, actions: Sequence[Action]) -> str:
    if not actions:
        return ""
    lines = [line for action in actions for line in _action(action)]
    return _details(f"{title}: {len(actions)}", _fenced(lines, "diff"))


def _action(action: Action) -> Iterator[str]:
    sign = _DIFF.get(action.verb, " ")
    said = f": {action.message}" if action.message else ""
    yield _line(f"{sign} {action.verb} {action.ref} ({words.why(action)}{said})")
    if action.verb is Verb.CREATE:
        yield _line(f"      {words.gist(action.spec)}")
    for change in words.differing(action):
        yield from _change(change)
    if action.waits_for:
        yield _line(f"      after {', '.join(action.waits_for)}")


def _change(change: FieldChange) -> Iterator[str]:
    origin = " (drift)" if change.origin == "drift" else ""
    if not change.known:
        yield _line(f"+     {words.changed(change)}")
    elif isinstance(change.before, list) and isinstance(change.after, list):
        yield _line(f"!     {words.changed(change)}{origin}")
    else:
        yield _line(f"-     {change.path}: {words.value(change.before)}")
        ignored = " (ignored)" if change.ignored else ""
        yield _line(f"+     {change.path}: {words.value(change.after)}{ignored}{origin}")


def _waiting(actions: Sequence[Action]) -> str:
    said = []
    for (_, reason, _, message), those in words.grouped(actions).items():
        names = ", ".join(_code(action.ref) for action in those)
        said.append(f"{names}: {reason}: {_code(message)}")
    return _list("Waiting", said)


def _choices(choices: Sequence[Choice]) -> str:
    said = []
    for choice in choices:
        gone = words.gone_from(choice)
        said.append(f"{_code(choice.ref)} {_code(words.chose(choice) + (f'; {gone}' if gone else ''))}")
        said += [f"  - not {_code(why)}" for why in words.lost(choice)]
    lines = [line if line.startswith("  - ") else f"- {line}" for line in said]
    return _details(f"Choices: {len(choices)}", "\n".join(lines)) if choices else ""


def _list(title: str, items: Sequence[str]) -> str:
    return _details(f"{title}: {len(items)}", "\n".join(f"- {item}" for item in items)) if items else ""


def _details(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _fitted(block: str, room: int) -> str:
    """The block, its last lines left out where it is too long; its fence and its fold are closed again.

    No block takes all the room there is: what comes after it is to be seen too.
    """
    if len(block) <= room:
        return block
    lines = block.split("\n")
    fence = next((line.rstrip(ascii_lowercase) for line in lines if line.startswith("```")), "")
    tail = [fence, "", "</details>"] if fence else ["", "</details>"]
    kept: list[str] = []
    used = sum(len(line) + 1 for line in tail) + 80
    for line in lines:
        used += len(line) + 1
        if used > room and len(kept) >= _HEAD:
            break
        kept.append(line)
    more = f"… {len(lines) - len(kept)} more lines: hanse plan shows all of them"
    return "\n".join([*kept, more if fence else f"- {more}", *tail])


def _fenced(lines: Sequence[str], language: str) -> str:
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *lines, fence])


def _line(said: str) -> str:
    """Inside a fence: one line stays one line."""
    return inert(" ".join(said.splitlines()) if "\n" in said or "\r" in said else said)


def _code(said: str) -> str:
    """As code: nothing a manifest says can become Markdown, HTML or a mention."""
    said = inert(" ".join(said.split()))
    fence = "`" * (max((len(run) for run in re.findall(r"`+", said)), default=0) + 1)
    return f"{fence} {said} {fence}" if "`" in said else f"`{said}`"
