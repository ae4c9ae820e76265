"""The account of a plan's data as JSON data, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from reconciler.model import DataAccount, Flow, QuotaAccount, Ref, RuleAccount, StorageAccount


def data(account: DataAccount) -> dict[str, Any]:
    """Bytes and seconds as numbers, costs in the federation's own unit."""
    return {
        "files": account.files,
        "bytes": account.bytes,
        "gone_files": account.gone_files,
        "gone_bytes": account.gone_bytes,
        "seconds": account.seconds,
        "cost": account.cost,
        "monthly": account.monthly,
        "rules": [asdict(rule) for rule in account.rules],
        "flows": [asdict(flow) for flow in account.flows],
        "storages": [asdict(one) for one in account.storages],
        "unreachable": [{"ref": ref, "reason": why} for ref, why in account.unreachable],
        "last": [{"ref": ref, "reason": why} for ref, why in account.last],
    }


def read(found: Mapping[str, Any]) -> DataAccount:
    """The account that ``data`` wrote."""
    storages = ({**one, "quotas": tuple(QuotaAccount(**q) for q in one["quotas"])} for one in found["storages"])
    return DataAccount(
        rules=tuple(RuleAccount(**{**rule, "ref": Ref(rule["ref"])}) for rule in found["rules"]),
        flows=tuple(Flow(**flow) for flow in found["flows"]),
        storages=tuple(StorageAccount(**one) for one in storages),
        unreachable=tuple((Ref(one["ref"]), one["reason"]) for one in found["unreachable"]),
        last=tuple((Ref(one["ref"]), one["reason"]) for one in found["last"]),
        gone_files=found["gone_files"],
        gone_bytes=found["gone_bytes"],
        seconds=found["seconds"],
        cost=found["cost"],
        monthly=found["monthly"],
    )
