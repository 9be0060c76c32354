"""What stands beside the state in force for a while, and is no fault: a snapshot that is being
fetched, and a state that a crash kept from being deleted.

The member goes on with both at its next start. Of the first its headers are checked: each is named
by the one above, from the certified one down. What else it has fetched is proved against the
certified root before it is written and leads to it again when it is put in force.
"""

from __future__ import annotations

from typing import Final

from ledger.block import HEADER
from ledger.errors import Malformed
from ledger.merkle_log import leaf_hash
from node.archive import STATES, Transfer, read_transfer
from node.fsck.findings import FAMILIES, Findings
from node.store import Reader, prefix_stop

__all__ = ["Pending"]

_KINDS: Final = (b"d", b"p", b"s")


class Pending:
    """The marks of a folder that speak of another state than the one in force."""

    def __init__(self, store: Reader, in_force: int, findings: Findings) -> None:
        """Read the marks; what they say wrongly is a finding."""
        self._store = store
        self._findings = findings
        self.is_marking = store.get(b"mmarking") is not None  # ids of a snapshot just put in force
        self._transfer = self._read_transfer(in_force)
        self._states = {in_force}
        if self._transfer is not None:
            self._states.add(self._transfer.state)
        forgetting = store.get(b"mforgetting")
        if forgetting is not None:
            self._states |= set(forgetting)
            if len(forgetting) != 1 or forgetting[0] not in STATES - {in_force}:
                self._wrong("is no state that is not needed", b"mforgetting")
        if store.get(b"mmarking") not in (None, b"\x01"):
            self._wrong("is not 1", b"mmarking")

    @property
    def marks(self) -> list[bytes]:
        """The marks that such states may have of their own: heights."""
        return [b"mheight" + bytes([number]) for number in self._states]

    def _wrong(self, what: str, key: bytes) -> None:
        self._findings.add("mark", what, key=key)

    def _read_transfer(self, in_force: int) -> Transfer | None:
        data = self._store.get(b"mtransfer")
        if data is None:
            return None
        try:
            transfer = read_transfer(data)
            if HEADER.decode(transfer.header).height != transfer.height:
                raise Malformed("transfer.header", "is not that of its height")
        except Malformed as error:
            self._wrong(str(error), b"mtransfer")
            return None
        if transfer.state not in STATES - {in_force}:
            self._wrong("names a state that is in force, or none", b"mtransfer")
        return transfer

    def top(self, tip: int) -> int:
        """Return the height up to which headers may stand above the newest block, `tip`."""
        return tip if self._transfer is None else max(tip, self._transfer.height)

    def check_headers(self, tip: int) -> None:
        """Check the headers above the newest block: of the fetched height, and down from there."""
        transfer = self._transfer
        named = b"" if transfer is None else leaf_hash(transfer.header)
        for height in range(self.top(tip), tip, -1):
            data = self._store.get(b"h" + height.to_bytes(8, "big"))
            if data is None:
                named = b""  # fetched downward: below there is none
            elif not named or leaf_hash(data) != named:
                self._findings.add("header", "is not named by the one above", height=height)
                named = b""
            else:
                named = HEADER.decode(data).parent

    def check_states(self) -> None:
        """Tell of everything that belongs to no state that may be there."""
        for kind in _KINDS:
            for first in range(256):
                if first not in self._states:
                    self._tell_all(kind, kind + bytes([first]))
            if self._store.get(kind) is not None:
                self._findings.add(FAMILIES[kind], "is left over", key=kind)

    def _tell_all(self, kind: bytes, prefix: bytes) -> None:
        for key, _ in self._store.range(prefix, prefix_stop(prefix)):
            self._findings.add(FAMILIES[kind], "is left over", key=key)
