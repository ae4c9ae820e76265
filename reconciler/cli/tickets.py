"""Commands of tickets: what asks for one, how those stand that were sent, and sending."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.ola import USUAL, Month, evaluations
from reconciler.cli.options import Form, Output, Place
from reconciler.cli.uptime import ReportName, asking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from reconciler.model.ticket import TicketRecord
    from reconciler.ola import Draft
    from reconciler.ola.sending import Desk
    from reconciler.records.store import Store

ticketing = typer.Typer(name="tickets", help="Ticket drafts from agreements and alarms, and those that were sent.")


@ticketing.callback(invoke_without_command=True)
def _tickets(context: typer.Context) -> None:
    """Ticket drafts from agreements and alarms, and those that were sent. Alone it lists them."""
    if context.invoked_subcommand is None:
        raise typer.Exit(_listed(context.obj, "", "", Form.TEXT))


@ticketing.command("list")
def list_(context: typer.Context, *, report: ReportName = "", month: Month = "", output: Output = Form.TEXT) -> int:
    """List what asks for a ticket, and the tickets that were sent: state, age, and the step of the escalation.

    Ages and steps are working days: weekends do not count. Nothing is sent, and nothing is asked of the helpdesk.

    Examples: `hanse tickets`; `hanse tickets list --month 2026-10 -o json`.
    """
    return _listed(context.obj, report, month, output)


def _listed(place: Place, report: str, month: str, output: Form) -> int:
    from reconciler.cli.house import now, records

    wanted = all_drafts(place, report, month)
    with records(place) as store:
        lines = _lines(wanted, store.tickets.list(), now())
    if output is Form.JSON:
        console.data(lines)
    else:
        console.say(_table(lines) if lines else "nothing asks for a ticket, and none was sent")
    return 0


@ticketing.command("show")
def show(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="As hanse tickets lists it.")],
    *,
    report: ReportName = "",
    month: Month = "",
) -> int:
    """Show a draft as it would be sent.

    Example: `hanse tickets show NORTH/three-misses/2026-10 --month 2026-10`.
    """
    draft = _one(all_drafts(context.obj, report, month), key)
    head = [draft.full_title, f"Priority: {draft.priority}; NGI: {draft.ngi or '-'}"]
    console.say("\n".join([console.style("heading", head[0]), *head[1:], "", draft.body]))
    return 0


@ticketing.command("send")
def send_(
    context: typer.Context,
    keys: Annotated[list[str] | None, typer.Argument(metavar="[KEY]...", help="Only these.")] = None,
    *,
    report: ReportName = "",
    month: Month = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, on a terminal either.")] = False,
) -> int:
    """Send the drafts that are due to the helpdesk, each once, and tell the next step in tickets that wait too long.

    Needs [tickets] in hanse.toml. A ticket that is there already is found by the mark in its title and not made again.
    Alarms become due when the site has had its working day. Exit code 1 where something could not be sent.

    Examples: `hanse tickets send`; `hanse tickets send NORTH/three-misses/2026-10 --yes`.
    """
    from reconciler.cli.house import now, records
    from reconciler.model.ticket import SENDING
    from reconciler.ola.sending import look

    desk, rules = _desk(context.obj)
    drafts = all_drafts(context.obj, report, month)
    chosen = [_one(drafts, key) for key in keys] if keys else [one for one in drafts if one.rule in rules]
    faults = 0
    with records(context.obj, write=True) as store:
        for record in store.tickets.list():
            if record.is_open and record.ticket:
                faults += _tried(record.key, partial(look, store.tickets, desk.helpdesk, record, now()))
        known = store.tickets.list()
        due = [one for one in chosen if _state(one, known, now()) in ("draft", SENDING)]
        if due and not yes and console.attended():
            console.say(_table(_lines(due, (), now())))
            typer.confirm(f"Send {len(due)} tickets?", abort=True)
        for draft in due:
            faults += _tried(draft.key, partial(_send, store, desk, draft))
        faults += _escalated(store, desk)
    if not due:
        console.say("no ticket is due")
    return 1 if faults else 0


def _send(store: Store, desk: Desk, draft: Draft) -> None:
    from reconciler.cli.house import now
    from reconciler.ola.sending import send

    record = send(store.tickets, desk, draft, now)
    console.say(f"{record.key}: ticket {record.number} ({record.state})")


def _escalated(store: Store, desk: Desk) -> int:
    """Tell steps that have come; returns how many could not be told."""
    from reconciler.cli.house import now
    from reconciler.ola.sending import escalate

    faults = 0
    for record in store.tickets.list():
        if record.ticket:

            def told(one: TicketRecord = record) -> None:
                if step := escalate(store.tickets, desk.helpdesk, one, now()):
                    console.say(f"{one.key}: ticket {one.number}: {step}")

            faults += _tried(record.key, told)
    return faults


def _tried(key: str, do: Callable[[], object]) -> int:
    from reconciler.errors import DriverError

    try:
        do()
    except DriverError as error:
        console.note(f"{key}: {error}")
        return 1
    return 0


def _desk(place: Place) -> tuple[Desk, frozenset[str]]:
    """The helpdesk that is configured. Raises SettingsError where none is."""
    from urllib.parse import urlsplit

    from reconciler.cli.house import settings_of
    from reconciler.drivers.zammad import Zammad
    from reconciler.errors import SettingsError
    from reconciler.ola.sending import Desk
    from reconciler.wiring import Wired

    settings = settings_of(place)
    told = settings.tickets
    lacking = [name for name in ("url", "token", "customer", "group") if not getattr(told, name)]
    if lacking:
        raise SettingsError(f"tickets go nowhere: [tickets] in hanse.toml lacks {', '.join(lacking)}")
    where = urlsplit(told.url)
    if where.scheme != "https" and where.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise SettingsError("[tickets] url: give https://..., for the token goes there")
    drivers, token = Wired(settings), told.token
    assert token is not None  # noqa: S101 (it does not lack)
    helpdesk = Zammad(told.url, lambda: drivers.secret(token), told.field, told.ca)
    return Desk(helpdesk, told.customer, told.group, told.groups, told.priorities), frozenset(told.rules)


def _one(drafts: Iterable[Draft], key: str) -> Draft:
    from reconciler.nearest import or_meant

    found = {one.key: one for one in drafts}
    if key not in found:
        raise typer.BadParameter(f"there is no draft {key}" + or_meant(key, found))
    return found[key]


# -- drafts ------------------------------------------------------------------------------------------------------------


def all_drafts(place: Place, report: str, month: str) -> list[Draft]:
    """What asks for a ticket: agreements of a month that is over, and alarms of now."""
    from reconciler.cli.house import now
    from reconciler.ola import alarm_drafts, drafts
    from reconciler.ola.alarms import alarms

    with asking(place, "", report, USUAL) as (store, asked, spec):
        found = drafts(evaluations(store, asked, spec, month))
        return [*found, *(alarm_drafts(alarms(store, asked, spec, now())) if not month else ())]


def _state(draft: Draft, known: Sequence[TicketRecord], now: datetime) -> str:
    """draft, when it is due; otherwise why it is not sent, or how it stands at the helpdesk."""
    from reconciler.ola import standing

    sent = {one.key: one for one in known}
    if draft.key in sent:
        return sent[draft.key].state
    before = next((key for key in draft.continues if key in sent and sent[key].is_open), None)
    if before:
        return f"continues {before}"
    if draft.rule == "alarm" and standing("alarm", draft.since, now).name == "site":
        return "the site's own"
    return "draft"


def _lines(drafts: Sequence[Draft], known: Sequence[TicketRecord], now: datetime) -> list[dict[str, object]]:
    from reconciler.ola import standing, worked
    from reconciler.ola.sending import step_of

    lines: list[dict[str, object]] = []
    sent = {record.key for record in known}
    for one in drafts:
        if one.key not in sent:
            step = standing("alarm", one.since, now) if one.rule == "alarm" else None
            told = {"key": one.key, "rule": one.rule, "site": one.site, "ngi": one.ngi, "priority": one.priority}
            clock = {"age_days": _days(worked(one.since, now)), "step": step.name if step else ""}
            until = step.until if step else None
            title = {"title": one.full_title, "body": one.body, "number": ""}
            lines.append({**told, "state": _state(one, known, now), **clock, "next": until, **title})
    for record in known:
        step = step_of(record, now)
        told = {"key": record.key, "rule": record.rule, "site": record.site, "state": record.state}
        clock = {"age_days": _days(worked(record.since, now)), "step": step.name if record.is_open else ""}
        seen = {"next": step.until if record.is_open else None, "looked_at": record.looked_at}
        lines.append({**told, **clock, **seen, "number": record.number, "title": record.title})
    return lines


def _days(time: timedelta) -> float:
    return round(time / timedelta(days=1), 2)


def _table(lines: Sequence[dict[str, object]]) -> str:
    rows = [
        (
            str(one["key"]),
            f"{one['state']}" + (f" (#{one['number']})" if one["number"] else ""),
            f"{one['age_days']:.1f} d",
            str(one["step"] or "-"),
            f"{one['next']:%Y-%m-%d %H:%M}" if one["next"] else "-",
            str(one["title"]),
        )
        for one in lines
    ]
    roles = [("", "doubt" if one["state"] == "draft" else "", "", "", "", "quiet") for one in lines]
    return console.table(("KEY", "STATE", "AGE", "STEP", "NEXT (UTC)", "TITLE"), rows, roles)
