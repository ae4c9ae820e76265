"""Who agreed to what is kept, and so is up to where a branch was accepted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.errors import RecordsError
from reconciler.model import Ref, Who
from reconciler.records.acceptances import Accepted

ANA = Who("Ana", "oidc", "ana@aai.example.org", "https://aai.example.org", frozenset({"urn:mace:egi.eu:group:vo-x"}))


def test_what_is_agreed_to_is_found_by_its_changes(store):
    given = store.consents.give("p1", "site:CESGA", ANA, "there is room", changes=["b", "a"])
    assert (given.who, given.reason, given.changes) == (ANA, "there is room", frozenset({"a", "b"}))
    assert store.consents.of("p1") == (given,)
    assert store.consents.to(["a", "z"]) == (given,)
    assert store.consents.to(["z"]) == store.consents.of("p2") == ()


def test_a_word_that_was_taken_back_stays_to_be_read_and_counts_no_more(store):
    given = store.consents.give("p1", "site:CESGA", ANA, "there is room", changes=["a"])
    assert store.consents.withdraw(given.id, "ana")
    assert not store.consents.withdraw(given.id, "ana")
    assert store.consents.to(["a"]) == ()
    assert [one.withdrawn_by for one in store.consents.of("p1")] == ["ana"]


def test_a_word_ends_when_it_says_so(store, clock):
    store.consents.give("p1", "site:CESGA", ANA, "for a while", clock() - timedelta(seconds=1), changes=["a"])
    assert store.consents.to(["a"]) == ()


def test_nobody_agrees_to_nothing(store):
    with pytest.raises(RecordsError, match="no change"):
        store.consents.give("p1", "site:CESGA", ANA, "why not", changes=[])


def test_what_was_accepted_early_is_kept_until_all_is(store):
    site, vo = Ref("Site/CESGA"), Ref("VO/x")
    assert store.acceptances.of("main") == Accepted()
    store.acceptances.whole("main", "c1")
    store.acceptances.some("main", "c1", "c2", [site])
    store.acceptances.some("main", "c1", "c3", [vo])
    assert store.acceptances.of("main") == Accepted("c1", {site: "c2", vo: "c3"})
    assert store.acceptances.of("other") == Accepted()
    store.acceptances.whole("main", "c4")
    assert store.acceptances.of("main") == Accepted("c4")
