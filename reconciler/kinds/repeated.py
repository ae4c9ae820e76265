"""A rule that many kinds have: something stands in a list once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from reconciler.kinds.base import Fault


def repeated(
    items: Iterable[Hashable], what: str, path: str, field: str = "", cure: str = "remove or rename one"
) -> Iterator[Fault]:
    """A Fault for each of ``items``, which stand at ``path[n]field``, that was there before."""
    first: dict[Hashable, int] = {}
    for n, item in enumerate(items):
        if item in first:
            parts = item if isinstance(item, tuple) else (item,)
            shown = " ".join(str(part) for part in (what and f"the {what}", *parts) if part)
            yield Fault(f"{path}[{n}]{field}", f"{shown} stands already at {path}[{first[item]}]", cure)
        first.setdefault(item, n)
