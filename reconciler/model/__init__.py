"""The nouns: frozen values without I/O. Every stage takes some and returns others."""

from reconciler.model.account import DataAccount, Flow, QuotaAccount, RuleAccount, StorageAccount
from reconciler.model.availability import Gap, ProbeRecord, ProbeState, ProbeStatus, StatusChange
from reconciler.model.bookkeeping import BookKeeping
from reconciler.model.condition import Condition, ConditionType, Report
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.graph import Choice, Graph, Ranked
from reconciler.model.history import Event, Lease, Permit, Run, TargetRecord, Unsettled
from reconciler.model.inventory import Inventory, meta_digest, uid_of
from reconciler.model.observed import (
    Absent,
    Details,
    Entry,
    Observation,
    Observed,
    Present,
    Reading,
    Stray,
    TargetState,
    Unknown,
    Wanted,
)
from reconciler.model.outcome import Answer, Change, Done, Failed, Operation, Outcome, Progress, Started, went_wrong
from reconciler.model.past import Create, History, Past, Standing, Standings, checked
from reconciler.model.placing import PlacePolicy, Weights
from reconciler.model.plan import BLOCKS, HELD, POSTPONED, WRITES, Action, FieldChange, Plan, Reason, Verb
from reconciler.model.policy import Approval, Limit, Pause, Policy, Timing
from reconciler.model.ref import Ref
from reconciler.model.resource import PLAIN, DeletionPolicy, Edge, Gate, Lifecycle, Location, Mode, Resource
from reconciler.model.resources import Resources
from reconciler.model.revision import Blobs, Revision
from reconciler.model.secret import OpenBaoRef, SecretRef, SecretScope, SopsRef
from reconciler.model.spec import Spec, Strict, ValueFrom, digest_of, encode
from reconciler.model.stage import Stage, StageName
from reconciler.model.target import Target
from reconciler.model.usage import UsageRecord
from reconciler.model.who import Proof, Who

__all__ = [
    "BLOCKS",
    "HELD",
    "PLAIN",
    "POSTPONED",
    "WRITES",
    "Absent",
    "Action",
    "Answer",
    "Approval",
    "Blobs",
    "BookKeeping",
    "Change",
    "Choice",
    "Condition",
    "ConditionType",
    "Create",
    "DataAccount",
    "DeletionPolicy",
    "Details",
    "Diagnostic",
    "Done",
    "Edge",
    "Entry",
    "Event",
    "Failed",
    "FieldChange",
    "Flow",
    "Gap",
    "Gate",
    "Graph",
    "History",
    "Inventory",
    "Lease",
    "Lifecycle",
    "Limit",
    "Location",
    "Mode",
    "Observation",
    "Observed",
    "OpenBaoRef",
    "Operation",
    "Outcome",
    "Past",
    "Pause",
    "Permit",
    "PlacePolicy",
    "Plan",
    "Policy",
    "Present",
    "ProbeRecord",
    "ProbeState",
    "ProbeStatus",
    "Progress",
    "Proof",
    "QuotaAccount",
    "Ranked",
    "Reading",
    "Reason",
    "Ref",
    "Report",
    "Resource",
    "Resources",
    "Revision",
    "RuleAccount",
    "Run",
    "SecretRef",
    "SecretScope",
    "Severity",
    "SopsRef",
    "Spec",
    "Stage",
    "StageName",
    "Standing",
    "Standings",
    "Started",
    "StatusChange",
    "StorageAccount",
    "Stray",
    "Strict",
    "Target",
    "TargetRecord",
    "TargetState",
    "Timing",
    "Unknown",
    "Unsettled",
    "UsageRecord",
    "ValueFrom",
    "Verb",
    "Wanted",
    "Weights",
    "Who",
    "checked",
    "digest_of",
    "encode",
    "meta_digest",
    "uid_of",
    "went_wrong",
]
