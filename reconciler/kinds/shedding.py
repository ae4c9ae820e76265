"""What an update takes away: a part of what was there, of which its kind may have something to say."""

from __future__ import annotations

from typing import Any

from reconciler.kinds.base import Kind
from reconciler.model import Action, Spec, Verb, encode


def shed(kind: Kind[Any], action: Action) -> Spec | None:
    """The part of what was seen that an update takes away; None for nothing, and for every other verb."""
    if action.verb is not Verb.UPDATE or type(kind).sheds is Kind.sheds or action.before is None or action.spec is None:
        return None
    before, wanted = (kind.Spec.model_validate_json(encode(one)) for one in (action.before, action.spec))
    return kind.sheds(before, wanted)
