"""One open choice, made: kept where it was made before, otherwise the best that fits."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from reconciler.kinds import Candidate, OpenChoice
from reconciler.model import Choice, Ranked, Ref


def choose(ref: Ref, choice: OpenChoice, earlier: tuple[str, ...], *, gain: float = math.inf) -> Choice:
    """The ``count`` best candidates, those of ``earlier`` that still fit before all others.

    An earlier one is given up only for a candidate whose score is better by more than ``gain``, and only where scores
    are made of parts: others do not measure what a move is worth.
    """
    order = {name: n for n, name in enumerate(earlier)}
    possible = {c.name: c for c in choice.candidates if not c.why_not and (c.name in order or not c.why_not_anew)}
    ranked = _ranked(ref, choice.field, possible.values())
    staying = sorted(
        (c for c in possible.values() if c.name in order),
        key=lambda candidate: (-candidate.score, order[candidate.name]),
    )
    best = max((c.score for c in ranked if c.name not in order and c.parts), default=-math.inf)
    staying = [c for c in staying if not c.parts or best - c.score <= gain]
    kept = {c.name for c in _apart(staying, ())[: choice.count]}
    missing = choice.count - len(kept)
    others = [c.name for c in _apart(ranked, [possible[name] for name in kept]) if c.name not in kept]
    chosen = (*(name for name in earlier if name in kept), *others[:missing])
    enough = len(chosen) == choice.count
    left = [name for name in earlier if name not in chosen] if enough else [n for n in earlier if n not in kept]
    return Choice(
        ref=ref,
        field=choice.field,
        chosen=chosen if enough else (),
        reason=_reason(chosen, kept, possible, choice, enough=enough),
        runner_up=next((name for name in (*others[missing:], *(c.name for c in ranked)) if name not in chosen), ""),
        rejected=tuple(
            sorted((c.name, c.why_not or c.why_not_anew) for c in choice.candidates if c.name not in possible)
        ),
        kept=set(chosen) == set(earlier) and bool(earlier) and enough,
        moved_from=tuple(name for name in left if name not in possible),
        released=tuple(name for name in left if name in possible),
        ranked=tuple(Ranked(c.name, round(c.score, 6), c.reason, tuple(c.parts.items())) for c in ranked),
    )


def _apart(candidates: Sequence[Candidate], taken: Sequence[Candidate]) -> list[Candidate]:
    """The candidates in order, without those that are to be apart from one before them, or from one that is taken."""
    groups = {c.apart for c in taken if c.apart}
    found = []
    for candidate in candidates:
        if not candidate.apart or candidate.apart not in groups:
            found.append(candidate)
            groups.update([candidate.apart] if candidate.apart else ())
    return found


def _ranked(ref: Ref, field: str, candidates: Iterable[Candidate]) -> list[Candidate]:
    """Best score first; a keyed hash among equals."""
    scored = [(-round(candidate.score, 6), candidate) for candidate in candidates]
    equals = Counter(score for score, _ in scored)

    def rank(one: tuple[float, Candidate]) -> tuple[float, bytes]:
        score, candidate = one
        if equals[score] == 1:
            return score, b""
        return score, hashlib.blake2b(f"{ref}\0{field}\0{candidate.name}".encode(), digest_size=8).digest()

    return [candidate for _, candidate in sorted(scored, key=rank)]


def _reason(
    chosen: Sequence[str], kept: set[str], possible: Mapping[str, Candidate], choice: OpenChoice, *, enough: bool
) -> str:
    fit = f"{len(possible)} of {len(choice.candidates)} candidates fit"
    groups = {candidate.apart for candidate in possible.values()}
    if not enough and groups and len(groups) < min(choice.count, len(possible)):
        fit = f"{fit}, in {', '.join(sorted(groups))} alone"
    if not enough:
        return f"{choice.count} wanted, {fit}"
    said = [f"{name} {_why(name, kept, possible)}" for name in chosen]
    if not choice.reason:
        return f"{'; '.join(said)} ({fit})" if said else f"none wanted ({fit})"
    return f"{choice.reason}: {'; '.join(said)}" if said else choice.reason


def _why(name: str, kept: set[str], possible: Mapping[str, Candidate]) -> str:
    if name in kept:
        return "kept from before"
    return possible[name].reason or "fits best"
