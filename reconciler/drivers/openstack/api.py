"""libcloud's OpenStack driver with our session under it, and the few requests that it cannot make itself.

What it lacks (3.9): one login for all of its connections; a create that does not read the server back (two calls for
one); flavours' extra specs as nova shows them from microversion 2.61; several security group rules in one call;
descriptions of floating IPs; merging metadata; nova's limits. Errors whose body is not what it expects end in an
AttributeError inside its parser: `Answer` reads any.
"""

# ruff: noqa: SLF001 (a subclass may use what its base calls private)

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

from libcloud.common.openstack import OpenStackResponse
from libcloud.compute.base import NodeImage
from libcloud.compute.drivers.openstack import (
    OpenStack_2_Connection,
    OpenStack_2_ImageConnection,
    OpenStack_2_NetworkConnection,
    OpenStack_2_NodeDriver,
    OpenStack_2_VolumeV3Connection,
)

from reconciler.drivers.openstack.session import Session
from reconciler.ports.images import OWNER

IDLE_SECONDS = 20.0
"""A connection that was silent for so long may be closed already, which would look like a lost answer."""
_PAGE = 1000


class Answer(OpenStackResponse):
    """An answer, whatever its body looks like."""

    def parse_error(self) -> str:
        """Status and what the service said."""
        me: Any = self
        try:
            body = me.parse_body()
        except Exception:  # noqa: BLE001 (whatever is wrong with the body of an error: it is told as it is)
            body = self.body
        return f"{self.status} {_said(body) or self.error or ''}".strip()


def _said(body: Any) -> str:
    """The message in an error: keystone's, nova's, neutron's, glance's and cinder's are all different."""
    if isinstance(body, Mapping):
        inner = [_said(value) for value in body.values() if isinstance(value, Mapping)]
        return str(body.get("message") or next(filter(None, inner), "") or body)[:500]
    return str(body or "")[:500]


class _Shared:
    """A connection that takes token and address from the driver's session."""

    responseCls = Answer
    _used = 0.0

    def _populate_hosts_and_request_paths(self) -> None:
        me = cast("Any", self)
        session: Session = me.driver.session
        me.auth_token = session.login().token
        me._set_up_connection_info(url=session.endpoint(me.service_type))
        if time.monotonic() - self._used > IDLE_SECONDS and me.connection is not None:
            me.connect()

    def get_auth_class(self) -> Any:
        """Where libcloud reports that a token was refused."""
        return self

    def clear_cached_auth_context(self) -> None:
        """The token of this connection was refused."""
        me = cast("Any", self)
        me.driver.session.forget(me.auth_token)

    def connect(self, *arguments: Any, **more: Any) -> None:
        """Open a connection; nothing is sent yet."""
        me = cast("Any", self)
        if me.connection is not None:
            me.connection.session.close()
        super().connect(*arguments, **more)  # type: ignore[misc]
        if me.driver is not None and me.driver.session.options.ca_file:
            me.connection.ca_cert = me.driver.session.options.ca_file

    def request(self, *arguments: Any, **more: Any) -> Any:
        """One request."""
        try:
            return super().request(*arguments, **more)  # type: ignore[misc]
        finally:
            self._used = time.monotonic()


class _Compute(_Shared, OpenStack_2_Connection):  # type: ignore[misc]
    pass


class _Image(_Shared, OpenStack_2_ImageConnection):  # type: ignore[misc]
    pass


class _Network(_Shared, OpenStack_2_NetworkConnection):  # type: ignore[misc]
    pass


class _Volume(_Shared, OpenStack_2_VolumeV3Connection):  # type: ignore[misc]
    pass


