"""The images port over glance: images of one project, private to it, with our mark in their properties.

A call that makes something is never repeated blindly: whoever brings an image in looks for what an earlier attempt has
left, takes up what waits for its content, and removes what broke off while it arrived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, cast

import requests
from libcloud.common.exceptions import exception_from_message

from reconciler.drivers import fetch
from reconciler.drivers.appliances import Fetched, fetched
from reconciler.drivers.openstack import glance
from reconciler.drivers.openstack.api import Api
from reconciler.drivers.openstack.compute import OpenStack
from reconciler.drivers.openstack.failures import Missing, Refused, translated
from reconciler.drivers.openstack.options import options_of
from reconciler.drivers.openstack.session import session_for
from reconciler.errors import Conflict, DriverError, OutcomeUnknown, Terminal, Transient
from reconciler.model import Target
from reconciler.ports import Drivers
from reconciler.ports.images import CONTENT, ImageListing, ImageRequest, ImageUpdate, StoredImage

SETTLING_SECONDS = 300.0
"""How long glance may take to answer once it has the last byte: stores hash, copy and flush."""


def open(target: Target, drivers: Drivers) -> Glance:  # noqa: A001
    """The images of the project behind ``target``. Nothing is asked yet. Raises Terminal when the options are wrong."""
    return Glance(session_for(target.id, options_of(target), drivers))


class Glance(OpenStack):
    """The images of one project."""

    def listing(self, token: str = "") -> ImageListing:  # noqa: ARG002
        """List the project's images: glance shows hidden ones in a list of their own."""
        project = self._session.login().project
        found = self._call("list images", lambda api: api.images_of(project, hidden=False))
        found += self._call("list hidden images", lambda api: api.images_of(project, hidden=True))
        return ImageListing(tuple(one for one in map(glance.stored, found) if one is not None))

    def users(self) -> Mapping[str, int]:
        """Servers by the image they were made from; those that boot from a volume need none."""
        servers = self._call("list servers", Api.servers)
        if any("name" not in server for server in servers):
            raise Transient(f"{self._session.name}: nova listed only a part of its servers")
        return Counter(server["image"]["id"] for server in servers if server.get("image"))

    # -- bringing in ---------------------------------------------------------------------------------------------------

    def bring(self, request: ImageRequest) -> StoredImage:
        """Fetch and verify, then register and upload."""
        there = self._whole(request)
        if there is not None:
            return there
        with fetched(request.appliance, self._session.options.image_directory, request.progress) as file:
            return self._filled(self._waiting(request), request, file)

    def _own(self, request: ImageRequest) -> Iterator[StoredImage]:
        return (image for image in self.listing().images if image.owner == request.owner)

    def _whole(self, request: ImageRequest) -> StoredImage | None:
        fitting = (image for image in self._own(request) if _fits(image, request) and image.state == "active")
        return min(fitting, key=lambda image: (image.hidden, image.created, image.id), default=None)

    def _waiting(self, request: ImageRequest) -> str:
        """Id of an image that waits for this content; whatever else of the owner is half-made is removed."""
        found = ""
        wanted = glance.body(request)
        for image in self._own(request):
            same = image.state == "empty" and image.properties.get(CONTENT) == request.appliance.content
            if same and not found and image.format == request.appliance.format:
                found = image.id
            elif image.state in ("empty", "filling"):
                self.remove(image.id)
        if found:
            return found
        try:
            made = self._call(f"register the image {request.name}", lambda api: api.register_image(wanted), making=True)
        except OutcomeUnknown as error:
            raise Transient(f"{error}: looked for before it is asked again") from error
        return str(made["id"])

    def _filled(self, image_id: str, request: ImageRequest, file: Fetched) -> StoredImage:
        """The image with its content, as glance has summed it. What goes wrong leaves nothing half-made, if it can."""
        try:
            with self._no_rest(image_id):
                self._send(image_id, request, file)
        except DriverError:
            there = self._shown_image(image_id)  # glance may have it all, and only its answer was lost
            if there is None or there.state != "active":
                raise
        there = self._shown_image(image_id)
        if there is None or there.state != "active":
            raise Transient(f"{self._session.name}: glance does not show {request.name} as active after its upload")
        if not there.checksums & file.checksums or not _fits(there, request):
            self.remove(image_id)
            raise Transient(f"{self._session.name}: {request.name} has arrived damaged at glance: removed")
        return there

    @contextmanager
    def _no_rest(self, image_id: str) -> Iterator[None]:
        """Remove an image whose upload fails or is called off, unless it is whole after all."""
        try:
            yield
        except BaseException:
            with suppress(DriverError):
                there = self._shown_image(image_id)
                if there is not None and there.state != "active":
                    self.remove(image_id)
            raise

    def _send(self, image_id: str, request: ImageRequest, file: Fetched) -> None:
        """Upload; a token that is refused is renewed, once."""
        try:
            self._put(image_id, request, file)
        except Refused:
            self._put(image_id, request, file)

    def _put(self, image_id: str, request: ImageRequest, file: Fetched) -> None:
        session = self._session
        token, patience = session.login().token, session.options.timeout_seconds
        url = f"{session.endpoint('image')}/v2/images/{image_id}/file"
        headers = {"X-Auth-Token": token, "Content-Type": "application/octet-stream"}
        what = f"{session.name}: upload {request.name} ({file.size} bytes)"
        with file.path.open("rb") as stream, requests.Session() as http, translated(what):
            http.verify = session.options.ca_file or True
            body = cast("BinaryIO", _Body(stream, file.size, request.progress))
            answer = http.put(url, data=body, headers=headers, timeout=(patience, max(patience, SETTLING_SECONDS)))
            if answer.status_code == requests.codes.unauthorized:
                session.forget(token)
                raise Refused(f"{what}: 401 the token is not accepted")
            if answer.status_code == requests.codes.request_entity_too_large:
                raise fetch.out_of_space(f"{what}: 413 glance has no room for it: {answer.text[:200]}")
            if not answer.ok:
                raise _answered(answer)

    def _shown_image(self, image_id: str) -> StoredImage | None:
        try:
            return glance.stored(self._call(f"look at the image {image_id}", lambda api: api.image(image_id)))
        except Missing:
            return None

    # -- changing ------------------------------------------------------------------------------------------------------

    def update(self, image_id: str, update: ImageUpdate) -> None:
        """Change an image by one patch."""
        patch = glance.patch(update)
        try:
            if patch:
                self._call(f"change the image {image_id}", lambda api: api.patch_image(image_id, patch))
        except Missing as error:
            raise Conflict(str(error)) from error

    def remove(self, image_id: str) -> None:
        """Delete an image; one that is gone already is fine."""
        try:
            self._call(f"delete the image {image_id}", lambda api: api.delete_image_by_id(image_id))
        except Missing:
            return
        except Terminal as error:
            if "protected" in str(error):
                raise Terminal(f"{error}: somebody has protected it; take that off by hand") from error
            raise


def _fits(image: StoredImage, request: ImageRequest) -> bool:
    return image.has(request.appliance.checksums) and image.format == request.appliance.format


def _answered(answer: requests.Response) -> Exception:
    """An answer as libcloud would have raised it."""
    make: Any = exception_from_message
    made: Exception = make(answer.status_code, f"{answer.status_code} {answer.text[:200]}", dict(answer.headers))
    return made


class _Body:
    """A file that tells how much of it is gone, and how long it is."""

    def __init__(self, stream: BinaryIO, size: int, progress: Callable[[int], None] | None) -> None:
        self._stream, self._size, self._progress = stream, size, progress

    def __len__(self) -> int:
        return self._size

    def read(self, size: int = -1) -> bytes:
        """The next piece."""
        piece = self._stream.read(size)
        if self._progress and piece:
            self._progress(len(piece))
        return piece
