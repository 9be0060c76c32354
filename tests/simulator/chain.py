"""What a simulated member executes and keeps: blocks, the epochs they decide, and a disk that can
lose its tail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from consensus import Epoch, Handover, Rooted
from ledger.checkpoint import Certificate
from ledger.errors import Malformed
from ledger.keys import Verify
from ledger.transaction import Transaction

REPLICA, CERTIFIER = "replica", "certifier"

# What executing a block decides: the epoch it belongs to, its height, its transactions -> the next
# epoch, or None. A pure function, the same at every member.
Decide = Callable[[Epoch, int, tuple[Transaction, ...]], Epoch | None]


@dataclass(frozen=True)
class Block:
    """A durable block. `root` stands for the chain log's root: it binds all headers up to here."""

    height: int
    time: int
    transactions: tuple[Transaction, ...]
    header: bytes
    root: bytes
    epoch: int  # whose set ordered it
    ruling: Epoch  # whose set orders and certifies what follows; the header binds its digest

    @property
    def following(self) -> Epoch | None:
        """The epoch this block decided, if it is the last of its own."""
        return self.ruling if self.ruling.number > self.epoch else None


def next_block(
    previous: Block | None,
    genesis: Epoch,
    time: int,
    transactions: tuple[Transaction, ...],
    decide: Decide,
) -> Block:
    """Execute: deterministic in what was ordered and nothing else."""
    before = previous.root if previous else bytes(32)
    height = previous.height + 1 if previous else 1
    current = previous.ruling if previous else genesis
    ruling = decide(current, height, transactions) or current
    body = b"".join(one.digest for one in transactions)
    header = blake2b(
        before + f"{height}/{time}/{current.number}/".encode() + ruling.members.digest() + body,
        digest_size=32,
    ).digest()
    root = blake2b(before + header, digest_size=32).digest()
    return Block(height, time, transactions, header, root, current.number, ruling)


def ruling(chain: Sequence[Block], height: int, genesis: Epoch) -> Epoch:
    """The epoch whose set orders and certifies a height: what the header before it names."""
    return chain[height - 2].ruling if height > 1 else genesis


def no_records() -> dict[str, list[tuple[int, bytes]]]:
    """What both machines of a member have on a new disk."""
    return {REPLICA: [], CERTIFIER: []}


@dataclass
class Disk:
    """What survives a power cut, and what is on its way there. The replica's records are those of
    the current epoch; the certifier's span all.
    """

    records: dict[str, list[tuple[int, bytes]]] = field(default_factory=no_records)
    pending: dict[str, list[tuple[int, bytes]]] = field(default_factory=no_records)
    chain: list[Block] = field(default_factory=list)
    certificate: Certificate | None = None
    handovers: list[Handover] = field(default_factory=list)

    def epoch(self, genesis: Epoch) -> Epoch:
        """The newest epoch that has begun: the one after the newest handover."""
        if not self.handovers:
            return genesis
        return self.chain[self.handovers[-1].certificate.checkpoint.size - 1].ruling

    def is_at_end(self) -> bool:
        """Whether the newest block is the last of an epoch that is not yet handed over."""
        last = self.chain[-1] if self.chain else None
        return last is not None and last.following is not None and len(self.handovers) <= last.epoch

    def end_of(self, epoch: int) -> int:
        """The last height of an epoch; 0 where it has none yet."""
        for block in self.chain:
            if block.epoch == epoch and block.following is not None:
                return block.height
        return 0

    def copy(self) -> Disk:
        """What a copy of the disk made now would hold."""
        records = {machine: list(held) for machine, held in self.records.items()}
        return Disk(records, no_records(), list(self.chain), self.certificate, list(self.handovers))

    def is_silent_on(self, epoch: Epoch, genesis: Epoch) -> bool:
        """Say whether it holds no words of an epoch. Key files are no part of a copy: who finds a
        key that was there before, and no records, knows that something is lost.
        """
        return not all(self.records.values()) or self.epoch(genesis).number < epoch.number

    def hand_over(self, handover: Handover) -> None:
        """One atomic write: an epoch has ended, and its records are gone."""
        self.handovers.append(handover)
        self.records[REPLICA] = []
        self.pending = no_records()


def rooted(block: Block) -> Rooted:
    """What the certifier is told of a block."""
    return Rooted(block.height, block.root, block.time, block.following is not None)


def checked(raws: Sequence[bytes], verify: Verify) -> tuple[Transaction | None, ...]:
    """What a driver answers to Check: the transactions, None where one is none or not signed."""
    answers: list[Transaction | None] = []
    for raw in raws:
        try:
            transaction = Transaction.decode(raw)
        except Malformed:
            answers.append(None)
            continue
        answers.append(transaction if transaction.check_signatures(verify) else None)
    return tuple(answers)


def certified_after(
    disk: Disk, height: int, proven: Certificate | None
) -> tuple[list[Block], Certificate | None]:
    """What a member can give to who has a chain of that height: blocks up to the newest
    certificate, or to the end of the epoch, if that comes first, and the certificate of the last
    of them. `proven`: the checkpoint its replica holds a proof of.
    """
    certificates = [one.certificate for one in disk.handovers]
    if disk.certificate is not None:
        certificates.append(disk.certificate)
    if proven is not None:
        certificates.append(proven)
    for certificate in certificates:
        size = certificate.checkpoint.size
        if height < size <= len(disk.chain):
            return disk.chain[height:size], certificate
    return [], None
