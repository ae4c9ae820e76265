"""DNSRecord: a name in one of the federation's zones, kept by whichever name server the zone lives on."""

from reconciler.kinds.dnsrecord.kind import DNSRecordKind
from reconciler.kinds.dnsrecord.rules import conflicts
from reconciler.kinds.dnsrecord.spec import DNSRecordSpec, RecordType

KIND = DNSRecordKind()

__all__ = ["KIND", "DNSRecordKind", "DNSRecordSpec", "RecordType", "conflicts"]
