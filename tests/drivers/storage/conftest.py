"""Storages behind each driver of the storage port: the contract suite runs against all of them."""

from __future__ import annotations

import hashlib
import io
import shutil
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from reconciler.drivers import directory, webdav
from reconciler.drivers.libcloud import storage as libcloud_storage
from reconciler.model import SecretRef, Target
from reconciler.ports import Copy, Source, Storage
from tests.real import issuer
from tests.real.dav import Dav, dav, door, liar
from tests.real.s3 import KEY, S3, SECRET, s3
from tests.real.swift import PASSWORD, USER, Swift, swift
from tests.real.web import web
from tests.real.xrootd import XRootD, xrootd

__all__ = ["dav", "door", "liar", "s3", "swift", "web", "xrootd"]

UID, OTHER = "a" * 32, "b" * 32


class Secrets:
    """The part of Drivers that a storage driver uses."""

    def secret(self, reference: SecretRef) -> str:
        known = {"HANSE_TEST_KEY": KEY, "HANSE_TEST_SECRET": SECRET, "HANSE_TEST_CLIENT": issuer.SECRET}
        known |= {"HANSE_TEST_SWIFT_KEY": USER, "HANSE_TEST_SWIFT_SECRET": PASSWORD}
        return known[reference.env or ""]


@dataclass
class Place:
    """A storage: ``open`` anew (with other options, too), as another process would; ``by_hand`` puts bytes there as a person would."""

    target: Target
    open: Callable[..., Storage]
    by_hand: Callable[[str, bytes], None]
    taken_away: Callable[[], None]

    def copy(self, path: str, source: str | Source, uid: str = UID, **more: Any) -> Any:
        read = Source(source) if isinstance(source, str) else source
        return self.open().copy_in(Copy(path, read, uid, **more))


def adler32(content: bytes) -> str:
    return f"adler32:{zlib.adler32(content):08x}"


def md5(content: bytes) -> str:
    return f"md5:{hashlib.md5(content).hexdigest()}"


@pytest.fixture
def source(tmp_path: Path) -> Callable[[bytes], Source]:
    """Makes a source file of some bytes."""

    def make(content: bytes, name: str = "source.bin") -> Source:
        file = tmp_path / "sources" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        return Source(file.as_uri())

    return make


@pytest.fixture
def directory_place(tmp_path: Path) -> Place:
    root = tmp_path / "store"
    root.mkdir()
    target = Target("storage:SITE/disk", "directory", {"root": str(root), "state": str(tmp_path / "state")})

    def by_hand(path: str, content: bytes) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)

    return Place(target, lambda at=target: directory.open(at, Secrets()), by_hand, lambda: shutil.rmtree(root))


@pytest.fixture
def libcloud_place(tmp_path: Path, s3: S3) -> Iterator[Place]:
    yield from _bucket_place(tmp_path, s3)


@pytest.fixture
def swift_place(tmp_path: Path, swift: Swift) -> Iterator[Place]:
    """A container of Swift, reached by its S3 API."""
    yield from _bucket_place(tmp_path, swift)


def _bucket_place(tmp_path: Path, service: S3 | Swift) -> Iterator[Place]:
    with service.bucket() as bucket:
        state = str(tmp_path / "state")
        target = Target("storage:SITE/s3", "libcloud", {**service.options, "container": bucket, "state": state})
        person = service.driver()

        def by_hand(path: str, content: bytes) -> None:
            person.upload_object_via_stream(io.BytesIO(content), person.get_container(bucket), path)

        def taken_away() -> None:
            for item in list(person.get_container(bucket).iterate_objects()):
                item.delete()
            person.get_container(bucket).delete()

        place = Place(target, lambda at=target: libcloud_storage.open(at, Secrets()), by_hand, taken_away)
        yield place
        if bucket not in [c.name for c in person.list_containers()]:
            person.create_container(bucket)


@pytest.fixture
def webdav_place(tmp_path: Path, xrootd: XRootD) -> Place:
    return dav_place(xrootd, "a", tmp_path / "state")


def dav_place(xrootd: XRootD, server: str, state: Path, **options: Any) -> Place:
    """A folder of its own at one of the servers."""
    folder = xrootd.folder(server)
    root = xrootd.servers[server].root / folder
    given = {**xrootd.options(server, folder), "state": str(state), **options}
    target = Target(f"storage:SITE/dav-{server}", "webdav", given)

    def by_hand(path: str, content: bytes) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
        for made in ((root / path), *(root / path).parents):
            if made.is_relative_to(root):
                shutil.chown(made, "xrootd", "xrootd")

    return Place(target, lambda at=target: webdav.open(at, Secrets()), by_hand, lambda: shutil.rmtree(root))


@pytest.fixture
def plain_place(tmp_path: Path, dav: Dav) -> Place:
    """A folder of a server that knows no more than the standard."""
    folder = dav.folder()
    root = dav.root / folder
    url = f"{dav.url}/{quote(folder)}"
    target = Target("storage:SITE/dav", "webdav", {"url": url, "state": str(tmp_path / "state")})

    def by_hand(path: str, content: bytes) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)

    return Place(target, lambda at=target: webdav.open(at, Secrets()), by_hand, lambda: shutil.rmtree(root))


@pytest.fixture(params=["directory", "libcloud", "swift", "webdav", "plain"])
def place(request: pytest.FixtureRequest) -> Place:
    return request.getfixturevalue(f"{request.param}_place")
