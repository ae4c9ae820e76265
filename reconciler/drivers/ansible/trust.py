"""Which strings Ansible may take for templates: none of those that users write.

Ansible templates every string in a file of variables, and a template may run commands on the reconciler's machine. So
a string that could be one is passed as unsafe, to be used as it stands. The one exception is a string that is nothing
but the name of a secret's variable, which is how the requests of this port refer to secrets.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

STARTS = ("{", "#")
"""Of templates, and of the header (``#jinja2: variable_start_string:'[%'``) with which a string gives them others."""


def guarded(value: Any, secrets: Collection[str] = ()) -> Any:
    """The same data, its template-like strings marked in Ansible's JSON notation."""
    if isinstance(value, str):
        return value if _harmless(value, secrets) else {"__ansible_unsafe": value}
    if isinstance(value, Mapping):
        return {key: guarded(inner, secrets) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [guarded(inner, secrets) for inner in value]
    return value


def _harmless(value: str, secrets: Collection[str]) -> bool:
    if not any(start in value for start in STARTS):
        return True
    name = value.removeprefix("{{").removesuffix("}}").strip()
    return name in secrets and value == "{{ " + name + " }}"
