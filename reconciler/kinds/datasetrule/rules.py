"""What must hold for a rule beyond its types, alone and beside the sites."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from reconciler.kinds.base import Fault, Rule, between
from reconciler.kinds.datasetrule.expression import Expression, is_number
from reconciler.kinds.datasetrule.spec import DatasetRuleSpec
from reconciler.kinds.replica import StorageSource
from reconciler.kinds.replica.rules import Declarations, Quarrel
from reconciler.model import Ref, Resource


def _numbers(_ref: Ref, spec: DatasetRuleSpec) -> Iterator[Fault]:
    for field in ("locations", "sourceLocations"):
        for term in Expression.parse(getattr(spec, field) or "*").terms:
            if term.comparison in ("<", "<=", ">", ">=") and not is_number(term.value):
                yield Fault(f"spec.{field}", f"{term} never holds: {term.value} is no number", "compare with a number")


def _unverified(_ref: Ref, spec: DatasetRuleSpec) -> Iterator[Fault]:
    for n, file in enumerate(spec.files):
        if file.checksum is None:
            yield Fault(f"spec.files[{n}]", "a copy cannot be verified without a checksum", "add checksum")


def _named_once(_ref: Ref, spec: DatasetRuleSpec) -> Iterator[Fault]:
    seen: set[str] = set()
    for n, file in enumerate(spec.files):
        if file.path in seen:
            yield Fault(f"spec.files[{n}].path", f"the file {file.path} stands twice", "name each file once")
        seen.add(file.path)


def _enough_chosen(_ref: Ref, spec: DatasetRuleSpec) -> Iterator[Fault]:
    if spec.chosen and len(set(spec.chosen)) != spec.copies:
        said = f"{len(set(spec.chosen))} storages are chosen for {spec.copies} copies"
        yield Fault("spec.chosen", said, "leave chosen out, or name as many as copies")


RULES = (
    Rule("datasetrule-number", "<, <=, > and >= compare with a number.", _numbers, "warning"),
    Rule("datasetrule-unverified", "A file has a checksum to verify its copies by.", _unverified, "warning"),
    Rule("datasetrule-file-once", "A file stands once in a dataset.", _named_once),
    Rule("datasetrule-chosen", "As many storages are chosen by hand as copies are wanted.", _enough_chosen),
    Rule("datasetrule-storage", "Storages named in a rule are declared by their sites.", between),
)


def quarrels(resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterator[Quarrel]:
    """Storages that a rule names and no site declares, as far as ``changed`` touches it."""
    sites = any(ref.startswith("Site/") for ref in changed)
    rules = resources if sites else changed
    declared = Declarations(resources)
    for ref in sorted(ref for ref in rules if ref.startswith("DatasetRule/") and ref in resources):
        yield from declared.lacking(ref, _storages(resources[ref].spec), "datasetrule-storage")


def _storages(spec: DatasetRuleSpec) -> dict[str, tuple[str, str]]:
    pairs = ((f"spec.chosen[{n}]", name.partition("/")) for n, name in enumerate(spec.chosen))
    found = {path: (site, storage) for path, (site, _, storage) in pairs}
    if isinstance(spec.source, StorageSource):
        found["spec.source.storage"] = (spec.source.site, spec.source.storage)
    return found
