"""Signatures over image lists: S/MIME (RFC 8551), the content clear beside a CMS signature (RFC 5652), or inside it.

asn1crypto reads the message, cryptography verifies the signature and the chain. Everything is required: a signature of
every signer over exactly this content, by an algorithm that is still good, and a chain to an authority that is trusted.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from asn1crypto import cms
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from reconciler.exchange.imagelist.names import written

_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
_CERTIFICATES = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_REVOKED = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)
_DEEPEST = 8


class SignatureFault(ValueError):
    """A list that must not be believed, with the reason."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed."""

    subject: str
    """Distinguished name, as grids write it."""
    issuer: str


@dataclass(frozen=True)
class Trust:
    """Authorities that are trusted, certificates of endorsers that are trusted by themselves, and what is revoked."""

    certificates: tuple[x509.Certificate, ...]
    revocations: tuple[x509.CertificateRevocationList, ...] = ()

    @classmethod
    def of(cls, paths: Iterable[Path]) -> Trust:
        """Read PEM files, or folders of them such as ``/etc/grid-security/certificates``, with their CRLs (``.r0``)."""
        certificates: dict[bytes, x509.Certificate] = {}
        revocations: list[x509.CertificateRevocationList] = []
        for path in (file for folder in paths for file in _files(folder)):
            content = _read(path)
            try:
                for pem in _CERTIFICATES.findall(content):
                    found = x509.load_pem_x509_certificate(pem)
                    certificates[found.fingerprint(hashes.SHA256())] = found
                revocations += [x509.load_pem_x509_crl(pem) for pem in _REVOKED.findall(content)]
            except ValueError as error:
                raise SignatureFault(f"{path} holds a certificate that cannot be read: {error}") from error
        if not certificates:
            raise SignatureFault("no certificate to trust was found: give PEM files, or folders that hold some")
        return cls(tuple(certificates.values()), tuple(revocations))


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(file for file in path.iterdir() if file.is_file())
    else:
        yield path


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SignatureFault(f"{path} cannot be read: {error.strerror or error}") from error


# -- verifying ---------------------------------------------------------------------------------------------------------


def is_signed(message: bytes) -> bool:
    """Whether it is an S/MIME message at all, and not the list alone."""
    return not message.lstrip().startswith(b"{")


def verified(message: bytes, trust: Trust, now: datetime) -> tuple[bytes, Signer]:
    """The content of a signed message, and who signed it. Raises SignatureFault unless all is right."""
    try:
        return _verified(message, trust, now)
    except SignatureFault:
        raise
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm) as error:  # parts are parsed when they are looked at
        raise SignatureFault(f"the signature cannot be read: {error}") from error


def _verified(message: bytes, trust: Trust, now: datetime) -> tuple[bytes, Signer]:
    contents, signature = _parts(message)
    info = cms.ContentInfo.load(signature, strict=True)
    if info["content_type"].native != "signed_data":
        raise SignatureFault(f"it is {info['content_type'].native}, not signed data")
    signed = info["content"]
    inside = signed["encap_content_info"]["content"].native
    signers = list(signed["signer_infos"])
    known = [x509.load_der_x509_certificate(c.chosen.dump()) for c in signed["certificates"] or () if _plain(c)]
    if not signers:
        raise SignatureFault("nobody has signed it")
    contents = contents or tuple(filter(None, [inside]))
    if not contents:
        raise SignatureFault("there is no content to the signature")
    content = next((c for c in contents if _named(signers[0], c)), contents[0])
    found = [_signer(one, content, known, trust, now) for one in signers]
    return content, found[0]


def _named(info: Any, content: bytes) -> bool:
    """Whether the signature is about this form of the content: what was signed as it is ends its lines as it does."""
    name = info["digest_algorithm"]["algorithm"].native
    said = {a["type"].native: a["values"] for a in info["signed_attrs"] or ()}
    return (
        name in _HASHES
        and "message_digest" in said
        and (said["message_digest"][0].native == _digest(_HASHES[name](), content))
    )


def _plain(certificate: Any) -> bool:
    return bool(certificate.name == "certificate")


def _signer(info: Any, content: bytes, known: list[x509.Certificate], trust: Trust, now: datetime) -> Signer:
    certificate = _certificate(info, [*known, *trust.certificates])
    _signature(info, content, certificate)
    _trusted(certificate, known, trust, now)
    return Signer(written(certificate.subject), written(certificate.issuer))


