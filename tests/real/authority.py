"""A certificate authority of the tests: it vouches for servers on loopback and on addresses that tests make."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")


class Authority:
    """An authority with a key of its own. ``folder`` gets its certificate and the bundles that hold it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._key = rsa.generate_private_key(65537, 2048)
        self._name = _name("Authority of the tests")
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        builder = _builder(self._name, self._name, self._key).add_extension(constraints, critical=True)
        builder = builder.add_extension(usage, critical=True).add_extension(identifier, critical=False)
        self.pem = builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        self.file = folder / "ca.pem"
        """The authority's certificate."""
        self.bundle = folder / "bundle.pem"
        """What the system trusts, and this authority."""
        self.file.write_bytes(self.pem)
        self.bundle.write_bytes((_SYSTEM.read_bytes() if _SYSTEM.exists() else b"") + self.pem)

    def certify(self, certificate: Path, key: Path, names: Sequence[str]) -> None:
        """Write a server's certificate and key; ``names`` are host names and addresses."""
        own = rsa.generate_private_key(65537, 2048)
        builder = _builder(_name(names[0]), self._name, own)
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
        uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        signed = builder.add_extension(uses, critical=False).sign(self._key, hashes.SHA256())
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        key.write_bytes(
            own.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        key.chmod(0o400)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=30))
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
