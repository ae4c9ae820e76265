"""The command of a metric at one service: the line that ARGO would run, and the arguments that Hanse runs, no shell.

What a template says may hold quotation marks and several words, as in a shell; what comes from elsewhere (a host, a
URL, an extension) is one argument, whatever stands in it, and none that could be taken for an option.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.kinds.metrictemplate.spec import MetricTemplateSpec
from reconciler.kinds.metrictemplate.values import Lacking, Place, Surroundings, Value, value

_VO, _FQAN, _ALIAS, _SITE = "$_SERVICEVO$", "$_SERVICEVO_FQAN$", "$HOSTALIAS$", "$_SERVICESITE_NAME$"


class Secret(str):
    """An argument that is the name of a secret: its value is put in when the plugin is run."""

    __slots__ = ()


@dataclass(frozen=True)
class Command:
    """A metric's command at one service."""

    plugin: str
    """Path of the plugin, as the template says it."""
    arguments: tuple[str, ...]
    """Some may be ``Secret``."""
    line: str
    """The same for people, with ``$NAME`` for a secret."""


def command(name: str, template: MetricTemplateSpec, place: Place, said: Surroundings) -> Command:
    """The command of the metric ``name``. Raises Lacking for a value that nobody says."""
    plugin = posixpath.join((template.config.path or "").strip().rstrip("/"), template.probe)
    parts = [*_start(template, place), *_parameters(template, place, said), *_attributes(name, template, place, said)]
    words = tuple(word for _, some in parts for word in some)
    return Command(plugin, words, " ".join([plugin, *(text for text, _ in parts if text)]))


_Part = tuple[str, tuple[str, ...]]
"""What stands in the line, and the arguments that it means."""


def _start(template: MetricTemplateSpec, place: Place) -> Iterator[_Part]:
    if not template.flagged("NOHOSTNAME"):
        yield _part("-H", place.hostname)
    if not template.flagged("NOTIMEOUT"):
        yield _part("-t", str(template.config.timeout))


def _parameters(template: MetricTemplateSpec, place: Place, said: Surroundings) -> Iterator[_Part]:
    own = {one.name for one in template.parameter}
    for one in template.parameter:
        text = _filled(said.parameters.get(one.name, one.value), place, said)
        if text is None:
            continue
        try:
            words = tuple(shlex.split(text))
        except ValueError as error:
            raise Lacking(f"the value of {one.name} cannot be told apart into words: {error}") from error
        yield f"{one.name} {text}".strip(), (*shlex.split(one.name), *words)
    for name, text in sorted(said.parameters.items()):
        if name not in own:
            yield f"{name} {text}".strip(), (name, *shlex.split(text))


def _filled(text: str, place: Place, said: Surroundings) -> str | None:
    """A parameter's value with the names in it replaced; None when it is left out."""
    if text == _VO:
        return said.attributes.get("VONAME")
    if _FQAN in text:
        fqan = said.attributes.get("VO_FQAN") or said.attributes.get("VONAME")
        if not fqan:
            raise Lacking("nobody says VONAME")
        text = text.replace(_FQAN, fqan)
    return text.replace(_ALIAS, place.hostname).replace(_SITE, place.site)


def _attributes(name: str, template: MetricTemplateSpec, place: Place, said: Surroundings) -> Iterator[_Part]:
    for one in template.attribute:
        if one.value in said.parameters:
            continue
        found = value(one.name, place, said)
        if found is not None:
            yield _option(name, one.name, one.value, found)


def _option(metric: str, name: str, option: str, found: Value) -> _Part:
    if found.bare:
        return found.text, tuple(found.text.split())
    options = tuple(shlex.split(option))
    if found.flag:
        return option, options
    if found.secret:
        return f"{option} ${found.text}".strip(), (*options, Secret(found.text))
    if found.text.startswith("-"):
        raise Lacking(f"{name} of {metric} begins with a dash: the plugin would take it for an option")
    shown, words = _part(option, found.text) if option else (found.text, (found.text,))
    return shown, (*options, *words[1:]) if option else words


def _part(option: str, text: str) -> _Part:
    return f'{option} "{text}"' if "&" in text else f"{option} {text}", (option, text)
