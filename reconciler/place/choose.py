"""One open choice, made: kept where it was made before, otherwise the best that fits."""

from __future__ import annotations

import hashlib

from reconciler.kinds import Candidate, OpenChoice
from reconciler.model import Choice, Ref


def choose(ref: Ref, choice: OpenChoice, earlier: tuple[str, ...]) -> Choice:
    """The ``count`` best candidates, those of ``earlier`` that still fit before all others."""
    fitting = {candidate.name: candidate for candidate in choice.candidates if not candidate.why_not}
    kept = [name for name in earlier if name in fitting][: choice.count]
    ranked = sorted(fitting.values(), key=lambda candidate: _rank(ref, choice.field, candidate))
    others = [candidate for candidate in ranked if candidate.name not in kept]
    missing = choice.count - len(kept)
    chosen = (*kept, *(candidate.name for candidate in others[:missing]))
    return Choice(
        ref=ref,
        field=choice.field,
        chosen=chosen if len(chosen) == choice.count else (),
        reason=_reason(chosen, kept, fitting, choice),
        runner_up=next((candidate.name for candidate in others[missing:]), ""),
        rejected=tuple(sorted((c.name, c.why_not) for c in choice.candidates if c.why_not)),
        kept=bool(kept) and not missing,
        moved_from=tuple(name for name in earlier if name not in kept),
    )


def _rank(ref: Ref, field: str, candidate: Candidate) -> tuple[float, bytes]:
    """Best score first; a keyed hash among equals."""
    key = f"{ref}\0{field}\0{candidate.name}".encode()
    return -candidate.score, hashlib.blake2b(key, digest_size=8).digest()


def _reason(chosen: tuple[str, ...], kept: list[str], fitting: dict[str, Candidate], choice: OpenChoice) -> str:
    if len(chosen) < choice.count:
        return f"{choice.count} wanted, {len(fitting)} of {len(choice.candidates)} candidates fit"
    said = [f"{name} {_why(name, kept, fitting)}" for name in chosen]
    return f"{'; '.join(said)} ({len(fitting)} of {len(choice.candidates)} candidates fit)"


def _why(name: str, kept: list[str], fitting: dict[str, Candidate]) -> str:
    if name in kept:
        return "kept from before"
    return fitting[name].reason or "fits best"
