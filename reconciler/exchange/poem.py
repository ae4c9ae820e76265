"""Metric templates and metric profiles of ARGO's POEM: in as manifests, out again as they were.

Templates are what ``/api/v2/metrics`` answers: ``[{name: {tags, probe, config, ...}}]``, or one dictionary of them.
Profiles are ``[{name, services: [{service, metrics}]}]``. The order of options is kept: it is that of the command.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from reconciler.exchange.fedcloud.shelf import Shelf
from reconciler.kinds.metricprofile import MetricProfileSpec
from reconciler.kinds.metrictemplate import MetricTemplateSpec

_PLAIN = ("tags", "probe", "parent", "docurl")
_GROUPS = {
    "flags": "flags",
    "dependency": "dependency",
    "attribute": "attribute",
    "parameter": "parameter",
    "file_attribute": "fileAttribute",
    "file_parameter": "fileParameter",
}
_NUMBERS = ("interval", "maxCheckAttempts", "retryInterval", "timeout")
_CONFIG = (*_NUMBERS, "path")
_PARTS = {*_PLAIN, *_GROUPS, "config"}


class Odd(ValueError):
    """Something that cannot be taken in without loss."""


@dataclass
class PoemReport:
    """What became of an import."""

    templates: list[str] = field(default_factory=list)
    profiles: list[str] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def import_poem(files: Sequence[Path], folder: Path) -> PoemReport:
    """Write a manifest for each template and profile that ``files`` have; the same again changes nothing."""
    report, shelf = PoemReport(), Shelf.of(folder)
    for file in files:
        try:
            data = orjson.loads(file.read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            report.problems.append(f"{file.name}: {error}")
            continue
        for name, given in _entries(data):
            _take(name, given, shelf, report, file.name)
    report.created, report.changed = shelf.created, shelf.changed
    report.problems += [str(problem) for problem in shelf.problems]
    return report


def template_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of a template as POEM has it. Raises Odd."""
    if strange := sorted(set(given) - _PARTS):
        raise Odd(f"{strange[0]} is not known of a template")
    spec: dict[str, Any] = {name: given[name] for name in _PLAIN if given.get(name)}
    if given.get("docurl") == "":
        spec["docurl"] = ""
    if config := dict(given.get("config") or {}):
        spec["config"] = _config(config)
    for theirs, ours in _GROUPS.items():
        if options := given.get(theirs):
            spec[ours] = [_option(name, value) for name, value in options.items()]
    try:
        MetricTemplateSpec.model_validate_json(orjson.dumps(spec))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise Odd(f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")) from error
    return spec


def poem_of(spec: MetricTemplateSpec) -> dict[str, Any]:
    """A template as POEM has it."""
    config = spec.config.model_dump(exclude_none=True)
    told: dict[str, Any] = {
        "tags": list(spec.tags),
        "probe": spec.probe,
        "config": {name: str(value) for name, value in config.items()},
    }
    for theirs, ours in _GROUPS.items():
        told[theirs] = {one.name: one.value for one in getattr(spec, ours)}
    told["parent"] = spec.parent
    return told if spec.docurl is None else {**told, "docurl": spec.docurl}


def profile_json(name: str, spec: MetricProfileSpec) -> dict[str, Any]:
    """A metric profile as ARGO has it."""
    services = [{"service": one.service, "metrics": list(one.metrics)} for one in spec.services]
    return {"name": name, "description": spec.description, "services": services}


def _entries(data: Any) -> Iterator[tuple[str, Any]]:
    """Names with what is said of them; profiles carry their name within."""
    if isinstance(data, dict) and isinstance(data.get("data"), list):
        data = data["data"]
    if isinstance(data, dict) and "services" in data:
        data = [data]
    for one in data if isinstance(data, list) else [data]:
        if isinstance(one, dict) and "services" in one:
            yield str(one.get("name", "")), one
        elif isinstance(one, dict):
            yield from one.items()
        else:
            yield "", one


def _take(name: str, given: Any, shelf: Shelf, report: PoemReport, file: str) -> None:
    profile = isinstance(given, dict) and "services" in given
    kind = "MetricProfile" if profile else "MetricTemplate"
    try:
        spec = _profile(given) if profile else template_of(_mapping(given))
    except Odd as error:
        report.problems.append(f"{file}: {name or 'an entry'}: {error}")
        return
    manifest = {"apiVersion": "hanse/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    before = shelf.get((kind, name))
    if before and isinstance(before.data, dict):
        manifest["metadata"] = before.data.get("metadata", manifest["metadata"])
    shelf.put((kind, name), manifest, shelf.remarks((kind, name)))
    (report.profiles if profile else report.templates).append(name)


def _mapping(given: Any) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise Odd("this is no template")
    return given


def _profile(given: Mapping[str, Any]) -> dict[str, Any]:
    services = [{"service": one["service"], "metrics": list(one["metrics"])} for one in given["services"]]
    spec = {**({"description": given["description"]} if given.get("description") else {}), "services": services}
    try:
        MetricProfileSpec.model_validate_json(orjson.dumps(spec))
    except ValidationError as error:
        raise Odd(str(error.errors(include_url=False)[0]["msg"])) from error
    return spec


def _config(given: Mapping[str, Any]) -> dict[str, Any]:
    if strange := sorted(set(given) - set(_CONFIG)):
        raise Odd(f"config.{strange[0]} is not known")
    made = dict(given)
    for name in _NUMBERS:
        if name in made:
            text = str(made[name])
            if not text.isascii() or not text.isdigit() or str(int(text)) != text:
                raise Odd(f"config.{name}: {text!r} is no number")
            made[name] = int(text)
    return made


def _option(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, str):
        raise Odd(f"{name}: {value!r} is no text")
    return {"name": name, "value": value} if value else {"name": name}
