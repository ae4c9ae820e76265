"""The tables, as SQLModel classes. They say what the schema is; reading and writing is done in Core, for speed."""

from reconciler.records.tables.accounting import MachineSpanRow, MachineTrafficRow, UsageRow
from reconciler.records.tables.base import Base, table
from reconciler.records.tables.data import (
    BlockRow,
    DarkRow,
    DataRuleRow,
    FilesetRow,
    HoldRow,
    LockRow,
    LockState,
    ReplicaRow,
    ScanRow,
)
from reconciler.records.tables.inventory import ConditionRow, DetailsRow, InventoryRow, TargetRow
from reconciler.records.tables.monitoring import (
    ProbeGapRow,
    ProbeResultRow,
    ProbeStateRow,
    StatusChangeRow,
    UptimeDayRow,
    UptimeRow,
)
from reconciler.records.tables.people import ApiTokenRow, ConsentRow, LoginRow, PauseRow, PermitRow, SessionRow
from reconciler.records.tables.registers import DocumentRow, RegisterRow
from reconciler.records.tables.runs import EventRow, LeaseRow, OperationRow, RunRow
from reconciler.records.tables.source import AcceptanceRow, DeliveryRow, HeadRow
from reconciler.records.tables.telling import DeliveredRow, NoticeRow, TicketRow

__all__ = [
    "AcceptanceRow",
    "ApiTokenRow",
    "Base",
    "BlockRow",
    "ConditionRow",
    "ConsentRow",
    "DarkRow",
    "DataRuleRow",
    "DeliveredRow",
    "DeliveryRow",
    "DetailsRow",
    "DocumentRow",
    "EventRow",
    "FilesetRow",
    "HeadRow",
    "HoldRow",
    "InventoryRow",
    "LeaseRow",
    "LockRow",
    "LockState",
    "LoginRow",
    "MachineSpanRow",
    "MachineTrafficRow",
    "NoticeRow",
    "OperationRow",
    "PauseRow",
    "PermitRow",
    "ProbeGapRow",
    "ProbeResultRow",
    "ProbeStateRow",
    "RegisterRow",
    "ReplicaRow",
    "RunRow",
    "ScanRow",
    "SessionRow",
    "StatusChangeRow",
    "TargetRow",
    "TicketRow",
    "UptimeDayRow",
    "UptimeRow",
    "UsageRow",
    "table",
]