class Api(OpenStack_2_NodeDriver):
    """libcloud's driver of one project, for one thread."""

    connectionCls = _Compute
    image_connectionCls = _Image
    network_connectionCls = _Network
    volumev3_connectionCls = _Volume

    def __init__(self, session: Session) -> None:
        self.session = session
        options, base = session.options, cast("Any", super())
        base.__init__(
            "",
            "",
            timeout=options.timeout_seconds,
            ex_force_auth_url=options.endpoint,
            ex_force_microversion=options.microversion,
            ex_tenant_name="-",
        )

    def close(self) -> None:
        """Close every connection."""
        for service in ("compute", "image", "network", "volumev3"):
            self._connection(service).connection.session.close()

    def _connection(self, service: str) -> Any:
        return self.connection if service == "compute" else getattr(self, f"{service}_connection")

    def _ask(self, service: str, path: str, method: str = "GET", data: Any = "") -> Any:
        """One request; its answer's JSON."""
        return self._connection(service).request(path, method=method, data=data).object

    def _all(self, service: str, path: str, key: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        me: Any = super()
        found: list[dict[str, Any]] = me._paginated_request(path, key, self._connection(service), dict(params))[key]
        return found

    # -- nova ----------------------------------------------------------------------------------------------------------

    def servers(self, **filters: str) -> list[dict[str, Any]]:
        """The project's servers, in as few pages as nova makes of them."""
        return self._all("compute", "/servers/detail", "servers", filters)

    def server(self, server_id: str) -> dict[str, Any]:
        """One server."""
        return cast("dict[str, Any]", self._ask("compute", f"/servers/{server_id}")["server"])

    def diagnostics(self, server_id: str) -> dict[str, Any]:
        """What the hypervisor tells of a server."""
        return cast("dict[str, Any]", self._ask("compute", f"/servers/{server_id}/diagnostics"))

    def create_server(self, hints: Mapping[str, str], more: Mapping[str, Any], **asked: Any) -> str:
        """Ask for a server and return its id; it is not read back. ``asked`` is as for libcloud's ``create_node``."""
        me: Any = super()
        data: dict[str, Any] = {"server": {**me._create_args_to_params(None, **asked), **more}}
        if hints:
            data["os:scheduler_hints"] = dict(hints)
        return str(self._ask("compute", "/servers", "POST", data)["server"]["id"])

    def act(self, server_id: str, action: str) -> None:
        """``os-start``, ``resume``, ``unpause``, ``unshelve``."""
        self._ask("compute", f"/servers/{server_id}/action", "POST", {action: None})

    def delete_server(self, server_id: str) -> None:
        """Delete a server."""
        self._ask("compute", f"/servers/{server_id}", "DELETE")

    def merge_metadata(self, server_id: str, metadata: Mapping[str, str]) -> None:
        """Add to a server's metadata; libcloud's ``ex_set_metadata`` replaces all of it."""
        self._ask("compute", f"/servers/{server_id}/metadata", "POST", {"metadata": dict(metadata)})

    def limits(self) -> dict[str, int]:
        """Nova's limits and what is used of them; -1 is unlimited."""
        return cast("dict[str, int]", self._ask("compute", "/limits")["limits"]["absolute"])

    def delete_key_pair_named(self, name: str) -> None:
        """Delete a key pair."""
        self._ask("compute", f"/os-keypairs/{name}", "DELETE")

    def _to_size(self, api_flavor: Any, price: Any = None, bandwidth: Any = None) -> Any:
        me: Any = super()
        size = me._to_size({**api_flavor, "swap": api_flavor.get("swap") or 0}, price, bandwidth)
        size.extra = {**size.extra, **(api_flavor.get("extra_specs") or {})}
        return size

    # -- neutron -------------------------------------------------------------------------------------------------------

    def security_groups(self, *fields: str, **filters: str) -> list[dict[str, Any]]:
        """The project's security groups."""
        return self._neutron("security-groups", fields, filters)

    def create_security_group(self, name: str, description: str) -> dict[str, Any]:
        """Make a security group; neutron gives it rules that let everything out."""
        data = {"security_group": {"name": name, "description": description}}
        return cast("dict[str, Any]", self._ask("network", "/v2.0/security-groups", "POST", data)["security_group"])

    def create_rules(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Make several security group rules in one call."""
        self._ask("network", "/v2.0/security-group-rules", "POST", {"security_group_rules": list(rules)})

    def networks(self) -> list[dict[str, Any]]:
        """Networks that the project can use, other projects' shared ones and external ones included."""
        params = {"fields": ["id", "name", "shared", "router:external", "project_id"]}
        return self._all("network", "/v2.0/networks", "networks", params)

    def ports(self, *fields: str, **filters: str) -> list[dict[str, Any]]:
        """The project's ports."""
        return self._neutron("ports", fields, filters)

    def floating_ips(self, **filters: str) -> list[dict[str, Any]]:
        """The project's floating IPs."""
        return self._neutron("floatingips", (), filters)

    def create_floating_ip(self, network: str, port: str, description: str) -> dict[str, Any]:
        """Take a floating IP of an external network and bind it to a port, in one call."""
        data = {"floatingip": {"floating_network_id": network, "port_id": port, "description": description}}
        return cast("dict[str, Any]", self._ask("network", "/v2.0/floatingips", "POST", data)["floatingip"])

    def bind_floating_ip(self, floating_ip: str, port: str) -> None:
        """Bind a floating IP to another port."""
        self._ask("network", f"/v2.0/floatingips/{floating_ip}", "PUT", {"floatingip": {"port_id": port}})

    def delete_network_part(self, collection: str, part: str) -> None:
        """Delete a port, a floating IP, a security group or one of its rules."""
        self._ask("network", f"/v2.0/{collection}/{part}", "DELETE")

    def network_limits(self, project: str) -> dict[str, Any]:
        """Neutron's limits and what is used of them."""
        return cast("dict[str, Any]", self._ask("network", f"/v2.0/quotas/{project}/details.json")["quota"])

    def _neutron(self, collection: str, fields: Sequence[str], filters: Mapping[str, str]) -> list[dict[str, Any]]:
        """Of our project alone: an administrator would see everybody's."""
        params: dict[str, Any] = {"project_id": self.session.login().project, **filters}
        if fields:
            params["fields"] = list(fields)
        return self._all("network", f"/v2.0/{collection}", collection.replace("-", "_"), params)

    # -- glance and cinder ---------------------------------------------------------------------------------------------

    def active_images(self) -> list[NodeImage]:
        """Images that servers can be made from, the newest first, and before them those that we have brought in."""
        me: Any = super()
        path = f"/v2/images?status=active&sort=created_at:desc&limit={_PAGE}"
        found = me._paginated_request_next(path, self._connection("image").request, "images")
        return [me._to_image(image) for image in sorted(found, key=lambda image: OWNER not in image)]

    def images_of(self, project: str, *, hidden: bool) -> list[dict[str, Any]]:
        """The project's own images, whatever their state; glance lists either hidden ones or the others."""
        me: Any = super()
        path = f"/v2/images?owner={project}&os_hidden={str(hidden).lower()}&limit={_PAGE}"
        return list(me._paginated_request_next(path, self._connection("image").request, "images"))

    def image(self, image_id: str) -> dict[str, Any]:
        """One image."""
        return cast("dict[str, Any]", self._ask("image", f"/v2/images/{image_id}"))

    def register_image(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Register an image; its content comes later."""
        return cast("dict[str, Any]", self._ask("image", "/v2/images", "POST", dict(wanted)))

    def patch_image(self, image_id: str, patch: Sequence[Mapping[str, Any]]) -> None:
        """Change what an image says of itself, by a JSON patch."""
        headers = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
        path = f"/v2/images/{image_id}"
        self._connection("image").request(path, method="PATCH", data=list(patch), headers=headers)

    def delete_image_by_id(self, image_id: str) -> None:
        """Delete an image; libcloud's ``delete_image`` wants an object."""
        self._ask("image", f"/v2/images/{image_id}", "DELETE")

    def volume_limits(self) -> dict[str, int]:
        """Cinder's limits and what is used of them; -1 is unlimited."""
        return cast("dict[str, int]", self._ask("volumev3", "/limits")["limits"]["absolute"])
