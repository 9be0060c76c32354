"""Byzantine members: an honest machine whose words are twisted on their way out.

The adversary holds the keys of its own members only. Its members know of each other's lies
(`variants`).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consensus import messages as wire
from consensus.epoch import COMMIT, NEW_VIEW, PRE_PREPARE, PREPARE, VIEW_CHANGE, Seat, vote_bytes
from consensus.new_view import choose
from ledger.errors import Malformed
from ledger.merkle_log import leaf_hash
from tests.simulator.dice import Dice
from tests.simulator.false_words import FalseWords
from tests.simulator.keys import FakeSigner

Outgoing = Iterator[tuple[str, bytes]]  # to, data
FAR_MS = 60_000  # beyond any drift that members tolerate


class Adversary:
    """All Byzantine members of one epoch of a run."""

    def __init__(self, seat: Seat, dice: Dice) -> None:
        self._seat = seat  # anybody's: for chain, epoch and members
        self._bare = wire.Stable(seat.base, bytes(32), ())
        self._dice = dice
        self.words = FalseWords(seat, dice)
        self._variants: dict[tuple[int, int], wire.Batch] = {}
        self._heard: list[bytes] = []
        # What honest members signed, to build lies of: votes, proposals, VIEW-CHANGEs.
        self._prepares: dict[tuple[int, int, bytes], dict[int, bytes]] = {}
        self._commits: dict[tuple[int, int, bytes], dict[int, bytes]] = {}
        self._batches: dict[bytes, wire.Batch] = {}
        self._openings: dict[tuple[int, int, bytes], bytes] = {}
        self._bodies: dict[bytes, bytes] = {}
        self._changes: dict[int, dict[int, wire.ViewChange]] = {}

    def hear(self, sender: str, data: bytes) -> None:
        """Remember some of what passes, to replay it or to lie with it."""
        if sender in self._seat.members:
            self._note(self._seat.members.index(sender), data)
        if len(self._heard) < 200:
            self._heard.append(data)
        elif self._dice.chance(50):
            self._heard[self._dice.below(200)] = data

    def _note(self, sender: int, data: bytes) -> None:
        try:
            message = wire.decode(data)
        except Malformed:
            return
        if getattr(message, "epoch", self._seat.epoch) != self._seat.epoch:
            return
        if isinstance(message, wire.Prepare | wire.Commit):
            key = (message.view, message.sequence, message.digest)
            votes = self._prepares if isinstance(message, wire.Prepare) else self._commits
            votes.setdefault(key, {})[sender] = message.signature
        elif isinstance(message, wire.PrePrepare):
            digest = message.batch.digest()
            self._batches[digest] = message.batch
            self._openings[message.view, message.sequence, digest] = message.signature
        elif isinstance(message, wire.Transactions | wire.Overdue):
            for raw in message.raws:
                self._bodies[leaf_hash(raw)] = raw
            while len(self._bodies) > 100:
                del self._bodies[next(iter(self._bodies))]
        elif isinstance(message, wire.ViewChange):
            self._changes.setdefault(message.view, {})[message.member] = message

    def twist(
        self, strategy: str, place: int, signer: FakeSigner, to: tuple[str, ...], data: bytes
    ) -> Outgoing:
        """What really leaves when the machine says `data`."""
        if strategy == "silent":
            return
        for target in to:
            if target not in self._seat.members:  # a straggler of an earlier epoch
                yield target, data
                continue
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
            elif strategy == "forge":
                yield from ((target, lie) for lie in self._of_nobody(place, signer, data))
                yield target, self._forge(place, signer, data)
                yield from ((target, lie) for lie in self._false_proofs(place, signer, data))
            elif strategy == "graft":
                yield target, self._graft(place, signer, data)
            elif strategy == "double":
                yield target, self._double(place, signer, other, data)
            elif strategy == "untimely":
                yield target, self._from_the_future(place, signer, data)
            else:
                yield target, data
            if strategy == "replay" and self._heard and self._dice.chance(300):
                yield target, self._dice.pick(self._heard)
            if strategy == "hush" and self._bodies and self._dice.chance(300):
                yield target, wire.encode(wire.Settled(self._seat.epoch, b"".join(self._bodies)))
            if strategy == "restless" and self._dice.chance(100):
                yield target, self._restless(place, signer)
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
            bare = msgspec.structs.replace(message, prepared=(), stable=self._bare)
            low = self._bare.height
            signature = self._sign(signer, VIEW_CHANGE, bare.view, low, bare.digest())
            return wire.encode(msgspec.structs.replace(bare, signature=signature))
        if isinstance(message, wire.NewView) and self._seat.primary(message.view) == place:
            low = max(one.stable.height for one in message.view_changes)
            signature = self._sign(signer, PRE_PREPARE, message.view, low + 1, wire.NULL_DIGEST)
            more = (wire.Proposal(low + 1, wire.NULL_DIGEST, signature),)
            short = msgspec.structs.replace(message, proposals=message.proposals[:-1])
            if not message.proposals:
                short = msgspec.structs.replace(message, proposals=more)
            signature = self._sign(signer, NEW_VIEW, short.view, low, short.digest())
            return wire.encode(msgspec.structs.replace(short, signature=signature))
        return data

    def _graft(self, place: int, signer: FakeSigner, data: bytes) -> bytes:
        """Start the own view on words that the others did not say so: an honest VIEW-CHANGE without
        its certificates under its old signature, one too few, one twice, one of a place that
        nobody has, or one entry of another digest; signed, and computed from what it holds.
        """
        message = wire.decode(data)
        if not isinstance(message, wire.NewView) or self._seat.primary(message.view) != place:
            return data
        dice, view, changes = self._dice, message.view, list(message.view_changes)
        kind, at = dice.below(6), dice.below(len(changes))
        victim = changes[at]
        if kind < 2 or victim.member == place:
            for at, one in enumerate(changes):
                if one.member != place and one.prepared:
                    changes[at] = msgspec.structs.replace(one, prepared=())
        elif kind == 2:
            del changes[at]
        elif kind == 3:
            changes[at] = changes[at - 1]
        elif kind == 4:
            changes[at] = msgspec.structs.replace(victim, member=self._seat.members.n + 1)
        return self._started(signer, view, tuple(changes), other=kind == 5)

    def _started(
        self, signer: FakeSigner, view: int, changes: tuple[wire.ViewChange, ...], other: bool
    ) -> bytes:
        """The NEW-VIEW that follows from these; `other`: but for the digest of its last entry."""
        choice = choose(changes)
        entries = dict(choice.proposals)
        if other and entries:
            entries[max(entries)] = self._dice.bytes(32)
        proposals = tuple(
            wire.Proposal(sequence, digest, self._sign(signer, PRE_PREPARE, view, sequence, digest))
            for sequence, digest in entries.items()
        )
        blank = wire.NewView(self._seat.epoch, view, changes, proposals, bytes(64))
        signature = self._sign(signer, NEW_VIEW, view, choice.stable.height, blank.digest())
        return wire.encode(msgspec.structs.replace(blank, signature=signature))

    def _forge(self, place: int, signer: FakeSigner, data: bytes) -> bytes:
        """Claim in a VIEW-CHANGE that something was prepared that never was; open an epoch with
        transactions.
        """
        message = wire.decode(data)
        if isinstance(message, wire.PrePrepare) and self._seat.opens(message.sequence):
            names = [name for name in self._bodies if self._dice.chance(500)]
            batch = wire.Batch(message.batch.time, b"".join(names[:4]))
            signature = self._sign(
                signer, PRE_PREPARE, message.view, message.sequence, batch.digest()
            )
            return wire.encode(msgspec.structs.replace(message, batch=batch, signature=signature))
        if not isinstance(message, wire.ViewChange) or message.member != place:
            return data
        low = message.stable.height
        lie = self._false_certificate(signer, message.view, low)
        claims = {**{one.sequence: one for one in message.prepared}, lie.sequence: lie}
        prepared = tuple(claims[sequence] for sequence in sorted(claims))
        false = msgspec.structs.replace(message, prepared=prepared)
        signature = self._sign(signer, VIEW_CHANGE, false.view, low, false.digest())
        return wire.encode(msgspec.structs.replace(false, signature=signature))

    def _of_nobody(self, place: int, signer: FakeSigner, data: bytes) -> Iterator[bytes]:
        """Some proposals name, first of all, a transaction that its client never signed so."""
        message = wire.decode(data)
        if not isinstance(message, wire.PrePrepare) or self._seat.primary(message.view) != place:
            return
        if message.sequence % 5 or not self._bodies or self._seat.opens(message.sequence):
            return
        raw = next(iter(self._bodies.values()))
        false = raw[:-1] + bytes((raw[-1] ^ 1,))
        names = leaf_hash(false) + message.batch.digests
        batch = msgspec.structs.replace(message.batch, digests=names)
        where = (message.view, message.sequence)
        signature = self._sign(signer, PRE_PREPARE, *where, batch.digest())
        yield wire.encode(wire.Transactions((false,)))
        yield wire.encode(msgspec.structs.replace(message, batch=batch, signature=signature))

    def _false_certificate(
        self, signer: FakeSigner, before: int, low: int
    ) -> wire.PreparedCertificate:
        """Nothing in it is true, or all but the PREPAREs, or all but the pre-prepare."""
        seat, q = self._seat, self._seat.members.q
        heard = [key for key in self._openings if key[0] < before and low < key[1]]
        place = (before - 1, low + 1, self._dice.bytes(32))
        if heard and self._dice.chance(700):
            place = self._dice.pick(heard)
        primary = seat.primary(place[0])
        opening = self._openings.get(place) or self._sign(signer, PRE_PREPARE, *place)
        votes = {one: sign for one, sign in self._prepares.get(place, {}).items() if one != primary}
        if len(votes) >= q - 1 and self._dice.chance(500):
            opening = self._sign(signer, PREPARE, *place)
        else:
            backups = [one for one in range(seat.members.n) if one != primary][: q - 1]
            votes = {one: self._sign(signer, PREPARE, *place) for one in backups}
        seals = tuple(wire.Seal(one, votes[one]) for one in sorted(votes))[: q - 1]
        if self._dice.chance(150):
            seals = (*seals[:-1], wire.Seal(seat.members.n, seals[-1].signature))
        return wire.PreparedCertificate(*place, opening, seals)

    def _false_proofs(self, place: int, signer: FakeSigner, data: bytes) -> Iterator[bytes]:
        """A commit certificate of PREPAREs, of too few COMMITs, or of one q times; a NEW-VIEW of
        a view that is not ours to start.
        """
        message, seat = wire.decode(data), self._seat
        if isinstance(message, wire.Commit) and message.digest in self._batches:
            place_of = (message.view, message.sequence, self._batches[message.digest])
            heard = self._commits.get((message.view, message.sequence, message.digest), {})
            votes = {**heard, place: message.signature}
            few = tuple(wire.Seal(one, votes[one]) for one in sorted(votes)[: seat.members.q - 1])
            nobody = wire.Seal(seat.members.n, message.signature)
            own = wire.Seal(place, message.signature)
            for seals in (few, (own,) * seat.members.q, (*few, nobody)):
                yield wire.encode(wire.Committed(seat.epoch, *place_of, seals))
        if isinstance(message, wire.Prepare):
            key = (message.view, message.sequence, message.digest)
            votes = {**self._prepares.get(key, {}), place: message.signature}
            batch = self._batches.get(message.digest)
            if batch is not None and len(votes) >= seat.members.q:
                seals = tuple(wire.Seal(one, votes[one]) for one in sorted(votes))
                yield wire.encode(
                    wire.Committed(
                        seat.epoch, message.view, message.sequence, batch, seals[: seat.members.q]
                    )
                )
        elif isinstance(message, wire.ViewChange):
            yield from self._new_view(signer, message.view, {place: message})
        elif isinstance(message, wire.Status) and self._dice.chance(300):
            stable = self._false_checkpoint(message.stable)
            yield wire.encode(wire.StableProof(seat.epoch, stable))
            yield wire.encode(wire.Recalled(seat.epoch, 0, message.view, stable))  # nobody asked
        elif isinstance(message, wire.Recalled):
            stable = self._false_checkpoint(message.stable.height)
            yield wire.encode(msgspec.structs.replace(message, stable=stable))

    def _false_checkpoint(self, above: int) -> wire.Stable:
        """Q lines that nobody signed, the last one perhaps of a place outside the set."""
        members = self._seat.members
        last = members.q if self._dice.chance(700) else members.n + 1
        lines = tuple(
            wire.Line(one, 1_800_000_000, self._dice.bytes(64))
            for one in (*range(members.q - 1), last - 1)
        )
        return wire.Stable(above + 1 + self._dice.below(4), self._dice.bytes(32), lines)

    def _new_view(
        self, signer: FakeSigner, view: int, own: dict[int, wire.ViewChange], last: bool = False
    ) -> Iterator[bytes]:
        """A NEW-VIEW of q VIEW-CHANGEs heard, the first or the last ones, signed with this key."""
        seat = self._seat
        heard = {**self._changes.get(view, {}), **own}
        if len(heard) < seat.members.q:
            return
        places = sorted(heard)
        chosen = places[-seat.members.q :] if last else places[: seat.members.q]
        yield self._started(signer, view, tuple(heard[one] for one in chosen), other=False)

    def _double(self, place: int, signer: FakeSigner, other: int, data: bytes) -> bytes:
        """Start the own view in two ways: each is valid, each rests on other VIEW-CHANGEs."""
        message = wire.decode(data)
        if isinstance(message, wire.NewView) and self._seat.primary(message.view) == place:
            if other % 2:
                return next(self._new_view(signer, message.view, {}, last=True), data)
        return data

    def _from_the_future(self, place: int, signer: FakeSigner, data: bytes) -> bytes:
        """Every third proposal is of a time far ahead, the same to everybody."""
        message = wire.decode(data)
        if not isinstance(message, wire.PrePrepare) or message.sequence % 3:
            return data
        if self._seat.primary(message.view) != place:
            return data
        batch = msgspec.structs.replace(message.batch, time=message.batch.time + FAR_MS)
        signature = self._sign(signer, PRE_PREPARE, message.view, message.sequence, batch.digest())
        return wire.encode(msgspec.structs.replace(message, batch=batch, signature=signature))

    def _restless(self, place: int, signer: FakeSigner) -> bytes:
        """A VIEW-CHANGE for some later view, for no reason."""
        view = 1 + self._dice.below(12)
        blank = wire.ViewChange(self._seat.epoch, view, place, self._bare, (), bytes(64))
        signature = self._sign(signer, VIEW_CHANGE, view, self._bare.height, blank.digest())
        return wire.encode(msgspec.structs.replace(blank, signature=signature))

    def _flood(self, signer: FakeSigner) -> bytes:
        view, sequence = self._dice.below(50), self._dice.below(200) + 1
        digest = self._dice.bytes(32)
        kind = self._dice.pick((PREPARE, COMMIT))
        signature = self._sign(signer, kind, view, sequence, digest)
        make = wire.Prepare if kind == PREPARE else wire.Commit
        return wire.encode(make(self._seat.epoch, view, sequence, digest, signature))


def censored(data: bytes) -> bytes | None:
    """What a censor hears: no transaction whose digest is odd, whoever brings it."""
    try:
        message = wire.decode(data)
    except Malformed:
        return data
    if not isinstance(message, wire.Transactions | wire.Overdue):
        return data
    raws = tuple(raw for raw in message.raws if leaf_hash(raw)[0] % 2 == 0)
    return wire.encode(msgspec.structs.replace(message, raws=raws)) if raws else None
