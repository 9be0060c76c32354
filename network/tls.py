"""Mutual TLS 1.3 between members, with certificates that are pinned and vouched for by nobody.

A member's certificate is self-signed, Ed25519, and named by its DER bytes in the member set. It is
accepted because it is that one: dates, names and issuers decide nothing (a clock that is wrong, or
ten years gone by, must not stop the consortium), so the certificate's span is the widest there is
and the check of it is switched off for certificates made elsewhere. Who the other side is follows
from its certificate alone, never from what it says (DESIGN sections 3 and 4).
"""

from __future__ import annotations

import datetime as dt
import secrets
import ssl
import tempfile
from asyncio import BaseTransport
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import NameOID

from ledger.errors import Malformed
from network.limits import CERTIFICATE_SIZE_MAX

__all__ = ["certificate_of", "contexts", "is_usable", "new_certificate"]

# X509_V_FLAG_NO_CHECK_TIME of OpenSSL, for which the ssl module has no name.
_NO_CHECK_TIME: Final = 0x200000
_FIRST_DAY: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# RFC 5280 section 4.1.2.5: the value for a certificate without a good last day.
_LAST_DAY: Final = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
_COMMON_NAME_LENGTH_MAX: Final = 64  # X.520; the name informs people and decides nothing


def new_certificate(member_id: str) -> tuple[bytes, bytes]:
    """A fresh key and its self-signed certificate: (certificate DER, private key PKCS #8 PEM)."""
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, member_id[:_COMMON_NAME_LENGTH_MAX])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FIRST_DAY)
        .not_valid_after(_LAST_DAY)
        # Not a certificate authority: this key vouches for no other certificate.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, algorithm=None)
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.DER), pem


def contexts(
    certificate: bytes, key: bytes, peers: Mapping[str, bytes]
) -> tuple[ssl.SSLContext, dict[str, ssl.SSLContext]]:
    """The context that accepts all `peers` (id to certificate DER), and one per peer that dials it.

    Raises Malformed for a certificate or key that cannot be used, or a certificate used twice.
    """
    own = _private_key(key)
    if own.public_key() != _public_key("own certificate", certificate):
        raise Malformed("own key", "does not belong to the certificate")
    seen = {certificate}
    for peer, der in peers.items():
        _public_key(f"certificate of {peer}", der)
        if der in seen:
            raise Malformed(f"certificate of {peer}", "is another member's too")
        seen.add(der)
    # The ssl module takes its own key from a file alone: it is written encrypted, under a password
    # that is never written, into a folder that only this user can read and that goes at once.
    password = secrets.token_hex(16)
    sealed = own.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password.encode("ascii")),
    )
    with tempfile.TemporaryDirectory(prefix="suyuan-") as folder:
        chain = Path(folder) / "chain.pem"
        chain.write_bytes(sealed + ssl.DER_cert_to_PEM_cert(certificate).encode("ascii"))
        server = _context(ssl.PROTOCOL_TLS_SERVER, chain, password, list(peers.values()))
        dialling = {
            peer: _context(ssl.PROTOCOL_TLS_CLIENT, chain, password, [der])
            for peer, der in peers.items()
        }
    return server, dialling


def is_usable(certificate: bytes) -> bool:
    """Say whether a peer's certificate can be pinned: what `contexts` asks of it."""
    try:
        _public_key("certificate", certificate)
    except Malformed:
        return False
    return True


def certificate_of(transport: BaseTransport) -> bytes | None:
    """The DER certificate that the other side of a TLS connection proved to hold."""
    session: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    return None if session is None else session.getpeercert(binary_form=True)


def _context(protocol: int, chain: Path, password: str, anchors: list[bytes]) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= _NO_CHECK_TIME
    context.load_cert_chain(chain, password=password)
    for der in anchors:
        context.load_verify_locations(cadata=der)
    if protocol == ssl.PROTOCOL_TLS_SERVER:
        # Each connection proves its identity anew; nothing is resumed.
        context.num_tickets = 0
    return context


def _private_key(pem: bytes) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Malformed("own key", f"is not a private key in PEM ({error})") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Malformed("own key", "is not an Ed25519 key")
    return key


def _public_key(field: str, der: bytes) -> Ed25519PublicKey:
    if len(der) > CERTIFICATE_SIZE_MAX:
        raise Malformed(field, f"has {len(der)} bytes, more than {CERTIFICATE_SIZE_MAX}")
    try:
        key = x509.load_der_x509_certificate(der).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed(field, f"is not a certificate in DER ({error})") from error
    if not isinstance(key, Ed25519PublicKey):
        raise Malformed(field, "is not of an Ed25519 key")
    return key
