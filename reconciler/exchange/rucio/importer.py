"""Taking a Rucio in: its storages as those of Sites, its rules as DatasetRules, what they are about as Datasets.

What Rucio says of a storage, a rule or a dataset is written over; what people have added (drivers, options, links, VOs,
comments, other storages of a site) stays. Nothing is deleted. Storages keep their names, so that expressions go on
meaning the same. Where Rucio has all of a dataset, it counts as a copy in place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from reconciler.errors import ManifestError
from reconciler.exchange.fedcloud.shelf import Shelf
from reconciler.exchange.rucio.lying import entry, lies_at, whole_at
from reconciler.kinds.dataset import DatasetSpec
from reconciler.kinds.datasetrule import DatasetRuleSpec
from reconciler.kinds.site import SiteSpec
from reconciler.model import Diagnostic, Spec, encode
from reconciler.ports import KeptReplica, KeptRule, KeptStorage, RuleKeeper

RULE = "rucio"
_DRIVERS = {"file": "directory", "s3": "libcloud", "s3s": "libcloud"}
_SITE = "site"
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. Manifests are named relative to the folder written."""

    problems: tuple[Diagnostic, ...]
    """What could not be taken in, and why."""
    created: tuple[str, ...]
    changed: tuple[str, ...]
    storages: int
    rules: int
    datasets: int

    @property
    def complete(self) -> bool:
        """True when everything could be taken in."""
        return not self.problems


def import_rucio(keeper: RuleKeeper, source: str, into: Path, namespace: str, vo: str = "") -> ImportReport:
    """Write what a Rucio keeps as manifests. ``source`` is what messages name it by; ``vo`` whose data it is."""
    return _Import(keeper, source, Shelf.of(into), namespace, vo).run()


