"""How data stands after a run, written in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection

from reconciler.ports import DataPolicy
from reconciler.records.data.nouns import ReplicaStanding, Settling
from reconciler.records.data.replicas import Replicas
from reconciler.records.data.rules import Rules
from reconciler.records.data.scans import write_scan
from reconciler.records.database import Database
from reconciler.records.locks import Hold, Writing, nobody, nothing, numbers
from reconciler.records.tables import DataRuleRow, ReplicaRow, table


def settle(database: Database, connection: Connection, told: Settling, policy: DataPolicy, now: datetime) -> int:
    """Write down what a run has to tell of data; how many locks were written."""
    replicas, rules = Replicas(connection, now), Rules(connection, policy, now)
    concerned = replicas.forget(told.gone_replicas) - rules.forget(told.gone_rules)
    named = {rule for one in told.replicas for rule in one.shares} | {one.ref for one in told.rules}
    rule_of = numbers(database, connection, table(DataRuleRow), {str(ref): nobody(ref, now) for ref in sorted(named)})
    there = {str(one.ref): nothing(one.ref, now) for one in told.replicas}
    replica_of = numbers(database, connection, table(ReplicaRow), there)
    replicas.write(told.replicas)
    holds = [hold for one in told.replicas for hold in _holds(one, replica_of[str(one.ref)], rule_of)]
    wanted, held = {(hold.rule, hold.replica) for hold in holds}, replicas.held(replica_of.values())
    locks = Writing(database, connection, policy, now)
    written = locks.release(held - wanted) + locks.write(holds)
    concerned |= {rule for rule, _ in held | wanted} | set(rule_of.values())
    rules.judge(concerned, {rule_of[str(one.ref)]: one for one in told.rules})
    for scan in told.scans:
        write_scan(database, connection, scan, now)
    for dataset, storage in sorted(told.reads):
        replicas.read(dataset, storage)
    replicas.unread(told.unread)
    return written


def _holds(one: ReplicaStanding, replica: int, rules: Mapping[str, int]) -> Iterator[Hold]:
    for rule, files in one.shares.items():
        own = one.bad
        if own and files.digest != one.wanted:
            paths = frozenset(files.paths)
            own = {path: bad for path, bad in one.bad.items() if path in paths}
        yield Hold(rules[str(rule)], replica, files, own)
