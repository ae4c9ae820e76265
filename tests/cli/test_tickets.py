"""tickets: drafts from agreements and alarms, sent to a helpdesk once, and looked after."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from reconciler.cli.tickets import _state
from reconciler.kinds.report import BUILTIN
from reconciler.model.uptime import UptimeDay, UptimeRecord
from reconciler.ola import drafts, evaluated, promises, stored
from reconciler.records.store import open_store
from tests.cli.test_ola import agreed  # noqa: F401 (a fixture)
from tests.cli.test_uptime import FIRST, north  # noqa: F401 (a fixture)
from tests.real.zammad import TOKEN, HelpdeskServer, zammad  # noqa: F401 (a fixture)

OCTOBER = ("--month", "2026-10")
KEY = "NORTH/three-misses/2026-10"


@pytest.fixture
def told(agreed, zammad):  # noqa: F811
    """A federation that knows its helpdesk."""
    (agreed.root / "token").write_text(f"{TOKEN}\n")
    agreed.write(
        "hanse.toml",
        f'[tickets]\nurl = "{zammad.url}"\ntoken = {{ file = "{agreed.root}/token" }}\n'
        'customer = "hanse@example.org"\ngroup = "Operations"\nrules = ["three-misses"]\n',
    )
    return agreed


def test_drafts_are_listed_and_shown(agreed):  # noqa: F811
    lines = agreed.hanse("tickets", "list", *OCTOBER).out.splitlines()
    assert lines[0].split()[:2] == ["KEY", "STATE"]
    assert [line.split()[:2] for line in lines[1:]] == [[KEY, "draft"], ["NORTH/sla/vo-x/2026-10", "draft"]]
    shown = agreed.hanse("tickets", "show", KEY, *OCTOBER).out
    assert "NORTH has missed its targets in 3 months in a row." in shown
    wrong = agreed.hanse("tickets", "show", "NORTH/three-miss/2026-10", *OCTOBER)
    assert (wrong.code != 0, f"did you mean {KEY}?" in wrong.err) == (True, True)


def test_without_a_helpdesk_nothing_goes_anywhere(agreed):  # noqa: F811
    said = agreed.hanse("tickets", "send", "--yes", *OCTOBER)
    assert (said.code, "[tickets] in hanse.toml lacks url, token, customer, group" in said.err) == (1, True)


def test_what_is_due_is_sent_once_and_its_state_is_kept(told, zammad: HelpdeskServer):  # noqa: F811
    said = told.hanse("tickets", "send", "--yes", *OCTOBER)
    assert (said.code, said.out) == (0, f"{KEY}: ticket 26001 (new)\n")
    zammad.tickets[0]["state"] = "open"
    again = told.hanse("tickets", "send", "--yes", *OCTOBER)
    assert (again.code, again.out, len(zammad.tickets)) == (0, "no ticket is due\n", 1)
    (sla, sent) = json.loads(told.hanse("tickets", "list", *OCTOBER, "-o", "json").out)
    assert (sent["key"], sent["state"], sent["number"], sent["step"]) == (KEY, "open", "26001", "explanation")
    assert (sla["state"], sla["rule"]) == ("draft", "sla")
    assert "open (#26001)" in told.hanse("tickets", "list", *OCTOBER).out


def test_while_one_is_open_the_next_month_of_the_same_is_not_sent(told, zammad: HelpdeskServer):  # noqa: F811
    assert told.hanse("tickets", "send", "--yes", KEY, *OCTOBER).code == 0

    day = date(2026, 11, 1)
    row = UptimeRecord("Critical", day, "group", "NORTH", "", "", "", "NGI_X", 0, 50, 50, 0.5, 0, 0, ((0, "OK"),), ())
    with open_store(f"sqlite:///{told.root}/.hanse/hanse.db", lambda: FIRST) as store:
        store.uptime.rebuild(UptimeDay("Critical", day, "", "", True, FIRST), [row])

        measured = lambda of: stored(store, "Critical", of)  # noqa: E731
        wanted = promises(BUILTIN["Critical"], measured("2026-11"), {})
        (draft,) = drafts(evaluated(wanted, "2026-11", measured))
        assert _state(draft, store.tickets.list(), datetime.now(UTC)) == f"continues {KEY}"


def test_a_token_that_is_refused_is_not_shown(told):
    (told.root / "token").write_text("not-the-token")
    said = told.hanse("tickets", "send", "--yes", *OCTOBER)
    assert (said.code, "401" in said.err, "not-the-token" in said.err + said.out) == (1, True, False)


def test_an_answer_that_is_lost_is_said_and_the_next_call_finds_the_ticket(told, zammad: HelpdeskServer):  # noqa: F811
    zammad.lose = 1
    said = told.hanse("tickets", "send", "--yes", *OCTOBER)
    assert (said.code, "whether the ticket was made is not known" in said.err) == (1, True)
    assert told.hanse("tickets", "send", "--yes", *OCTOBER).out == f"{KEY}: ticket 26001 (new)\n"
    assert len(zammad.tickets) == 1


def test_a_token_does_not_go_to_a_helpdesk_that_anybody_may_listen_to(told):
    told.write("hanse.toml", (told.root / "hanse.toml").read_text().replace("http://127.0.0.1", "http://192.0.2.9"))
    said = told.hanse("tickets", "send", "--yes", *OCTOBER)
    assert (said.code, "give https://" in said.err) == (1, True)
