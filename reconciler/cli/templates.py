"""Commands that turn templates of other orchestrators into manifests: import tosca, import radl."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.exchanging import Into, importing, listed, manifests_folder
from reconciler.cli.options import Form, Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.exchange.templates import TemplateReport, Wishes

__all__ = ["import_radl", "import_tosca", "importing"]

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Laid over one another, in this order.")]
Vo = Annotated[str, typer.Option("--vo", metavar="VO", help="The VO that the cluster belongs to.")]
Site = Annotated[str, typer.Option("--site", metavar="SITE", help="Name of a Site, or auto.")]
Name = Annotated[str, typer.Option("--name", metavar="NAME", help="Name of the cluster; the template's own.")]
Namespace = Annotated[
    str, typer.Option("--namespace", metavar="NAMESPACE", help="That of its manifests; the VO's name.")
]
Zone = Annotated[str, typer.Option("--zone", metavar="ZONE", help="DNS zone of its names; the parent of each.")]
Images = Annotated[
    list[str] | None,
    typer.Option("--image", metavar="[PATTERN=]NAME", help="What a template calls PATTERN the cloud calls NAME."),
]
Inputs = Annotated[list[str] | None, typer.Option("--input", metavar="NAME=VALUE", help="Value of a template's input.")]


@importing.command("tosca")
def import_tosca(
    context: typer.Context,
    files: Files,
    *,
    vo: Vo,
    site: Site = "auto",
    inputs: Inputs = None,
    images: Images = None,
    name: Name = "",
    namespace: Namespace = "",
    zone: Zone = "",
    into: Into = None,
    output: Output = Form.TEXT,
) -> int:
    """Turn a TOSCA template into the manifests of a VirtualCluster and its names.

    Node types of INDIGO, EC3 and EGI are known. Several files are one template: a cluster's, and those that add to it.
    Every statement that is not mapped is listed with its place and what to do; the exit code is 1 then.

    Example: `hanse import tosca slurm.yaml elastic.yaml --vo vo.tides.example.org --input max_workers=20`.
    """
    from reconciler.exchange.templates import import_tosca as take_in

    wishes = _wishes(vo, site, name, namespace, zone, images, inputs)
    return _put(context, take_in(files, wishes), into, output)


@importing.command("radl")
def import_radl(
    context: typer.Context,
    files: Files,
    *,
    vo: Vo,
    site: Site = "auto",
    images: Images = None,
    name: Name = "",
    namespace: Namespace = "",
    zone: Zone = "",
    into: Into = None,
    output: Output = Form.TEXT,
) -> int:
    """Turn RADL, in its own form or in JSON, into the manifests of a VirtualCluster and its names.

    Several files are one document, as EC3 puts its templates together. Every statement that is not mapped is listed
    with its place and what to do; the exit code is 1 then.

    Example: `hanse import radl slurm.radl images.radl --vo vo.tides.example.org --image 'ost://*=debian-12'`.
    """
    from reconciler.exchange.templates import import_radl as take_in

    return _put(context, take_in(files, _wishes(vo, site, name, namespace, zone, images, None)), into, output)


def _wishes(
    vo: str, site: str, name: str, namespace: str, zone: str, images: Sequence[str] | None, inputs: Sequence[str] | None
) -> Wishes:
    from reconciler.errors import SettingsError
    from reconciler.exchange.templates import Wishes

    named = dict((("*=" if "=" not in said else "") + said).rsplit("=", 1) for said in images or ())
    wrong = [said for said in inputs or () if "=" not in said]
    if wrong:
        raise SettingsError(f"--input {wrong[0]}: write NAME=VALUE")
    values = dict(said.split("=", 1) for said in inputs or ())
    return Wishes(vo, site, namespace, name, zone, named, values)


def _put(context: typer.Context, report: TemplateReport, into: Path | None, output: Form) -> int:
    if output is Form.JSON:
        console.data(report)
        return 0 if report.complete else 1
    listed("inputs", report.inputs)
    listed("not mapped", report.unmapped)
    listed("mapped, and a little different now", report.changed)
    listed("not needed any more", report.needless)
    listed("no manifest can be made", report.problems)
    if report.manifest:
        _write(context, report, into)
    return 0 if report.complete else 1


def _write(context: typer.Context, report: TemplateReport, into: Path | None) -> None:
    """Write the manifests; a file that says otherwise stays as it is."""
    from reconciler.errors import SettingsError

    path = (into or manifests_folder(context)) / report.folder
    console.say(f"made: {', '.join(report.resources)}")
    if path.exists() and path.read_text(encoding="utf-8") == report.manifest:
        console.note(f"{path} says this already")
        return
    if path.exists():
        raise SettingsError(f"{path} is there already and says otherwise: give --name, or take it away first")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report.manifest, encoding="utf-8")
    console.say(f"written: {path}")
    console.note("next: hanse validate --worktree, hanse plan --worktree, then commit")
