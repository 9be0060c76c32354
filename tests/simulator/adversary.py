"""Byzantine members: an honest machine whose words are twisted on their way out.

The adversary holds the keys of its own members only. Its members know of each other's lies
(`variants`).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consensus import messages as wire
from consensus.epoch import COMMIT, NEW_VIEW, PRE_PREPARE, PREPARE, VIEW_CHANGE, Seat, vote_bytes
from ledger.errors import Malformed
from tests.simulator.dice import Dice
from tests.simulator.keys import FakeSigner

Outgoing = Iterator[tuple[str, bytes]]  # to, data


class Adversary:
    """All Byzantine members of a run."""

    def __init__(self, seat: Seat, dice: Dice) -> None:
        self._seat = seat  # anybody's: for chain, epoch and members
        self._dice = dice
        self._variants: dict[tuple[int, int], wire.Batch] = {}
        self._heard: list[bytes] = []

    def hear(self, data: bytes) -> None:
        """Remember some of what passes, to replay it."""
        if len(self._heard) < 200:
            self._heard.append(data)
        elif self._dice.chance(50):
            self._heard[self._dice.below(200)] = data

    def twist(
        self, strategy: str, place: int, signer: FakeSigner, to: tuple[str, ...], data: bytes
    ) -> Outgoing:
        """What really leaves when the machine says `data`."""
        if strategy == "silent":
            return
        for target in to:
            other = self._seat.members.index(target)
            if strategy == "selective":
                if (other + place) % 2:
                    yield target, data
            elif strategy == "equivocate":
                lie = self._equivocate(place, signer, other, data)
                if lie != data and self._dice.chance(200):
                    yield target, data  # both to the same member: evidence
                yield target, lie
            elif strategy == "mutate":
                yield target, self._mutate(signer, data)
            elif strategy == "stale":
                yield target, self._stale(place, signer, data)
            else:
                yield target, data
            if strategy == "replay" and self._heard and self._dice.chance(300):
                yield target, self._dice.pick(self._heard)
            if strategy == "flood" and self._dice.chance(300):
                yield target, self._flood(signer)

    def _sign(
        self, signer: FakeSigner, kind: str, view: int, sequence: int, digest: bytes
    ) -> bytes:
        seat = self._seat
        return signer.sign(vote_bytes(kind, seat.chain, seat.epoch, view, sequence, digest))

    def _equivocate(self, place: int, signer: FakeSigner, other: int, data: bytes) -> bytes:
        """Tell the odd members of another batch, and vote for both."""
        message = wire.decode(data)
        if other % 2 == 0:
            return data
        if isinstance(message, wire.PrePrepare) and self._seat.primary(message.view) == place:
            key = (message.view, message.sequence)
            batch = self._variants.setdefault(
                key, msgspec.structs.replace(message.batch, time=message.batch.time + 1)
            )
            signature = self._sign(signer, PRE_PREPARE, *key, batch.digest())
            return wire.encode(msgspec.structs.replace(message, batch=batch, signature=signature))
        if isinstance(message, wire.Prepare | wire.Commit):
            batch_or_none = self._variants.get((message.view, message.sequence))
            if batch_or_none is not None:
                kind = PREPARE if isinstance(message, wire.Prepare) else COMMIT
                digest = batch_or_none.digest()
                signature = self._sign(signer, kind, message.view, message.sequence, digest)
                return wire.encode(
                    msgspec.structs.replace(message, digest=digest, signature=signature)
                )
        return data

    def _mutate(self, signer: FakeSigner, data: bytes) -> bytes:
        """Corrupt bytes, or move a vote by one view or sequence and sign it again."""
        if self._dice.chance(700):
            return data
        if self._dice.chance(500):
            blob = bytearray(data)
            blob[self._dice.below(len(blob))] ^= 1 << self._dice.below(8)
            return bytes(blob)
        message = wire.decode(data)
        if isinstance(message, wire.Prepare | wire.Commit):
            kind = PREPARE if isinstance(message, wire.Prepare) else COMMIT
            view = message.view + self._dice.below(2)
            sequence = max(1, message.sequence + self._dice.between(-1, 1))
            digest = message.digest if self._dice.chance(500) else self._dice.bytes(32)
            signature = self._sign(signer, kind, view, sequence, digest)
            return wire.encode(type(message)(message.epoch, view, sequence, digest, signature))
        return data

    def _stale(self, place: int, signer: FakeSigner, data: bytes) -> bytes:
        """Leave P and the checkpoint out of a VIEW-CHANGE; propose too little in a NEW-VIEW."""
        message = wire.decode(data)
        if isinstance(message, wire.ViewChange) and message.member == place:
            bare = msgspec.structs.replace(message, prepared=(), stable=wire.GENESIS_STABLE)
            signature = self._sign(signer, VIEW_CHANGE, bare.view, 0, bare.digest())
            return wire.encode(msgspec.structs.replace(bare, signature=signature))
        if isinstance(message, wire.NewView) and self._seat.primary(message.view) == place:
            short = msgspec.structs.replace(message, proposals=message.proposals[:-1])
            low = max(one.stable.height for one in short.view_changes)
            signature = self._sign(signer, NEW_VIEW, short.view, low, short.digest())
            return wire.encode(msgspec.structs.replace(short, signature=signature))
        return data

    def _flood(self, signer: FakeSigner) -> bytes:
        view, sequence = self._dice.below(50), self._dice.below(200) + 1
        digest = self._dice.bytes(32)
        kind = self._dice.pick((PREPARE, COMMIT))
        signature = self._sign(signer, kind, view, sequence, digest)
        make = wire.Prepare if kind == PREPARE else wire.Commit
        return wire.encode(make(self._seat.epoch, view, sequence, digest, signature))


def is_transactions(data: bytes) -> bool:
    """Say whether a message carries bodies (what a censor does not want to hear)."""
    try:
        return isinstance(wire.decode(data), wire.Transactions)
    except Malformed:
        return False
