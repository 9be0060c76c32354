"""Which contracts are installed, and the digest of each one's sources.

A contract lives in an immutable folder `name/vN`; the state names the digest of its sources
(runtime/contract/<name>), and a runtime that does not have exactly them refuses to execute
(DESIGN section 5). The digest covers the folder's Python files, by name, with line endings as LF.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from typing import Any, Final

import msgspec

from chaincode.contract import Contract
from chaincode.datasharing.v1.contract import DataSharing
from chaincode.entities import Entities
from chaincode.identity.v1.contract import Identity
from chaincode.kinds import Kind
from chaincode.supplies.v1.contract import Supplies
from ledger.codec import Digest, Value, encode
from ledger.errors import InvariantViolated
from ledger.hashing import sha256, tagged

__all__ = ["CONTRACTS", "INSTALLED", "Installed", "Registry", "source_digest"]


class Installed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The version of a contract that executes, and the digest of its sources."""

    source: Digest
    version: int


INSTALLED: Final = Kind("runtime", "contract", Installed)
CONTRACTS: Final[tuple[type[Contract], ...]] = (Identity, Supplies, DataSharing)


def source_digest(package: str) -> bytes:
    """Return the tagged hash over [file name, SHA-256 of the content] of a contract's folder.

    Raises: InvariantViolated when the sources are not there to be read.
    """
    files = sorted(
        (entry for entry in resources.files(package).iterdir() if entry.name.endswith(".py")),
        key=lambda entry: entry.name,
    )
    if not files:
        raise InvariantViolated(f"the sources of {package} cannot be read")
    listed: list[Value] = [
        [entry.name, sha256(entry.read_bytes().replace(b"\r\n", b"\n"))] for entry in files
    ]
    return tagged("contract", encode(listed))


class Registry:
    """The contracts this program has, one version of each."""

    def __init__(self, contracts: Iterable[type[Contract]] = CONTRACTS) -> None:
        """Take contract classes and compute the digests of their sources."""
        self.contracts: Final = {contract.name: contract() for contract in contracts}
        self.kinds: Final[dict[tuple[str, str], Kind[Any]]] = {
            (INSTALLED.contract, INSTALLED.name): INSTALLED
        }
        self.installed: Final[dict[str, Installed]] = {}
        for contract in self.contracts.values():
            package = type(contract).__module__.rpartition(".")[0]
            self.installed[contract.name] = Installed(source_digest(package), contract.version)
            for kind in contract.kinds:
                self.kinds[kind.contract, kind.name] = kind

    def find(self, entities: Entities, name: str) -> Contract | None:
        """Return the contract of that name, or None when the chain has none.

        Raises: InvariantViolated when the chain names other sources than this program has.
        """
        entity = entities.find(INSTALLED.path(name))
        if entity is None:
            return None
        if entity.record != self.installed.get(name):
            raise InvariantViolated(
                f"the chain executes other sources of {name} than are installed here"
            )
        return self.contracts[name]
