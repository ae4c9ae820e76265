"""A page per kind: what it is, its documented example, every field, its rules; and what all kinds have in common."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reconciler.kinds import registry
from reconciler.kinds.metadata import Metadata
from reconciler.manifest import rules
from reconciler.model import Lifecycle
from tests.reference.tables import prose, table

_COMMON = """A manifest is a YAML document. One file may hold several, and it does not matter which file holds what:

```yaml
apiVersion: hanse/v1
kind: VO
metadata:
  name: vo.example.org
lifecycle:
  mode: warn
spec:
  description: a community
```

A resource is named `Kind/name`, or `Kind/namespace/name` where the kind has namespaces. References in a manifest are
by name, in the same namespace unless another one is given (`namespace/name`)."""
_LIFECYCLE = "How a resource is handled. It stands beside `spec`, because it is not part of what the resource is."
_MORE = "`hanse schema KIND` prints the JSON Schema; [schemas/](../schemas.md) says how editors use it."


def pages() -> Iterator[tuple[str, Iterator[str]]]:
    """(path, lines) of each page."""
    yield "reference/kinds/index.md", _index()
    for kind in registry().values():
        yield f"reference/kinds/{kind.name.lower()}.md", _kind(kind)


def rules_page() -> Iterator[str]:
    """Every named rule."""
    yield from ("# Rules", "", "Rules go beyond types. `hanse rules` lists them. In `hanse.toml` a rule becomes a")
    yield from ("warning for some paths:", "", "```toml", "[rules.site-mandatory]")
    yield from ('"manifests/old/*" = "warning"', "```", "", "| id | severity | rule |", "|---|---|---|")
    yield from (f"| `{rule.id}` | {rule.severity} | {rule.text} |" for rule in rules(registry()))


def _index() -> Iterator[str]:
    yield from ("# Kinds", "", "| kind | what it is |", "|---|---|")
    for kind in registry().values():
        yield f"| [{kind.name}]({kind.name.lower()}.md) | {_about(kind)[0]} |"
    yield from ("", "## What all kinds have in common", "", _COMMON, "", _MORE, "")
    yield from ("### Fields of `metadata`", "", *table(Metadata), "")
    yield from ("### Fields of `lifecycle`", "", _LIFECYCLE, "", *table(Lifecycle))


def _kind(kind: Any) -> Iterator[str]:
    short, long = _about(kind)
    yield from (f"# {kind.name}", "", f"{short[0].upper()}{short[1:]}", "", long, "")
    space = "None: its name is unique in the federation." if kind.federation_wide else "Whose it is, a VO as a rule."
    yield from (f"Namespace: {space}", "", "## Example", "")
    example = Path(inspect.getfile(type(kind))).parent / "example.yaml"
    yield from ("```yaml", example.read_text(encoding="utf-8").rstrip(), "```", "", "## Fields of `spec`", "")
    yield from table(kind.Spec)
    if kind.immutable:
        said = ", ".join(f"`{path}`" for path in sorted(kind.immutable))
        yield from ("", f"A change of {said} replaces the resource: it is deleted first, then made anew.")
    if kind.rules:
        yield from ("", "## Rules", "", "| id | severity | rule |", "|---|---|---|")
        yield from (f"| `{r.id}` | {r.severity} | {r.text} |" for r in kind.rules)


def _about(kind: Any) -> tuple[str, str]:
    """The first sentence and the rest of what the kind's package says about itself."""
    package = importlib.import_module(type(kind).__module__.rpartition(".")[0])
    first, _, rest = prose(inspect.getdoc(package) or "").partition("\n")
    return re.sub(rf"^{kind.name}: ", "", first), rest.strip()
