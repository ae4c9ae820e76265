"""The field rules of GOCDB, the register of EGI's sites, as types: what it accepts is accepted here.

Source: ``config/gocdb_schema.xml`` and ``lib/Gocdb_Services/Validate.php`` of GOCDB. Lengths count bytes, as there.
POSIX classes are spelt out, patterns are matched whole (a trailing newline is refused), and two patterns that
backtrack without end are written in an equal form that does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


@dataclass(frozen=True, slots=True)
class Text:
    """The rule of one field: a pattern for the whole value, the most bytes, and the pattern in words."""

    pattern: str
    says: str
    longest: int = 255
    accepts: Callable[[str], bool] | None = None
    """Decides beside the pattern."""

    def fault(self, value: str) -> str:
        """What is wrong with ``value``; "" when nothing is."""
        size = len(value.encode())
        if size > self.longest:
            return f"is {size} bytes long; at most {self.longest} are allowed"
        if value.endswith("\n"):
            return "ends in a newline"
        fits = re.fullmatch(self.pattern, value, re.ASCII) and (self.accepts is None or self.accepts(value))
        return "" if fits else f"{value!r} is not {self.says}"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$", "maxLength": self.longest}

    def _checked(self, value: str) -> str:
        fault = self.fault(value)
        if fault:
            raise PydanticCustomError("gocdb_field", "{fault}", {"fault": fault})
        return value


def _ipv4(value: str) -> bool:
    try:
        IPv4Address(value)
    except AddressValueError:
        return False
    return True


def _ipv6(value: str) -> bool:
    """GOCDB takes any prefix length but 0, 129 too."""
    address, slash, length = value.partition("/")
    try:
        IPv6Address(address)
    except AddressValueError:
        return False
    return not slash or (length.isdecimal() and int(length) > 0)


def _address(value: str) -> bool:
    return _ipv4(value) or _ipv6(value)


_URL = r"[0-9a-zA-Z:/.&?_$+!*'(),\-#\[\]@;=~%]"
_MAIL = r"[A-Za-z0-9!#$%&*+/=?^_{|}~.\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*"
_PHONE = r"[0-9\-.\s)(]"
_QUAD = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_WORD = r"[a-zA-Z0-9@_\-\[\]+.]+"
_PROSE = r"[^`'\";<>]+"
_PROSE_SAYS = "text without ` ' \" ; < >"

SHORT_NAME = Text(r"[a-zA-Z0-9\-._]+", "a name of letters, digits, - . _")
PLAIN = Text(
    r"""[a-zA-Z0-9\-._()\[\],;:/'"\s]*""", "plain text of letters, digits, spaces and - . _ ( ) [ ] , ; : / ' \""
)
DOMAIN = Text(r"[a-zA-Z0-9\-+._/ ()']+", "a domain of letters, digits, spaces and - + . _ / ( ) '")
SITE_DESCRIPTION = Text(_PROSE, _PROSE_SAYS, 2000)
DESCRIPTION = Text(_PROSE, _PROSE_SAYS)
DOWNTIME_DESCRIPTION = Text(_PROSE, _PROSE_SAYS, 4000)
REASON = Text(_PROSE, _PROSE_SAYS, 300)
HOME_URL = Text(
    rf"(?:https?://(?:[A-Za-z0-9\-_]+\.)+[A-Za-z0-9\-_]+(?:[/?#]{_URL}*)?)?",
    "a http(s) URL with a dot in its host and without a port",
)
GIIS_URL = Text(rf"(?:ldap://{_URL}+)?", "a URL that begins with ldap://")
URL = Text(rf"{_URL}*", "a URL (letters, digits and : / . & ? _ $ + ! * ' ( ) , - # [ ] @ ; = ~ %)")
HOSTNAME = Text(r"(?:[a-zA-Z0-9\-_]+\.)+[a-zA-Z0-9]+", "a host name with a dot and without a port")
HOST_DN = Text(r"(?:/[a-zA-Z]+=[A-Za-z0-9\-_ .@,'/)(]+)*", "a distinguished name such as /DC=org/CN=host.example.org")
IP_RANGE = Text(rf"{_QUAD}/{_QUAD}", "an IPv4 range with its mask, such as 192.0.2.0/255.255.255.0 (not CIDR)")
IPV6_RANGE = Text(r"[0-9a-fA-F:/]+", "an IPv6 range of hexadecimal digits, : and /")
ADDRESS = Text(r"[0-9a-fA-F:./]+", "an IPv4 or IPv6 address", accepts=_address)
EMAIL = Text(rf"(?:{_MAIL})?", "one e-mail address")
EMAILS = Text(rf"(?:{_MAIL}(?:[;,]{_MAIL})*)?", "e-mail addresses separated by ; or , and no spaces")
REQUIRED_EMAIL = Text(_MAIL, "one e-mail address")
REQUIRED_EMAILS = Text(rf"{_MAIL}(?:[;,]{_MAIL})*", "e-mail addresses separated by ; or , and no spaces")
GROUP_EMAILS = Text(rf"{_MAIL}(?:;{_MAIL})*", "e-mail addresses separated by ; and no spaces")
TELEPHONE = Text(
    rf"\+?{_PHONE}+(?:(?:,\+?|\+){_PHONE}+)*,?", "telephone numbers of digits, spaces and + - . ( ), separated by ,"
)
TIMEZONE = Text(r"[A-Za-z_\-]+/[A-Za-z_\-]+", "a time zone such as Europe/Madrid")
GROUP_NAME = Text(r"[A-Za-z0-9_]+", "a name of letters, digits and _")
SCOPE = Text(r"[A-Za-z0-9_\-]+", "a scope of letters, digits, _ and -")
SERVICE_TYPE = Text(r"[A-Za-z0-9._\-]+", "a service type of letters, digits, . _ and -")
PROPERTY_NAME = Text(rf"{_WORD}(?: +{_WORD})*", "words of letters, digits and @ _ - [ ] + . separated by spaces")
PROPERTY_VALUE = Text(r"[^`'\"<>]+", "text without ` ' \" < >")
SERVICE_PROPERTY_VALUE = Text(r"[^`'\"]+", "text without ` ' \"")

