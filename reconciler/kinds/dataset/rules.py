"""What must hold for a dataset beyond its types, alone and beside others."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence

import orjson

from reconciler.kinds.base import Fault, Rule, between
from reconciler.kinds.dataset.index import loops
from reconciler.kinds.dataset.spec import DatasetSpec
from reconciler.kinds.replica.rules import Declarations, Quarrel
from reconciler.kinds.replica.spec import folder_of
from reconciler.model import Ref, Resource
from reconciler.nearest import meant


def _unverified(_ref: Ref, spec: DatasetSpec) -> Iterator[Fault]:
    for n, file in enumerate(spec.files):
        if file.checksum is None:
            yield Fault(f"spec.files[{n}]", "a copy cannot be verified without a checksum", "add checksum")


def _named_once(_ref: Ref, spec: DatasetSpec) -> Iterator[Fault]:
    seen: set[str] = set()
    for n, file in enumerate(spec.files):
        if file.path in seen:
            yield Fault(f"spec.files[{n}].path", f"the file {file.path} stands twice", "name each file once")
        seen.add(file.path)


def _nowhere(_ref: Ref, spec: DatasetSpec) -> Iterator[Fault]:
    for n, file in enumerate(() if spec.copies else spec.files):
        if file.source is None and file.path not in spec.lost:
            said = f"it is not said where {file.path} is read first; it is found only where a copy is already"
            yield Fault(f"spec.files[{n}]", said, "add source")


RULES = (
    Rule("dataset-unverified", "A file has a checksum to verify its copies by.", _unverified, "warning"),
    Rule("dataset-file-once", "A file stands once in a dataset.", _named_once),
    Rule("dataset-source", "A file says where it is read first.", _nowhere, "warning"),
    Rule("dataset-name-once", "A name (scope:name) is that of one dataset of the federation.", between),
    Rule("dataset-folders", "The folder of a dataset's copies is neither within nor above that of another.", between),
    Rule("dataset-members", "A container names datasets that are declared.", between),
    Rule("dataset-loop", "A container is not, by way of others, within itself.", between),
    Rule("dataset-storage", "The storage of a listing, or of a copy in place, is declared by its site.", between),
    Rule("dataset-world", "The files of a dataset are named, or found, as they were known.", between, "warning"),
    Rule("dataset-replica", "Copies of a declared dataset are brought along by rules, not declared by hand.", between),
)


def quarrels(resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterator[Quarrel]:
    """What is wrong between datasets, sites and replicas, as far as ``changed`` touches it."""
    kinds = {ref.partition("/")[0] for ref in changed}
    if not kinds & {"Dataset", "Replica", "Site"}:
        return
    specs = {ref: resources[ref].spec for ref in sorted(ref for ref in resources if ref.startswith("Dataset/"))}
    if not specs:
        return
    names: dict[str, Ref] = {}
    storages = Declarations(resources)
    for ref, spec in specs.items():
        if names.setdefault(spec.dataset, ref) != ref:
            fault = Fault("spec.name", f"{spec.dataset} is {names[spec.dataset]} already", "give it another name")
            yield ref, "dataset-name-once", fault
        if spec.listing is not None:
            named = {"spec.listing.storage": (spec.listing.site, spec.listing.storage)}
            yield from storages.lacking(ref, named, "dataset-storage")
        places = {f"spec.copies[{n}].storage": (one.site, one.storage) for n, one in enumerate(spec.copies or ())}
        yield from storages.lacking(ref, places, "dataset-storage")
    yield from _containers(specs, names)
    yield from _folders({ref: spec for ref, spec in specs.items() if names[spec.dataset] == ref and not spec.datasets})
    if "Replica" in kinds or "Dataset" in kinds:
        yield from _by_hand(resources, names)


def _containers(specs: Mapping[Ref, DatasetSpec], names: Mapping[str, Ref]) -> Iterator[Quarrel]:
    for ref, spec in specs.items():
        for n, name in enumerate(spec.datasets):
            if name not in names:
                cure = meant(name, names, "declare it, or leave it out")
                yield ref, "dataset-members", Fault(f"spec.datasets[{n}]", f"no Dataset is called {name}", cure)
    for loop in loops({spec.dataset: spec.datasets for spec in specs.values()}):
        fault = Fault("spec.datasets", f"it is within itself: {' > '.join(loop)}", "take one of them out")
        yield names[loop[0]], "dataset-loop", fault


def _folders(specs: Mapping[Ref, DatasetSpec]) -> Iterator[Quarrel]:
    """Folders within one another: nobody could say of a file in the inner one whose it is."""
    copies: dict[str, Ref] = {}
    cure = "give it a name that is not within the other's, nor above it"
    for ref, spec in specs.items():
        folder = folder_of(spec.dataset)
        if copies.setdefault(folder, ref) != ref:
            said = f"its copies would lie in {folder}, where those of {copies[folder]} lie"
            yield ref, "dataset-folders", Fault("spec.name", said, cure)
    for folder, ref in copies.items():
        above = next((name for name in _above(folder) if name in copies), None)
        if above is not None:
            said = f"its copies would lie in {folder}, within {above} where those of {copies[above]} lie"
            yield ref, "dataset-folders", Fault("spec.name", said, cure)
    folders = sorted(copies)
    for ref, spec in specs.items():
        if spec.listing is not None:
            yield from _listed_among_copies(ref, spec.listing.path, copies, folders)


def _listed_among_copies(ref: Ref, path: str, copies: Mapping[str, Ref], folders: Sequence[str]) -> Iterator[Quarrel]:
    """A folder that is listed, where copies of another dataset would lie as soon as a rule chose its storage."""
    near = [name for name in (path, *_above(path)) if name in copies]
    first = bisect_left(folders, f"{path}/")
    near += folders[first : bisect_left(folders, f"{path}0", first)]  # "0" comes right after "/"
    other = next((name for name in near if copies[name] != ref), None)
    if other is not None:
        how = "is" if other == path else "lies within" if path.startswith(f"{other}/") else "lies above"
        said = f"{path} {how} {other}, where copies of {copies[other]} would lie"
        cure = "list another folder, or give one of the two another name"
        yield ref, "dataset-folders", Fault("spec.listing.path", said, cure)


def _above(path: str) -> Iterator[str]:
    """The folders that a path lies in, the innermost first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _by_hand(resources: Mapping[Ref, Resource], names: Mapping[str, Ref]) -> Iterator[Quarrel]:
    for ref in sorted(ref for ref in resources if ref.startswith("Replica/") and resources[ref].owner is None):
        content = orjson.loads(resources[ref].content)
        name = content.get("dataset")
        if name in names and (content.get("files") or content.get("fileset")):
            said = f"{name} is declared by {names[name]}, whose copies rules bring along"
            yield ref, "dataset-replica", Fault("spec.dataset", said, "remove it, and let a DatasetRule choose it")