class _Import:
    def __init__(self, keeper: RuleKeeper, source: str, shelf: Shelf, namespace: str, vo: str) -> None:
        self.keeper, self.source, self.shelf = keeper, source, shelf
        self.namespace, self.vo = namespace, vo
        self.problems: list[Diagnostic] = []
        self.at: dict[str, tuple[str, KeptStorage]] = {}
        """Storage -> its site and itself, of those that could be taken in."""
        self.strange: dict[str, list[str]] = {}
        """Storage -> datasets that it has all of, by a naming that is not known here."""

    def run(self) -> ImportReport:
        storages, rules = self.keeper.storages(), self.keeper.rules()
        for site, those in _by_site(storages).items():
            if self._put("Site", site, self._site(site, those), SiteSpec):
                self.at.update((storage.name, (site, storage)) for storage in those)
        about = sorted({(rule.wish.scope, rule.wish.name) for rule in rules})
        datasets = [self._dataset(scope, name) for scope, name in about]
        for storage, data in self.strange.items():
            said = f"{len(data)} datasets are there already by a naming that is not known here, first {data[0]}"
            self._refused(storage, said, "say in their copies where they lie, or have them copied anew")
        for rule in rules:
            self._put("DatasetRule", _rule_name(rule), _rule(rule, self.vo), DatasetRuleSpec)
        return ImportReport(
            tuple(sorted({*self.problems, *self.shelf.problems})),
            tuple(sorted(self.shelf.created)),
            tuple(sorted(self.shelf.changed)),
            len(storages),
            len(rules),
            sum(datasets),
        )

    def _site(self, name: str, storages: Sequence[KeptStorage]) -> dict[str, Any]:
        spec = self._known("Site", name)
        listed = {str(one.get("name")): dict(one) for one in spec.get("storage") or ()}
        for storage in storages:
            listed[storage.name] = {**listed.get(storage.name, {}), **_storage(storage)}
        countries = {str(storage.attributes.get("country", "")) for storage in storages}
        country = countries.pop() if len(countries) == 1 else ""
        more = {"country": country} if _COUNTRY.fullmatch(country) and "country" not in spec else {}
        return {**spec, **more, "storage": list(listed.values())}

    def _dataset(self, scope: str, name: str) -> bool:
        """A dataset with its files, each read first where Rucio has a good copy, and where all of them lie."""
        replicas = self.keeper.replicas(scope, name)
        files = [_file(replica) for replica in replicas]
        spec: dict[str, Any] = {**self._known("Dataset", _slug(f"{scope}-{name}")), "scope": scope, "name": name}
        if not files:
            self._refused(f"{scope}:{name}", "it has no files", "attach files, or declare it with a listing")
            return False
        copies = self._copies(f"{scope}:{name}", replicas, spec.pop("copies", None) or ())
        said = {"files": files, "copies": copies, "vo": self.vo}
        spec = {**spec, **{field: value for field, value in said.items() if value}}
        return self._put("Dataset", _slug(f"{scope}-{name}"), spec, DatasetSpec)

    def _copies(
        self, dataset: str, replicas: Sequence[KeptReplica], known: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Storages where Rucio has every file; those that only people know of, or know the naming of, stay."""
        given = {(str(one.get("site")), str(one.get("storage"))): dict(one) for one in known}
        for site, storage in self.at.values():
            where = (site, storage.name)
            if not whole_at(replicas, storage.name):
                given.pop(where, None)
                continue
            lies = lies_at(dataset, replicas, storage)
            if lies is not None:
                given[where] = entry(*where, lies)
            elif where not in given:
                url = next(filter(None, (replica.urls.get(storage.name) for replica in replicas)), "")
                self.strange.setdefault(storage.name, []).append(f"{dataset} ({urlsplit(url).path or 'no URL'})")
        return [given[where] for where in sorted(given)]

    def _known(self, kind: str, name: str) -> dict[str, Any]:
        document = self.shelf.get((kind, name))
        spec = document.data.get("spec") if document is not None else None
        return dict(spec) if isinstance(spec, dict) else {}

    def _put(self, kind: str, name: str, spec: dict[str, Any], form: type[Spec]) -> bool:
        """Write one manifest, if it is one."""
        try:
            form.model_validate_json(encode(spec))
        except ValidationError as error:
            for one in error.errors(include_url=False):
                self._refused(f"{name}.{'.'.join(map(str, one['loc']))}", one["msg"])
            return False
        document = self.shelf.get((kind, name))
        metadata = {"name": name} if kind == "Site" else {"name": name, "namespace": self.namespace}
        fresh = {"apiVersion": "hanse/v1", "kind": kind, "metadata": metadata}
        before = document.data if document is not None else fresh
        try:
            self.shelf.put((kind, name), {**before, "spec": spec}, self.shelf.remarks((kind, name)))
        except ManifestError as error:
            self.problems += error.diagnostics
            return False
        return True

    def _refused(self, path: str, message: str, cure: str = "") -> None:
        self.problems.append(Diagnostic(self.source, 1, 1, path, message, cure, RULE))


def _by_site(storages: Sequence[KeptStorage]) -> dict[str, list[KeptStorage]]:
    """Storages by the site that their attribute names; one without it is a site of its own."""
    found: dict[str, list[KeptStorage]] = {}
    for storage in storages:
        found.setdefault(str(storage.attributes.get(_SITE) or storage.name), []).append(storage)
    return dict(sorted(found.items()))


def _storage(storage: KeptStorage) -> dict[str, Any]:
    """What Rucio says of a storage. What follows from its site is told of the site as well, and stays an attribute."""
    scheme = storage.url.partition(":")[0]
    attributes = {key: value for key, value in sorted(storage.attributes.items()) if key != _SITE}
    qos = attributes.get("QOS") or attributes.get("qos")
    limits = {"maxBytes": storage.max_bytes, "minFreeBytes": storage.min_free_bytes}
    ways = {"read": storage.readable, "write": storage.writable, "delete": storage.deletable}
    closed = {way: {"allowed": False, "reason": "closed in Rucio"} for way, is_open in ways.items() if not is_open}
    said: dict[str, Any] = {
        "name": storage.name,
        "type": "tape" if storage.tape else "disk",
        "driver": _DRIVERS.get(scheme, "webdav"),
        "protocol": scheme or None,
        "url": storage.url.rstrip("/") or None,
        "qos": str(qos) if qos else None,
        "attributes": attributes,
        "limits": {name: value for name, value in limits.items() if value is not None},
        "availability": closed,
    }
    return {name: value for name, value in said.items() if value not in (None, {})}


def _file(replica: KeptReplica) -> dict[str, Any]:
    """One file; it is read first from the first good copy that can be read by HTTP."""
    said: dict[str, Any] = {"path": replica.name.strip("/"), "size": replica.size}
    if replica.checksum:
        said["checksum"] = replica.checksum
    url = next(_readable(replica), "")
    return {**said, "source": url} if url else said


def _readable(replica: KeptReplica) -> Iterator[str]:
    for storage in sorted(replica.states):
        url = replica.urls.get(storage, "")
        if replica.states[storage] == "AVAILABLE" and url.startswith(("davs://", "https://")):
            yield re.sub(r"^davs://", "https://", url)


def _rule(rule: KeptRule, vo: str) -> dict[str, Any]:
    wish = rule.wish
    said: Mapping[str, Any] = {
        "scope": wish.scope,
        "name": wish.name,
        "copies": wish.copies,
        "locations": wish.expression,
        "grouping": wish.grouping,
        "weight": wish.weight or None,
        "lifetime": {"expires": wish.expires.strftime("%Y-%m-%dT%H:%M:%SZ")} if wish.expires else None,
        "sourceLocations": wish.source_expression or None,
        "activity": wish.activity or None,
        "priority": wish.priority,
        "purge": wish.purge or None,
        "locked": wish.locked or None,
        "owner": rule.account or None,
        "vo": vo or None,
        "comment": f"Rucio's rule {rule.id}",
    }
    return {name: value for name, value in said.items() if value is not None}


def _rule_name(rule: KeptRule) -> str:
    return f"{_slug(rule.wish.name)[:40].strip('-')}-{rule.id[:8]}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-") or "data"
