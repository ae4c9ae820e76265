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
from reconciler.kinds.site.rules import UNMONITORED_TYPES
from reconciler.kinds.vocabulary import Words
from reconciler.model import Ref, encode

Path = tuple[str | int, ...]
Tell = Callable[[str, str, bool], None]
"""Told of where it is (``SERVICE_ENDPOINT[ce.example.org]/URL``), what is wrong, and whether it was mended."""
_NEEDED = {"services": ("name", "type", "hostname"), "endpoints": ("name",), "extensions": ("key", "value")}
"""Fields without which an item of a list is nothing."""
_SERVICE = re.compile(r"spec\.services\[(\d+)\]")
_ROUNDS = 5
_LEFT_OUT = "left out"


def judged(
    name: str, spec: dict[str, Any], before: Mapping[str, Any], words: Words, tell: Tell
) -> dict[str, Any] | None:
    """The spec as a manifest may have it; None when nothing can be made of it. ``before`` is what was imported last."""
    _worded(spec, before, words, tell)
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
        if not _mend(spec, before, faults, tell):
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


def _worded(spec: dict[str, Any], before: Mapping[str, Any], words: Words, tell: Tell) -> None:
    """Put right what services break of GOCDB's rules, and of a closed vocabulary."""
    spec.update(_scoped(spec, words, frozenset(), tell, ""))
    held, kept = set(spec.get("scopes", ())), []
    excused = UNMONITORED_TYPES | words.unmonitored
    for service in spec.get("services", ()):
        where = f"SERVICE_ENDPOINT[{service.get('hostname', '')}]"
        type_ = service.get("type", "")
        if words.closed and type_ not in words.types:
            tell(f"{where}/SERVICE_TYPE", f"{type_} is no word of the vocabulary; {_LEFT_OUT}", False)
            kept += _as_before(service, before)
            continue
        if service.get("production") and service.get("monitored") is False and type_ not in excused:
            del service["production"]
            tell(f"{where}/IN_PRODUCTION", "in production and not monitored: taken in as not in production", True)
        service.update(_scoped(service, words, words.reserved - held, tell, f"{where}/"))
        kept.append(service)
    if "services" in spec:
        spec["services"] = kept


def _scoped(
    data: Mapping[str, Any], words: Words, reserved: frozenset[str], tell: Tell, where: str
) -> dict[str, list[str]]:
    """The scopes of something that it may have: none that the site would have to have, none that there is not."""
    scopes = list(data.get("scopes", ()))
    unknown = words.closed and words.scopes
    kept = [s for s in scopes if s not in reserved and not (unknown and s not in words.scopes | words.reserved)]
    for scope in (s for s in scopes if s not in kept):
        why = "is reserved, and the site does not have it" if scope in reserved else "is no word of the vocabulary"
        tell(f"{where}SCOPES", f"{scope} {why}: taken in without it", True)
    return {"scopes": kept} if scopes else {}


def _mend(spec: dict[str, Any], before: Mapping[str, Any], faults: Iterable[tuple[str, Fault]], tell: Tell) -> bool:
    """Leave out services that break a rule; False when the fault is the site's own."""
    gone = set[int]()
    for _rule, fault in faults:
        found = _SERVICE.match(fault.path)
        if found is None:
            tell(fault.path, f"{fault.message}; the site is left as it was", False)
            return False
        n = int(found[1])
        if n not in gone:
            gone.add(n)
            tell(f"SERVICE_ENDPOINT[{spec['services'][n]['hostname']}]", f"{fault.message}; {_LEFT_OUT}", False)
    services = [[one] if n not in gone else _as_before(one, before) for n, one in enumerate(spec["services"])]
    spec["services"] = [one for some in services for one in some]
    return True


def _as_before(service: Mapping[str, Any], before: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the last import had of a service; nothing where that is what breaks the rule."""
    found = [one for one in before.get("services", ()) if one.get("name") == service.get("name")]
    return [deepcopy(one) for one in found if one != service]
