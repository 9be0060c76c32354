"""The cast with keys: throw-away account keys for a demonstration, and the file that founds its
consortium.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from client.scenario import ACCOUNTS, MEMBERS, ORGANISATIONS
from client.wallet import SUFFIX, create, save
from ledger.keys import Ed25519Signer

__all__ = ["CHAIN_NAME", "cast_file", "make_keys"]

CHAIN_NAME: Final = "wuhan-2020"


def make_keys(folder: Path) -> dict[str, Ed25519Signer]:
    """Make an unencrypted key for every account of the cast, one file each; return the signers by
    account.

    Raises: ClientFault when a file exists already or cannot be written.
    """
    signers = {}
    for account in ACCOUNTS:
        key = create(account.id, None)
        save(key, folder / f"{account.id}{SUFFIX}")
        signers[account.id] = key.unlock(str)
    return signers


def cast_file(signers: dict[str, Ed25519Signer]) -> dict[str, Any]:
    """Return what `suyuan node found` reads: who takes part, with public keys only."""
    return {
        "accounts": [
            {
                "id": account.id,
                "keys": [signers[account.id].public.hex()],
                "organisation": account.organisation,
                "roles": sorted(account.roles),
            }
            for account in ACCOUNTS
        ],
        "members": [member.id for member in MEMBERS],
        "name": CHAIN_NAME,
        "organisations": [{"id": one.id, "name": one.name} for one in ORGANISATIONS],
        "parameters": {},
    }
