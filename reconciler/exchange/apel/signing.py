"""Signing messages as SSM does: S/MIME, the text clear beside a SHA-256 signature by the host's certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from reconciler.errors import SettingsError
from reconciler.exchange.imagelist.names import written

_LEFT = timedelta(hours=24)
"""SSM sends nothing that is signed by a certificate with less time left."""


@dataclass(frozen=True)
class Signer:
    """A host certificate and its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    @classmethod
    def of(cls, certificate: Path, key: Path, now: datetime) -> Signer:
        """Read PEM files. Raises SettingsError, without a word of the key, when nothing can be signed with them."""
        try:
            found = x509.load_pem_x509_certificate(certificate.read_bytes())
            secret = serialization.load_pem_private_key(key.read_bytes(), None)
        except OSError as error:
            raise SettingsError(f"{error.filename} cannot be read: {error.strerror}") from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SettingsError(
                f"{certificate} and {key} are not a certificate and its key without a password"
            ) from error
        if not isinstance(secret, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise SettingsError(f"{key} is neither an RSA nor an EC key")
        if secret.public_key() != found.public_key():
            raise SettingsError(f"{key} is not the key of {certificate}")
        if not found.not_valid_before_utc <= now <= found.not_valid_after_utc - _LEFT:
            raise SettingsError(f"{certificate} must be valid for a day more; it ends {found.not_valid_after_utc}")
        return cls(found, secret)

    @property
    def dn(self) -> str:
        """The certificate's name, as receivers have it on their lists: ``/DC=org/CN=host.example.org``."""
        return written(self.certificate.subject)

    def signed(self, text: str) -> bytes:
        """An S/MIME message (multipart/signed) around the text."""
        builder = pkcs7.PKCS7SignatureBuilder().set_data(text.encode())
        options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Text]
        return builder.add_signer(self.certificate, self.key, hashes.SHA256()).sign(
            serialization.Encoding.SMIME, options
        )
