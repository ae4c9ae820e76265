"""The rucio driver against a real server: rules go out, states and replicas come in. Optional: HANSE_RUCIO=1."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.drivers.rucio.keeper import Rucio as Keeper
from reconciler.drivers.rucio.options import Options
from reconciler.drivers.rucio.rest import Rest
from reconciler.errors import Conflict, Terminal, Transient
from reconciler.model import Reason
from reconciler.ports.rules import Wish
from tests.drivers.rucio.conftest import SIZE, STORAGES

UID, OTHER = "a" * 32, "b" * 32


def rule(federation, rule_id):
    return next(found for found in federation.keeper.rules() if found.id == rule_id)


def locations(federation, name):
    return {where for replica in federation.keeper.replicas("ocean", name) for where in replica.states}


def test_a_rule_over_what_is_there_already_is_ok_at_once_and_carries_our_mark(federation):
    federation.dataset("waves", "PIC-DISK")
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    wish = Wish("ocean", "waves", "country=ES&tier=1", expires=expires, purge=True, priority=4)
    found = rule(federation, federation.keeper.add(wish, UID))
    assert (found.state, found.uid, found.account, found.ok, found.replicating) == ("OK", UID, "root", 3, 0)
    assert abs((found.wish.expires - expires).total_seconds()) < 60
    assert replace(found.wish, expires=expires, activity="") == replace(wish, activity="")


def test_existing_data_is_chosen_before_anything_else_as_here(federation):
    for name, at in (("e1", "ILIFU"), ("e2", "CERN-DISK"), ("e3", "KIT-DISK")):
        federation.dataset(name, at)
        federation.keeper.add(Wish("ocean", name, "*"), UID)
        assert locations(federation, name) == {at}


def test_a_rule_for_more_than_is_there_replicates_to_another_storage_of_the_expression(federation):
    federation.dataset("tides", "KIT-DISK")
    found = rule(federation, federation.keeper.add(Wish("ocean", "tides", "country=DE\\KIT_TAPE", 2), UID))
    assert (found.state, found.ok, found.replicating) == ("REPLICATING", 3, 3)
    replicas = federation.keeper.replicas("ocean", "tides")
    assert (replicas[0].name, replicas[0].size, replicas[0].checksum) == ("tides.0", SIZE, "adler32:00000000")
    assert {frozenset(r.states.items()) for r in replicas} == {
        frozenset({("KIT-DISK", "AVAILABLE"), ("DESY-DISK", "COPYING")})
    }


def test_the_same_rule_is_made_once_and_anothers_is_not_taken(federation):
    federation.dataset("once", "PIC-DISK")
    wish = Wish("ocean", "once", "PIC-DISK")
    assert federation.keeper.add(wish, UID) == federation.keeper.add(wish, UID)
    with pytest.raises(Conflict, match="DuplicateRule"):
        federation.keeper.add(wish, OTHER)


def test_what_may_change_is_changed_and_a_removed_rule_is_gone(federation):
    federation.dataset("later", "PIC-DISK")
    wish = Wish("ocean", "later", "PIC-DISK")
    rule_id = federation.keeper.add(wish, UID)
    expires = datetime.now(UTC) + timedelta(days=2)
    federation.keeper.change(rule_id, replace(wish, expires=expires, priority=5, locked=True), UID)
    found = rule(federation, rule_id).wish
    assert (found.priority, found.locked) == (5, True)
    assert abs((found.expires - expires).total_seconds()) < 60
    federation.keeper.change(rule_id, wish, UID)
    assert rule(federation, rule_id).wish.expires is None
    federation.keeper.remove(rule_id)
    federation.keeper.remove("0" * 32)
    gone = rule(federation, rule_id)  # Rucio takes a rule away an hour after it is told to
    assert gone.wish.expires < datetime.now(UTC) + timedelta(hours=2)
    assert (gone.uid, gone.going) == ("", True)
    assert federation.keeper.add(wish, OTHER) == rule_id
    assert (rule(federation, rule_id).uid, rule(federation, rule_id).wish.expires) == (OTHER, None)


def test_a_rule_that_is_replaced_stays_until_the_other_is_ok(federation):
    federation.dataset("moving", "PIC-DISK")
    old = federation.keeper.add(Wish("ocean", "moving", "PIC-DISK"), UID)
    new = federation.keeper.add(Wish("ocean", "moving", "DESY-DISK"), UID)
    federation.keeper.replace(old, new)
    assert (rule(federation, old).going, rule(federation, new).state) == (True, "REPLICATING")
    federation.rucio.run("from rucio.daemons.judge.cleaner import rule_cleaner; rule_cleaner(once=True)")
    assert rule(federation, old).state == "OK"


def test_refusals_are_told_in_rucios_words(federation):
    federation.dataset("refused", "PIC-DISK")
    with pytest.raises(Terminal, match="InsufficientTargetRSEs") as told:
        federation.keeper.add(Wish("ocean", "refused", "PIC-DISK", 2), UID)
    assert told.value.reason is Reason.QUOTA_EXCEEDED
    with pytest.raises(Terminal, match="InvalidRSEExpression"):
        federation.keeper.add(Wish("ocean", "refused", "country=NOWHERE"), UID)
    with pytest.raises(Terminal, match="DataIdentifierNotFound"):
        federation.keeper.add(Wish("ocean", "not-there", "PIC-DISK"), UID)


def test_storages_come_with_attributes_access_and_place(federation):
    found = {storage.name: storage for storage in federation.keeper.storages()}
    assert set(found) == set(STORAGES)
    assert found["CESGA_TAPE"].tape
    assert not found["CESGA-DISK"].tape
    assert found["PIC-DISK"].attributes == STORAGES["PIC-DISK"]
    assert found["PIC-DISK"].url == "davs://dav.example.org:443/fed/"


def test_a_token_that_has_ended_is_asked_for_again(federation):
    federation.rest._token = "root-ddmlab-unknown-0000"
    assert federation.keeper.places("PIC-DISK") == {"PIC-DISK"}


def test_a_wrong_password_is_told_without_it_and_a_server_that_is_away_may_come_back(federation):
    class Wrong:
        def secret(self, _reference):
            return "hunter2"

    options = Options.model_validate(federation.rucio.options())
    with pytest.raises(Terminal, match="gives no token to account root") as told:
        Keeper(Rest("rucio:main", options, Wrong().secret), options).rules()
    assert "hunter2" not in str(told.value)
    away = options.model_copy(update={"url": "http://127.0.0.1:9"})
    with pytest.raises(Transient, match="cannot be reached"):
        Keeper(Rest("rucio:main", away, Wrong().secret), away).rules()
