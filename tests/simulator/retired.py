"""What members say that left, or stayed with new keys, and go on with the old ones (R-MB-6)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consensus import messages as wire
from consensus.epoch import COMMIT, PREPARE, VIEW_CHANGE, Seat, vote_bytes
from ledger.checkpoint import Checkpoint, cosign
from tests.simulator.chain import CERTIFIER, REPLICA, Block
from tests.simulator.keys import FakeSigner


def retired_words(
    epoch: int, place: int, old: FakeSigner, signer: FakeSigner, seat: Seat, block: Block, now: int
) -> Iterator[tuple[str, bytes]]:
    """Say "I still work here": words of an earlier epoch's keys, said to be of this one (machine,
    data).
    """
    for size in (block.height, block.height + 1):
        checkpoint = Checkpoint(seat.origin, size, block.root)
        signature = cosign(checkpoint, now, "", old).signature
        for number in (seat.epoch, epoch):
            yield (
                CERTIFIER,
                wire.COSIGNED.encode(wire.Cosigned(number, size, block.root, now, signature)),
            )
    sequence, digest = block.height + 1, wire.NULL_DIGEST
    for number in (seat.epoch, epoch):
        for kind, make in ((PREPARE, wire.Prepare), (COMMIT, wire.Commit)):
            message = vote_bytes(kind, seat.chain, epoch, 0, sequence, digest)
            yield REPLICA, wire.encode(make(number, 0, sequence, digest, signer.sign(message)))
    stable = wire.Stable(seat.base, bytes(32), ())
    change = wire.ViewChange(seat.epoch, 1, place, stable, (), bytes(64))
    message = vote_bytes(VIEW_CHANGE, seat.chain, epoch, 1, seat.base, change.digest())
    yield REPLICA, wire.encode(msgspec.structs.replace(change, signature=signer.sign(message)))
