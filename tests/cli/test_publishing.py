"""export ams: signed messages leave their queues for the messaging service, and stay when it does not take them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import pytest

from reconciler.drivers.ams import AMS
from reconciler.errors import Terminal
from reconciler.exchange.apel.queue import elements, put, taken
from tests.real.ams import KEY, MessagingService, ams  # noqa: F401 (a fixture)

TOPIC = "eu-egi-cloud-accounting"


def now():
    return datetime.now(UTC)


@pytest.fixture
def queue(federation):
    for n in range(2):
        put(federation.root / "out" / TOPIC, b"MIME-Version: 1.0\n%d" % n, now, secrets.token_hex)
    (federation.root / "key").write_text(f"{KEY}\n")
    return federation


def published(queue, ams, *more: str):  # noqa: F811
    token = ["--token-file", str(queue.root / "key")]
    return queue.hanse("export", "ams", "--from", str(queue.root / "out"), "--url", ams.url, *token, *more)


def test_signed_messages_are_published_in_their_order_and_leave_the_queue(queue, ams: MessagingService):  # noqa: F811
    done = published(queue, ams, "--empaid", "site-1")
    assert (done.code, done.out) == (0, "2 messages published\n")
    assert ams.published == [(TOPIC, {"empaid": "site-1"}, b"MIME-Version: 1.0\n%d" % n) for n in range(2)]
    assert elements(queue.root / "out" / TOPIC) == ()


def test_what_is_not_taken_stays_and_goes_the_next_time(queue, ams: MessagingService):  # noqa: F811
    ams.refuse = [503]
    done = published(queue, ams)
    assert (done.code, done.out) == (1, "1 messages published\n")
    assert "503 Service Unavailable" in done.err
    assert published(queue, ams).code == 0
    assert sorted(content for _, _, content in ams.published) == [b"MIME-Version: 1.0\n0", b"MIME-Version: 1.0\n1"]
    assert list((queue.root / "out").rglob("*.lck")) == []


def test_a_key_that_is_refused_is_not_shown(queue, ams: MessagingService):  # noqa: F811
    (queue.root / "key").write_text("a-wrong-key")
    done = published(queue, ams)
    assert (done.code, "401" in done.err, "a-wrong-key" in done.err) == (1, True, False)
    assert len(elements(queue.root / "out" / TOPIC)) == 2


def test_unsigned_messages_stay(queue, ams: MessagingService):  # noqa: F811
    put(queue.root / "out" / TOPIC, b"APEL-cloud-message: v0.4\n", now, secrets.token_hex)
    done = published(queue, ams)
    assert (done.code, len(ams.published), "is not signed" in done.err) == (1, 2, True)


def test_a_service_that_is_not_there_is_said(queue, ams: MessagingService):  # noqa: F811
    ams.url = "http://127.0.0.1:9"
    done = published(queue, ams)
    assert (done.code, "cannot be reached" in done.err) == (1, True)


def test_what_another_sender_holds_is_left_to_it(queue, ams: MessagingService):  # noqa: F811
    with taken(elements(queue.root / "out" / TOPIC)[0]):
        assert published(queue, ams).out == "1 messages published\n"


def test_a_message_that_is_too_large_is_not_sent():
    with pytest.raises(Terminal, match="1,000,000 bytes in base64"):
        AMS("http://127.0.0.1:9", "accounting", lambda: KEY).publish(TOPIC, b"x" * 750_000, {})
