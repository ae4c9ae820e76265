"""What git says of how a resource is handled counts from the next run on, whatever becomes of the rest."""

from __future__ import annotations

import pytest

from tests.house import applied, commit, opened, planned, said

RECORD = """apiVersion: hanse/v1
kind: DNSRecord
metadata: {{name: {name}, namespace: team}}
lifecycle: {{{lifecycle}}}
spec: {{zone: fed.example.org, name: {name}, ttl: {ttl}, values: [192.0.2.1]}}
"""


def record(lifecycle="", ttl=300, name="www"):
    return RECORD.format(lifecycle=lifecycle, ttl=ttl, name=name)


@pytest.fixture
def root(tmp_path):
    commit(tmp_path, {"www.yaml": record(), "kept.yaml": record(name="kept")})
    applied(tmp_path)
    return tmp_path


@pytest.fixture
def zone(root):
    (found,) = (root / ".hanse/state/dns").glob("fed.example.org*.zone")
    return found


def removed(root):
    commit(root, {"www.yaml": None})
    return said(planned(root))


RETAINED = ["forget DNSRecord/team/www Retained"]


@pytest.mark.parametrize("lifecycle", ["deletionPolicy: retain", "mode: observe", "mode: warn"])
def test_a_lifecycle_alone_is_remembered(root, lifecycle):
    commit(root, {"www.yaml": record(lifecycle)})
    applied(root)
    assert removed(root) == RETAINED


@pytest.mark.parametrize("mode", ["observe", "warn"])
def test_what_is_only_watched_is_left_standing_although_its_change_was_not_done(root, mode):
    commit(root, {"www.yaml": record(f"mode: {mode}", ttl=600)})
    assert said(applied(root).plan) == ["defer DNSRecord/team/www ObserveOnly"]
    assert removed(root) == RETAINED


def test_what_drifted_and_is_watched_since_is_left_standing(root, zone):
    zone.write_text(
        zone.read_text().replace("www.fed.example.org. 300 IN A 192.0.2.1", "www.fed.example.org. 300 IN A 192.0.2.7")
    )
    commit(root, {"www.yaml": record("mode: warn")})
    applied(root)
    assert removed(root) == RETAINED


def test_what_is_to_be_retained_is_left_standing_although_it_was_paused(root):
    commit(root, {"www.yaml": record("deletionPolicy: retain", ttl=600)})
    with opened(root) as house:
        house.store.pauses.pause("resource:DNSRecord/team/www", "a look", "tester")
    assert said(applied(root).plan) == ["defer DNSRecord/team/www Paused"]
    with opened(root) as house:
        house.store.pauses.resume("resource:DNSRecord/team/www", "tester")
    assert removed(root) == RETAINED


def test_what_is_to_be_retained_is_left_standing_although_its_zone_could_not_be_read(root, zone):
    before = zone.read_text()
    zone.write_text("(((")
    commit(root, {"www.yaml": record("deletionPolicy: retain")})
    assert said(applied(root).plan) == ["defer DNSRecord/team/www TargetUnreachable"]
    zone.write_text(before)
    assert removed(root) == RETAINED


def test_going_back_in_git_counts_as_well(root):
    commit(root, {"www.yaml": record("deletionPolicy: retain", ttl=600)})
    with opened(root) as house:
        house.store.pauses.pause("resource:DNSRecord/team/www", "a look", "tester")
    applied(root)
    with opened(root) as house:
        house.store.pauses.resume("resource:DNSRecord/team/www", "tester")
    commit(root, {"www.yaml": record()})
    assert applied(root).plan.actions == ()
    assert removed(root) == ["delete DNSRecord/team/www RemovedFromGit"]
