"""What kinds need from back ends. Drivers fill these Protocols; nothing here knows a driver."""

from reconciler.ports.batch import DRAINED_BY_US, Batch, BatchNode, BatchNodeState, Job, JobState, Queue
from reconciler.ports.catalogue import Catalogue, DarkFile, DataPolicy, File, Files, Scan, Standstill, Trouble
from reconciler.ports.check import Checker, CheckResult, CheckStatus
from reconciler.ports.compute import (
    Compute,
    Holding,
    Image,
    Limit,
    Node,
    NodeListing,
    NodeRequest,
    NodeState,
    Quota,
    Size,
)
from reconciler.ports.configure import Configure, Host, RoleSource, RunRequest, RunState
from reconciler.ports.dns import DNS, RRset, ZoneChange, ZoneReading
from reconciler.ports.drivers import Drivers
from reconciler.ports.events import Events, StorageEvent
from reconciler.ports.identity import (
    Administrator,
    ApplicationCredential,
    Census,
    Group,
    Identity,
    Project,
    Provider,
    Way,
)
from reconciler.ports.images import Appliance, ImageListing, ImageRequest, Images, ImageUpdate, StoredImage
from reconciler.ports.journal import Journal
from reconciler.ports.registry import Document, Register, Registry
from reconciler.ports.rules import KeptReplica, KeptRule, KeptStorage, RuleKeeper, Wish
from reconciler.ports.storage import Copy, Listing, Source, Space, Storage, StoredFile
from reconciler.ports.transfer import FileMove, Landing, MoveJob, Movement, Mover

__all__ = [
    "DNS",
    "DRAINED_BY_US",
    "Administrator",
    "Appliance",
    "ApplicationCredential",
    "Batch",
    "BatchNode",
    "BatchNodeState",
    "Catalogue",
    "Census",
    "CheckResult",
    "CheckStatus",
    "Checker",
    "Compute",
    "Configure",
    "Copy",
    "DarkFile",
    "DataPolicy",
    "Document",
    "Drivers",
    "Events",
    "File",
    "FileMove",
    "Files",
    "Group",
    "Holding",
    "Host",
    "Identity",
    "Image",
    "ImageListing",
    "ImageRequest",
    "ImageUpdate",
    "Images",
    "Job",
    "JobState",
    "Journal",
    "KeptReplica",
    "KeptRule",
    "KeptStorage",
    "Landing",
    "Limit",
    "Listing",
    "MoveJob",
    "Movement",
    "Mover",
    "Node",
    "NodeListing",
    "NodeRequest",
    "NodeState",
    "Project",
    "Provider",
    "Queue",
    "Quota",
    "RRset",
    "Register",
    "Registry",
    "RoleSource",
    "RuleKeeper",
    "RunRequest",
    "RunState",
    "Scan",
    "Size",
    "Source",
    "Space",
    "Standstill",
    "Storage",
    "StorageEvent",
    "StoredFile",
    "StoredImage",
    "Trouble",
    "Way",
    "Wish",
    "ZoneChange",
    "ZoneReading",
]
