"""What a driver tells the machines. Each is a value; nothing else ever enters (no clock, no disk,
no socket).

The driver gives inputs one at a time and carries out the effects of a step, in order, before the
next. `Replica` takes Submit, Deliver, Tick, Stored, Checked, Executed, Certified, Installed;
`Certifier` takes CertifierTick, Deliver, Stored, Rooted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from consensus.epoch import Epoch
from ledger.checkpoint import Certificate
from ledger.transaction import Transaction

__all__ = [
    "Carried",
    "Certified",
    "CertifierTick",
    "Checked",
    "Deliver",
    "Executed",
    "Handover",
    "Input",
    "Installed",
    "Recollected",
    "Rooted",
    "Start",
    "Stored",
    "Submit",
    "Tick",
]


@dataclass(frozen=True, slots=True)
class Submit:
    """Transactions of the own node, whose signatures and chain id it has checked. One a turn, not
    one each.
    """

    transactions: tuple[Transaction, ...]


@dataclass(frozen=True, slots=True)
class Deliver:
    """Bytes from a member whose identity the channel has authenticated."""

    sender: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Tick:
    """Time: a counter that only grows (10 ms each), and the wall clock in ms since 1970 UTC.

    `wall_ms` serves exactly two purposes: proposing a time, and judging a fresh proposal's
    (R-DT-3).
    """

    tick: int
    wall_ms: int


@dataclass(frozen=True, slots=True)
class Stored:
    """All records of this machine up to `number` are on disk and survive a power cut."""

    number: int


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer to Check: for each raw transaction, in order, its decoded form, or None.

    None means: not a transaction of this chain, or a signature does not hold. It is objective.
    """

    token: int
    transactions: tuple[Transaction | None, ...]


@dataclass(frozen=True, slots=True)
class Executed:
    """The block of the last Ordered is executed (its results durable or reproducible from durable
    blocks).

    `next_epoch`: the epoch of the set that this block decided, its base this height, or None. With
    one, this height is the epoch's last.
    """

    height: int
    header_hash: bytes
    next_epoch: Epoch | None = None


@dataclass(frozen=True, slots=True)
class Certified:
    """The Certifier certified a height: from here it is the stable checkpoint (low watermark)."""

    height: int
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Installed:
    """The answer to NeedState: blocks up to `height` are executed and durable, the last with time
    `time` (ms).

    Also given when fetching failed: then with what was reached. `certificate` is the newest known,
    if any; `digests` are Transaction.digest of all transactions in the blocks fetched, so that
    nobody waits for them.
    """

    height: int
    time: int
    certificate: Certificate | None
    digests: tuple[bytes, ...] = ()
    next_epoch: Epoch | None = None  # as in Executed, when the last of these blocks decided one


@dataclass(frozen=True, slots=True)
class Rooted:
    """For the Certifier: the own node executed a height; the chain log's root there, the block's
    time in ms; `last`: this block decided the next epoch, so it is the last of its own.

    At or below the epoch's base it is ignored: that height is certified by the set before.
    """

    height: int
    root: bytes
    time: int
    last: bool = False


@dataclass(frozen=True, slots=True)
class Recollected:
    """An effect of the Replica, and an input of the Certifier: what this member's store is worth.

    Not `complete`: it is empty, or an older copy of itself, and what was signed since is not in it
    (R-DW-4); `complete` may follow, once all that can be missing lies below what is `proven`. Until
    one of both is said, a Certifier that starts from records signs nothing, and below the height
    that others have `proven` nothing any more: there it may have said more than it remembers.
    """

    complete: bool
    proven: int = 0


@dataclass(frozen=True, slots=True)
class CertifierTick:
    """For the Certifier: a tick, and the wall clock in seconds since 1970 UTC."""

    tick: int
    wall_s: int


@dataclass(frozen=True, slots=True)
class Handover:
    """An epoch that has ended, and the certificate of its last height: q of its set."""

    epoch: Epoch
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Carried:
    """What one epoch's Replica leaves to the next one's. Not durable: clients submit again."""

    pending: tuple[tuple[str, Transaction], ...] = ()  # who brought it; checked, ordered nowhere
    ordered: tuple[bytes, ...] = ()  # digests of those ordered lately, not to be taken in again


@dataclass(frozen=True, slots=True)
class Start:
    """Where the node's durable chain ends: the last executed height and its block's time in ms.

    For a new chain: height 0 and the genesis time. `certificate` is the newest the node has, if
    any.
    """

    height: int
    time: int
    certificate: Certificate | None = None
    next_epoch: Epoch | None = None  # as in Executed, when that block decided one
    # The store holds no trace of this member's earlier life, and is not one newly founded: whatever
    # it signed may be out there (R-DW-4). Say so at every start until records exist.
    lost: bool = False
    past: tuple[Handover, ...] = ()  # the epochs before this one, oldest first
    # Of EpochEnded, when this follows from it; else the digests of the newest durable blocks, so
    # that nobody waits for what is done.
    carried: Carried = field(default_factory=Carried)


Input = Submit | Deliver | Tick | Stored | Checked | Executed | Certified | Installed
CertifierInput = Rooted | Deliver | CertifierTick | Stored | Recollected
