"""libcloud's PowerDNS driver made whole: whole RRsets with their comments, one atomic call, and errors as they are.

As it comes, it knows one value per name, drops comments, takes back failures as ``False`` and reads the error texts of
PowerDNS 3. Its connection, authentication and choice of API are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from libcloud.common.types import MalformedResponseError
from libcloud.dns.drivers.powerdns import PowerDNSConnection, PowerDNSDriver, PowerDNSResponse

_PLAIN = re.compile(r"[A-Za-z0-9._-]")


class WholeResponse(PowerDNSResponse):
    """What the server said when it refused, whether as JSON or as text."""

    def parse_error(self) -> str:
        """The server's own words; InvalidCredsError for a refused key."""
        if int(self.status) == 401:  # noqa: PLR2004
            return cast(str, cast(Any, super()).parse_error())
        try:
            body = cast(Any, self).parse_body()
        except MalformedResponseError:
            return str(self.body).strip()
        if not isinstance(body, Mapping):
            return str(body)
        return " ".join(map(str, [body.get("error", ""), *body.get("errors", ())])).strip()


class WholeConnection(PowerDNSConnection):
    """One connection to the API."""

    responseCls = WholeResponse


class WholePowerDNS(PowerDNSDriver):
    """The driver with what is missing in it, as libcloud's own extensions are called."""

    connectionCls = WholeConnection

    def ex_whole_zone(self, zone: str, *, rrsets: bool = True) -> Mapping[str, Any]:
        """The zone as the server shows it; without ``rrsets`` its head alone: serials and settings."""
        params = None if rrsets else {"rrsets": "false"}
        connection: Any = self.connection
        return cast(Mapping[str, Any], connection.request(self._path(zone), params=params).object)

    def ex_replace_rrsets(self, zone: str, rrsets: Sequence[Mapping[str, Any]]) -> None:
        """Put each RRset in the place of what is there, in one transaction."""
        body = json.dumps({"rrsets": [{**one, "changetype": "REPLACE"} for one in rrsets]})
        connection: Any = self.connection
        connection.request(self._path(zone), method="PATCH", data=body)

    def _path(self, zone: str) -> str:
        """PowerDNS escapes what is unusual in a zone's id with = and two hex digits."""
        escaped = "".join(c if _PLAIN.match(c) else f"={ord(c):02X}" for c in zone)
        return f"{self.api_root}/servers/{self.ex_server}/zones/{escaped}"
