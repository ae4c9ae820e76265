"""``hanse notify test NAME`` tells a subscriber something, and says whether it arrived; never where it went."""

from __future__ import annotations

import json

from tests.daemon.test_notifying import consumer

__all__ = ["consumer"]
NOTIFY = """
[[notify]]
name = "ops"
apprise = {{ env = "{name}" }}
events = ["drift"]
"""


def test_a_test_message_arrives(federation, consumer, monkeypatch):
    monkeypatch.setenv("WHERE", consumer.url.replace("http://", "json://"))
    federation.write("hanse.toml", NOTIFY.format(name="WHERE"))
    said = federation.hanse("notify", "test", "ops")
    assert (said.code, said.out.strip()) == (0, "ops was told")
    ((_, _, body),) = consumer.told
    assert json.loads(body)["title"] == "Hanse: a test"


def test_why_it_does_not_arrive_is_told_without_the_url(federation, monkeypatch):
    monkeypatch.setenv("BAD", "nix://tok3n")
    federation.write("hanse.toml", NOTIFY.format(name="BAD"))
    said = federation.hanse("notify", "test", "ops")
    assert said.code == 1
    assert "no URL that Apprise knows" in said.err
    assert "tok3n" not in said.out + said.err
    monkeypatch.setenv("BAD", "json://127.0.0.1:1/tok3n")
    said = federation.hanse("notify", "test", "ops")
    assert (said.code, "not taken" in said.err, "tok3n" in said.out + said.err) == (1, True, False)


def test_a_name_that_nobody_has_is_answered_with_those_there_are(federation):
    federation.write("hanse.toml", NOTIFY.format(name="WHERE"))
    said = federation.hanse("notify", "test", "nobody")
    assert (said.code, "no [[notify]] is called nobody: ops" in said.err) == (1, True)


def test_a_url_that_stands_in_the_settings_is_refused_and_not_shown(federation):
    federation.write("hanse.toml", '[[notify]]\nname = "ops"\napprise = "mailto://me:s3cret@example.org"\n')
    said = federation.hanse("notify", "test", "ops")
    assert said.code == 1
    assert "a secret does not stand here itself" in said.err
    assert "s3cret" not in said.out + said.err