def _certificate(info: Any, known: Iterable[x509.Certificate]) -> x509.Certificate:
    """The signer's certificate, by issuer and number or by the key's identifier."""
    sid = info["sid"]
    for certificate in known:
        if sid.name == "issuer_and_serial_number":
            same = sid.chosen["issuer"].dump() == certificate.issuer.public_bytes()
            if same and sid.chosen["serial_number"].native == certificate.serial_number:
                return certificate
        elif x509.SubjectKeyIdentifier.from_public_key(_key(certificate)).digest == sid.chosen.native:
            return certificate
    raise SignatureFault("the signer's certificate is not in the message")


def _signature(info: Any, content: bytes, certificate: x509.Certificate) -> None:
    """The signature is over the signed attributes, and these name the digest of the content."""
    name = info["digest_algorithm"]["algorithm"].native
    if name not in _HASHES:
        raise SignatureFault(f"it is signed with {name}, which is not good enough: sha256 or better")
    algorithm, attributes = _HASHES[name](), info["signed_attrs"]
    signed = content
    if attributes.native is not None and len(attributes):
        said = {attribute["type"].native: attribute["values"] for attribute in attributes}
        if "message_digest" not in said or said["message_digest"][0].native != _digest(algorithm, content):
            raise SignatureFault("the content is not what was signed: it has been changed")
        if "content_type" not in said or said["content_type"][0].native != "data":
            raise SignatureFault("the signature is not about data")
        signed = attributes.untag().dump()
    try:
        _check(_key(certificate), info, signed, algorithm)
    except InvalidSignature as error:
        raise SignatureFault("the signature is not the signer's") from error


def _check(key: Any, info: Any, signed: bytes, algorithm: hashes.HashAlgorithm) -> None:
    value, how = info["signature"].native, info["signature_algorithm"].signature_algo
    if how == "rsassa_pkcs1v15" and isinstance(key, rsa.RSAPublicKey):
        key.verify(value, signed, padding.PKCS1v15(), algorithm)
    elif how == "rsassa_pss" and isinstance(key, rsa.RSAPublicKey):
        key.verify(value, signed, padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO), algorithm)
    elif how == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(value, signed, ec.ECDSA(algorithm))
    else:
        raise SignatureFault(f"signatures by {how} are not known here")


def _key(certificate: x509.Certificate) -> Any:
    try:
        return certificate.public_key()
    except ValueError as error:
        raise SignatureFault(f"the key of {written(certificate.subject)} cannot be read: {error}") from error


def _digest(algorithm: hashes.HashAlgorithm, content: bytes) -> bytes:
    made = hashes.Hash(algorithm)
    made.update(content)
    return made.finalize()


# -- trusting ----------------------------------------------------------------------------------------------------------


def _trusted(certificate: x509.Certificate, known: list[x509.Certificate], trust: Trust, now: datetime) -> None:
    """A chain leads to an authority that is trusted, or the certificate itself is; nothing in it is revoked."""
    name = written(certificate.subject)
    if certificate in trust.certificates:
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise SignatureFault(f"the certificate of {name} is not valid now")
        chain = [certificate]
    else:
        chain = _chain(certificate, known, trust, now)
    for link in chain:
        if _is_revoked(link, chain, trust, now):
            raise SignatureFault(f"the certificate of {written(link.subject)} is revoked")


def _chain(
    certificate: x509.Certificate, known: list[x509.Certificate], trust: Trust, now: datetime
) -> list[x509.Certificate]:
    """Grid certificates have none of the extensions that web servers' have: authorities must be such, and no more."""
    authorities = ExtensionPolicy.permit_all().require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _authority)
    authorities = authorities.may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign)
    builder = PolicyBuilder().store(Store(list(trust.certificates))).time(now).max_chain_depth(_DEEPEST)
    builder = builder.extension_policies(ee_policy=ExtensionPolicy.permit_all(), ca_policy=authorities)
    try:
        return builder.build_client_verifier().verify(certificate, known).chain
    except VerificationError as error:
        who = f"{written(certificate.subject)} (by {written(certificate.issuer)})"
        raise SignatureFault(f"{who} is vouched for by nobody who is trusted: {error}") from error