LATITUDE = Text(r"[+-]?(?:90|[0-8]?[0-9](?:\.[0-9]+)?)", "a latitude between -90 and 90", 20)
LONGITUDE = Text(r"[+-]?(?:180|(?:1[0-7][0-9]|[0-9]?[0-9])(?:\.[0-9]+)?)", "a longitude between -180 and 180", 20)


def _degrees(rule: Text) -> Callable[[Any], Any]:
    """Text by GOCDB's rule, as a number; numbers pass and are checked against the range."""

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        fault = rule.fault(value)
        if fault:
            raise PydanticCustomError("gocdb_field", "{fault}", {"fault": fault})
        return float(value)

    return read


ShortName = Annotated[str, SHORT_NAME]
PlainText = Annotated[str, PLAIN]
Domain = Annotated[str, DOMAIN]
SiteDescription = Annotated[str, SITE_DESCRIPTION]
Description = Annotated[str, DESCRIPTION]
DowntimeDescription = Annotated[str, DOWNTIME_DESCRIPTION]
HomeUrl = Annotated[str, HOME_URL]
GiisUrl = Annotated[str, GIIS_URL]
Url = Annotated[str, URL]
Hostname = Annotated[str, HOSTNAME]
HostDn = Annotated[str, HOST_DN]
IpRange = Annotated[str, IP_RANGE]
Ipv6Range = Annotated[str, IPV6_RANGE]
Address = Annotated[str, ADDRESS]
Email = Annotated[str, EMAIL]
Reason = Annotated[str, REASON]
Emails = Annotated[str, EMAILS]
RequiredEmail = Annotated[str, REQUIRED_EMAIL]
RequiredEmails = Annotated[str, REQUIRED_EMAILS]
GroupEmails = Annotated[str, GROUP_EMAILS]
Telephone = Annotated[str, TELEPHONE]
Timezone = Annotated[str, TIMEZONE]
Scope = Annotated[str, SCOPE]
ServiceType = Annotated[str, SERVICE_TYPE]
PropertyName = Annotated[str, PROPERTY_NAME]
PropertyValue = Annotated[str, PROPERTY_VALUE]
ServicePropertyValue = Annotated[str, SERVICE_PROPERTY_VALUE]
Latitude = Annotated[float, BeforeValidator(_degrees(LATITUDE)), Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, BeforeValidator(_degrees(LONGITUDE)), Field(ge=-180, le=180, allow_inf_nan=False)]
