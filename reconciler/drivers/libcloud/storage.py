"""The libcloud driver of the storage port: a container (bucket) of an S3 service is a storage.

Options: ``provider`` (``s3``, ``minio``, ``s3_rgw`` ... as libcloud spells it; ``s3`` when not given), ``key`` and
``secret`` (secret references), ``host``, ``port``, ``secure``, ``region``, ``container``, ``capacity`` and
``minFreeBytes``. A storage's ``url`` (``https://s3.example.org:9000/container``) stands for host, port, secure and
container where they are not given.

OpenStack Swift is reached by its S3 API (``s3api``). libcloud's driver for Swift's own API is refused: it compares what
it has streamed with the MD5 of nothing, cuts no stream into parts (Swift takes 5 GiB in one), and the URLs to read from
that it makes are of https alone and signed with a key of the whole account.

Our mark and our own checksums lie in each object's metadata. An object appears only when its upload is complete, so
that a killed copy shows nothing. Quirks of libcloud 3.9 that are dealt with here:

- ``Object.hash`` is an ETag: of a multipart upload it is no MD5 of the content. It only tells versions apart here.
- A listing shows no metadata. ``get_object`` asks for the container first: two requests where one will do.
- HEAD takes 400 for "no such object": an object that was listed and is then said not to exist is looked for again.
- Uploads by stream go in 5 MiB parts, of which S3 takes 10,000: a file over 48 GiB cannot be brought in.
- An exception inside the stream aborts the upload, which is how a wrong checksum is kept out; when the abort fails
  too, its error hides ours. Parts that stay behind are aborted by the next copy to that path, a day later; a lifecycle
  rule ``AbortIncompleteMultipartUpload`` on the bucket does the same for paths never tried again.
- A page that names no last key makes it begin anew, without end: noticed by the first key coming again.
- An answer in another XML namespace parses as nothing: AttributeError is a bad answer, not a fault of ours.
- Swift answers 202 without an ETag when a newer write of the same path came between: libcloud takes that for a wrong
  hash, and it is one to be tried again.
- There is no copy on the server's side and so no way to change metadata: ``mark`` sends that request itself.
- One driver object is one connection: each thread has its own.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from libcloud.common.types import LibcloudError
from libcloud.storage.base import Object
from libcloud.storage.drivers.s3 import BaseS3StorageDriver
from libcloud.storage.providers import get_driver
from libcloud.storage.types import ObjectDoesNotExistError, ObjectHashMismatchError

from reconciler.drivers.fetch import PIECE, Tally, pieces, shown
from reconciler.drivers.heads import Head, Heads
from reconciler.drivers.libcloud.failures import translated
from reconciler.drivers.libcloud.presign import presigned
from reconciler.drivers.prefixes import Prefixes
from reconciler.errors import Conflict, Terminal, Transient
from reconciler.model import SecretRef, Target
from reconciler.ports import Copy, Drivers, Listing, Source, Space, Storage, StoredFile

SMALL = 5 << 20
"""Bytes up to which a file goes in one request, with both checksums known beforehand."""
LARGEST = 10_000 * (5 << 20)
_FEW = 20
"""Prefixes that are listed one by one; of more than these the common part is listed."""
_HEADS_AT_ONCE = 8
_URL_SECONDS = 7 * 86400
_LEFT_BEHIND = timedelta(days=1)
_UID, _SUMS = "hanse-uid", "hanse-checksums"


def open(target: Target, drivers: Drivers) -> Storage:  # noqa: A001
    """The container behind ``target``. Nothing is asked yet. Raises Terminal when options or secrets are missing."""
    options = {"provider": "s3", **_of_url(str(target.options.get("url") or "")), **target.options}
    missing = [name for name in ("container", "key", "secret") if not options.get(name)]
    if missing:
        raise Terminal(f"{target.id}: the libcloud driver needs the options {', '.join(missing)}")
    key, secret = (drivers.secret(SecretRef.model_validate(options[name])) for name in ("key", "secret"))
    more = {name: options[name] for name in ("host", "port", "secure", "region") if options.get(name) is not None}
    state = options.get("state")
    heads = Heads(Path(str(state)) / f"{target.name.replace('/', '.')}.heads.sqlite" if state else None)
    connect = partial(_driver, target, str(options["provider"]), key, secret, more)
    capacity, min_free = options.get("capacity"), int(options.get("minFreeBytes") or 0)
    return Bucket(target.id, connect, str(options["container"]), heads, capacity=capacity, min_free=min_free)


def _of_url(url: str) -> dict[str, Any]:
    """The options that a URL stands for; none when it is not one of a service and a container."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return {}
    secure, container = parts.scheme == "https", parts.path.strip("/")
    found = {"host": parts.hostname, "port": parts.port or (443 if secure else 80), "secure": secure}
    return {**found, "container": container} if container and "/" not in container else found


