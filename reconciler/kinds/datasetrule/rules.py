"""What must hold for a rule beyond its types, alone and beside sites, datasets and other rules."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from reconciler.kinds.base import Fault, Rule, between
from reconciler.kinds.datasetrule.places import Places
from reconciler.kinds.datasetrule.spec import DatasetRuleSpec
from reconciler.kinds.expression import Expression, Storages, Term, is_number
from reconciler.kinds.federation import Declared
from reconciler.kinds.replica.rules import Declarations, Quarrel
from reconciler.model import Ref, Resource
from reconciler.nearest import meant


def _numbers(_ref: Ref, spec: DatasetRuleSpec) -> Iterator[Fault]:
    for path, expression in spec.expressions():
        for term in Expression.parse(expression).terms:
            if term.comparison in ("<", "<=", ">", ">=") and not is_number(term.value):
                yield Fault(path, f"{term} never holds: {term.value} is no number", "compare with a number")


def _enough_chosen(_ref: Ref, spec: DatasetRuleSpec) -> Iterator[Fault]:
    if not spec.chosen:
        return
    if spec.stages:
        yield Fault("spec.chosen", "storages chosen by hand do not change with time", "leave chosen or stages out")
    elif len(set(spec.chosen)) != spec.copies:
        said = f"{len(set(spec.chosen))} storages are chosen for {spec.copies} copies"
        yield Fault("spec.chosen", said, "leave chosen out, or name as many as copies")


def _one_by_one(_ref: Ref, spec: DatasetRuleSpec) -> Iterator[Fault]:
    for n, stage in enumerate(spec.stages):
        if spec.grouping == "NONE" and len(stage.copies) > 1:
            said = "files that are placed one by one cannot be asked for in several places at once"
            yield Fault(f"spec.stages[{n}].copies", said, "write grouping DATASET, or a rule for each")


RULES = (
    Rule("datasetrule-number", "<, <=, > and >= compare with a number.", _numbers, "warning"),
    Rule("datasetrule-chosen", "As many storages are chosen by hand as copies are wanted.", _enough_chosen),
    Rule("datasetrule-stages", "With grouping NONE each stage asks for one kind of copies.", _one_by_one),
    Rule("datasetrule-storage", "Storages named in a rule are declared by their sites.", between),
    Rule("datasetrule-dataset", "The data of a rule is a Dataset that is declared.", between),
    Rule("datasetrule-twice", "No rule says what another one says already.", between),
    Rule("datasetrule-attribute", "A rule names attributes that some storage has.", between, "warning"),
    Rule(
        "datasetrule-world",
        "What a rule asks for holds: its sources are there, its quotas suffice.",
        between,
        "warning",
    ),
    Rule("datasetrule-stage", "The next stage of a rule is told a week before it begins.", between, "warning"),
)


def quarrels(resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterator[Quarrel]:
    """What is wrong between rules, datasets and sites, as far as ``changed`` touches it."""
    kinds = {ref.partition("/")[0] for ref in changed}
    others = bool(kinds & {"Site", "Dataset"})
    if not others and "DatasetRule" not in kinds:
        return
    rules = {ref: held for ref, held in resources.items() if ref.startswith("DatasetRule/")}
    mine = sorted(ref for ref in rules if (others or ref in changed) and rules[ref].spec.by is None)
    if not mine:
        return
    declared, places = Declarations(resources), Places.of(Declared(resources))
    datasets = {held.spec.dataset for ref, held in resources.items() if ref.startswith("Dataset/")}
    for ref in mine:
        spec = rules[ref].spec
        yield from declared.lacking(ref, _storages(spec), "datasetrule-storage")
        if spec.dataset not in datasets:
            cure = meant(spec.dataset, datasets, "declare a Dataset of that scope and name")
            yield ref, "datasetrule-dataset", Fault("spec.name", f"no Dataset is called {spec.dataset}", cure)
        if places.by_name:
            yield from ((ref, "datasetrule-attribute", fault) for fault in _unknown(spec, places.storages))
    yield from _twice(rules, set(mine))


def _unknown(spec: DatasetRuleSpec, storages: Storages) -> Iterator[Fault]:
    """Attributes that no storage has: most likely they are misspelt."""
    for path, expression in spec.expressions():
        for term in dict.fromkeys(Expression.parse(expression).terms):
            if _is_known(term, storages):
                continue
            yield _no_such(path, term.key, storages)
    for path, key in (("spec.spread", spec.spread), ("spec.weight", spec.weight)):
        if key is not None and key not in storages.texts:
            yield _no_such(path, key, storages)


def _no_such(path: str, key: str, storages: Storages) -> Fault:
    cure = meant(key, storages.texts, "hanse locations '*' lists what they have")
    return Fault(path, f"no storage has an attribute {key}", cure)


def _is_known(term: Term, storages: Storages) -> bool:
    return term.key == "*" or term.key in storages.texts


def _twice(rules: Mapping[Ref, Resource], mine: set[Ref]) -> Iterator[Quarrel]:
    first: dict[tuple[object, ...], Ref] = {}
    for ref in sorted(rules):
        spec = rules[ref].spec
        said = tuple(_plain(expression) for _, expression in spec.expressions())
        key = (spec.dataset, spec.owner, spec.copies, spec.qos, spec.stages, said)
        other = first.setdefault(key, ref)
        if other != ref and mine & {ref, other}:
            message = f"{other} says the same: {spec.dataset}, {spec.copies or 'staged'} copies, {said[0]}"
            yield ref, "datasetrule-twice", Fault("spec", message, "leave one of them out, or give it another owner")


def _plain(expression: str) -> str:
    return "".join(expression.split())


def _storages(spec: DatasetRuleSpec) -> dict[str, tuple[str, str]]:
    pairs = ((f"spec.chosen[{n}]", name.partition("/")) for n, name in enumerate(spec.chosen))
    return {path: (site, storage) for path, (site, _, storage) in pairs}
