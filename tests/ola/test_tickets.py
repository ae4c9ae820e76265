"""Drafts from findings, their clock, and sending: once, whatever is lost in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.drivers.zammad import Zammad
from reconciler.errors import OutcomeUnknown, Terminal, Transient
from reconciler.model import Ref
from reconciler.ola import Alarm, alarm_drafts, drafts, evaluated, promises, standing
from reconciler.ola.escalation import STEPS
from reconciler.ola.sending import Desk, escalate, look, send
from reconciler.records.store import open_store
from tests.ola.test_evaluate import BAD, BDII, EGI, MONTH, NORTH, found, granted, month, vo
from tests.real.zammad import TOKEN, HelpdeskServer, zammad  # noqa: F401 (a fixture)

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
(DRAFT,) = drafts(found(BAD, BAD, BAD))


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path, clock):
    with open_store(f"sqlite:///{tmp_path}/hanse.db", clock) as opened:
        yield opened


@pytest.fixture
def desk(zammad):  # noqa: F811
    return Desk(Zammad(zammad.url, lambda: TOKEN), "hanse@example.org", "Operations", {"NGI_X": "NGI_X"})


# -- drafts ------------------------------------------------------------------------------------------------------------


def test_three_misses_ask_for_an_explanation_with_every_months_numbers():
    assert (DRAFT.key, DRAFT.rule, DRAFT.ngi) == ("NORTH/three-misses/2026-10", "three-misses", "NGI_X")
    assert DRAFT.full_title.endswith(f"[{DRAFT.mark}]")
    assert [f"{name}  70.000 %" in DRAFT.body for name in ("2026-08", "2026-09", "2026-10")] == [True] * 3
    assert "within 10 working days" in DRAFT.body
    assert DRAFT.continues == ("NORTH/three-misses/2026-09", "NORTH/three-misses/2026-08")


def test_the_same_finding_makes_the_same_key_and_another_month_another():
    (again,) = drafts(found(BAD, BAD, BAD))
    assert (again.key, again.mark) == (DRAFT.key, DRAFT.mark)
    assert DRAFT.mark.isalnum()


def test_one_missed_month_asks_for_nothing_and_so_does_one_that_is_not_over():
    assert drafts(found(BAD)) == []
    assert drafts(found(BAD, BAD, BAD, partial=True)) == []


def test_too_much_unknown_core_services_and_vos_ask_after_one_month():
    assert [d.rule for d in drafts(found(month(unknown=20)))] == ["unknown"]
    core = {"NORTH": frozenset({BDII[1:]})}
    (one,) = drafts(found(month(98.0), key=BDII, core=core))
    assert (one.key, one.rule) == ("NORTH/core/Top-BDII/bdii.north.org/2026-10", "core")
    (wanted,) = granted(vo(reliabilityTarget=99), [], MONTH, NOW)
    here = {NORTH: month(90.0, 98.0)}
    told = drafts(evaluated(promises(EGI, here, {}, [wanted]), MONTH, lambda of: here if of == MONTH else {}))
    assert [d.key for d in told] == ["NORTH/sla/tides/2026-10"]
    assert "reliability 98.000 % is below 99 %" in told[0].body


def test_an_alarm_is_the_sites_own_for_a_working_day():
    friday = datetime(2026, 10, 30, 12, tzinfo=UTC)
    one = Alarm("NORTH", "NGI_X", "webdav", "dav.north.org", Ref("Probe/vo-x/dav"), friday, "refused")
    (draft,) = alarm_drafts([one])
    assert draft.key == "NORTH/alarm/vo-x/dav/20261030T120000"
    days = {n: standing("alarm", friday, friday + timedelta(days=n)).name for n in range(12)}
    assert [days[n] for n in (0, 2, 3, 4, 5, 6, 7, 10, 11)] == [
        "site",
        "site",
        "ticket",
        "ticket",
        "ticket",
        "second",
        "second",
        "second",
        "political",
    ]


def test_every_clock_ends_and_an_explanation_has_ten_working_days():
    assert all(steps[-1][1] is None for steps in STEPS.values())
    step = standing("three-misses", NOW, NOW)
    assert (step.name, step.until) == ("explanation", NOW + timedelta(days=14))
    assert standing("three-misses", NOW, NOW + timedelta(days=14)).name == "suspension"


# -- sending -----------------------------------------------------------------------------------------------------------


def test_a_draft_is_sent_once(store, desk, clock, zammad: HelpdeskServer):  # noqa: F811
    first = send(store.tickets, desk, DRAFT, clock)
    again = send(store.tickets, desk, DRAFT, clock)
    assert first == again
    (ticket,) = zammad.tickets
    assert (ticket["group"], ticket["priority"], ticket["state"]) == ("NGI_X", "urgent", "new")
    assert zammad.articles[0]["body"] == DRAFT.body
    assert (first.number, first.ticket, first.sent_at) == ("26001", "1", NOW)


def test_a_ticket_whose_answer_was_lost_is_found_again_and_not_made_twice(store, desk, clock, zammad):  # noqa: F811
    zammad.lose = 1
    with pytest.raises(OutcomeUnknown, match="whether the ticket was made is not known"):
        send(store.tickets, desk, DRAFT, clock)
    assert store.tickets.known(DRAFT.key).state == "sending"
    record = send(store.tickets, desk, DRAFT, clock)
    assert (record.ticket, len(zammad.tickets)) == ("1", 1)


def test_after_a_crash_before_the_call_it_waits_until_none_can_be_under_way(store, desk, clock, zammad):  # noqa: F811
    zammad.refuse = [200]  # the search says something that is no list
    with pytest.raises(Terminal, match="not list"):
        send(store.tickets, desk, DRAFT, clock)
    assert store.tickets.known(DRAFT.key) is None  # nothing was begun
    desk_down = replace(desk, helpdesk=Zammad("http://127.0.0.1:9", lambda: TOKEN))
    with pytest.raises(Transient, match="cannot be reached"):
        send(store.tickets, desk_down, DRAFT, clock)
    store.tickets.begin(replace_record(DRAFT))
    with pytest.raises(OutcomeUnknown, match="try again"):
        send(store.tickets, desk, DRAFT, clock)
    clock.now += timedelta(minutes=3)
    assert send(store.tickets, desk, DRAFT, clock).ticket == "1"
    assert len(zammad.tickets) == 1


def replace_record(draft):
    from reconciler.ola.sending import _record

    return _record(draft, NOW)


def test_a_database_that_is_lost_makes_no_second_ticket(store, desk, clock, tmp_path, zammad):  # noqa: F811
    send(store.tickets, desk, DRAFT, clock)
    with open_store(f"sqlite:///{tmp_path}/another.db", clock) as other:
        assert send(other.tickets, desk, DRAFT, clock).ticket == "1"
    assert len(zammad.tickets) == 1


def test_what_the_helpdesk_refuses_is_said_and_its_token_is_not(store, desk, clock):
    with pytest.raises(Terminal, match="422 .*No lookup value found for 'group'"):
        send(store.tickets, replace(desk, groups={}, group="Nobody"), DRAFT, clock)
    assert store.tickets.known(DRAFT.key) is None  # nothing was made: it may be sent at once again
    wrong = replace(desk, helpdesk=Zammad(desk.helpdesk.url, lambda: "not-the-token"))
    with pytest.raises(Terminal, match="401") as raised:
        send(store.tickets, wrong, drafts(found(month(unknown=20)))[0], clock)
    assert "not-the-token" not in str(raised.value)


def test_how_a_ticket_stands_is_asked_for(store, desk, clock, zammad):  # noqa: F811
    record = send(store.tickets, desk, DRAFT, clock)
    zammad.tickets[0]["state"] = "closed"
    assert look(store.tickets, desk.helpdesk, record, NOW).state == "closed"
    assert not store.tickets.known(DRAFT.key).is_open
    zammad.tickets.clear()
    assert look(store.tickets, desk.helpdesk, record, NOW).state == "removed"


def test_the_next_step_is_told_in_the_ticket_once(store, desk, clock, zammad):  # noqa: F811
    send(store.tickets, desk, DRAFT, clock)
    later = NOW + timedelta(days=14)
    for moment, told in ((NOW + timedelta(days=13), ""), (later, "suspension"), (later, "")):
        assert escalate(store.tickets, desk.helpdesk, store.tickets.known(DRAFT.key), moment) == told
    assert [a["subject"] for a in zammad.articles[1:]] == [f"{DRAFT.mark}: suspension"]
    store.tickets.keep(replace(store.tickets.known(DRAFT.key), step=""))  # the record of it was lost
    assert escalate(store.tickets, desk.helpdesk, store.tickets.known(DRAFT.key), later) == "suspension"
    assert len(zammad.articles) == 2


def test_an_own_field_holds_the_mark_too(zammad):  # noqa: F811
    desk = Desk(Zammad(zammad.url, lambda: TOKEN, field="hanse_key"), "hanse@example.org", "Operations")
    desk.helpdesk.create(desk.addressed(DRAFT))
    assert zammad.tickets[0]["hanse_key"] == DRAFT.mark


def test_the_token_is_used_whatever_a_netrc_says(zammad, tmp_path, monkeypatch):  # noqa: F811
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert Zammad(zammad.url, lambda: TOKEN).find("hanse0") is None


def test_an_answer_that_names_no_ticket_may_have_made_one(store, desk, clock, zammad, monkeypatch):  # noqa: F811
    monkeypatch.setattr("tests.real.zammad._made", lambda server, told: (200, {"id": 1}))
    with pytest.raises(OutcomeUnknown, match="without id, number, title or state"):
        send(store.tickets, desk, DRAFT, clock)
    assert store.tickets.known(DRAFT.key).state == "sending"


class KilledError(BaseException):
    """What no code gets hold of."""


class Deadly:
    """Does what the object does that it stands for, and dies before or after the n-th call to it."""

    def __init__(self, real: object, left: list[int]) -> None:
        self._real, self._left = real, left

    def __getattr__(self, name: str):
        def called(*given):
            self._point()
            answer = getattr(self._real, name)(*given)
            self._point()
            return answer

        return called

    def _point(self) -> None:
        self._left[0] -= 1
        if self._left[0] < 0:
            raise KilledError


@pytest.mark.parametrize("step", range(11))
def test_a_process_that_is_killed_anywhere_leaves_one_ticket_in_the_end(store, desk, clock, zammad, step):  # noqa: F811
    left = [step]
    deadly = replace(desk, helpdesk=Deadly(desk.helpdesk, left))
    try:
        send(Deadly(store.tickets, left), deadly, DRAFT, clock)
    except KilledError:
        clock.now += timedelta(minutes=3)
    else:
        assert step == 10  # five calls, each with a before and an after
    assert send(store.tickets, desk, DRAFT, clock).ticket == "1"
    assert len(zammad.tickets) == 1
