"""DNSRecord: a name in one of the federation's zones, kept by whichever name server the zone lives on.

It lives in a zone (`dns:ZONE.`), which is a zone file by default, or a name server that takes signed updates. All that
changes in a zone is sent as one message. A TXT record beside each name (`_hanse-a.www`) says that it is Hanse's; what
somebody else made is not touched, unless the manifest adopts it.

Others may take from it: `fqdn` and `values`.
"""

from reconciler.kinds.dnsrecord.kind import DNSRecordKind
from reconciler.kinds.dnsrecord.rules import conflicts
from reconciler.kinds.dnsrecord.spec import DNSRecordSpec, RecordType

KIND = DNSRecordKind()

__all__ = ["KIND", "DNSRecordKind", "DNSRecordSpec", "RecordType", "conflicts"]
