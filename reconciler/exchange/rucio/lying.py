"""Where a Rucio has all of a dataset already, and by which naming its files lie there: what need not be copied.

What Rucio's own naming computes is compared with the URL that it gives for each file: a storage that names its files
otherwise (by a policy package's algorithm, say) is told of, and not guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from reconciler.kinds.replica import Lies
from reconciler.kinds.replica.naming import Layout
from reconciler.kinds.replica.spec import folder_of
from reconciler.ports import KeptReplica, KeptStorage

_GOOD = "AVAILABLE"


def whole_at(replicas: Sequence[KeptReplica], storage: str) -> bool:
    """Whether a storage has a good copy of every file."""
    return bool(replicas) and all(replica.states.get(storage) == _GOOD for replica in replicas)


def lies_at(dataset: str, replicas: Sequence[KeptReplica], storage: KeptStorage) -> Lies | None:
    """How the files of ``scope:name`` are named at a storage; None where no naming fits all of their URLs."""
    paths = [_below(storage.url, replica.urls.get(storage.name, "")) for replica in replicas]
    names = [replica.name.strip("/") for replica in replicas]
    before = _before(paths, names, Layout.rucio(dataset).at)
    if before is not None:
        return _made(before, "rucio")
    folder = _before(paths, names, str)
    if folder == folder_of(dataset):
        return Lies()
    return _made(folder, "plain") if folder else None


def entry(site: str, storage: str, lies: Lies) -> dict[str, Any]:
    """An entry of ``copies`` in a Dataset's manifest."""
    path = {"path": lies.path} if lies.path else {}
    return {"site": site, "storage": storage, **path, "naming": lies.naming}


def _made(path: str, naming: str) -> Lies | None:
    try:
        return Lies.model_validate({"path": path or None, "naming": naming})
    except ValidationError:
        return None


def _below(root: str, url: str) -> str:
    """The path of a URL under that of a storage; "" where it is not below it. What one scheme calls it, others do."""
    above, path = (re.sub("/+", "/", unquote(urlsplit(one).path)).rstrip("/") for one in (root, url))
    return path[len(above) + 1 :] if path.startswith(f"{above}/") else ""


def _before(paths: Iterable[str], names: Iterable[str], named: Callable[[str], str]) -> str | None:
    """What stands before ``named(name)`` in every path; None where that is not the same, or it does not end so."""
    found = set()
    for path, name in zip(paths, map(named, names), strict=True):
        if not f"/{path}".endswith(f"/{name}"):
            return None
        found.add(path[: -len(name)].rstrip("/"))
    return found.pop() if len(found) == 1 else None
