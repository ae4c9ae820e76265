"""What a feed says of a site against the rules of manifests: what breaks them is left out and told.

Of a field that cannot be taken in stays what an earlier import brought: a slip in a feed takes nothing away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from reconciler.exchange.gocdb.telling import element_of
from reconciler.kinds.base import Fault
from reconciler.kinds.site import KIND, SiteSpec
from reconciler.kinds.vocabulary import RESERVED_SCOPES
from reconciler.model import Ref, encode

Path = tuple[str | int, ...]
Tell = Callable[[str, str, bool], None]
"""Told of where it is (``SERVICE_ENDPOINT[ce.example.org]/URL``), what is wrong, and whether it was mended."""
_NEEDED = {"services": ("name", "type", "hostname"), "endpoints": ("name",), "extensions": ("key", "value")}
"""Fields without which an item of a list is nothing."""
_SERVICE = re.compile(r"spec\.services\[(\d+)\]")
_ROUNDS = 5
_LEFT_OUT = "left out"


def judged(name: str, spec: dict[str, Any], before: Mapping[str, Any], tell: Tell) -> dict[str, Any] | None:
    """The spec as a manifest may have it; None when nothing can be made of it. ``before`` is what was imported last."""
    for _ in range(_ROUNDS):
        try:
            made = SiteSpec.model_validate_json(encode(spec))
        except ValidationError as error:
            _drop(spec, before, error, tell)
            continue
        faults = [
            (rule.id, fault)
            for rule in KIND.rules
            if rule.severity == "error"
            for fault in rule.check(Ref.of("Site", name), made)
        ]
        if not faults:
            return spec
        if not _mend(spec, faults, tell):
            return None
    return None


def _drop(spec: dict[str, Any], before: Mapping[str, Any], error: ValidationError, tell: Tell) -> None:
    """Take away what is faulty, or put what was there before in its place."""
    faults: dict[Path, str] = {}
    for fault in error.errors(include_url=False):
        faults.setdefault(_meant(tuple(fault["loc"])), f"{fault['msg']}; {_LEFT_OUT}")
    for path in sorted(faults, key=str, reverse=True):
        tell(shown(spec, path), faults[path], False)
    for path in sorted(faults, key=_depth_first, reverse=True):
        holder: Any = _at(spec, path[:-1])
        earlier = _earlier(spec, before, path)
        if earlier is not None and earlier != holder[path[-1]]:
            holder[path[-1]] = deepcopy(earlier)
        elif isinstance(path[-1], int) or path[-1] in holder:
            del holder[path[-1]]


def _meant(path: Path) -> Path:
    """What is to go for a fault: the field, or the item that is nothing without it."""
    if len(path) > 2 and isinstance(path[-2], int) and path[-1] in _NEEDED.get(str(path[-3]), ()):  # noqa: PLR2004
        return path[:-1]
    return path


def _depth_first(path: Path) -> list[tuple[bool, int, str]]:
    """Items of a list behind those before them."""
    return [(isinstance(part, int), part if isinstance(part, int) else 0, str(part)) for part in path]


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _earlier(spec: Any, before: Any, path: Path) -> Any:
    """What the last import had at a path; items of lists are found by name. None for nothing."""
    for part in path:
        here = spec[part] if isinstance(part, int) else spec.get(part)
        if isinstance(part, int):
            name = here.get("name") if isinstance(here, Mapping) else None
            before = next(
                (one for one in before if name and isinstance(one, Mapping) and one.get("name") == name), None
            )
        else:
            before = before.get(part)
        if before is None or here is None:
            return None
        spec = here
    return before


def shown(spec: Mapping[str, Any], path: Path) -> str:
    """A path in the words of the feed: ``SERVICE_ENDPOINT[host]/ENDPOINT[name]/URL``."""
    said, here = [], Ref("")
    data: Any = spec
    for part in path:
        data = data[part] if isinstance(part, int) or part in data else {}
        if part == "services":
            here = Ref("SERVICE_ENDPOINT")
        elif part == "endpoints":
            here = Ref("ENDPOINT")
        elif isinstance(part, int):
            label = (data.get("hostname") or data.get("name") or part) if isinstance(data, Mapping) else data
            said.append(f"{here}[{label}]" if here else f"[{label}]")
            here = Ref("")
        elif part != "contacts":
            said.append(element_of(part))
    return "/".join(said).replace("/[", "[")


# -- rules -------------------------------------------------------------------------------------------------------------


def _mend(spec: dict[str, Any], faults: Iterable[tuple[str, Fault]], tell: Tell) -> bool:
    """Mend what services break, or leave them out; False when the fault is the site's own."""
    gone = set[int]()
    for rule, fault in faults:
        found = _SERVICE.match(fault.path)
        if found is None:
            tell(fault.path, f"{fault.message}; the site is left as it was", False)
            return False
        n = int(found[1])
        service = spec["services"][n]
        where = f"SERVICE_ENDPOINT[{service['hostname']}]"
        if rule == "site-production-monitored":
            service.pop("production", None)
            tell(f"{where}/IN_PRODUCTION", "in production and not monitored: taken in as not in production", True)
        elif rule == "site-reserved-scopes":
            held = set(spec.get("scopes", ()))
            service["scopes"] = [one for one in service["scopes"] if one in held or one not in RESERVED_SCOPES]
            tell(f"{where}/SCOPES", f"{fault.message}: taken in without it", True)
        elif n not in gone:
            gone.add(n)
            tell(where, f"{fault.message}; {_LEFT_OUT}", False)
    spec["services"] = [one for n, one in enumerate(spec["services"]) if n not in gone]
    return True
