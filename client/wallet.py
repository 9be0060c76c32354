"""Key files: one Ed25519 key of one account, encrypted with a passphrase, in a small JSON file.

What it is: argon2id (libsodium's "interactive" limits, about 0.1 s and 64 MiB) stretches the
passphrase, XSalsa20-Poly1305 seals the 32-byte seed; the file is mode 0600 and appears whole or not
at all. For demonstrations there is an unencrypted form, which says so in the file.
What it is not: it does not prove that the account has this key (genesis does), and it keeps no
passphrase.

    {"account": "red-cross.zhang", "format": "suyuan-key/v1", "public": hex, "protection":
        {"kdf": "argon2id13", "memory": 67108864, "nonce": hex, "operations": 2, "salt": hex,
         "seal": "xsalsa20-poly1305", "sealed": hex}   or
        {"kdf": "none", "seed": hex, "warning": "throw-away demonstration key: ..."}}

Invariant: an opened key is the one the file names, or it is not opened: the public key is derived
and compared.
Source: libsodium `crypto_pwhash`, `crypto_secretbox`; RFC 9106.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import nacl.pwhash.argon2id
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from client.files import read_file, write_atomically
from client.limits import (
    KDF_MEMORY_MAX,
    KDF_OPERATIONS_MAX,
    KEY_FILE_SIZE_MAX,
    KEYS_IN_FOLDER_MAX,
    PASSPHRASE_LENGTH_MAX,
    PASSPHRASE_LENGTH_MIN,
)
from ledger.canonical_json import from_hex
from ledger.errors import ClientFault, Malformed
from ledger.keys import SEED_SIZE, Ed25519Signer

__all__ = ["SUFFIX", "KeyFile", "create", "list_keys", "load_keys", "read_key", "save"]

FORMAT: Final = "suyuan-key/v1"
SUFFIX: Final = ".key.json"
WARNING: Final = "throw-away demonstration key: not encrypted, never use it for anything real"
_ACCOUNT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,30}\.[a-z0-9][a-z0-9-]{0,60}\Z")
_SEALED_SIZE: Final = SEED_SIZE + SecretBox.MACBYTES

Ask = Callable[[], str]


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key file that has been read and checked, but not opened. `protection` holds what opening
    needs.
    """

    account: str
    public: bytes
    protection: Mapping[str, Any]

    @property
    def encrypted(self) -> bool:
        """Whether a passphrase is needed."""
        return bool(self.protection["kdf"] != "none")

    def unlock(self, passphrase: Ask) -> Ed25519Signer:
        """Open the key; `passphrase` is asked only if needed. Raises: ClientFault
        "wrong-passphrase", Malformed.
        """
        if not self.encrypted:
            seed = from_hex(self.protection["seed"], "key.protection.seed", SEED_SIZE)
        else:
            seed = self._unseal(passphrase())
        signer = Ed25519Signer(seed)
        if signer.public != self.public:
            raise Malformed("key.public", "is not that of the key inside")
        return signer

    def _unseal(self, passphrase: str) -> bytes:
        form = self.protection
        key = _stretch(
            passphrase,
            from_hex(form["salt"], "key.protection.salt", nacl.pwhash.argon2id.SALTBYTES),
            form["operations"],
            form["memory"],
        )
        nonce = from_hex(form["nonce"], "key.protection.nonce", SecretBox.NONCE_SIZE)
        sealed = from_hex(form["sealed"], "key.protection.sealed", _SEALED_SIZE)
        try:
            return SecretBox(key).decrypt(sealed, nonce)
        except CryptoError:
            raise ClientFault("wrong-passphrase", account=self.account) from None

    def to_json(self) -> bytes:
        """Return the bytes of the file."""
        value = {
            "account": self.account,
            "format": FORMAT,
            "protection": dict(self.protection),
            "public": self.public.hex(),
        }
        return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"


