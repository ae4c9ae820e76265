"""What a plan means for data, line by line: copies, bytes from where to where, room, time and cost."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model import DataAccount, Flow, RuleAccount, StorageAccount
from reconciler.model.amounts import duration, size
from reconciler.plan.render.words import Style

_CENT = 0.005
"""Costs below this are not worth a word."""


def lines(account: DataAccount | None, style: Style) -> Iterator[str]:
    """The section of a plan as text; nothing when no data is concerned."""
    if account is None:
        return
    yield style("heading", "Data")
    yield from (f"    {line}" for line in told(account, style))


def told(account: DataAccount, style: Style) -> Iterator[str]:
    """Rules, ways, storages, what cannot be read, and the sum. Last copies stand under what is blocked."""
    for rule in account.rules:
        yield f"{rule.ref}  {_rule(rule)}"
        if rule.refused:
            yield style("drift", f"    refused: {rule.refused}")
    yield from (_flow(flow) for flow in account.flows)
    yield from (style("quiet", _storage(storage)) for storage in account.storages)
    yield from (style("drift", f"unreachable: {ref}: {why}") for ref, why in account.unreachable)
    yield f"in all {total(account)}"


def total(account: DataAccount) -> str:
    """``2 files, 300.0 MB to copy; about 3 s; costs 0.01 to read, 0.02 more a month to keep``."""
    said = [f"{_files(account.files)}, {size(account.bytes)} to copy"]
    if account.gone_files:
        said.append(f"{_files(account.gone_files)}, {size(account.gone_bytes)} to take away")
    if account.bytes:
        said.append(f"about {duration(account.seconds)}")
    if max(account.cost, abs(account.monthly)) >= _CENT:
        more = f"{abs(account.monthly):.2f} {'more' if account.monthly >= 0 else 'less'} a month to keep"
        said.append(f"costs {account.cost:.2f} to read, {more}")
    return "; ".join(said)


def _rule(rule: RuleAccount) -> str:
    counts = (
        (rule.kept, "kept"),
        (rule.made, "made or mended"),
        (rule.released, "released"),
        (rule.protected, "protected"),
    )
    said = ", ".join(f"{count} {what}" for count, what in counts if count) or "none made"
    copies = {0: "ends: no copy", 1: "1 copy"}.get(rule.copies, f"{rule.copies} copies")
    return f"{copies} of {rule.data} ({_files(rule.files)}, {size(rule.bytes)}): {said}"


def _flow(flow: Flow) -> str:
    cost = f", costs {flow.cost:.2f}" if flow.cost >= _CENT else ""
    about = f", about {duration(flow.seconds)}"
    return f"{flow.source} -> {flow.target}  {_files(flow.files)}, {size(flow.bytes)}{about}{cost}"


def _storage(storage: StorageAccount) -> str:
    free, after = storage.free, storage.free_after
    room = f", {size(free)} free, then {_left(after)}" if free is not None and after is not None else ""
    quotas = [f"{q.vo} {size(q.before)} -> {size(q.after)}{_of(q.most)}" for q in storage.quotas]
    return "; ".join([f"{storage.storage}  {size(storage.used)} used{room}", *quotas])


def _left(after: int) -> str:
    return size(after) if after >= 0 else f"{size(-after)} too little"


def _of(most: int | None) -> str:
    return f" of {size(most)}" if most is not None else ""


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"
