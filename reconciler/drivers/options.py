"""Options of a target, checked: a misspelt one is refused and not ignored."""

from __future__ import annotations

from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from reconciler.errors import Terminal
from reconciler.model import Target

OptionsT = TypeVar("OptionsT", bound=BaseModel)

_GIVEN_TO_ALL: Final = frozenset(
    {
        "state",
        "playbooks",
        "repository",
        "joins",
        "beside",
        "transfers",
        "events",
        "bringOnline",
        "copiesAtOnce",
        "copiesPerLink",
        "links",
        "closed",
        "fileSources",
        "highPercent",
        "lowPercent",
        "protocol",
    }
)
"""Every driver is given these; most have no use for them."""


def checked(target: Target, model: type[OptionsT]) -> OptionsT:
    """The target's options as ``model``. Raises Terminal naming the target, the option and what is wrong."""
    given = {k: v for k, v in target.options.items() if k in model.model_fields or k not in _GIVEN_TO_ALL}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
        raise Terminal(f"the options of {target.id} are wrong: {faults}") from error
