"""Commands about image lists, as AppDB gives them out: import images, export images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.exchanging import Into, come_of, exporting, importing, listed, manifests_folder
from reconciler.cli.options import Form, Output, Revision, Worktree

if TYPE_CHECKING:
    from reconciler.model import SecretRef

__all__ = ["export_images", "exporting", "import_images"]

LONGEST = 64 << 20
"""Bytes of a list that are read; more is no list."""

Vo = Annotated[str, typer.Option("--vo", metavar="VO", help="The VO that endorses the images.")]


@importing.command("images")
def import_images(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FILE|URL", help="An image list, signed (S/MIME).")],
    *,
    vo: Vo,
    trust: Annotated[
        list[Path] | None,
        typer.Option("--trust", metavar="PATH", help="PEM file, or folder of them with their CRLs; may be repeated."),
    ] = None,
    endorser: Annotated[
        str, typer.Option("--endorser", metavar="DN", help="Who must have signed it: /C=ES/O=Example/CN=Ana.")
    ] = "",
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Take it without a look at any signature; checksums still count.")
    ] = False,
    into: Into = None,
    output: Output = Form.TEXT,
) -> int:
    """Turn a signed image list into Image manifests that a VO endorses.

    The signature must be right, its certificate vouched for by --trust and not revoked, the signer the one that the
    list names, the list not expired and not older than what was taken in before: else nothing is taken. Fields that
    the list gives are written over, all others stay; what the list has dropped is withdrawn. It can be repeated.

    Example: `hanse import images vo.list --vo vo.example.org --trust /etc/grid-security/certificates`.
    """
    from reconciler.cli.house import now
    from reconciler.errors import SettingsError
    from reconciler.exchange.imagelist import SignatureFault, Trust
    from reconciler.exchange.imagelist import import_images as take_in
    from reconciler.kinds.vo.group import vo_name

    if not trust and not unverified:
        raise SettingsError("whom to trust is not said: give --trust, or --unverified to look at no signature")
    try:
        trusted = None if unverified else Trust.of(trust or ())
    except SignatureFault as fault:
        raise SettingsError(str(fault)) from fault
    folder = into or manifests_folder(context)
    report = take_in(read_source(source), source, folder, vo=vo_name(vo), trust=trusted, now=now(), endorser=endorser)
    if output is Form.JSON:
        console.data(report)
        return 0 if report.complete else 1
    listed("could not be taken in", report.problems)
    listed("odd, taken in as it is", report.findings)
    listed("no longer in the list, withdrawn", report.withdrawn)
    signed = f", signed by {report.endorser}" if report.endorser else ", with no signature looked at"
    console.say(f"{report.images} images endorsed for {vo_name(vo)}{signed if report.images else ''}")
    return come_of(report.created, report.changed, complete=report.complete)


@exporting.command("images")
def export_images(
    context: typer.Context,
    *,
    vo: Vo,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", metavar="FILE", help="Of the endorser, PEM, with its chain.")
    ] = None,
    key: Annotated[
        str, typer.Option("--key", metavar="REFERENCE", help="Its key, PEM: env:NAME or file:PATH. Signs the list.")
    ] = "",
    into: Annotated[Path | None, typer.Option("--into", metavar="FILE", help="Write there, not to stdout.")] = None,
    revision: Revision = "",
    worktree: Worktree = False,
) -> int:
    """Write the images that a VO endorses as an image list, for sites that take them with other tools.

    Images that have expired or are withdrawn are left out. With --certificate and --key the list is signed.

    Example: `hanse export images --vo vo.example.org --certificate ana.pem --key file:ana.key --into vo.list`.
    """
    from reconciler.cli.house import declared_with, now, settings_of
    from reconciler.errors import SettingsError
    from reconciler.exchange.imagelist import SignatureFault, Signer, image_list, sign
    from reconciler.exchange.imagelist.exporter import endorsed
    from reconciler.exchange.imagelist.signed import endorser
    from reconciler.kinds.vo.group import vo_name
    from reconciler.wiring import Wired

    if bool(key) != bool(certificate):
        raise SettingsError("a signature needs both --certificate and --key")
    settings, name = settings_of(context.obj), vo_name(vo)
    images = endorsed(declared_with(settings, "VO", name, revision, worktree=worktree), name, now())
    if not images:
        console.note(f"{name} endorses no image that is offered now")
    try:
        pem = certificate.read_bytes() if certificate else b""
        signer = endorser(pem) if certificate else Signer("", "")
        made = image_list(name, images, now(), signer, "hanse")
        if certificate:
            made = sign(made, pem, Wired(settings).secret(_reference(key)).encode())
    except (SignatureFault, OSError) as fault:
        raise SettingsError(str(fault)) from fault
    if into is None:
        console.say(made.decode().rstrip("\n"))
    else:
        into.write_bytes(made)
        console.say(f"wrote {into}: {len(images)} images{', signed by ' + signer.subject if certificate else ''}")
    return 0


def _reference(text: str) -> SecretRef:
    from reconciler.errors import SettingsError
    from reconciler.model import SecretRef

    where, colon, name = text.partition(":")
    if not colon or not name or where not in ("env", "file"):
        raise SettingsError("--key says where the key is, env:NAME or file:PATH, and is never the key itself")
    return SecretRef(env=name) if where == "env" else SecretRef(file=name)


def read_source(source: str, what: str = "an image list") -> bytes:
    """What stands in a file, or is served over http(s)."""
    from reconciler.drivers.fetch import pieces
    from reconciler.errors import DriverError, SettingsError
    from reconciler.ports import Source

    if not source.startswith(("http://", "https://")):
        try:
            return Path(source).read_bytes()
        except OSError as error:
            raise SettingsError(f"{source} cannot be read: {error.strerror or error}") from error
    content = b""
    try:
        with pieces(Source(source)) as found:
            for piece in found:
                content += piece
                if len(content) > LONGEST:
                    raise SettingsError(f"{source} is too long to be {what}")
    except DriverError as error:
        raise SettingsError(str(error)) from error
    return content
