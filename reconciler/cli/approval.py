"""An Approval manifest, written into the manifests' folder and checked before it is."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reconciler.errors import SettingsError
from reconciler.kinds import registry
from reconciler.manifest.roundtrip import dump
from reconciler.model import Ref, encode


@dataclass(frozen=True)
class Wish:
    """What is to be permitted; an empty scope list does not narrow."""

    actions: tuple[str, ...]
    kinds: tuple[str, ...]
    namespaces: tuple[str, ...]
    targets: tuple[str, ...]
    resources: tuple[str, ...]
    at_most: int
    expires: datetime
    reason: str
    by: str
    name: str


def written(repository: Path, folder: str, wish: Wish) -> tuple[Path, Path]:
    """Write the manifest; (root of the working tree, path in it). Raises SettingsError when it is not valid."""
    root = _root(repository)
    spec = _spec(wish, root)
    name = wish.name or _named(wish)
    _check(Ref.of("Approval", name), spec)
    path = Path(folder) / "approvals" / f"{name}.yaml"
    if (root / path).exists():
        raise SettingsError(f"{path} exists already: give another --name, or take it away")
    document = {"apiVersion": "hanse/v1", "kind": "Approval", "metadata": {"name": name}, "spec": spec}
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(dump(document), encoding="utf-8")
    return root, path


def _spec(wish: Wish, root: Path) -> dict[str, Any]:
    lists: dict[str, tuple[str, ...]] = {
        "actions": wish.actions or ("delete",),
        "kinds": wish.kinds,
        "namespaces": wish.namespaces,
        "targets": wish.targets,
        "resources": wish.resources,
    }
    return {
        "scope": {key: list(values) for key, values in lists.items() if values},
        "atMost": wish.at_most,
        "expires": f"{wish.expires:%Y-%m-%dT%H:%M:%SZ}",
        "reason": wish.reason,
        "by": wish.by or _identity(root),
    }


def _check(ref: Ref, spec: dict[str, Any]) -> None:
    kind = registry()["Approval"]
    if not spec["atMost"]:
        raise SettingsError("say how many it permits: --at-most N")
    try:
        typed = kind.Spec.model_validate_json(encode(spec))
    except ValidationError as error:
        said = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors(include_url=False)]
        raise SettingsError("\n".join(said)) from error
    faults = [fault for rule in kind.rules for fault in rule.check(ref, typed)]
    if faults:
        raise SettingsError("\n".join(f"{fault.message}: {fault.cure}" for fault in faults))


def _named(wish: Wish) -> str:
    """A name that says what is permitted and does not clash with that of another day."""
    first = next((v for values in (wish.resources, wish.targets, wish.namespaces, wish.kinds) for v in values), "")
    words = re.sub(r"[^a-z0-9]+", "-", f"{'-'.join(wish.actions) or 'delete'}-{first}".lower()).strip("-")
    return f"{words}-{wish.expires:%Y%m%d%H%M}"


def _root(repository: Path) -> Path:
    found = next((f for f in (repository.absolute(), *repository.absolute().parents) if (f / ".git").exists()), None)
    if found is None:
        raise SettingsError(f"{repository} has no working tree: write the Approval in a checkout of it")
    return found


def _identity(root: Path) -> str:
    """Who commits here, as git knows it; otherwise who works here."""
    from reconciler.daemon.lease import who

    asked = ["git", "-C", str(root), "config", "user.email"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        said = ""
    return said or who()
