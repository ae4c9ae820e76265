"""Commands that send accounting: export ams."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.exchanging import exporting

if TYPE_CHECKING:
    from reconciler.drivers.ams import AMS


@exporting.command("ams")
def export_ams(
    context: typer.Context,
    *,
    source: Annotated[Path, typer.Option("--from", metavar="DIR", help="Queues that hanse export apel has filled.")],
    url: Annotated[str, typer.Option("--url", metavar="URL", help="Of the messaging service.")],
    project: Annotated[str, typer.Option("--project", metavar="NAME", help="Project there.")] = "accounting",
    token_file: Annotated[
        str, typer.Option("--token-file", metavar="FILE", help="Holds the access key.", show_default=False)
    ] = "",
    token_env: Annotated[
        str, typer.Option("--token-env", metavar="NAME", help="Variable that holds it.", show_default=False)
    ] = "",
    empaid: Annotated[str, typer.Option("--empaid", metavar="ID", help="Told with each message.")] = "noid",
    ca: Annotated[
        str, typer.Option("--ca", metavar="FILE", help="Authorities that are trusted.", show_default=False)
    ] = "",
) -> int:
    """Publish the signed messages of queues to ARGO's messaging service, in place of SSM.

    What was taken leaves its queue; what was not stays, and is said; the exit code is 1 then. Unsigned messages stay.

    Example: `hanse export ams --from out --url https://msg.example.org --token-file /etc/hanse/ams`.
    """
    from reconciler.cli.house import settings_of
    from reconciler.drivers.ams import AMS
    from reconciler.errors import DriverError
    from reconciler.exchange.apel.queue import elements
    from reconciler.model import SecretRef
    from reconciler.wiring import Wired

    if bool(token_file) is bool(token_env):
        raise typer.BadParameter("give one of --token-file and --token-env")
    secret, drivers = SecretRef(env=token_env or None, file=token_file or None), Wired(settings_of(context.obj))
    service = AMS(url, project, lambda: drivers.secret(secret), ca)
    topics = sorted(path for path in source.iterdir() if path.is_dir() and path.name != "rejected")
    sent, faults = 0, []
    for element in (element for topic in topics for element in elements(topic)):
        try:
            sent += _published(service, element, empaid)
        except DriverError as error:
            faults.append(f"{element}: {error}")
    console.say(f"{sent} messages published")
    for fault in faults:
        console.note(fault)
    return 1 if faults else 0


def _published(service: AMS, element: Path, empaid: str) -> bool:
    """Whether it was; not when somebody else has it in hand."""
    from reconciler.exchange.apel.queue import taken

    with taken(element) as content:
        if content is None:
            return False
        _signed(element, content)
        service.publish(element.parents[1].name, content, {"empaid": empaid})
        return True


def _signed(element: Path, content: bytes) -> None:
    from reconciler.errors import Terminal

    if not content.startswith(b"MIME-Version:"):
        raise Terminal(f"{element.name} is not signed: hanse export apel --certificate --key signs")