def _driver(target: Target, provider: str, key: str, secret: str, more: Mapping[str, Any]) -> Any:
    try:
        found = get_driver(provider)(key, secret, **more)
    except (AttributeError, ImportError, TypeError, ValueError) as error:
        raise Terminal(f"{target.id}: provider {provider}: {error}") from error
    if not isinstance(found, BaseS3StorageDriver) or not found.supports_s3_multipart_upload:
        raise Terminal(f"{target.id}: provider {provider} does not speak S3 with multipart uploads")
    return found


class Bucket:
    """A container as a storage. Safe between threads."""

    def __init__(
        self,
        name: str,
        connect: Callable[[], Any],
        container: str,
        heads: Heads,
        clock: Callable[[], float] = time.time,
        *,
        capacity: int | None = None,
        min_free: int = 0,
    ) -> None:
        """``connect`` makes a libcloud driver; ``clock`` tells seconds since the epoch; the rest are bytes."""
        self._capacity, self._min_free = capacity, min_free
        self._name, self._connect, self._container = name, connect, container
        self._heads, self._clock, self._local = heads, clock, threading.local()

    @property
    def _driver(self) -> Any:
        """The driver of this thread; it takes the container for granted once it was seen."""
        if not hasattr(self._local, "driver"):
            driver = self._connect()
            container = driver.get_container(self._container)
            driver.get_container = lambda container_name: container  # noqa: ARG005
            self._local.driver, self._local.container = driver, container
        return self._local.driver

    # -- reading ---------------------------------------------------------------------------------------------------

    def listing(self, prefixes: Iterable[str] = ("",), token: str = "") -> Listing:  # noqa: ARG002
        """List objects under any of the prefixes. S3 has no sound token for a container: always ""."""
        with translated(self._name):
            found = self._listed(list(prefixes))
            known = self._heads.read()
            heads = {path: known[path][1] for path, o in found.items() if known.get(path, ("",))[0] == _version(o)}
            fresh = self._looked_up(path for path in found if path not in heads)
        self._heads.keep({path: (_version(found[path]), head) for path, head in fresh.items() if head is not None})
        heads.update({path: head for path, head in fresh.items() if head is not None})
        return Listing({path: _stored(found[path], head) for path, head in sorted(heads.items())})

    def source(self, path: str) -> Source:
        """A presigned URL for ``path``, good for seven days."""
        with translated(self._name):
            driver = self._driver
            at = driver.connection
            own_port = int(at.port) == (443 if driver.secure else 80)
            url = presigned(
                host=at.host if own_port else f"{at.host}:{at.port}",
                path=f"/{self._container}/{quote(_checked(self._name, path), safe='/~')}",
                key=driver.key,
                secret=driver.secret,
                region=getattr(driver, "region", "") or "us-east-1",
                now=datetime.fromtimestamp(self._clock(), UTC),
                seconds=_URL_SECONDS,
                secure=driver.secure,
            )
        return Source(url)

    def space(self) -> Space:
        """What is listed, and what the capacity leaves for more. S3 itself does not say how full a container is."""
        if self._capacity is None:
            return Space()
        with translated(self._name):
            used = sum(item.size for item in self._listed([""]).values())
        return Space(used, max(0, self._capacity - self._min_free - used))

    def _listed(self, prefixes: list[str]) -> dict[str, Any]:
        """Key -> object, of every page. Raises Transient when the pages begin anew."""
        asked = Prefixes(prefixes)
        found: dict[str, Any] = {}
        for prefix in asked.few(_FEW):
            first = ""
            for item in self._driver.iterate_container_objects(self._here(), prefix=prefix or None):
                if item.name == first:
                    raise Transient(f"{self._name}: the listing goes round in circles")
                first = first or item.name
                if asked.cover(item.name) and not item.name.endswith("/"):
                    found[item.name] = item
        return found

    def _here(self) -> Any:
        return self._driver and self._local.container

    def _looked_up(self, paths: Iterable[str]) -> dict[str, Head | None]:
        wanted = list(paths)
        if len(wanted) <= 1:
            return {path: self._head(path) for path in wanted}
        with ThreadPoolExecutor(min(_HEADS_AT_ONCE, len(wanted)), thread_name_prefix="heads") as pool:
            return dict(zip(wanted, pool.map(self._head, wanted), strict=True))

    def _head(self, path: str) -> Head | None:
        """What an object's metadata says; None when it is gone since it was listed."""
        with translated(f"{self._name}: {path}"):
            try:
                metadata = self._driver.get_object(self._container, path).meta_data
            except ObjectDoesNotExistError as error:
                if path in self._listed([path]):
                    raise Transient(f"{self._name}: {path} is listed and cannot be looked at") from error
                return None
        return Head(metadata.get(_UID, ""), frozenset(metadata.get(_SUMS, "").split()))

    # -- writing ---------------------------------------------------------------------------------------------------

    def copy_in(self, copy: Copy) -> StoredFile:
        """Copy one file in. It replaces what stands under its path; on failure that stays."""
        _checked(self._name, copy.path)
        if copy.size is not None and copy.size > LARGEST:
            raise Terminal(
                f"{self._name}: {copy.path}: more than {LARGEST} bytes cannot be brought in through libcloud"
            )
        with translated(f"{self._name}: {copy.path}"), pieces(copy.source) as source:
            tally = Tally()
            incoming = _counted(copy, source, tally)
            head = _first(incoming, SMALL)
            self._heads.forget([copy.path])
            if len(head) <= SMALL:
                self._put_small(copy, head, tally)
                return StoredFile(copy.path, tally.size, tally.checksums, copy.uid)
            self._abort_left_behind(copy.path)
            if copy.checksum:
                metadata = {_UID: copy.uid, _SUMS: copy.checksum.lower()}
                self._put_large(copy, chain((head,), _verified(copy, incoming, tally)), metadata)
            else:
                self._put_unknown(copy, chain((head,), incoming), tally)
        return StoredFile(copy.path, tally.size, tally.checksums, copy.uid)

    def mark(self, path: str, uid: str) -> None:
        """Put our mark on an object: the server copies it onto itself with other metadata (up to 5 GiB)."""
        _checked(self._name, path)
        with translated(f"{self._name}: {path}"):
            driver = self._driver
            found = self._listed([path]).get(path)
            if found is None:
                raise Conflict(f"{self._name}: {path} is gone")
            tally = Tally()
            for piece in driver.download_object_as_stream(found, chunk_size=PIECE):
                tally.add(piece)
            self._heads.forget([path])
            where = f"/{self._container}/{quote(path, safe='/~')}"
            headers = {
                "x-amz-copy-source": where,
                "x-amz-copy-source-if-match": f'"{found.hash}"',
                "x-amz-metadata-directive": "REPLACE",
                f"x-amz-meta-{_UID}": uid,
                f"x-amz-meta-{_SUMS}": " ".join(sorted(tally.checksums)),
            }
            try:
                status = int(driver.connection.request(where, method="PUT", headers=headers).status)
            except LibcloudError as error:
                if "412" not in str(error):
                    raise
                status = self._marked_in_parts(found, where, headers)
            if status != 200:  # noqa: PLR2004
                raise Transient(f"{self._name}: {path} could not be marked: {status}")

    def _marked_in_parts(self, found: Any, where: str, headers: dict[str, str]) -> int:
        """Mark an object that came in parts: Swift knows it by another ETag than it lists, and takes no condition."""
        now = self._listed([found.name]).get(found.name)
        if now is None or _version(now) != _version(found):
            raise Conflict(f"{self._name}: {found.name} has changed meanwhile")
        unconditional = {name: value for name, value in headers.items() if name != "x-amz-copy-source-if-match"}
        return int(self._driver.connection.request(where, method="PUT", headers=unconditional).status)

    def remove(self, path: str) -> None:
        """Take an object away, and the parts of uploads to it that were left behind."""
        _checked(self._name, path)
        with translated(f"{self._name}: {path}"):
            self._heads.forget([path])
            self._abort_left_behind(path)
            if path in self._listed([path]):
                self._driver.delete_object(self._object(path))

    def _put_small(self, copy: Copy, content: bytes, tally: Tally) -> None:
        tally.verify(copy.source.url, copy.size, copy.checksum)
        metadata = {_UID: copy.uid, _SUMS: " ".join(sorted(tally.checksums))}
        with tempfile.NamedTemporaryFile(prefix="hanse-") as file:
            file.write(content)
            file.flush()
            try:
                self._driver.upload_object(file.name, self._here(), copy.path, extra=_extra(metadata))
            except ObjectHashMismatchError as error:
                raise Transient(f"{self._name}: {copy.path}: the server does not confirm what was sent") from error

    def _put_large(self, copy: Copy, stream: Iterator[bytes], metadata: Mapping[str, str]) -> None:
        self._driver.upload_object_via_stream(stream, self._here(), copy.path, extra=_extra(metadata))

    def _put_unknown(self, copy: Copy, stream: Iterator[bytes], tally: Tally) -> None:
        """Nobody said what to expect: the file is kept here until its checksums are known, then sent."""
        with tempfile.TemporaryFile(prefix="hanse-") as file:
            for piece in stream:
                file.write(piece)
            tally.verify(copy.source.url, copy.size, copy.checksum)
            file.seek(0)
            metadata = {_UID: copy.uid, _SUMS: " ".join(sorted(tally.checksums))}
            self._put_large(copy, iter(lambda: file.read(PIECE), b""), metadata)

    def _abort_left_behind(self, path: str) -> None:
        """Abort uploads to ``path`` that were begun more than a day ago: their writers are dead."""
        limit = datetime.fromtimestamp(self._clock(), UTC) - _LEFT_BEHIND
        driver = self._driver
        for upload in list(driver.ex_iterate_multipart_uploads(self._here(), prefix=path)):
            if upload.key == path and datetime.fromisoformat(upload.created_at) < limit:
                driver._abort_multipart(self._here(), upload.key, upload.id)  # noqa: SLF001 (all or none is public)

    def _object(self, path: str) -> Any:
        return Object(path, 0, "", {}, {}, self._here(), self._driver)


