"""A member's seat in an epoch: its two machines, made from what is durable, or none.

Everything that construction needs of an epoch is looked up here: whether this member is in the set,
whether the keys it holds are those the set names, where the chain ends, the past epochs by which
stragglers are answered, and whether ballots were lost (docs/PROTOCOL.md, "Epochs in the driver").

A member without a seat follows the chain and signs nothing. The Replica of the last epoch it sat in
stays, ended, for those who are still there.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from consensus import inputs
from consensus.certification import Certifier
from consensus.epoch import Epoch
from consensus.replica import Replica, Start
from consensus.settings import CertifierSettings, Settings
from ledger.block import HEADER
from ledger.checkpoint import Certificate
from ledger.errors import InvariantViolated
from ledger.genesis import Genesis
from ledger.keys import Ed25519Signer
from ledger.limits import VALIDITY_MS_MAX
from ledger.merkle_log import leaf_hash
from node.archive import CERTIFIER_RECORD, ENGINE_RECORD, Archive
from node.config import Keys
from node.epochs import Epochs
from node.execution import Executor
from node.keyring import ConfigError, Keyring

__all__ = ["Machines", "Seats"]

log = logging.getLogger(__name__)

PAST_MAX: Final = 64  # past epochs by which stragglers are answered, the newest


@dataclass(frozen=True, slots=True)
class Machines:
    """The machines that run: both in a seat, an ended Replica alone after it, none before it."""

    replica: Replica | None = None
    certifier: Certifier | None = None


class Seats:
    """Makes one member's machines."""

    def __init__(
        self, own: str, genesis: Genesis, archive: Archive, keys: Keys, cosigners: Keyring
    ) -> None:
        self._own = own
        self._genesis = genesis
        self._archive = archive
        self._keys = keys
        self._cosigners = cosigners
        self._retired = 0  # the keys of all epochs below it are destroyed
        self.trouble: str | None = None  # why this member has no seat in the present epoch

    def take(
        self,
        executor: Executor,
        certificate: Certificate | None,
        carried: inputs.Carried | None = None,
    ) -> Machines:
        """Return the machines of the present epoch, or what remains without a seat in it.

        Raises: InvariantViolated when the records are damaged.
        """
        epoch = executor.epochs.current
        cosigner = self._cosigner(epoch)
        if cosigner is None:
            return self._without_seat(executor)
        self.trouble = None
        lost = self._lost(cosigner.public)
        if lost:
            log.warning("epoch %d: ballots were lost; silent until it is harmless", epoch.number)
        start = Start(
            executor.height,
            executor.time,
            certificate,
            executor.next_epoch,
            lost,
            _past(executor.epochs, epoch),
            carried or inputs.Carried(ordered=ordered_lately(self._archive, executor.height)),
        )
        return Machines(
            self._replica(epoch, start, self._archive.records(ENGINE_RECORD)),
            Certifier(
                self._own,
                epoch,
                self._genesis.origin,
                cosigner,
                CertifierSettings(),
                self._archive.records(CERTIFIER_RECORD),
            ),
        )

    def retire(self, epochs: Epochs) -> int:
        """Destroy the cosigner keys of all epochs before the present one; how many there were."""
        if self._retired == epochs.current.number:
            return 0
        own = [past.get(self._own) for past in epochs.sets[self._retired : -1]]
        keys = [member.cosigner_key for member in own if member is not None]
        gone = self._cosigners.destroy(keys)
        self._retired = epochs.current.number
        return gone

    def _cosigner(self, epoch: Epoch) -> Ed25519Signer | None:
        """Return the key to certify with in an epoch; None, and why, when there is no seat."""
        member = epoch.members.get(self._own)
        if member is None:
            self.trouble = f"{self._own} is not a member in epoch {epoch.number}"
            return None
        try:
            if not self._keys.are_of(member):
                raise ConfigError(f"keys.json: not the keys of {self._own} in epoch {epoch.number}")
            cosigner = self._cosigners.signer(member.cosigner_key)
            if cosigner is None:
                raise ConfigError(
                    f"cosigners: no key {member.cosigner_key.hex()}, which is that of {self._own} "
                    f"in epoch {epoch.number}"
                )
        except ConfigError as error:
            self.trouble = str(error)
            log.error("no seat: %s", error)
            return None
        return cosigner

    def _lost(self, public: bytes) -> bool:
        """Say whether this member may have spoken in this epoch and does not know (R-DW-4)."""
        made = self._cosigners.marks()
        if made:
            self._archive.epochs.mark_made(made)
            self._cosigners.unmark(made)
        return not self._archive.epochs.made(public) and not self._archive.records(ENGINE_RECORD)

    def _replica(self, epoch: Epoch, start: Start, records: list[tuple[int, bytes]]) -> Replica:
        genesis = self._genesis
        return Replica(
            self._own,
            epoch,
            genesis.chain_id,
            genesis.origin,
            self._keys.vote,
            Settings(),
            start,
            records,
        )

    def _without_seat(self, executor: Executor) -> Machines:
        """Return the Replica of the last epoch this member sat in, which has ended."""
        epochs = executor.epochs
        sat = [
            past.number
            for past in map(epochs.numbered, range(epochs.current.number))
            if past is not None
            and (own := past.members.get(self._own)) is not None
            and self._keys.are_of(own)
        ]
        if not sat:
            return Machines()
        last, after = epochs.numbered(sat[-1]), epochs.numbered(sat[-1] + 1)
        if last is None or after is None:
            raise InvariantViolated(f"epoch {sat[-1]} was not handed over")
        header = self._archive.header(after.base)
        if header is None:
            raise InvariantViolated(f"no header at height {after.base}")
        certificate = epochs.certificate(after.number)
        past = _past(epochs, last)
        start = Start(after.base, HEADER.decode(header).time, certificate, after, past=past)
        return Machines(self._replica(last, start, []))


def ordered_lately(archive: Archive, height: int) -> tuple[bytes, ...]:
    """Return the digests of the transactions of a chain's newest blocks, oldest first.

    The Replica forgot them with the power: an old request that comes again, from a member that is
    behind, would wait for what is done, and be held against the primary (R-TL-4). Blocks so old
    that none of their transactions is valid any more are left out.
    """
    blocks: list[list[bytes]] = []
    newest, count = 0, 0
    for at in range(height, 0, -1):
        block = archive.block(at)
        if block is None or count >= Settings().remembered:
            break
        time = HEADER.decode(block.header).time
        newest = newest or time
        if time <= newest - VALIDITY_MS_MAX:
            break
        blocks.append([leaf_hash(raw) for raw in block.transactions])
        count += len(block.transactions)
    return tuple([digest for block in reversed(blocks) for digest in block])


def _past(epochs: Epochs, epoch: Epoch) -> tuple[inputs.Handover, ...]:
    """Return the epochs before one, each with the certificate of its last height."""
    numbers = range(max(0, epoch.number - PAST_MAX), epoch.number)
    past = [(epochs.numbered(number), epochs.certificate(number + 1)) for number in numbers]
    return tuple(inputs.Handover(one, ended) for one, ended in past if one is not None)
