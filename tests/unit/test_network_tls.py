"""Certificates that are pinned: made, checked, and refused by name before a socket is opened."""

from __future__ import annotations

import datetime as dt
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.errors import Malformed
from network.limits import CERTIFICATE_SIZE_MAX
from network.tls import contexts, new_certificate


def test_a_new_certificate_is_ed25519_never_ends_and_vouches_for_nobody() -> None:
    der, _ = new_certificate("north")
    certificate = x509.load_der_x509_certificate(der)
    assert isinstance(certificate.public_key(), Ed25519PublicKey)
    assert certificate.not_valid_before_utc == dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    assert certificate.not_valid_after_utc.year == 9999
    assert certificate.subject == certificate.issuer
    assert certificate.subject.rfc4514_string() == "CN=north"
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert len(der) < CERTIFICATE_SIZE_MAX


def test_two_certificates_of_one_member_differ_in_key_and_a_long_name_is_no_obstacle() -> None:
    first, second = new_certificate("n" * 96), new_certificate("n" * 96)
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_only_tls_1_3_with_a_certificate_of_the_other_side_is_spoken() -> None:
    der, key = new_certificate("north")
    server, dialling = contexts(der, key, {"south": new_certificate("south")[0]})
    for context in (server, dialling["south"]):
        assert context.minimum_version is ssl.TLSVersion.TLSv1_3
        assert context.verify_mode is ssl.CERT_REQUIRED


def test_what_cannot_be_used_is_refused_by_name() -> None:
    der, key = new_certificate("north")
    other, other_key = new_certificate("south")
    p256_der, p256_key = p256()
    cases = [
        (der, other_key, {}, "own key", "does not belong"),
        (der, b"no key", {}, "own key", "is not a private key in PEM"),
        (der, p256_key, {}, "own key", "is not an Ed25519 key"),
        (b"no certificate", key, {}, "own certificate", "is not a certificate in DER"),
        (der, key, {"south": b"\x30\x00"}, "certificate of south", "is not a certificate in DER"),
        (der, key, {"south": p256_der}, "certificate of south", "is not of an Ed25519 key"),
        (der, key, {"south": b"\0" * 5000}, "certificate of south", "has 5000 bytes"),
        (der, key, {"south": other, "east": other}, "certificate of east", "is another member's"),
        (der, key, {"south": der}, "certificate of south", "is another member's"),
    ]
    for certificate, own_key, peers, field, rule in cases:
        with pytest.raises(Malformed) as refused:
            contexts(certificate, own_key, peers)
        assert refused.value.field == field
        assert refused.value.rule.startswith(rule)


def p256() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    day = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day).sign(
        key, hashes.SHA256()
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.DER), pem
