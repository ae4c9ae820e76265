"""Queue and signature, each held against what others make of it: dirq reads the queue, openssl verifies."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from itertools import cycle

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from dirq.QueueSimple import QueueSimple

from reconciler.errors import SettingsError
from reconciler.exchange.apel import CLOUD, batches, read
from reconciler.exchange.apel.queue import elements, put
from reconciler.exchange.apel.signing import Signer

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def host(folder, key=None, *, days=30, now=NOW):
    """A host certificate that signs itself, as PEM files."""
    key = key or rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "host.example.org")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "hostcert.pem").write_bytes(made.public_bytes(pem))
    (folder / "hostkey.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "hostcert.pem", folder / "hostkey.pem"


@pytest.mark.parametrize(
    "make", [lambda: rsa.generate_private_key(65537, 2048), lambda: ec.generate_private_key(ec.SECP256R1())]
)
def test_openssl_verifies_what_is_signed_and_apel_reads_it(tmp_path, make):
    certificate, key = host(tmp_path, make())
    (text,) = batches(CLOUD, [{"VMUUID": "u-1", "SiteName": "BAY", "MachineName": "plage à gauche"}], NOW).messages
    (tmp_path / "message").write_bytes(Signer.of(certificate, key, NOW).signed(text))
    command = ["openssl", "smime", "-verify", "-text", "-in", tmp_path / "message", "-CAfile", certificate]
    at = ["-attime", str(int(NOW.timestamp())), "-purpose", "any"]
    done = subprocess.run([*command, *at], capture_output=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    said = done.stdout.decode().replace("\r\n", "\n")
    assert read(said, NOW) == read(text, NOW)


def test_a_message_that_was_changed_is_not_verified(tmp_path):
    certificate, key = host(tmp_path)
    signed = Signer.of(certificate, key, NOW).signed("APEL-cloud-message: v0.4\nVMUUID: 1\nSiteName: BAY\n")
    (tmp_path / "message").write_bytes(signed.replace(b"VMUUID: 1", b"VMUUID: 2"))
    command = ["openssl", "smime", "-verify", "-text", "-noverify", "-in", tmp_path / "message"]
    assert subprocess.run(command, capture_output=True, check=False, timeout=240).returncode != 0


def test_a_certificate_that_ends_within_a_day_signs_nothing(tmp_path):
    certificate, key = host(tmp_path, days=1)
    assert Signer.of(certificate, key, NOW)
    with pytest.raises(SettingsError, match="must be valid for a day more"):
        Signer.of(certificate, key, NOW + timedelta(seconds=1))


def test_the_key_of_another_certificate_signs_nothing(tmp_path):
    (tmp_path / "other").mkdir()
    certificate, _ = host(tmp_path)
    _, key = host(tmp_path / "other")
    with pytest.raises(SettingsError, match="is not the key of"):
        Signer.of(certificate, key, NOW)
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        Signer.of(tmp_path / "none", key, NOW)


def test_dirq_takes_out_what_was_put_in_and_in_its_order(tmp_path):
    times = (NOW + timedelta(microseconds=n // 3, seconds=40 * (n // 6)) for n in range(1000))
    digits = cycle("0123456789abcdef")
    for n in range(12):
        put(tmp_path / "outgoing", b"message %d" % n, lambda: next(times), lambda _: next(digits) * 2)
    assert len(elements(tmp_path / "outgoing")) == 12
    queue = QueueSimple(str(tmp_path / "outgoing"))
    found = []
    for name in queue:
        assert queue.lock(name)
        found.append(queue.get(name))
        queue.remove(name)
    assert found == [b"message %d" % n for n in range(12)]


def test_two_messages_of_one_moment_do_not_meet(tmp_path):
    digits = iter("001")
    for n in range(2):
        put(tmp_path, b"%d" % n, lambda: NOW, lambda _: next(digits))
    assert [path.read_bytes() for path in elements(tmp_path)] == [b"0", b"1"]
