"""Named rules: what goes beyond types, where a rule is only a warning, and the list of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from reconciler.errors import SettingsError
from reconciler.kinds import Kind, Rule
from reconciler.manifest.scopes import SCOPE
from reconciler.manifest.secrets import INLINE
from reconciler.manifest.words import nearest
from reconciler.model import Diagnostic, SecretScope, Severity


def _nothing(*_: Any) -> tuple[()]:
    return ()


GENERAL = (
    Rule(
        "file", "A manifest is a regular file of at most 1 MiB whose name is UTF-8 and ends in .yaml or .yml.", _nothing
    ),
    Rule(
        "file-ignored", "What looks like a manifest is called like one: .json files are not read.", _nothing, "warning"
    ),
    Rule("yaml", "A manifest is YAML 1.2 without tags, duplicate keys or endless anchors.", _nothing),
    Rule("schema", "Fields, types and values are those of the kind's schema; unknown fields are faults.", _nothing),
    Rule("name-form", "metadata.name has letters, digits, . _ - and begins and ends with a letter or digit.", _nothing),
    Rule("name-taken", "A name stands for one resource: two documents may not declare the same one.", _nothing),
    Rule("namespace", "Federation-wide kinds have no namespace; all others have one (default: default).", _nothing),
    Rule("moved-form", "lifecycle.moved is a former name (name or namespace/name), and not the name now.", _nothing),
    Rule("moved-taken", "What lifecycle.moved names is declared nowhere, and moved to one place only.", _nothing),
    Rule("ignore-path", "lifecycle.ignore names fields of the kind: spec.ttl.", _nothing),
    INLINE,
    SCOPE,
    Rule("reference-dangling", "What a manifest refers to is declared.", _nothing),
    Rule("reference-cycle", "References do not go round in a circle.", _nothing),
)
"""Checked by the stages themselves; listed so that they have a name."""

_FIXED = frozenset(rule.id for rule in GENERAL) - {INLINE.id, "file-ignored"}
"""What the line cannot do without, wherever it is broken."""


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """Rule id -> path pattern -> severity, from ``[rules]`` of hanse.toml."""

    severities: Mapping[str, Mapping[str, Severity]] = field(default_factory=dict)
    scopes: tuple[SecretScope, ...] = ()
    """Which secrets manifests may name, from ``[[secrets]]``; none at all for any."""

    def judged(self, fault: Diagnostic) -> Diagnostic:
        """The fault with the severity that its path gives it. What the line cannot do without stays an error."""
        fitting = [p for p in self.severities.get(fault.rule, ()) if fnmatchcase(fault.file, p)]
        if not fitting or fault.rule in _FIXED:
            return fault
        return replace(fault, severity=self.severities[fault.rule][max(fitting, key=len)])


def checked(settings: RuleSettings, kinds: Mapping[str, Kind[Any]]) -> RuleSettings:
    """The settings. Raises SettingsError for rules that there are not, or that nothing can switch."""
    if not settings.severities:
        return settings
    known = {rule.id for rule in rules(kinds)}
    faults = []
    for name in settings.severities:
        near = nearest(name, known - _FIXED)
        cure = f"did you mean {near}?" if near and near != name else "hanse rules lists them"
        if name not in known:
            faults.append(f"[rules] {name}: there is no such rule; {cure}")
        elif name in _FIXED:
            faults.append(f"[rules] {name}: the line cannot do without this rule; take it out")
    if faults:
        raise SettingsError("\n".join(faults))
    return settings


def rules(kinds: Mapping[str, Kind[Any]]) -> list[Rule]:
    """Every rule there is, general ones first."""
    return [*GENERAL, *(rule for kind in kinds.values() for rule in kind.rules)]
