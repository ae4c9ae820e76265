"""libcloud's EC2 driver, and the few requests that it cannot make itself or makes in more calls than needed.

Quirks of libcloud 3.9 dealt with here: an answer in another XML namespace reads as an empty list, as if everything were
gone; ``list_nodes`` asks for addresses too; tags are numbered from 0, where EC2 counts from 1; nothing
follows ``nextToken``.
"""

# ruff: noqa: SLF001 (a subclass may use what its base calls private)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from libcloud.common.types import MalformedResponseError
from libcloud.compute.base import Node
from libcloud.compute.drivers.ec2 import NAMESPACE, EC2NodeDriver
from libcloud.utils.xml import findtext, fixxpath

_text: Any = findtext
_path: Any = fixxpath


class Api(EC2NodeDriver):
    """libcloud's driver of one region, for one thread."""

    def ask(self, action: str, must_have: str = "", **params: str) -> Any:
        """One request; its answer's XML, in which ``must_have`` stands, or it is not the answer that we take it for."""
        me: Any = self
        answer = me.connection.request(self.path, params={"Action": action, **params}).object
        if must_have and answer.find(_path(xpath=must_have, namespace=NAMESPACE)) is None:
            said = f"{action} was answered without {must_have}"
            raise MalformedResponseError(said, body=said, driver=me)
        return answer

    def instances(self, **filters: str) -> list[Node]:
        """Instances, those that are gone but still listed left out."""
        me: Any = self
        found: list[Node] = []
        params = me._build_filters(filters) if filters else {}
        while True:
            answer = self.ask("DescribeInstances", "reservationSet", **params)
            found += me._to_nodes(answer, "reservationSet/item/instancesSet/item")
            token = _text(element=answer, xpath="nextToken", namespace=NAMESPACE)
            if not token:
                return [node for node in found if node.extra["status"] != "terminated"]
            params = {**params, "NextToken": token}

    def groups(self, **filters: str) -> list[Any]:
        """Security groups."""
        me: Any = self
        answer = self.ask("DescribeSecurityGroups", "securityGroupInfo", **me._build_filters(filters))
        found: list[Any] = me._to_security_groups(answer)
        return found

    def has_key_pair(self, name: str) -> bool:
        """True when there is such a key pair; libcloud's own question names none."""
        me: Any = self
        answer = self.ask("DescribeKeyPairs", "keySet", **me._build_filters({"key-name": name}))
        return answer.find(_path(xpath="keySet/item", namespace=NAMESPACE)) is not None

    def tag(self, resource: str, tags: Mapping[str, str]) -> None:
        """Add tags to whatever has the id."""
        self.ask("CreateTags", **{"ResourceId.1": resource, **_numbered("", tags)})

    def addresses(self, **filters: str) -> list[dict[str, str]]:
        """Elastic IPs: ``publicIp``, ``allocationId``, ``instanceId``, ``associationId``."""
        me: Any = self
        answer = self.ask("DescribeAddresses", "addressesSet", **me._build_filters(filters))
        items = answer.findall(_path(xpath="addressesSet/item", namespace=NAMESPACE))
        names = ("publicIp", "allocationId", "instanceId", "associationId")
        return [{n: _text(element=item, xpath=n, namespace=NAMESPACE) or "" for n in names} for item in items]

    def allocate(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Take an elastic IP that carries ``tags`` from the beginning."""
        marked = {"TagSpecification.1.ResourceType": "elastic-ip", **_numbered("TagSpecification.1.", tags)}
        answer = self.ask("AllocateAddress", "allocationId", Domain="vpc", **marked)
        return {n: _text(element=answer, xpath=n, namespace=NAMESPACE) for n in ("publicIp", "allocationId")}


def _numbered(prefix: str, tags: Mapping[str, str]) -> dict[str, str]:
    pairs = enumerate(tags.items(), 1)
    return {
        f"{prefix}Tag.{n}.{word}": text for n, pair in pairs for word, text in zip(("Key", "Value"), pair, strict=True)
    }
