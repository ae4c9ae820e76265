"""What only an S3 service can do to us."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.drivers.libcloud import storage as driver
from reconciler.drivers.libcloud.presign import presigned
from reconciler.errors import DriverError, Terminal, Transient
from reconciler.model import Target
from reconciler.ports import Copy, Source
from tests.drivers.storage.conftest import UID, Secrets, md5
from tests.real.web import content

BIG = 6 << 20


def test_the_signature_is_the_one_in_awss_own_example():
    url = presigned(
        host="examplebucket.s3.amazonaws.com",
        path="/test.txt",
        key="AKIAIOSFODNN7EXAMPLE",
        secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        region="us-east-1",
        now=datetime(2013, 5, 24, tzinfo=UTC),
        seconds=86400,
    )
    assert url.endswith("X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")


def test_parts_left_behind_by_a_killed_copy_are_aborted_a_day_later(libcloud_place, s3, web):
    bucket = libcloud_place.target.options["container"]
    person = s3.driver()
    container = person.get_container(bucket)
    person._initiate_multipart(container, "big")
    person._initiate_multipart(container, "bigger")
    begun = max(datetime.fromisoformat(u.created_at) for u in person.ex_iterate_multipart_uploads(container))
    storage = libcloud_place.open()
    copy = Copy("big", Source(f"{web}/bytes/{BIG}"), UID, BIG, md5(content(BIG)[:BIG]))
    storage._clock = lambda: (begun + timedelta(hours=1)).timestamp()
    storage.copy_in(copy)
    assert {u.key for u in person.ex_iterate_multipart_uploads(container)} == {"big", "bigger"}
    storage._clock = lambda: (begun + timedelta(hours=25)).timestamp()
    storage.copy_in(copy)
    assert {u.key for u in person.ex_iterate_multipart_uploads(container)} == {"bigger"}


def test_listings_of_several_pages_are_whole(libcloud_place, s3):
    bucket = libcloud_place.target.options["container"]
    container = s3.driver().get_container(bucket)
    for i in range(25):
        libcloud_place.by_hand(f"p/{i:03}", b"x")
    storage = libcloud_place.open()
    connection = storage._driver.connection
    real = connection.request

    def three_at_a_time(action, params=None, **more):
        if action == f"/{bucket}" and not more.get("method"):
            params = {**(params or {}), "max-keys": "3"}
        return real(action, params=params, **more)

    connection.request = three_at_a_time
    assert container is not None
    assert len(storage._listed([""])) == 25


def test_an_object_that_is_listed_and_not_shown_is_an_error_and_not_absent(libcloud_place):
    libcloud_place.by_hand("a", b"x")
    storage = libcloud_place.open()
    connection = storage._driver.connection
    real = connection.request

    def bad_request(action, params=None, **more):
        answer = real(action, params=params, **more)
        if more.get("method") == "HEAD":
            answer.status = 400
        return answer

    connection.request = bad_request
    with pytest.raises(Transient, match="is listed and cannot be looked at"):
        storage.listing()


@pytest.mark.parametrize("missing", ["container", "key", "secret"])
def test_a_missing_option_is_named(missing):
    options = {
        "provider": "s3",
        "container": "c",
        "key": {"env": "HANSE_TEST_KEY"},
        "secret": {"env": "HANSE_TEST_KEY"},
    }
    with pytest.raises(Terminal, match=missing):
        driver.open(Target("storage:S/s3", "libcloud", {k: v for k, v in options.items() if k != missing}), Secrets())


def test_a_url_stands_for_host_port_and_container(libcloud_place, source):
    given = libcloud_place.target.options
    url = f"http://127.0.0.1:{given['port']}/{given['container']}"
    options = {name: given[name] for name in ("key", "secret", "region")}
    libcloud_place.copy("a", source(b"x"))
    target = Target("storage:S/s3", "libcloud", {**options, "url": url})
    assert list(driver.open(target, Secrets()).listing().files) == ["a"]


@pytest.mark.parametrize("provider", ["local", "nonsense", "openstack_swift"])
def test_a_provider_that_does_not_speak_s3_is_refused(provider):
    secrets = {"key": {"env": "HANSE_TEST_KEY"}, "secret": {"env": "HANSE_TEST_SECRET"}}
    target = Target("storage:S/s3", "libcloud", {"provider": provider, "container": "c", **secrets})
    with pytest.raises(Terminal):
        driver.open(target, Secrets()).listing()


def test_a_service_that_is_down_is_transient(libcloud_place):
    target = Target("storage:S/s3", "libcloud", {**libcloud_place.target.options, "port": 9})
    with pytest.raises(Transient):
        driver.open(target, Secrets()).listing()


@pytest.mark.parametrize(("status", "fate"), [(403, Terminal), (404, Terminal), (500, Transient), (503, Transient)])
def test_what_the_service_answers_decides_what_follows(libcloud_place, status, fate):
    storage = libcloud_place.open()
    connection = storage._driver.connection
    real = connection.connection.request

    def answering(*arguments, **named):
        real(*arguments, **named)
        connection.connection.response.status_code = status

    connection.connection.request = answering
    with pytest.raises(DriverError) as caught:
        storage.listing()
    assert type(caught.value) is fate


def test_an_answer_that_is_no_listing_is_an_error_and_not_empty(libcloud_place):
    storage = libcloud_place.open()
    storage._driver.namespace = "http://another.example.org/"
    with pytest.raises(Transient, match="not an answer that S3 gives"):
        storage.listing()


def test_what_is_too_large_for_the_parts_is_refused_before_a_byte_moves(libcloud_place):
    with pytest.raises(Terminal, match="cannot be brought in"):
        libcloud_place.copy("a", "http://127.0.0.1:9/never", size=driver.LARGEST + 1)
