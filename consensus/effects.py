"""What the machines ask of a driver: ordered data, carried out in order.

"Signed, then durable, then sent" is in the type: Store names a record, and a Send that depends on
it says so in `after`. The machines hold such a Send back until Stored(number) came: even a
careless driver cannot break R-DW-1, and a fast one may collect the records of many steps in one
synced write.
"""

from __future__ import annotations

from dataclasses import dataclass

from consensus.epoch import Epoch
from consensus.evidence import Finding
from consensus.inputs import Carried, Recollected
from ledger.checkpoint import Certificate
from ledger.transaction import Transaction

__all__ = [
    "CertificateReady",
    "CertifierEffect",
    "Check",
    "Discard",
    "Effect",
    "EpochEnded",
    "Halt",
    "NeedState",
    "Recollected",
    "Ordered",
    "Refused",
    "Report",
    "Send",
    "Store",
]


@dataclass(frozen=True, slots=True)
class Store:
    """Append `record` under `number` (grows by one) to this machine's own log, synced; answer
    Stored.
    """

    number: int
    record: bytes


@dataclass(frozen=True, slots=True)
class Discard:
    """Records numbered below `below` are needed no more. May be done lazily, never early."""

    below: int


@dataclass(frozen=True, slots=True)
class Send:
    """Give `data` to each member in `to`; `after` is the newest record it depends on (already
    durable).
    """

    to: tuple[str, ...]
    data: bytes
    after: int = 0


@dataclass(frozen=True, slots=True)
class Check:
    """Decode these and check chain id and signatures; answer Checked with the same token."""

    token: int
    raws: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Ordered:
    """Execute this as block `height` (never skipped, never twice); answer Executed before the next
    comes.

    `time` (ms) is the block's time, already above the previous block's. No transactions: a null
    request.
    """

    height: int
    epoch: int
    time: int
    transactions: tuple[Transaction, ...]


@dataclass(frozen=True, slots=True)
class NeedState:
    """Fetch certified blocks up to at least `height` from other members, verify and execute them.

    Until the driver answers Installed, nothing is Ordered. A block Ordered before is executed
    first.
    """

    height: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Transactions (digests) this machine will not order: `code` is pool-full, expired or epoch-
    ended.
    """

    digests: tuple[bytes, ...]
    code: str


@dataclass(frozen=True, slots=True)
class Report:
    """Something an operator should know: evidence against a member, or a suspicion."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class EpochEnded:
    """The epoch's last height is executed and certified: construct the machines of the next epoch.

    Always the last effect of its step. `certificate` holds exactly q cosignatures of the set that
    ends here; `carried` goes into the next Start.
    """

    height: int
    epoch: Epoch
    certificate: Certificate
    carried: Carried


@dataclass(frozen=True, slots=True)
class Halt:
    """This node contradicts what a quorum certified (R-DT-4). Stop and let a person look; sign
    nothing.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class CertificateReady:
    """The Certifier's product: exactly q cosignatures in member order. Give it to the Replica as
    Certified.
    """

    height: int
    certificate: Certificate


Effect = (
    Store
    | Discard
    | Send
    | Check
    | Ordered
    | NeedState
    | Refused
    | Report
    | EpochEnded
    | Halt
    | Recollected
)
CertifierEffect = Store | Discard | Send | CertificateReady | Report | Halt
