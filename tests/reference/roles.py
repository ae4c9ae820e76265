"""The page of the roles that come with Hanse: what each does, and its variables, as their argument specs say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "playbooks" / "roles"
_ALWAYS = "base"
_HEAD = """What a [cluster](kinds/virtualcluster.md) runs stands under `software`: roles, in the order in which they run.

```yaml
software:
  - role: slurm
    variables: {partition: main}
```

These come with Hanse. Each may run again and again: a second run changes nothing. Variables are checked before anything
is done on a host. The role `base` runs first on every member, unasked: names, keys, and the cluster's mark in
`/etc/hanse-cluster.json`."""


def page() -> Iterator[str]:
    """The lines of the page."""
    yield from ("# Roles", "", _HEAD)
    for folder in sorted(FOLDER.iterdir()):
        if folder.name != _ALWAYS:
            yield from _role(folder)


def _role(folder: Path) -> Iterator[str]:
    main = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"][
        "main"
    ]
    yield from ("", f"## {folder.name}", "", f"{main['short_description'].rstrip('.')}.")
    for paragraph in main.get("description", ()):
        yield from ("", paragraph)
    options = main["options"]["hanse_variables"].get("options") or {}
    yield from ("", "| variable | type | default | meaning |", "|---|---|---|---|")
    for name, option in options.items():
        yield f"| `{name}` | {_type(option)} | {_default(option)} | {option['description']} |"


def _type(option: Mapping[str, Any]) -> str:
    return f"list of {option['elements']}" if option["type"] == "list" else str(option["type"])


def _default(option: Mapping[str, Any]) -> str:
    if option.get("required"):
        return "**required**"
    value = option.get("default")
    return "" if value in (None, "", [], {}) else f"`{str(value).lower() if isinstance(value, bool) else value}`"
