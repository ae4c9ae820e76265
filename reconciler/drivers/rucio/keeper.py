"""Rules, storages and replicas of one Rucio server, in the terms of the port. Our mark is the rule's comment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from reconciler.drivers.rucio.options import Options
from reconciler.drivers.rucio.rest import Rest
from reconciler.errors import Conflict, Terminal
from reconciler.ports.rules import KeptReplica, KeptRule, KeptStorage, RuleState, Wish

_MARK = re.compile(r"hanse:([0-9a-f]{32})\b")
_STATES: Mapping[str, RuleState] = {
    "O": "OK",
    "R": "REPLICATING",
    "S": "STUCK",
    "U": "SUSPENDED",
    "W": "WAITING_APPROVAL",
    "I": "INJECT",
}
_GONE = "hanse: gone"
_OWN = frozenset({"istape", "verify_checksum"})


class Rucio:
    """One server, as one account."""

    def __init__(self, rest: Rest, options: Options, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """``clock`` tells the time in UTC: Rucio is told how long a rule lasts, not until when."""
        self._rest, self._account, self._clock = rest, options.account, clock

    def rules(self) -> Sequence[KeptRule]:
        """Every rule of the account."""
        found = self._rest.rows("/rules/", account=self._account)
        return tuple(sorted((_rule(row) for row in found), key=lambda rule: (rule.wish.scope, rule.wish.name, rule.id)))

    def add(self, wish: Wish, uid: str) -> str:
        """Make a rule. Rucio knows one rule by what it is about: the same again is refused, and found."""
        body = {
            "dids": [{"scope": wish.scope, "name": wish.name}],
            "account": self._account,
            "copies": wish.copies,
            "rse_expression": wish.expression,
            "grouping": wish.grouping,
            "weight": wish.weight or None,
            "lifetime": _lifetime(wish, self._clock()),
            "source_replica_expression": wish.source_expression or None,
            "activity": wish.activity or None,
            "purge_replicas": wish.purge,
            "locked": wish.locked,
            "priority": wish.priority,
            "comment": f"hanse:{uid}",
        }
        try:
            made: list[str] = self._rest.send("POST", "/rules/", body)
        except Conflict:
            same = (wish.scope, wish.name, wish.expression, wish.copies)
            there = [r for r in self.rules() if _identity(r.wish) == same]
            ours = next((rule for rule in there if rule.uid == uid or rule.going), None)
            if ours is None:
                raise
            if ours.going:
                self.change(ours.id, wish, uid)
            return ours.id
        return made[0]

    def change(self, rule_id: str, wish: Wish, uid: str) -> None:
        """Bring what may be changed to ``wish``."""
        options = {
            "lifetime": _lifetime(wish, self._clock()),
            "source_replica_expression": wish.source_expression or None,
            **({"activity": wish.activity} if wish.activity else {}),
            "priority": wish.priority,
            "locked": wish.locked,
            "purge_replicas": wish.purge,
            "comment": f"hanse:{uid}",
        }
        self._rest.send("PUT", f"/rules/{rule_id}", {"options": options})

    def replace(self, rule_id: str, by: str) -> None:
        """Rucio keeps a rule with a child until the child is OK."""
        going = {"locked": False, "comment": _GONE, "lifetime": 1, "child_rule_id": by}
        self._rest.send("PUT", f"/rules/{rule_id}", {"options": going}, right=(404,))

    def remove(self, rule_id: str) -> None:
        """Take a rule away. Rucio lets it go after an hour; so that it is not ours meanwhile, our mark goes now."""
        gone = {"locked": False, "comment": _GONE}
        self._rest.send("PUT", f"/rules/{rule_id}", {"options": gone}, right=(404,))
        self._rest.send("DELETE", f"/rules/{rule_id}", {"purge_replicas": None}, right=(404,))

    def places(self, expression: str) -> frozenset[str]:
        """Names of the storages that an expression describes, as the server itself evaluates it."""
        return frozenset(row["rse"] for row in self._rest.rows("/rses/", expression=expression))

    def storages(self) -> Sequence[KeptStorage]:
        """Every storage that is not deleted."""
        names = sorted(row["rse"] for row in self._rest.rows("/rses/"))
        return tuple(self._storage(name) for name in names)

    def replicas(self, scope: str, name: str) -> Sequence[KeptReplica]:
        """The files of a dataset with every copy, whatever its state."""
        asked = {"dids": [{"scope": scope, "name": name}], "all_states": True, "resolve_archives": False}
        found = self._rest.asked("/replicas/list", asked)
        return tuple(sorted((_replica(row) for row in found), key=lambda replica: (replica.scope, replica.name)))

    def _storage(self, name: str) -> KeptStorage:
        path = f"/rses/{quote(name, safe='')}"
        said, attributes = self._rest.get(path), self._rest.get(f"{path}/attr/")
        limits = self._rest.get(f"{path}/limits") or {}
        if said is None or attributes is None:
            raise Conflict(f"{self._rest.name}: {name} has gone while it was read")
        kept = {key: _value(value) for key, value in attributes.items() if key != name and key not in _OWN}
        return KeptStorage(
            name,
            kept,
            tape=said.get("rse_type") == "TAPE",
            readable=bool(said.get("availability_read", True)),
            writable=bool(said.get("availability_write", True)),
            deletable=bool(said.get("availability_delete", True)),
            url=_url(said.get("protocols") or ()),
            max_bytes=_bytes(limits.get("MaxSpaceAvailable")),
            min_free_bytes=_bytes(limits.get("MinFreeSpace")),
        )


def _rule(row: Mapping[str, Any]) -> KeptRule:
    mark = _MARK.search(row.get("comments") or "")
    state = str(row["state"])
    wish = Wish(
        row["scope"],
        row["name"],
        row["rse_expression"],
        int(row["copies"]),
        _grouping(row.get("grouping")),
        row.get("weight") or "",
        _instant(row.get("expires_at")),
        row.get("source_replica_expression") or "",
        row.get("activity") or "",
        bool(row.get("purge_replicas")),
        bool(row.get("locked")),
        int(row.get("priority") or 3),
    )
    counts = (int(row.get(f"locks_{name}_cnt") or 0) for name in ("ok", "replicating", "stuck"))
    uid, going = mark.group(1) if mark else "", (row.get("comments") or "") == _GONE
    told = (row.get("account") or "", row.get("error") or "")
    return KeptRule(row["id"], wish, _state(state), *told, uid, going, *counts)


def _state(said: str) -> RuleState:
    if said in _STATES:
        return _STATES[said]
    found = next((state for state in _STATES.values() if state == said), None)
    if found is None:
        raise Terminal(f"a rule is in the state {said!r}, which this Hanse does not know")
    return found


def _grouping(said: Any) -> Any:
    return {"N": "NONE", "D": "DATASET", "A": "ALL"}.get(str(said), said or "DATASET")


def _identity(wish: Wish) -> tuple[str, str, str, int]:
    return wish.scope, wish.name, wish.expression, wish.copies


def _replica(row: Mapping[str, Any]) -> KeptReplica:
    checksum = f"adler32:{row['adler32']}" if row.get("adler32") else ""
    urls = {rse: found[0] for rse, found in (row.get("rses") or {}).items() if found}
    states = dict(row.get("states") or {})
    return KeptReplica(row["scope"], row["name"], int(row.get("bytes") or 0), checksum, states, urls)


def _value(said: Any) -> Any:
    """An attribute as it was meant: Rucio keeps numbers as text. What is not written as numbers are stays text."""
    if isinstance(said, str):
        for kind in (int, float):
            with suppress(ValueError):
                if str(kind(said)) == said:
                    return kind(said)
    return said


def _url(protocols: Sequence[Mapping[str, Any]]) -> str:
    for protocol in protocols:
        port = f":{protocol['port']}" if protocol.get("port") else ""
        return f"{protocol['scheme']}://{protocol['hostname']}{port}{protocol.get('prefix') or ''}"
    return ""


def _bytes(said: Any) -> int | None:
    return None if said is None or int(said) < 0 else int(said)


def _lifetime(wish: Wish, now: datetime) -> int | None:
    return None if wish.expires is None else max(1, int((wish.expires - now).total_seconds()))


def _instant(said: str | None) -> datetime | None:
    """Rucio writes times as in mail, in UTC."""
    if not said:
        return None
    found = parsedate_to_datetime(said)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
