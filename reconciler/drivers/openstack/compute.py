"""The compute port over one OpenStack project.

Nothing that makes something is repeated blindly. Before a server is asked for, a list that is at most half a minute old
must show that no server has its name; when the answer is lost, the next asker looks for the name first.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from reconciler.drivers.openstack import shown
from reconciler.drivers.openstack.api import Api
from reconciler.drivers.openstack.failures import Missing, Refused, translated
from reconciler.drivers.openstack.keep import Keep, Kept
from reconciler.drivers.openstack.session import Session
from reconciler.drivers.sshkey import own_key, public_key
from reconciler.errors import Conflict, DriverError, Terminal, Transient
from reconciler.ports import Holding, Image, Limit, Node, NodeListing, NodeRequest, Quota, Size, Traffic

T = TypeVar("T")
BELIEVED_SECONDS = 30.0
"""How long a list of servers, and what was found to be kept for an owner, is believed."""
BUSY_SECONDS = 2.0
"""When to come back to a server that is busy."""
FAILURES = 3
"""So many machines of which nova cannot tell the traffic end the asking: a host that is silent costs half a minute."""
IMAGES_SECONDS = 600.0
"""How long the names of images are believed, where they are only shown."""


class OpenStack:
    """One project. Each thread has a driver of libcloud's of its own; they share one login."""

    def __init__(self, session: Session, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` tells seconds since some moment."""
        self._session, self._clock = session, clock
        self._local = threading.local()
        self._lock = threading.RLock()
        self._listed: tuple[float, set[str]] = (float("-inf"), set())
        self._kept: dict[tuple[str, tuple[str, ...]], tuple[float, Kept]] = {}
        self._keep = Keep(session, self._call, self._public_key)

    @property
    def api(self) -> Api:
        """The driver of libcloud's that belongs to this thread."""
        if not hasattr(self._local, "api"):
            self._local.api = Api(self._session)
        found: Api = self._local.api
        return found

    def _call(self, what: str, do: Callable[[Api], T], *, making: bool = False) -> T:
        """Do one call. A token that is refused is renewed, once."""
        said = f"{self._session.name}: {what}"
        try:
            with translated(said, making=making):
                return do(self.api)
        except Refused:
            pass  # libcloud told the session, which has forgotten the token
        try:
            with translated(said, making=making):
                return do(self.api)
        except Refused as error:
            raise Terminal(f"{error}, nor is it after a new login") from error

    # -- what is there -------------------------------------------------------------------------------------------------

    def nodes(self, token: str = "") -> NodeListing:  # noqa: ARG002
        """List all servers. One that a cell being down hides makes the list incomplete."""
        servers = self._call("list servers", Api.servers)
        whole = [server for server in servers if "name" in server]
        if len(whole) == len(servers):
            self._listed = self._clock(), {s["name"] for s in whole if shown.state(s) != "deleting"}
        return NodeListing(tuple(self._shown(whole)), complete=len(whole) == len(servers))

    def _shown(self, servers: Sequence[Mapping[str, Any]]) -> list[Node]:
        images = self._image_names({(s.get("image") or {}).get("id", "") for s in servers} - {""})
        first = self._session.options.prefer_address == "public"
        users = self._user_names()
        return [shown.node(server, images, users, public_first=first) for server in servers]

    def _user_names(self) -> Mapping[str, str]:
        """Names of users, as far as they may be told: keystone lets most users read their own alone, at the login."""
        if not self._session.options.user_names:
            return {}
        login = self._session.login()
        return {login.user: login.user_name}

    def _image_names(self, ids: set[str]) -> Mapping[str, str]:
        """Names of images, looked up where there is anything to name."""
        if not ids:
            return {}
        known: dict[str, str] = self._session.remembered("images", IMAGES_SECONDS, self._look_at_images)
        return known

    def _look_at_images(self) -> dict[str, str]:
        return {image.id: image.name for image in self._call("list images", Api.active_images)}

    def traffic(self, node_ids: Sequence[str]) -> Mapping[str, Traffic]:
        """Ask nova about each of the first machines, where the operator wants it.

        A refusal, or a third failure, ends it. It is raised where nothing was learned.
        """
        options, found, failures = self._session.options, dict[str, Traffic](), list[DriverError]()
        for node_id in node_ids[: options.traffic_calls] if options.traffic else ():
            try:
                told = self._traffic_of(node_id)
            except DriverError as error:
                failures.append(error)
                if isinstance(error, Terminal) or len(failures) == FAILURES:
                    break
                continue
            if told is not None:
                found[node_id] = told
        if failures and not found:
            raise failures[-1]
        return found

    def _traffic_of(self, node_id: str) -> Traffic | None:
        try:
            return shown.traffic(self._call(f"diagnose {node_id}", lambda api: api.diagnostics(node_id)))
        except (Missing, Conflict):
            return None  # it is gone, or does not run, since it was listed

    def holdings(self) -> Sequence[Holding]:
        """Owners of whom something is left, by the security groups' names."""
        return self._keep.holdings()

    def sizes(self) -> Sequence[Size]:
        """Flavours that are not disabled."""
        found = self._call("list flavours", Api.list_sizes)
        return [shown.size(size) for size in found if not size.extra.get("disabled")]

    def images(self) -> Sequence[Image]:
        """Active images; of several by one name the newest comes first."""
        found = self._call("list images", Api.active_images)
        self._session.remember("images", IMAGES_SECONDS, {image.id: image.name for image in found})
        return [Image(image.id, image.name) for image in found if image.name]

    def quota(self) -> Quota:
        """What nova limits, and what neutron and cinder do where they say so."""
        limits = dict(shown.nova_limits(self._call("read the limits", Api.limits)))
        project = self._session.login().project
        limits |= self._where_told(
            "read neutron's limits", lambda api: shown.neutron_limits(api.network_limits(project))
        )
        if self._session.has("volumev3"):
            limits |= self._where_told("read cinder's limits", lambda api: shown.cinder_limits(api.volume_limits()))
        return Quota.of(limits)

    def _where_told(self, what: str, read: Callable[[Api], Any]) -> dict[str, Limit]:
        """Limits that not every cloud tells every user."""
        try:
            return dict(self._call(what, read))
        except Terminal:
            return {}

    # -- servers -------------------------------------------------------------------------------------------------------

    def create(self, request: NodeRequest) -> Node:
        """Ask for a server, unless one has the name already."""
        there = self._named(request.name)
        if there is not None:
            return there
        kept = self._ready(request)
        networks = self._keep.networks(request.networks or self._session.options.networks)
        self._heard_of(request.name)
        try:
            made = self._call(f"make {request.name}", lambda api: self._make(api, request, kept, networks), making=True)
        except DriverError:
            self._distrust()
            raise
        return Node(made, request.name, "pending", request.size.name, request.image.name, dict(request.metadata))

    def _make(self, api: Api, request: NodeRequest, kept: Kept, networks: Sequence[str]) -> str:
        options = self._session.options
        more: dict[str, Any] = {"networks": [{"uuid": network} for network in networks]}
        if kept.group:
            more["security_groups"] = [{"name": kept.group}]
        if request.disk_gib and not request.size.disk_gib and self._session.has("volumev3"):
            more |= {"block_device_mapping_v2": [_root_volume(request)], "imageRef": ""}
        return api.create_server(
            kept.hints,
            more,
            name=request.name,
            size=request.size,
            image=request.image,
            ex_keyname=kept.key,
            ex_metadata=dict(request.metadata),
            ex_userdata=request.user_data or shown.cloud_config((*options.public_keys, *request.public_keys)),
            ex_config_drive=options.config_drive,
            ex_availability_zone=options.availability_zone,
        )

    def _named(self, name: str) -> Node | None:
        """The server that has the name already; a list that is not old shows that there is none."""
        listed, names = self._listed
        if name not in names and self._clock() - listed < BELIEVED_SECONDS:
            return None
        pattern = f"^{re.escape(name)}$"
        found = [s for s in self._call(f"look for {name}", lambda api: api.servers(name=pattern)) if "name" in s]
        there = [s for s in found if s["name"] == name and shown.state(s) != "deleting"]
        return min(self._shown(there), key=lambda node: (node.state == "error", node.id), default=None)

    def _heard_of(self, name: str) -> None:
        with self._lock:
            listed, names = self._listed
            self._listed = listed, {*names, name}

    def _distrust(self) -> None:
        """Something went wrong: believe nothing that was seen before."""
        with self._lock:
            self._listed = float("-inf"), set()
            self._kept.clear()

    def _ready(self, request: NodeRequest) -> Kept:
        with self._lock:
            key = request.owner, request.security_ports
            until, kept = self._kept.get(key, (float("-inf"), Kept()))
            if until < self._clock():
                kept = self._keep.ready(request)
                self._kept[key] = self._clock() + BELIEVED_SECONDS, kept
            return kept

    def _public_key(self) -> str:
        options = self._session.options
        return public_key(Path(options.private_key) if options.private_key else own_key(options.state))

    def destroy(self, node_id: str) -> None:
        """Delete a server; one that is gone already is fine."""
        try:
            self._call(f"delete {node_id}", lambda api: api.delete_server(node_id))
        except Missing:
            return

    def power_on(self, node_id: str) -> None:
        """Start, resume or unshelve a server; one that runs, or is gone, is fine."""
        try:
            server = self._call(f"look at {node_id}", lambda api: api.server(node_id))
            action = shown.WAKE.get(server["status"])
            if action:
                self._call(f"{action} {node_id}", lambda api: api.act(node_id, action))
        except (Missing, Conflict):
            return  # gone, or somebody else has just started it

    def mark(self, node_id: str, metadata: Mapping[str, str]) -> None:
        """Merge into a server's metadata. Raises Terminal when there is no such server."""
        try:
            self._call(f"mark {node_id}", lambda api: api.merge_metadata(node_id, metadata))
        except Conflict as error:  # nova takes no metadata while a server is built
            raise Transient(str(error), retry_after=BUSY_SECONDS) from error

    # -- what servers share --------------------------------------------------------------------------------------------

    def publish(self, node_id: str, owner: str) -> Sequence[str]:
        """Bind a floating IP to a server."""
        return self._keep.publish(node_id, owner)

    def withdraw(self, owner: str) -> None:
        """Give an owner's floating IPs back."""
        self._keep.withdraw(owner)

    def release(self, owner: str) -> bool:
        """Take away the owner's security group, key pair, floating IPs, server group, and ports left behind."""
        with self._lock:
            self._kept = {key: held for key, held in self._kept.items() if key[0] != owner}
            return self._keep.release(owner)


def _root_volume(request: NodeRequest) -> dict[str, Any]:
    """A root disk of cinder's, for flavours without one; it goes with its server."""
    return {
        "boot_index": 0,
        "uuid": request.image.id,
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": request.disk_gib,
        "delete_on_termination": True,
    }
