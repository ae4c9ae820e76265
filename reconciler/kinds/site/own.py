"""What of the reconciler's own machine a Site's manifest may name: nothing that belongs to the operator or the system.

Whoever may change a Site describes back ends with it. Were these options taken from there, they could have files
written anywhere on this machine, other playbooks run, or other keys used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from reconciler.kinds.base import Fault
from reconciler.kinds.site.spec import SiteSpec
from reconciler.model import Ref

OPERATORS_OWN = frozenset(
    {"ansible", "fileSources", "namespace", "playbooks", "private_key", "public_keys", "repository", "root"}
    | {"ssh_config", "state"}
)
"""Options that count only in hanse.toml."""
_SYSTEMS = tuple(
    f"/{name}" for name in ("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "root", "run", "sbin", "sys")
)
_SYSTEMS += ("/usr", "/var/lib", "/var/log", "/var/run", "/var/spool", "/var/cache", "/snap")
_ABOVE = frozenset({"/", "/home", "/var", "/srv", "/tmp", "/opt", "/mnt"})  # noqa: S108 (nothing is written there)


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a manifest, without those that are the operator's."""
    return {name: value for name, value in options.items() if name not in OPERATORS_OWN}


def own_machine(_ref: Ref, spec: SiteSpec) -> Iterator[Fault]:
    """A Fault for every option that only the operator gives, and for folders that no storage may be in."""
    described = {f"spec.clouds[{n}]": cloud.options for n, cloud in enumerate(spec.clouds)}
    described |= {f"spec.storage[{n}]": storage.options for n, storage in enumerate(spec.storage)}
    for path, options in described.items():
        for name in sorted(OPERATORS_OWN & options.keys()):
            cure = 'write it to [targets."..."] of hanse.toml'
            yield Fault(f"{path}.options.{name}", f"{name} is the operator's to give, and counts only there", cure)
    for n, storage in enumerate(spec.storage):
        for field, url in (("url", storage.url), *((f"endpoints.{w}", u) for w, u in storage.endpoints.items())):
            folder = unquote(urlsplit(url).path) if url and url.startswith("file:") else ""
            if folder and not _may_be_a_storage(folder):
                cure = 'give it to the storage as root in [targets."..."] of hanse.toml'
                yield Fault(f"spec.storage[{n}].{field}", f"{folder} is the system's, or somebody's own", cure)


def _may_be_a_storage(folder: str) -> bool:
    path = PurePosixPath(folder)
    if any(part == ".." or part.startswith(".") for part in path.parts) or str(path).startswith("//"):
        return False
    return str(path) not in _ABOVE and not any(path.is_relative_to(one) for one in _SYSTEMS)
