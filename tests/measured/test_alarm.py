"""Drift that a running loop finds is told to who subscribed, with the page where it can be seen; no secret is told."""

from __future__ import annotations

from tests.measured.conftest import CANARY

PAGE = "https://hanse.example.org/resources/DNSRecord/vo.example.org/www"


def test_drift_is_told_once_with_a_link(ran):
    changes = [one for message in ran.told for one in message["data"]["changes"]]
    (drift,) = [one for one in changes if one["state"] == "drifted"]
    assert (drift["about"], drift["link"]) == ("DNSRecord/vo.example.org/www", PAGE)
    assert "has drifted" in drift["said"]
    assert PAGE in ran.told[-1]["data"]["text"]


def test_the_url_of_a_subscriber_that_cannot_be_reached_is_not_told(ran):
    assert '"not notified"' in ran.log
    assert CANARY not in ran.log + ran.text
