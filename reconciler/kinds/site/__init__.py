"""Site: a resource centre, its services, clouds, storages and batch systems.

Hanse keeps what GOCDB holds about a site in its own register (`registry:sites`); nothing at the site is changed. It is
what clusters, replicas and probes refer to: its clouds are the targets `compute:SITE/CLOUD/VO`, its storages the
targets `storage:SITE/STORAGE`. It needs the VOs that it gives a share to.
"""

from reconciler.kinds.site.batch import Batch, Queue
from reconciler.kinds.site.cloud import Accounting, Cloud, Network, Share
from reconciler.kinds.site.kind import SiteKind
from reconciler.kinds.site.onboarding import Onboarding
from reconciler.kinds.site.service import Endpoint, Extension, Service, ServiceExtension
from reconciler.kinds.site.shares import share_name, share_of
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
    "Onboarding",
    "Queue",
    "Service",
    "ServiceExtension",
    "Share",
    "SiteKind",
    "SiteSpec",
    "Storage",
    "share_name",
    "share_of",
]
