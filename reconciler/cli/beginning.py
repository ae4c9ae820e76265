"""Commands to begin with, and to see how things are set: init, config, schema, rules, version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import console
from reconciler.cli.options import Form, Output


def init(
    context: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Where; here when left out.", show_default=False)
    ] = None,
) -> int:
    """Begin: hanse.toml, a small example in manifests/, and git where there is none. Overwrites nothing.

    Examples: `hanse init`; `hanse init my-federation`.
    """
    from reconciler.cli.start import begin

    place = context.obj.root if directory is None else context.obj.root / directory
    for line in begin(place):
        console.say(line)
    where = "" if directory is None else f" -C {directory}"
    console.note(f"next: hanse{where} plan --worktree shows what it means; commit it, then hanse{where} apply")
    return 0


def config(context: typer.Context, *, output: Output = Form.TEXT) -> int:
    """Show every setting that is in force, and where it came from. Secrets are masked.

    Example: `HANSE_RUN__INTERVAL_SECONDS=30 hanse config`.
    """
    from reconciler.cli.effective import effective
    from reconciler.cli.house import environment, settings_of

    place = context.obj
    rows = effective(settings_of(place), place.root, environment(), place.config)
    if output is Form.JSON:
        console.data({name: {"value": value, "from": source} for name, value, source in rows})
        return 0
    lines = [(name, _plain(value), source) for name, value, source in rows]
    roles = [("", "", "quiet" if source == "default" else "good") for _, _, source in rows]
    console.say(console.table(("SETTING", "VALUE", "FROM"), lines, roles))
    return 0


def _plain(value: object) -> str:
    import orjson

    return value if isinstance(value, str) else orjson.dumps(value).decode()


def schema(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="A kind; every kind when left out.", show_default=False)
    ] = "",
    *,
    write: Annotated[
        Path | None, typer.Option("--write", metavar="DIR", help="Write every schema into DIR.", show_default=False)
    ] = None,
) -> int:
    """Print the JSON Schema of manifests, for editors and for check-jsonschema.

    Examples: `hanse schema DNSRecord`; `hanse schema --write schemas`.
    """
    from difflib import get_close_matches

    from reconciler.errors import SettingsError
    from reconciler.kinds import registry
    from reconciler.kinds import schema as schemas

    kinds = registry()
    if write is not None:
        for path in schemas.write(write):
            console.say(f"wrote {path}")
        return 0
    named = {name.lower(): found for name, found in kinds.items()}
    if kind and kind.lower() not in named:
        close = get_close_matches(kind.lower(), named, n=1)
        hint = f"did you mean {named[close[0]].name}?" if close else f"there are {', '.join(kinds)}"
        raise SettingsError(f"there is no kind {kind}: {hint}")
    console.data(schemas.of(named[kind.lower()]) if kind else schemas.of_all(kinds))
    return 0


def rules(*, output: Output = Form.TEXT) -> int:
    """List the rules that manifests must keep beyond their types.

    The table of a rule in hanse.toml makes it a warning for some paths: "manifests/old/*" = "warning".
    """
    from reconciler import manifest
    from reconciler.kinds import registry

    found = manifest.rules(registry())
    if output is Form.JSON:
        console.data([{"id": rule.id, "severity": rule.severity, "text": rule.text} for rule in found])
        return 0
    console.say(console.table(("RULE", "SEVERITY", ""), [(rule.id, rule.severity, rule.text) for rule in found]))
    return 0


def version(*, output: Output = Form.TEXT) -> int:
    """Say which version this is."""
    from reconciler import SCHEMA_VERSION, __version__

    if output is Form.JSON:
        console.data({"version": __version__, "manifests": SCHEMA_VERSION, "plans": "hanse.plan/v1"})
    else:
        console.say(f"hanse {__version__}")
    return 0
