"""Site: a resource centre, its services, clouds, storages and batch systems."""

from reconciler.kinds.site.batch import Batch, Queue
from reconciler.kinds.site.cloud import Accounting, Cloud, Network, Share
from reconciler.kinds.site.kind import SiteKind
from reconciler.kinds.site.service import Endpoint, Extension, Service, ServiceExtension
from reconciler.kinds.site.spec import Contacts, SiteSpec
from reconciler.kinds.site.storage import Access, Availability, Limits, Storage

KIND = SiteKind()

__all__ = [
    "KIND",
    "Access",
    "Accounting",
    "Availability",
    "Batch",
    "Cloud",
    "Contacts",
    "Endpoint",
    "Extension",
    "Limits",
    "Network",
    "Queue",
    "Service",
    "ServiceExtension",
    "Share",
    "SiteKind",
    "SiteSpec",
    "Storage",
]
