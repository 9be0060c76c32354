"""Verification of what binds an answer to people and time.

    7   chain      the header is leaf height − 1 of the chain log under the checkpoint's root; the
                   consistency proof, if the bundle has one, holds
    7r  receipt    (instead of steps 3 to 6) transaction and result stand under the header's roots
    9   authority  (`verify_epochs`, `verify_witnesses`, and here:) the checkpoint extends the pin
    10  time       T is the least of the q timestamps, "existed by" the (f+1)-th smallest

Failures are raised as Failed or Malformed. Source: DESIGN 2.6 to 2.9; docs/FORMATS.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.block import NOT_FINAL, RESULT, Header, Result
from ledger.bundle import Bundle, ReceiptProof, fold
from ledger.checkpoint import Certificate, Checkpoint
from ledger.codec import check
from ledger.errors import Malformed
from ledger.genesis import Genesis
from ledger.instants import utc_time
from ledger.keys import Verify
from ledger.limits import CLOCK_TOLERANCE_S, VALIDITY_MS_MAX
from ledger.merkle_log import leaf_hash, verify_consistency, verify_inclusion
from ledger.transaction import Transaction
from ledger.verdict import Failed
from ledger.verify_epochs import read_checkpoint

__all__ = [
    "Instants",
    "check_chain",
    "check_pin",
    "check_receipt",
    "check_time",
]


@dataclass(frozen=True, slots=True)
class Instants:
    """What a certificate says of time, in seconds since 1970 UTC."""

    complete_as_of: int
    existed_by: int


def check_chain(bundle: Bundle, header: Header, checkpoint: Checkpoint) -> None:
    """Check step 7."""
    size = checkpoint.size
    if header.height > size:
        raise Failed("header-above-checkpoint", height=header.height, size=size)
    leaf, index = leaf_hash(bundle.header), header.height - 1
    if not verify_inclusion(leaf, index, size, bundle.inclusion, checkpoint.root):
        raise Failed("header-not-in-chain", height=header.height)
    earlier = bundle.consistency
    if earlier is not None and not verify_consistency(
        earlier.size, size, earlier.root, checkpoint.root, earlier.path
    ):
        raise Failed("not-consistent", size=earlier.size)


def check_receipt(
    receipt: ReceiptProof, claimed: bytes, header: Header, genesis: Genesis, verify: Verify
) -> Result:
    """Check step 7r, that the claimed transaction and its result stand in the block of this header;
    return the result.
    """
    transaction = Transaction.decode(receipt.transaction)
    result = RESULT.decode(receipt.result)
    check(result.parameters, "result.parameters")
    for event in result.events:
        check(event.body, "result.events.body")
    if transaction.body.chain != genesis.chain_id:
        raise Failed("transaction-of-another-chain")
    if result.transaction != transaction.id or transaction.id != claimed:
        raise Failed("result-of-another-transaction")
    if fold(transaction.digest, receipt.transaction_path) != header.transactions:
        raise Failed("transaction-not-in-block", height=header.height)
    if fold(leaf_hash(receipt.result), receipt.result_path) != header.results:
        raise Failed("result-not-in-block", height=header.height)
    left = transaction.body.valid_until - header.time
    if result.code not in NOT_FINAL and not 0 < left <= VALIDITY_MS_MAX:
        raise Failed("transaction-outside-window")
    if not transaction.check_signatures(verify):
        raise Failed("transaction-unsigned")
    return result


def check_pin(pin: str, bundle: Bundle, checkpoint: Checkpoint, genesis: Genesis) -> int:
    """Check that the checkpoint extends the pin; return the pin's size.

    The pin is a trust anchor that its holder saved: it is believed as given, its signatures are not
    looked at.
    """
    try:
        pinned = read_checkpoint(pin, may_be_bare=True)
    except Malformed as error:
        raise Failed("pin-malformed", field=error.field, rule=error.rule) from None
    if pinned.origin != genesis.origin:
        raise Failed("pin-of-another-chain", origin=pinned.origin)
    if pinned.size > checkpoint.size:
        raise Failed("pin-newer", pin=pinned.size, size=checkpoint.size)
    earlier = bundle.consistency
    if pinned.size == checkpoint.size:
        extends = pinned.root == checkpoint.root
    elif earlier is None or earlier.size != pinned.size:
        raise Failed("pin-without-proof", pin=pinned.size)
    else:
        extends = earlier.root == pinned.root  # that it is a prefix was checked in step 7
    if not extends:
        raise Failed("pin-contradicted", pin=pinned.size)
    return pinned.size


def check_time(
    certificate: Certificate, header: Header, faulty: int, now_s: int | None
) -> Instants:
    """Check step 10 as far as it does not depend on an asked age. `faulty`: how many of those who
    certified may lie.
    """
    for cosignature in certificate.cosignatures:
        if cosignature.timestamp < header.time // 1000:
            raise Failed("before-block", member=cosignature.member)
    timestamps = sorted(certificate.timestamps())
    least = timestamps[0]
    if now_s is not None and least > now_s + CLOCK_TOLERANCE_S:
        raise Failed("in-the-future", now=utc_time(now_s), time=utc_time(least))
    return Instants(complete_as_of=least, existed_by=timestamps[faulty])
