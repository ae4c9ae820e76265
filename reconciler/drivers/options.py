"""Options of a target, checked: a misspelt one is refused and not ignored."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ValidationError

from reconciler.errors import SettingsError, Terminal
from reconciler.model import Target, encode

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


def table(model: type[OptionsT], name: str, given: Mapping[str, Any]) -> OptionsT:
    """A table of the operator's, called ``name``, as ``model``. Raises SettingsError naming the field."""
    return cast("OptionsT", _read(model, name, encode(given)))


@lru_cache(maxsize=2048)
def _read(model: type[BaseModel], name: str, content: bytes) -> BaseModel:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in (name, *first["loc"]))
        raise SettingsError(f"{where}: {first['msg']}") from error


def _server(url: str) -> str:
    if not url.startswith(("https://", "http://")) or "@" in url:
        raise ValueError("give https://host:port")
    return url.rstrip("/")


Server = Annotated[str, AfterValidator(_server)]
"""URL of a server: https://host:port."""
