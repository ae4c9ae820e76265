"""What must hold for a DNS record beyond the types of its fields, alone and beside all others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import orjson

from reconciler.kinds.base import Fault, Rule, between
from reconciler.kinds.dnsrecord.names import MAX_NAME, absolute, canonical_name, canonical_zone, name_fault
from reconciler.kinds.dnsrecord.spec import TTL_RANGE, DNSRecordSpec
from reconciler.kinds.dnsrecord.values import ValueFault, canonical_value
from reconciler.model import Ref, Resource

MAX_VALUES = 100
"""Records of one name and type; name servers refuse more (BIND's max-records-per-type)."""


def _zone(_ref: Ref, spec: DNSRecordSpec) -> Iterator[Fault]:
    yield from _name_faults("spec.zone", spec.zone, canonical_zone(spec.zone))


def _name(_ref: Ref, spec: DNSRecordSpec) -> Iterator[Fault]:
    yield from _name_faults("spec.name", spec.name, spec.fqdn, wildcard=True)


def _name_faults(path: str, written: str, name: str, *, wildcard: bool = False) -> Iterator[Fault]:
    try:
        canonical_name(written)
    except ValueError as error:
        yield Fault(path, str(error))
        return
    fault = name_fault(name, wildcard=wildcard)
    if fault:
        yield Fault(path, f"{written!r} is not a name: {fault}")


def _within(_ref: Ref, spec: DNSRecordSpec) -> Iterator[Fault]:
    zone, name = canonical_zone(spec.zone), spec.fqdn
    if name != zone and not name.endswith(f".{zone}"):
        cure = f"leave out the final dot, or name the zone that holds {name}"
        yield Fault("spec.name", f"{name} is not in the zone {zone}", cure)
    elif name.endswith(f".{zone}{zone}") or name == f"{zone}{zone}":
        cure = f"write {absolute(spec.name + '.', zone)} with its final dot, or the part before the zone"
        yield Fault("spec.name", f"a name without final dot is relative: this one is {name}", cure)


def _mark(_ref: Ref, spec: DNSRecordSpec) -> Iterator[Fault]:
    room = MAX_NAME - len(f"_hanse-{spec.type}.")
    if len(spec.fqdn) - 1 > room:
        yield Fault("spec.name", f"{len(spec.fqdn) - 1} octets: the ownership mark leaves room for {room}")
    if spec.fqdn.startswith("_hanse-"):
        yield Fault("spec.name", "names that begin with _hanse- are kept for ownership marks", "choose another name")


def _ttl(_ref: Ref, spec: DNSRecordSpec) -> Iterator[Fault]:
    least, most = TTL_RANGE
    if not least <= spec.ttl <= most:
        yield Fault("spec.ttl", f"{spec.ttl} is not between {least} and {most} seconds", "3600 is an hour")


def _values(_ref: Ref, spec: DNSRecordSpec) -> Iterator[Fault]:
    for n, value in enumerate(spec.values or ()):
        try:
            canonical_value(spec.type, value)
        except ValueFault as fault:
            yield Fault(f"spec.values[{n}]", str(fault), fault.cure)


def _many(_ref: Ref, spec: DNSRecordSpec) -> Iterator[Fault]:
    count = len(spec.values or ())
    if spec.type == "CNAME" and count > 1:
        yield Fault("spec.values", f"a CNAME has one value, not {count}", "give one, or use addresses")
    if count > MAX_VALUES:
        yield Fault("spec.values", f"{count} values: name servers take at most {MAX_VALUES}")


def _apex(_ref: Ref, spec: DNSRecordSpec) -> Iterator[Fault]:
    if spec.type == "CNAME" and spec.fqdn == canonical_zone(spec.zone):
        cure = "use A and AAAA records there"
        yield Fault("spec.type", "the zone's own name holds its SOA and NS records and cannot be a CNAME", cure)


def _service(_ref: Ref, spec: DNSRecordSpec) -> Iterator[Fault]:
    labels = spec.fqdn.split(".")
    if spec.type == "SRV" and not all(label.startswith("_") for label in labels[:2]):
        yield Fault("spec.name", "clients look for SRV records under _service._protocol", "for instance _https._tcp")


RULES = (
    Rule("dns-zone", "A zone is a domain name (RFC 1035 section 2.3.4).", _zone),
    Rule("dns-name", "A name has labels of at most 63 octets; * stands only at its beginning (RFC 4592).", _name),
    Rule("dns-in-zone", "A record's name is in its zone, and does not repeat it by mistake.", _within),
    Rule("dns-mark", "A name leaves room for its ownership mark, and is none.", _mark),
    Rule("dns-ttl", "A TTL is between a minute and a week.", _ttl),
    Rule("dns-value", "A value can be a record of its type.", _values),
    Rule("dns-count", "A CNAME has one value, and no name has more than name servers take.", _many),
    Rule("dns-cname-apex", "The zone's own name is no CNAME (RFC 1912 section 2.4).", _apex),
    Rule("dns-declared-once", "A name and type is declared by one manifest.", between),
    Rule("dns-cname-alone", "A CNAME stands alone at its name (RFC 1034 section 3.6.2).", between),
    Rule("dns-delegated", "What a VO was given of the name space holds names of its namespaces alone.", between),
    Rule("dns-wildcard", "A wildcard stands only where a VO's zones allow it.", between),
    Rule("dns-srv-name", "An SRV record is called _service._protocol (RFC 2782).", _service, "warning"),
)


def conflicts(resources: Mapping[Ref, Resource]) -> Iterator[tuple[Ref, Fault]]:
    """Faults between records: one name and type declared twice, a CNAME that is not alone at its name."""
    at: dict[str, dict[str, list[Ref]]] = defaultdict(lambda: defaultdict(list))
    for ref, resource in resources.items():
        if ref.startswith("DNSRecord/"):
            said = orjson.loads(
                resource.content
            )  # canonical already: decoding a zone's specs would cost ten times more
            at[said["name"]][said["type"]].append(ref)
    for name, types in sorted(at.items()):
        for rdtype, refs in types.items():
            first, *others = sorted(refs)
            for ref in others:
                yield (
                    ref,
                    Fault("spec.name", f"{name} {rdtype} is declared by {first} already", "put the values together"),
                )
        if "CNAME" in types and len(types) > 1:
            other = min(ref for rdtype, refs in types.items() if rdtype != "CNAME" for ref in refs)
            for ref in sorted(types["CNAME"]):
                message = f"{name} is a CNAME here and holds the records of {other} as well"
                yield ref, Fault("spec.type", message, "a CNAME stands alone at its name (RFC 1034 section 3.6.2)")
