"""What a DNS record is: a name in a zone, its type, and values given here or by another resource."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from reconciler.kinds.dnsrecord.names import absolute, canonical_zone
from reconciler.kinds.dnsrecord.values import fits, from_zone, in_zone
from reconciler.model import Spec, ValueFrom
from reconciler.ports import RRset

RecordType = Literal["A", "AAAA", "CNAME", "TXT", "SRV", "CAA"]

TTL_RANGE = (60, 604_800)
"""Seconds a manifest may ask for. What others put into a zone may be outside."""


class DNSRecordSpec(Spec):
    """All records of one name and type. It is read and changed as one."""

    zone: Annotated[str, Field(min_length=1)]
    """The zone it lives in: ``fed.example.org``."""
    name: Annotated[str, Field(min_length=1)]
    """Relative to the zone (``www``), absolute (``www.fed.example.org.``), or ``@`` for the zone itself."""
    type: RecordType = "A"
    ttl: Annotated[int, Field(ge=0, lt=2**31, json_schema_extra={"minimum": TTL_RANGE[0], "maximum": TTL_RANGE[1]})] = (
        3600
    )
    """Seconds that a resolver may keep it."""
    values: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Addresses, a host name with a final dot, texts, ``10 60 443 www.example.org.``, ``0 issue "ca.example.org"``."""
    valuesFrom: ValueFrom | None = None
    """Takes the values from an output of another resource: the address of a cluster not yet built."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.values is None) == (self.valuesFrom is None):
            message = "give exactly one of values, valuesFrom"
            raise ValueError(message)
        return self

    @property
    def fqdn(self) -> str:
        """The absolute name, lower case, with its final dot."""
        return absolute(self.name, self.zone)


def canonical(spec: DNSRecordSpec) -> DNSRecordSpec:
    """Absolute lower-case names, canonical values, sorted, each once."""
    values = None if spec.values is None else tuple(sorted({from_zone(spec.type, v) for v in spec.values}))
    changed = {"zone": canonical_zone(spec.zone), "name": spec.fqdn, "values": values}
    return spec.model_copy(update=changed)


def filled(spec: DNSRecordSpec, output: Any) -> DNSRecordSpec:
    """The spec with an output for its values: of several addresses those that fit the type. The reference is gone.

    Whatever does not fit stays, so that the refusal names it; an empty output leaves the spec as it is.
    """
    given = [str(one) for one in (output if isinstance(output, list | tuple) else [output]) if one not in (None, "")]
    if not given:
        return spec
    named = [f"{one}." if spec.type == "CNAME" and not one.endswith(".") else one for one in given]
    fitting = [one for one in named if fits(spec.type, one)] or named
    return canonical(spec.model_copy(update={"values": tuple(fitting), "valuesFrom": None}))


def wanted_rrset(spec: DNSRecordSpec, uid: str) -> RRset:
    """The records as the zone shall hold them."""
    values = tuple(sorted(in_zone(spec.type, value) for value in spec.values or ()))
    return RRset(spec.fqdn, spec.type, spec.ttl, values, uid)


def as_held(spec: DNSRecordSpec, held: RRset) -> DNSRecordSpec:
    """What the zone holds, as a spec: exactly ``spec`` where the two agree."""
    values = tuple(sorted(from_zone(held.type, value) for value in held.values))
    changed = {"name": held.name, "type": held.type, "ttl": held.ttl, "values": values, "valuesFrom": None}
    return canonical(spec).model_copy(update=changed)
