"""A certification authority of a test's own, endorsers with certificates of it, and lists that they sign."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from reconciler.exchange.imagelist import Trust, sign
from reconciler.exchange.imagelist.names import written

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@dataclass
class Party:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def subject(self) -> str:
        return written(self.certificate.subject)

    def sign(self, text: bytes) -> bytes:
        return sign(text, self.pem, self.key_pem)

    def issue(self, name: str, *, authority: bool = False, days: int = 300, rsa_bits: int = 0) -> Party:
        """A party that this one vouches for."""
        return _made(name, authority, days, self, rsa_bits)

    def revoke(self, party: Party) -> bytes:
        """A CRL (PEM)."""
        revoked = x509.RevokedCertificateBuilder().serial_number(party.certificate.serial_number)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        builder = builder.last_update(NOW - timedelta(days=1)).next_update(NOW + timedelta(days=30))
        builder = builder.add_revoked_certificate(revoked.revocation_date(NOW - timedelta(days=1)).build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def trust(self, *crls: bytes) -> Trust:
        """Who trusts this party."""
        return Trust((self.certificate,), tuple(x509.load_pem_x509_crl(crl) for crl in crls))


def authority(name: str = "Test CA") -> Party:
    return _made(name, True, 3000, None, 0)


def _made(name: str, is_authority: bool, days: int, by: Party | None, rsa_bits: int) -> Party:
    key = rsa.generate_private_key(65537, rsa_bits) if rsa_bits else ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "ES"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tides"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    issuer = by.certificate.subject if by else subject
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(NOW - timedelta(days=400)).not_valid_after(NOW + timedelta(days=days))
    builder = builder.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
    return Party(builder.sign(by.key if by else key, hashes.SHA256()), key)


def image(**more: Any) -> dict[str, Any]:
    """An entry of a list, as AppDB writes it; None takes a field away."""
    said = {
        "dc:identifier": "4d1f4c5e-8a5c-4c6f-9a52-0d3a2f4b6c11",
        "ad:mpuri": "https://appdb.example.org/store/vm/image/4d1f4c5e:484/",
        "ad:appid": "812",
        "ad:group": "General group",
        "dc:title": "Image for Tide Model [Debian/12/KVM]",
        "dc:description": "Model of the tides",
        "hv:hypervisor": "KVM",
        "hv:format": "QCOW2",
        "hv:ram_minimum": "512",
        "ad:ram_recommended": "1024",
        "hv:core_minimum": "1",
        "ad:core_recommended": "4",
        "hv:size": "121243136",
        "hv:uri": "https://appdb.example.org/images/tide-model.qcow2",
        "hv:version": "3",
        "sl:arch": "x86_64",
        "sl:os": "Linux",
        "sl:osname": "Debian",
        "sl:osversion": "12",
        "sl:checksum:sha512": "ab" * 64,
    } | more
    return {name: value for name, value in said.items() if value is not None}


def image_list(signer: Party, issuer: Party, images: list[dict[str, Any]] | None = None, **more: Any) -> bytes:
    said = {
        "dc:date:created": "2026-10-01T00:00:00Z",
        "dc:date:expires": "2027-04-01T00:00:00Z",
        "dc:description": "Images of the tides",
        "dc:identifier": "76fdee70-8119-5d33-aaaa-3c57e1c60df1",
        "dc:source": "https://appdb.example.org",
        "dc:title": "Tides",
        "ad:vo": "vo.tides.example.org",
        "hv:version": "20261001.1",
        "hv:uri": "https://appdb.example.org/store/vo/vo.tides.example.org/image.list",
        "hv:endorser": {
            "hv:x509": {
                "dc:creator": "Ana Endorser",
                "hv:ca": issuer.subject,
                "hv:dn": signer.subject,
                "hv:email": "ana@example.org",
            }
        },
        "hv:images": [{"hv:image": one} for one in (images if images is not None else [image()])],
    } | more
    return json.dumps({"hv:imagelist": {k: v for k, v in said.items() if v is not None}}, indent=2).encode()
