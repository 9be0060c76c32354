"""What Byzantine members cosign: of false times, false roots, sizes that nobody has reached."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consensus import messages as wire
from consensus.epoch import Seat
from ledger.checkpoint import Checkpoint, cosign
from tests.simulator.dice import Dice
from tests.simulator.keys import FakeSigner


class FalseWords:
    """The certifiers' part of an adversary: honest cosignatures, twisted on their way out."""

    def __init__(self, seat: Seat, dice: Dice) -> None:
        self._seat = seat
        self._dice = dice

    def twist(self, strategy: str, signer: FakeSigner, data: bytes) -> Iterator[bytes]:
        """What really leaves when the certifier says `data`."""
        if strategy == "untimely":
            yield self._untimely(signer, data)
        elif strategy == "forge":
            yield self._false_word(signer, data)
        elif strategy == "flood" and self._dice.chance(200):
            yield from self._many_words(signer, data)
        elif strategy != "silent":
            yield data

    def _untimely(self, signer: FakeSigner, data: bytes) -> bytes:
        """A cosignature of a time long ago or far ahead, or of another root."""
        message = wire.COSIGNED.decode(data)
        timestamp = self._dice.pick((1, message.timestamp + 10_000, message.timestamp))
        root = self._dice.bytes(32) if self._dice.chance(200) else message.root
        checkpoint = Checkpoint(self._seat.origin, message.size, root)
        signature = cosign(checkpoint, timestamp, "", signer).signature
        return wire.COSIGNED.encode(
            wire.Cosigned(message.epoch, message.size, root, timestamp, signature)
        )

    def _false_word(self, signer: FakeSigner, data: bytes) -> bytes:
        """A cosignature of another root, or one that another key made, or the true one."""
        message = wire.COSIGNED.decode(data)
        kind = self._dice.below(4)
        if kind == 0:
            return wire.COSIGNED.encode(
                msgspec.structs.replace(message, signature=self._dice.bytes(64))
            )
        if kind == 1:
            root = self._dice.bytes(32)
            checkpoint = Checkpoint(self._seat.origin, message.size, root)
            signature = cosign(checkpoint, message.timestamp, "", signer).signature
            return wire.COSIGNED.encode(
                msgspec.structs.replace(message, root=root, signature=signature)
            )
        return data

    def _many_words(self, signer: FakeSigner, data: bytes) -> Iterator[bytes]:
        """The true cosignature, and some of sizes that nobody has reached."""
        yield data
        message = wire.COSIGNED.decode(data)
        for _ in range(8):
            size = message.size + 1 + self._dice.below(10_000)
            checkpoint = Checkpoint(self._seat.origin, size, message.root)
            signature = cosign(checkpoint, message.timestamp, "", signer).signature
            yield wire.COSIGNED.encode(
                msgspec.structs.replace(message, size=size, signature=signature)
            )
