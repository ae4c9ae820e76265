"""Brings a batch of records into a zone, or out of it: one look, one message, and the culprit alone fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.errors import Conflict, DriverError, Terminal
from reconciler.kinds.dnsrecord.spec import DNSRecordSpec, as_held, canonical, wanted_rrset
from reconciler.kinds.dnsrecord.values import ValueFault, canonical_value
from reconciler.kinds.failing import failed
from reconciler.model import Answer, Change, Done, Failed, Reason, Ref
from reconciler.ports import DNS, RRset, ZoneChange

Held = Mapping[tuple[str, str], RRset]
Decide = Callable[[Change, Held], Answer | ZoneChange]

_NEIGHBOURS = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SRV", "TXT")


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes on one zone, decided one by one and sent together."""

    dns: DNS
    decide: Decide

    def settle(self, changes: Sequence[Change]) -> dict[Ref, Answer]:
        """An answer for each change. A zone that moves under a message is read again, and the message halved."""
        held = self.dns.read().rrsets
        answers: dict[Ref, Answer] = {}
        due: list[tuple[Change, ZoneChange]] = []
        for change in changes:
            decided = self.decide(change, held)
            if isinstance(decided, ZoneChange):
                due.append((change, decided))
            else:
                answers[change.ref] = decided
        return {**answers, **self._send(due)}

    def _send(self, due: Sequence[tuple[Change, ZoneChange]]) -> dict[Ref, Answer]:
        if not due:
            return {}
        half = len(due) // 2
        try:
            self.dns.change([zone_change for _, zone_change in due])
        except (Conflict, Terminal) as error:
            if not half:
                return {due[0][0].ref: failed(error)}
            # One name or type alone may be refused, and a service without transactions has done some: look again.
            changes = [change for change, _ in due]
            return {**self.settle(changes[:half]), **self.settle(changes[half:])}
        except DriverError as error:
            return {change.ref: failed(error) for change, _ in due}
        return {change.ref: done(change) if sent.rrset else Done() for change, sent in due}


def wanted(change: Change, held: Held) -> Answer | ZoneChange:
    """What makes a record as wanted; Done when it is, Failed when somebody else's stands in the way."""
    spec = _spec(change)
    if refusal := _refusal(spec):
        return refusal
    want = wanted_rrset(spec, change.uid)
    have = held.get((want.name, want.type))
    if have == want:
        return done(change)
    if have is not None and have.values and have.uid != change.uid and not _adopted(change, have):
        return Failed("conflict", _whose(have), reason=Reason.ADOPTION_CONFLICT)
    if have is None or not have.values:
        beside = _beside(want, held)
        if beside:
            return beside
    return ZoneChange(want, have, change.uid)


def unwanted(change: Change, held: Held) -> Answer | ZoneChange:
    """What takes a record away; Done when ours is gone, Failed when what stands there carries no mark of ours."""
    spec = _spec(change)
    have = held.get((spec.fqdn, spec.type))
    if have is None or (have.uid and have.uid != change.uid):
        return Done()
    if have.uid == change.uid:
        return ZoneChange(None, have, change.uid)
    return Failed("conflict", f"{_whose(have)}: left standing", reason=Reason.ADOPTION_CONFLICT)


def done(change: Change) -> Done:
    """The answer for a record that is as wanted."""
    return Done(outputs(_spec(change)))


def outputs(spec: DNSRecordSpec) -> Mapping[str, object]:
    """What others may take: ``fqdn`` without its final dot, and ``values``."""
    return {"fqdn": spec.fqdn.removesuffix("."), "values": list(spec.values or ())}


def _spec(change: Change) -> DNSRecordSpec:
    if not isinstance(change.spec, DNSRecordSpec):
        message = f"{change.ref} has the spec of another kind"
        raise TypeError(message)
    return canonical(change.spec)


def _refusal(spec: DNSRecordSpec) -> Failed | None:
    """What no name server takes: found here, so that it stops this record and not its batch."""
    if spec.values is None and spec.valuesFrom:
        source = spec.valuesFrom
        return Failed("transient", f"{source.kind} {source.name} gives no {source.output} yet")
    for value in spec.values or ():
        try:
            canonical_value(spec.type, value)
        except ValueFault as fault:
            return Failed("terminal", f"{fault}; {fault.cure}" if fault.cure else str(fault))
    if spec.type == "CNAME" and len(spec.values or ()) != 1:
        return Failed("terminal", f"a CNAME has one value, not {len(spec.values or ())}")
    return None


def _adopted(change: Change, have: RRset) -> bool:
    """Whether an unmarked record is one that was taken over on purpose, and still as it was then."""
    if have.uid or not isinstance(change.before, DNSRecordSpec):
        return False
    return as_held(change.before, have) == canonical(change.before)


def _beside(want: RRset, held: Held) -> Failed | None:
    """A CNAME where something is, or something where a CNAME is: a name server would accept it and do nothing."""
    types = _NEIGHBOURS if want.type == "CNAME" else ("CNAME",)
    there = [held[want.name, t] for t in types if t != want.type and (want.name, t) in held]
    there = [one for one in there if one.values]
    if not there:
        return None
    said = f"{want.name} holds {' and '.join(one.type for one in there)}: a CNAME stands alone at its name"
    return Failed("conflict", said, reason=None if all(one.uid for one in there) else Reason.ADOPTION_CONFLICT)


def _whose(have: RRset) -> str:
    if have.uid:
        return f"{have.name} {have.type} carries the mark of another resource ({have.uid})"
    return f"{have.name} {have.type} was made by somebody else and carries no mark of ours"
