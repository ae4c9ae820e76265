"""Distinguished names as grids write them: ``/DC=org/O=Example/CN=Ana Endorser``, the first part the highest."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID

_SHORT = {
    NameOID.COUNTRY_NAME: "C",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.LOCALITY_NAME: "L",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COMMON_NAME: "CN",
    NameOID.DOMAIN_COMPONENT: "DC",
    NameOID.EMAIL_ADDRESS: "emailAddress",
    NameOID.SERIAL_NUMBER: "serialNumber",
    NameOID.USER_ID: "UID",
    NameOID.SURNAME: "SN",
    NameOID.GIVEN_NAME: "GN",
}
_SAME = {"email": "emailaddress", "e": "emailaddress", "userid": "uid", "s": "st"}
"""Other short names of the same attributes."""


def written(name: x509.Name) -> str:
    """A certificate's name."""
    return "".join(f"/{_SHORT.get(part.oid, part.oid.dotted_string)}={_text(part.value)}" for part in name)


def same(one: str, other: str) -> bool:
    """Whether two texts are the same name: attributes may be spelt differently, values may not."""
    return _parts(one) == _parts(other)


def _parts(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for piece in text.strip().lstrip("/").split("/"):
        key, equals, value = piece.partition("=")
        if equals:
            key = key.strip().lower()
            found.append((_SAME.get(key, key), value.strip()))
        elif found:  # a slash inside a value, as in CN=host/www.example.org
            found[-1] = (found[-1][0], f"{found[-1][1]}/{piece}")
    return found


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.hex()