def create(account: str, passphrase: str | None, seed: bytes | None = None) -> KeyFile:
    """Make a new key for an account; `passphrase` None makes an unencrypted, throw-away key.

    Raises: Malformed for an account id or a passphrase that breaks its rule.
    """
    if not _ACCOUNT.match(account):
        raise Malformed("account", "must be <organisation>.<name> in lower case")
    secret = os.urandom(SEED_SIZE) if seed is None else seed
    public = Ed25519Signer(secret).public
    if passphrase is None:
        return KeyFile(account, public, {"kdf": "none", "seed": secret.hex(), "warning": WARNING})
    if not PASSPHRASE_LENGTH_MIN <= len(passphrase) <= PASSPHRASE_LENGTH_MAX:
        rule = f"must have {PASSPHRASE_LENGTH_MIN} to {PASSPHRASE_LENGTH_MAX} characters"
        raise Malformed("passphrase", rule)
    salt = os.urandom(nacl.pwhash.argon2id.SALTBYTES)
    nonce = os.urandom(SecretBox.NONCE_SIZE)
    operations = nacl.pwhash.argon2id.OPSLIMIT_INTERACTIVE
    memory = nacl.pwhash.argon2id.MEMLIMIT_INTERACTIVE
    sealed = SecretBox(_stretch(passphrase, salt, operations, memory)).encrypt(secret, nonce)
    return KeyFile(
        account,
        public,
        {
            "kdf": "argon2id13",
            "memory": memory,
            "nonce": nonce.hex(),
            "operations": operations,
            "salt": salt.hex(),
            "seal": "xsalsa20-poly1305",
            "sealed": sealed.ciphertext.hex(),
        },
    )


def save(key: KeyFile, path: Path) -> None:
    """Write a key file, mode 0600, whole or not at all. Raises: ClientFault "file-exists" rather
    than replace one.
    """
    write_atomically(path, key.to_json(), mode=0o600, replace=False)


def read_key(path: Path) -> KeyFile:
    """Read a key file without opening the key. Raises: ClientFault for the file, Malformed for its
    form.
    """
    data = read_file(path, KEY_FILE_SIZE_MAX)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise Malformed(path.name, "is not JSON") from None
    names = ("account", "format", "protection", "public")
    if not isinstance(value, dict) or tuple(sorted(value)) != names or value["format"] != FORMAT:
        raise Malformed(path.name, f"is not a key file ({FORMAT})")
    account = value["account"]
    if not isinstance(account, str) or not _ACCOUNT.match(account):
        raise Malformed("key.account", "must be <organisation>.<name> in lower case")
    return KeyFile(
        account, from_hex(value["public"], "key.public"), _protection(value["protection"])
    )


def list_keys(folder: Path) -> list[tuple[Path, KeyFile]]:
    """Read every key file of a folder, by file name. Raises: ClientFault, Malformed."""
    if not folder.is_dir():
        raise ClientFault("file-unreadable", file=str(folder), reason="not a folder")
    paths = sorted(folder.glob(f"*{SUFFIX}"))
    if len(paths) > KEYS_IN_FOLDER_MAX:
        raise Malformed(str(folder), f"holds more than {KEYS_IN_FOLDER_MAX} key files")
    return [(path, read_key(path)) for path in paths]


def load_keys(folder: Path, passphrase: Ask) -> dict[str, Ed25519Signer]:
    """Open every key of a folder, by account; one passphrase for all, asked at most once."""
    said: list[str] = []

    def once() -> str:
        if not said:
            said.append(passphrase())
        return said[0]

    return {key.account: key.unlock(once) for _, key in list_keys(folder)}


def _stretch(passphrase: str, salt: bytes, operations: int, memory: int) -> bytes:
    # The passphrase is bounded here too: stretching a file of a gigabyte would take the machine
    # with it.
    secret = passphrase.encode()
    if len(secret) > 4 * PASSPHRASE_LENGTH_MAX:
        raise Malformed("passphrase", f"is longer than {PASSPHRASE_LENGTH_MAX} characters")
    return nacl.pwhash.argon2id.kdf(SecretBox.KEY_SIZE, secret, salt, operations, memory)


def _protection(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Malformed("key.protection", "must be an object")
    if value.get("kdf") == "none" and set(value) == {"kdf", "seed", "warning"}:
        return value
    names = {"kdf", "memory", "nonce", "operations", "salt", "seal", "sealed"}
    if set(value) != names or value["kdf"] != "argon2id13" or value["seal"] != "xsalsa20-poly1305":
        raise Malformed("key.protection", "is of a kind not known here")
    bounds = {
        "memory": (nacl.pwhash.argon2id.MEMLIMIT_MIN, KDF_MEMORY_MAX),
        "operations": (nacl.pwhash.argon2id.OPSLIMIT_MIN, KDF_OPERATIONS_MAX),
    }
    for name, (least, most) in bounds.items():
        number = value[name]
        if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
            raise Malformed(f"key.protection.{name}", f"must be {least} to {most}")
    return value
