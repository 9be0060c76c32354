"""The changes of members that a folder holds, verified one by the other from genesis on.

Each handover is held against the set before it: the certificate of its boundary must have that
set's cosignatures, and the boundary's header name the set that follows. Whether the chain says so
too is found by re-execution, which makes every handover anew and compares it.
"""

from __future__ import annotations

from consensus.epoch import Epoch
from ledger.block import HEADER
from ledger.checkpoint import parse_checkpoint
from ledger.errors import Malformed
from ledger.genesis import Genesis
from ledger.merkle_log import MerkleLog
from ledger.notes import parse_note
from node.epoch_store import HANDOVER
from node.epochs import verify_handover
from node.fsck.findings import Findings
from node.store import Reader

__all__ = ["check_boundaries", "read_epochs"]


def check_boundaries(store: Reader, log: MerkleLog, first: int, findings: Findings) -> None:
    """Hold verified handovers from height `first` on against the folder's headers and chain log."""
    for key, data in store.range(b"g", b"h"):
        try:
            header = HEADER.decode(HANDOVER.decode(data).header)
        except Malformed:
            continue  # told when it was verified
        if not first <= header.height <= log.size:
            continue
        stored = HANDOVER.decode(data)
        root = parse_checkpoint(parse_note(stored.note, "handover.note").text).root
        if store.get(b"h" + header.height.to_bytes(8, "big")) != stored.header:
            findings.add("handover", "is of another header", height=header.height, key=key)
        elif log.root(header.height) != root:
            findings.add("handover", "certifies another chain", height=header.height, key=key)


def read_epochs(store: Reader, genesis: Genesis, findings: Findings) -> list[Epoch]:
    """Return the epochs that handovers lead to, oldest first, up to one that does not hold."""
    epochs = [Epoch(0, genesis.members)]
    for key, data in store.range(b"g", b"h"):
        try:
            if key != b"g" + len(epochs).to_bytes(8, "big"):
                raise Malformed("handover", f"does not follow that to epoch {len(epochs) - 1}")
            epochs.append(verify_handover(HANDOVER.decode(data), epochs[-1], genesis.origin))
        except Malformed as error:
            findings.add("handover", str(error), key=key)
            break
    return epochs
