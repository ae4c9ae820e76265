"""Reads records out of a zone: by their mark first, by their name when they carry none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from reconciler.kinds.dnsrecord.batch import outputs
from reconciler.kinds.dnsrecord.names import canonical_zone
from reconciler.kinds.dnsrecord.spec import DNSRecordSpec, as_held
from reconciler.model import Absent, Observation, Present, Wanted
from reconciler.ports import RRset

Key = tuple[str, str]
_LEADING = frozenset({"CNAME", "SRV"})
"""Types whose values end with a name that is to be there."""


class Zone:
    """One complete reading, looked at from the resources' side."""

    def __init__(self, rrsets: Mapping[Key, RRset]) -> None:
        self._rrsets = rrsets
        self._marked: dict[str, list[Key]] = defaultdict(list)
        self._answered: set[Key] = set()
        self._names = {name for (name, _), held in rrsets.items() if held.values}
        self._cuts = {name for name, rdtype in rrsets if rdtype == "NS"}
        for key, held in rrsets.items():
            if held.uid:
                self._marked[held.uid].append(key)

    def look(self, wanted: Wanted) -> Observation:
        """The record with the resource's mark, also under a former name; else what is at its name, if anything is."""
        spec = cast(DNSRecordSpec, wanted.spec)
        held = self._find(wanted.uid, (spec.fqdn, spec.type))
        if held is None:
            return Absent()
        self._answered.add((held.name, held.type))
        seen = as_held(spec, held)
        note = self._dangling(held, canonical_zone(spec.zone))
        return Present(seen, bool(held.uid), held.uid, outputs(seen), healthy=not note, note=note)

    def _dangling(self, held: RRset, zone: str) -> str:
        """What it leads to in this zone and is not there; "" when all is. Of other zones nothing is known."""
        if held.type not in _LEADING:
            return ""
        gone = [target for value in held.values if (target := value.rpartition(" ")[2]) and self._nowhere(target, zone)]
        return f"leads to {', '.join(gone)}, which is not in the zone" if gone else ""

    def _nowhere(self, name: str, zone: str) -> bool:
        """Whether the zone has nothing at ``name``, no wildcard above it, and has not handed it on to other servers."""
        if not name.endswith(f".{zone}") or name in self._names:
            return False
        above = name.partition(".")[2]
        while above != zone:
            if above in self._cuts or f"*.{above}" in self._names:
                return False
            if above in self._names:
                return True  # a name in between keeps wildcards further up from answering (RFC 4592)
            above = above.partition(".")[2]
        return f"*.{zone}" not in self._names

    def strays(self, wanted: Iterable[Wanted]) -> Iterator[RRset]:
        """RRsets and lone marks that carry a mark of ours and answer nobody's question."""
        uids = {one.uid for one in wanted}
        for uid, keys in sorted(self._marked.items()):
            for key in keys:
                if key not in self._answered and (uid not in uids or self._rrsets[key].values):
                    yield self._rrsets[key]

    def _find(self, uid: str, here: Key) -> RRset | None:
        held = self._rrsets.get(here)
        if held and held.uid == uid and held.values:
            return held
        marked = (self._rrsets[key] for key in self._marked.get(uid, ()))
        elsewhere = next((one for one in marked if one.values), None)
        return elsewhere or (held if held and held.values else None)
