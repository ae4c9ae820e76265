"""Commands that render files that sites, services and forges read: export vomses, lsc, groups, codeowners, ..."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reconciler.cli import console
from reconciler.cli.codes import DONE, FAILED, PENDING
from reconciler.cli.exchanging import exporting
from reconciler.cli.options import Form, Output, Worktree
from reconciler.cli.vocards import At, Vos, chosen_vos

if TYPE_CHECKING:
    from reconciler.exchange.rendered import Rendered

Into = Annotated[Path | None, typer.Option("-d", "--into", metavar="DIR", help="Write files there, not to stdout.")]
CheckFolder = Annotated[
    Path | None,
    typer.Option("--check", metavar="DIR", help="Write nothing; exit code 2 and a diff when the files differ."),
]
CheckFile = Annotated[
    Path | None,
    typer.Option("--check", metavar="FILE", help="Write nothing; exit code 2 and a diff when the file differs."),
]
IntoFile = Annotated[Path | None, typer.Option("-f", "--into", metavar="FILE", help="Write there, not to stdout.")]


@exporting.command("vomses")
def export_vomses(
    context: typer.Context,
    vos: Vos = None,
    *,
    into: Into = None,
    check: CheckFolder = None,
    revision: At = "",
    worktree: Worktree = False,
) -> int:
    """Write the vomses lines of VOs, by which clients find their VOMS servers: a file for each server.

    A server without port or DN is told on stderr and left out; the exit code is 1 then. So are VOs that are suspended
    or deleted, in silence.

    Example: `hanse export vomses -d /etc/vomses`.
    """
    from reconciler.exchange.rendered import vomses

    return put(vomses(chosen_vos(context, vos or (), revision, worktree=worktree)), into, check)


@exporting.command("lsc")
def export_lsc(
    context: typer.Context,
    vos: Vos = None,
    *,
    into: Into = None,
    check: CheckFolder = None,
    revision: At = "",
    worktree: Worktree = False,
) -> int:
    """Write the .lsc files of VOs, by which services know their VOMS servers: <vo>/<host>.lsc.

    Files of servers that no VO has any more are named, since they let others in; they are not deleted. A server without
    both DNs is told on stderr and left out; the exit code is 1 then.

    Example: `hanse export lsc -d /etc/grid-security/vomsdir`.
    """
    from reconciler.exchange.rendered import lsc

    only = "" if vos else "*/*.lsc"
    return put(lsc(chosen_vos(context, vos or (), revision, worktree=worktree)), into, check, only, titled=True)


@exporting.command("groups")
def export_groups(
    context: typer.Context,
    vos: Vos = None,
    *,
    output: Output = Form.TEXT,
    into: IntoFile = None,
    check: CheckFile = None,
    revision: At = "",
    worktree: Worktree = False,
) -> int:
    """Print the groups and roles of VOs, as an identity service (IAM, Check-in) is to have them.

    Each with its FQAN and, where the VO has one, its entitlement.

    Example: `hanse export groups vo.tides.example.org -o json`.
    """
    from reconciler.exchange.rendered import Rendered, groups, groups_json, groups_text

    found = groups(chosen_vos(context, vos or (), revision, worktree=worktree))
    text = groups_json(found) if output is Form.JSON else groups_text(found)
    return put_one(Rendered({"groups": text}), into, check)


@exporting.command("ssm-allowlist")
def export_ssm_allowlist(
    context: typer.Context,
    *,
    into: IntoFile = None,
    check: CheckFile = None,
    revision: At = "",
    worktree: Worktree = False,
) -> int:
    """Write the DNs that an SSM receiver takes accounting messages from: those of the sites' accounting services.

    Of certified production sites alone. A service without hostDn is told on stderr; the exit code is 1 then.

    Example: `hanse export ssm-allowlist --into /etc/apel/dns`.
    """
    from reconciler.cli.house import declared, settings_of
    from reconciler.exchange.rendered import ssm_allowlist

    settings = settings_of(context.obj)
    _, resources = declared(settings, revision or settings.source.revision, worktree=worktree)
    sites = {ref.name: one.spec for ref, one in resources.items.items() if ref.kind == "Site"}
    return put_one(ssm_allowlist(sites), into, check)


@exporting.command("keystone-mapping")
def export_keystone_mapping(
    context: typer.Context,
    site: Annotated[str, typer.Argument(metavar="SITE", help="Name of a Site.")],
    *,
    cloud: Annotated[str, typer.Option("--cloud", metavar="CLOUD", help="Of several, this one.")] = "",
    into: Into = None,
    check: CheckFolder = None,
    revision: At = "",
    worktree: Worktree = False,
) -> int:
    """Write the rules by which a site's keystone lets the members of VOs in: <cloud>.json, or one to stdout.

    For sites that look after their keystone themselves: groups are given by name and domain there. Where Hanse onboards
    VOs, they are given by id, as it has made them. VOs without an entitlement are told on stderr.

    Example: `hanse export keystone-mapping BAY-CLOUD > rules.json`;
    then `openstack mapping create --rules rules.json egi`.
    """
    from reconciler.cli.house import declared_with, records, settings_of
    from reconciler.errors import SettingsError
    from reconciler.exchange.rendered import Rendered, keystone_mapping

    resources = declared_with(settings_of(context.obj), "Site", site, revision, worktree=worktree)
    with records(context.obj) as store:
        held = [ref for ref in store.inventory.entries() if ref.kind == "Share"]
        made = keystone_mapping(site, resources, store.inventory.outputs(held))
    files = {name: text for name, text in made.files.items() if not cloud or name == f"{cloud}.json"}
    if into is None and check is None and len(files) != 1:
        known = ", ".join(name.removesuffix(".json") for name in made.files)
        raise SettingsError(
            f"the OpenStack clouds of {site} are {known or 'none'}: name one with --cloud, or give -d DIR"
        )
    return put(Rendered(files, made.untold), into, check)


@exporting.command("codeowners")
def export_codeowners(
    context: typer.Context,
    *,
    into: IntoFile = None,
    check: CheckFile = None,
    revision: At = "",
    worktree: Worktree = False,
) -> int:
    """Write the CODEOWNERS file of the repository: which manifest needs whose review, by the RoleAssignments.

    A file's owners are those who may change all that stands in it; what nobody holds a role over is the project's, and
    that is said on stderr. The exit code is 1 when something has no owner.

    Examples: `hanse export codeowners --into .github/CODEOWNERS`;
    `hanse export codeowners --check .github/CODEOWNERS --worktree`.
    """
    from reconciler.cli.house import declared, settings_of
    from reconciler.exchange.rendered import codeowners

    settings = settings_of(context.obj)
    _, resources = declared(settings, revision or settings.source.revision, worktree=worktree)
    return put_one(codeowners(resources.items, settings.source.paths), into, check)


def put(rendered: Rendered, into: Path | None, check: Path | None, only: str = "", *, titled: bool = False) -> int:
    """Print files, write them into a directory, or hold them against those in one; tell what could not be told.

    ``only`` is a pattern of files that nobody else puts there; ``titled`` prints each under its name.
    """
    from reconciler.exchange.rendered import differences, written
    from reconciler.exchange.rendered.files import left

    if check is not None:
        return _checked(list(differences(rendered, check, only=only)), rendered)
    if into is not None:
        names = written(rendered, into)
        console.say(f"{len(names)} files written, {len(rendered.files) - len(names)} unchanged")
        for name in left(rendered, into, only):
            console.note(f"{into / name} is made of no manifest any more: take it away")
    else:
        for name, text in sorted(rendered.files.items()):
            console.say(f"# {name}\n{text}" if titled else text.rstrip("\n"))
    return _told(rendered)


def put_one(rendered: Rendered, into: Path | None, check: Path | None) -> int:
    """The same for the one file that was rendered."""
    from reconciler.exchange.fedcloud.shelf import replace_file
    from reconciler.exchange.rendered import Difference
    from reconciler.exchange.rendered.files import diff_of

    (text,) = rendered.files.values()
    if check is not None:
        there = check.read_text(encoding="utf-8", errors="replace") if check.exists() else ""
        same = there == text and check.exists()
        return _checked([] if same else [Difference(str(check), diff_of(str(check), there, text))], rendered)
    if into is None:
        console.say(text.rstrip("\n"))
    else:
        replace_file(into, text)
        console.say(f"wrote {into}")
    return _told(rendered)


def _checked(found: list[Any], rendered: Rendered) -> int:
    for one in found:
        console.say(one.diff or f"{one.name} is made of no manifest any more: take it away")
    if found:
        console.note("out of date; next: the same command with --into in place of --check")
    told = _told(rendered)
    return PENDING if found else told


def _told(rendered: Rendered) -> int:
    for said in (*rendered.remarks, *rendered.untold):
        console.note(said)
    return FAILED if rendered.untold else DONE
