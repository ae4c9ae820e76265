"""From a Site manifest to a message that its receiver takes: openssl stands for the receiver, as SSM has it do."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from reconciler.exchange.apel import CLOUD, batches, read
from reconciler.exchange.apel.signing import Signer
from reconciler.exchange.rendered import ssm_allowlist
from reconciler.kinds.site import Service, SiteSpec

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PEM = serialization.Encoding.PEM
ATTRIBUTES = {
    "C": NameOID.COUNTRY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "DC": NameOID.DOMAIN_COMPONENT,
    "CN": NameOID.COMMON_NAME,
}
HOST = "/DC=org/DC=example/OU=hosts/CN=apel.bay.example.org"


def name(dn):
    pairs = [part.split("=", 1) for part in dn.split("/")[1:]]
    return x509.Name([x509.NameAttribute(ATTRIBUTES[key], value) for key, value in pairs])


def certificate(subject, issuer, key, by, *, authority):
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=300))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(by, hashes.SHA256())
    )


@pytest.fixture(scope="module")
def keys():
    return [rsa.generate_private_key(65537, 2048) for _ in range(3)]


class Receiver:
    """An SSM's: trusts one authority, and takes messages from those on its list."""

    def __init__(self, folder, authority, allowed):
        self.folder = folder
        (folder / "ca.pem").write_bytes(authority.public_bytes(PEM))
        self.allowed = [line for line in allowed.splitlines() if line.startswith("/")]

    def takes(self, message):
        """The text and its signer, None for a message that is refused."""
        (self.folder / "message").write_bytes(message)
        text = self._openssl(
            "smime", "-verify", "-text", "-in", "message", "-CAfile", "ca.pem", "-signer", "signer.pem",
            "-attime", str(int(NOW.timestamp())), "-purpose", "any",
        )  # fmt: skip
        if text is None:
            return None
        said = self._openssl("x509", "-in", "signer.pem", "-noout", "-subject", "-nameopt", "compat")
        signer = said.strip().removeprefix("subject=").strip()
        return (text.replace("\r\n", "\n"), signer) if signer in self.allowed else None

    def _openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, check=False, timeout=240)
        return done.stdout.decode() if done.returncode == 0 else None


def signed(folder, dn, keys, text, *, by=0):
    authority = name("/DC=org/CN=CA")
    made = certificate(name(dn), authority, keys[1], keys[by], authority=False)
    (folder / "cert.pem").write_bytes(made.public_bytes(PEM))
    (folder / "key.pem").write_bytes(
        keys[1].private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Signer.of(folder / "cert.pem", folder / "key.pem", NOW).signed(text)


def receiver(folder, keys, **site):
    authority = name("/DC=org/CN=CA")
    service = Service(
        name="accounting", type="eu.egi.cloud.accounting", hostname="apel.bay.example.org", hostDn=site.pop("dn", HOST)
    )
    fields = {"certification": "Certified", "infrastructure": "Production", **site}
    made = ssm_allowlist({"BAY": SiteSpec(services=(service,), **fields)})
    return Receiver(folder, certificate(authority, authority, keys[0], keys[0], authority=True), made.text)


MESSAGE = batches(CLOUD, [{"VMUUID": "u-1", "SiteName": "BAY", "MachineName": "plage à gauche"}], NOW).messages[0]


@pytest.mark.parametrize(
    "dn",
    [
        HOST,
        "/C=ES/O=Tides and Currents/CN=apel.bay.example.org",
        "/C=UK/O=eScience/OU=Clrc/CN=apel-2_a.bay.example.org",
        "/DC=org/CN=Bay, accounting (old)",
        "/CN=a",
    ],
)
def test_a_message_signed_by_the_host_that_the_manifest_names_is_taken(tmp_path, keys, dn):
    taken = receiver(tmp_path, keys, dn=dn).takes(signed(tmp_path, dn, keys, MESSAGE))
    assert taken is not None
    text, signer = taken
    assert signer == dn == Signer.of(tmp_path / "cert.pem", tmp_path / "key.pem", NOW).dn
    assert read(text, NOW) == read(MESSAGE, NOW)


def test_another_host_of_the_same_authority_is_refused(tmp_path, keys):
    message = signed(tmp_path, "/DC=org/DC=example/OU=hosts/CN=other.bay.example.org", keys, MESSAGE)
    assert receiver(tmp_path, keys).takes(message) is None


def test_the_right_name_from_another_authority_is_refused(tmp_path, keys):
    assert receiver(tmp_path, keys).takes(signed(tmp_path, HOST, keys, MESSAGE, by=2)) is None


def test_a_message_that_was_changed_on_its_way_is_refused(tmp_path, keys):
    message = signed(tmp_path, HOST, keys, MESSAGE)
    assert receiver(tmp_path, keys).takes(message.replace(b"u-1", b"u-2")) is None


@pytest.mark.parametrize("site", [{"certification": "Suspended"}, {"infrastructure": "Test"}])
def test_a_site_that_is_not_certified_and_in_production_is_refused(tmp_path, keys, site):
    assert receiver(tmp_path, keys, **site).takes(signed(tmp_path, HOST, keys, MESSAGE)) is None