def _checked(name: str, path: str) -> str:
    if any(part in ("", ".", "..") or "\0" in part for part in path.split("/")):
        raise Terminal(f"{name}: {path!r} is not a path in a container")
    return path


def _stored(item: Any, head: Head) -> StoredFile:
    try:
        modified = datetime.fromisoformat(str(item.extra.get("last_modified", ""))).astimezone(UTC)
    except ValueError:
        modified = None
    return StoredFile(item.name, item.size, head.checksums, head.uid, modified)


def _version(item: Any) -> str:
    return f"{item.hash} {item.size} {item.extra.get('last_modified', '')}"


def _extra(metadata: Mapping[str, str]) -> dict[str, Any]:
    return {"meta_data": dict(metadata), "content_type": "application/octet-stream"}


def _counted(copy: Copy, source: Iterator[bytes], tally: Tally) -> Iterator[bytes]:
    for piece in source:
        tally.add(piece)
        if copy.size is not None and tally.size > copy.size:
            raise Terminal(f"{shown(copy.source.url)} has more than the {copy.size} bytes expected")
        if tally.size > LARGEST:
            raise Terminal(f"{copy.path}: more than {LARGEST} bytes cannot be brought in through libcloud")
        if copy.progress is not None:
            copy.progress(len(piece))
        yield piece


def _first(pieces_: Iterator[bytes], size: int) -> bytes:
    """Everything when it is at most ``size`` bytes; otherwise a little more than ``size``."""
    head = bytearray()
    for piece in pieces_:
        head += piece
        if len(head) > size:
            break
    return bytes(head)


def _verified(copy: Copy, rest: Iterator[bytes], tally: Tally) -> Iterator[bytes]:
    """The rest of the bytes; raises before the end is reported when they are not the ones expected."""
    yield from rest
    tally.verify(copy.source.url, copy.size, copy.checksum)
