"""What must hold for a probe beyond the types of its fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.kinds.base import Fault, Rule, between
from reconciler.kinds.probe.spec import ProbeSpec
from reconciler.kinds.probe.target import NAMES, PLACEHOLDER, offered
from reconciler.model import Ref, Resource
from reconciler.nearest import meant
from reconciler.ports.check import STANDARD_PLUGINS


def _plugin(_ref: Ref, spec: ProbeSpec) -> Iterator[Fault]:
    if spec.plugin is not None and spec.plugin not in STANDARD_PLUGINS:
        cure = meant(spec.plugin, STANDARD_PLUGINS, "the operator must allow it, else its results are UNKNOWN")
        yield Fault("spec.plugin", f"{spec.plugin} is not among the plugins allowed by default", cure)


def _placeholders(_ref: Ref, spec: ProbeSpec) -> Iterator[Fault]:
    can = offered(spec.target)
    for n, argument in enumerate(spec.arguments):
        for name in PLACEHOLDER.findall(argument):
            if name not in NAMES:
                cure = f"there are {', '.join(f'{{{one}}}' for one in NAMES)}"
                yield Fault(f"spec.arguments[{n}]", f"{{{name}}} is no placeholder", cure)
            elif name not in can:
                cure = f"this sort of target gives {', '.join(sorted(f'{{{one}}}' for one in can))}"
                yield Fault(f"spec.arguments[{n}]", f"the target gives no {name}", cure)


def _template(_ref: Ref, spec: ProbeSpec) -> Iterator[Fault]:
    """What a template brings with it, and what only templates take."""
    profile = spec.target.services is not None and spec.target.services.profile is not None
    templated = spec.template is not None or profile
    names = (
        ("arguments", "interval", "timeout", "attempts", "retryInterval") if templated else ("attributes", "overrides")
    )
    for name in names:
        if getattr(spec, name) != type(spec).model_fields[name].get_default(call_default_factory=True):
            why = "the template says it" if templated else "only templates have attributes and parameters"
            yield Fault(f"spec.{name}", f"{name} is not looked at here: {why}", "take it out")


def _time(_ref: Ref, spec: ProbeSpec) -> Iterator[Fault]:
    if spec.retryInterval is not None and not spec.timeout < spec.retryInterval <= spec.interval:
        message = f"a run may take {spec.timeout} s, and a retry comes after {spec.retryInterval} s"
        yield Fault("spec.retryInterval", message, "make it longer than the time-out, and no longer than the interval")
    if spec.timeout >= spec.interval:
        message = f"a run may take {spec.timeout} s and the next begins after {spec.interval} s"
        yield Fault("spec.timeout", message, "make it shorter than the interval")
    for n, argument in enumerate(spec.arguments):
        if argument == "-t" or argument.partition("=")[0] == "--timeout":
            yield Fault(f"spec.arguments[{n}]", f"{argument} is given by Hanse", "use spec.timeout")


def _help(_ref: Ref, spec: ProbeSpec) -> Iterator[Fault]:
    for n, argument in enumerate(spec.arguments):
        if argument in ("-h", "--help", "-V", "--version"):
            message = f"with {argument} a plugin prints a text and checks nothing"
            yield Fault(f"spec.arguments[{n}]", message, "take it out")


def _labels(_ref: Ref, spec: ProbeSpec) -> Iterator[Fault]:
    seen: set[str] = set()
    for n, limits in enumerate(spec.thresholds):
        if limits.label in seen:
            yield Fault(f"spec.thresholds[{n}].label", f"{limits.label} has thresholds already", "put them together")
        seen.add(limits.label)


RULES = (
    Rule("probe-plugin", "A plugin is one of those allowed by default.", _plugin, "warning"),
    Rule("probe-placeholder", "A placeholder is one that the target can fill.", _placeholders),
    Rule("probe-template", "A template brings times and arguments with it; attributes are for templates.", _template),
    Rule("probe-timeout", "A run ends before the next begins, and its time-out is the probe's.", _time),
    Rule("probe-help", "Arguments ask for a check, not for a text.", _help),
    Rule("probe-service", "A probed service is one that its site declares.", between),
    Rule("probe-threshold", "A label has its thresholds in one place.", _labels),
)


def unknown_services(resources: Mapping[Ref, Resource]) -> Iterator[tuple[Ref, Fault]]:
    """A Fault for each probe of a service that its site does not have. Unknown sites are dangling references."""
    held: dict[Ref, list[str]] = {}
    for ref, resource in resources.items():
        if not ref.startswith("Probe/"):
            continue
        wanted = resource.spec.target.siteService
        if wanted is None:
            continue
        site = Ref.of("Site", wanted.site)
        if site not in resources:
            continue
        if site not in held:
            held[site] = [service.name for service in resources[site].spec.services]
        if wanted.service not in held[site]:
            cure = meant(wanted.service, held[site], f"declare it in the site {wanted.site}")
            message = f"the site {wanted.site} has no service {wanted.service}"
            yield ref, Fault("spec.target.siteService.service", message, cure)