def _authority(_policy: object, _certificate: object, extension: x509.BasicConstraints | None) -> None:
    if extension is None or not extension.ca:
        raise ValueError("a link of the chain is no authority")


def _may_sign(_policy: object, _certificate: object, extension: x509.KeyUsage | None) -> None:
    if extension is not None and not extension.key_cert_sign:
        raise ValueError("a link of the chain may not sign certificates")


def _is_revoked(link: x509.Certificate, chain: list[x509.Certificate], trust: Trust, now: datetime) -> bool:
    issuers = [c for c in (*chain, *trust.certificates) if c.subject == link.issuer]
    for listed in (found for found in trust.revocations if found.issuer == link.issuer):
        if any(listed.is_signature_valid(_key(issuer)) for issuer in issuers):
            if listed.next_update_utc is not None and listed.next_update_utc < now:
                raise SignatureFault(f"the list of what {written(link.issuer)} has revoked is out of date")
            if listed.get_revoked_certificate_by_serial_number(link.serial_number) is not None:
                return True
    return False


# -- the message -------------------------------------------------------------------------------------------------------


def _parts(message: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """(forms of the content, signature) of an S/MIME message; there is no form where it is inside the signature."""
    head, body = _split(message.lstrip(b"\r\n"))
    kind = head.get_content_type()
    if kind in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        return (), _decoded(body)
    if kind != "multipart/signed":
        raise SignatureFault(f"it is no signed message, but {kind}")
    boundary = head.get_boundary()
    if not boundary:
        raise SignatureFault("the message does not say where its parts begin")
    pieces = re.split(rb"(?:^|\r?\n)--" + re.escape(boundary.encode()) + rb"(?:--)?[ \t]*(?:\r?\n|$)", body)
    if len(pieces) < 3:  # noqa: PLR2004 (what stands before, the content, the signature)
        raise SignatureFault("the message lacks a part: it has been cut short")
    _, signature = _split(pieces[2])
    return (_canonical(pieces[1]), pieces[1]), _decoded(signature)


def _split(entity: bytes) -> tuple[Message, bytes]:
    found = re.split(rb"(?:^|\r?\n)\r?\n", entity, maxsplit=1)
    return BytesHeaderParser().parsebytes(found[0]), found[1] if len(found) > 1 else b""


def _canonical(content: bytes) -> bytes:
    """Lines end in CR LF where they are signed, whatever the way here has made of them."""
    return re.sub(rb"\r?\n", b"\r\n", content)


def _decoded(text: bytes) -> bytes:
    try:
        return b64decode(re.sub(rb"\s", b"", text), validate=True)
    except binascii.Error as error:
        raise SignatureFault(f"the signature is not base64: {error}") from error


def payload(content: bytes) -> bytes:
    """The list in what was signed: the headers that OpenSSL's ``-text`` puts before it are no part of it."""
    return content if content.lstrip().startswith(b"{") else _split(content)[1]


# -- signing -----------------------------------------------------------------------------------------------------------


def sign(content: bytes, certificate: bytes, key: bytes, password: bytes | None = None) -> bytes:
    """``content`` as a message signed with a key (PEM). ``certificate`` may be followed by those of its chain."""
    try:
        chain = x509.load_pem_x509_certificates(certificate)
        private = serialization.load_pem_private_key(key, password)
    except (ValueError, TypeError) as error:
        raise SignatureFault("the certificate or its key cannot be read: both must be PEM") from error
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise SignatureFault("the key is neither RSA nor EC")
    if private.public_key() != chain[0].public_key():
        raise SignatureFault(f"the key does not belong to the certificate of {written(chain[0].subject)}")
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(chain[0], private, hashes.SHA256())
    for link in chain[1:]:
        builder = builder.add_certificate(link)
    return builder.sign(serialization.Encoding.SMIME, [pkcs7.PKCS7Options.DetachedSignature])


def endorser(certificate: bytes) -> Signer:
    """Whose a certificate (PEM) is."""
    try:
        found = x509.load_pem_x509_certificates(certificate)[0]
    except ValueError as error:
        raise SignatureFault("the certificate cannot be read: it must be PEM") from error
    return Signer(written(found.subject), written(found.issuer))
