"""Catch-up: certified blocks fetched from other members, verified, executed.

A lagging member asks one peer at a time for the blocks after its own. The answer carries the peer's
newest certificate, some blocks, and the inclusion proof of the last one's header in the certified
chain log. The blocks are linked by parent hash from our own last header, so that proof certifies
all of them; then each is executed and its header compared with ours. A lying server costs one
certificate check and is left for the next peer (R-CP-4). Nothing ever goes backward (R-CP-5).

A question names the asker's epoch. Whoever is in a later one answers with blocks up to that epoch's
boundary, under the certificate that ended it: that is verified with the set the asker knows. With
the boundary executed the next set is known, and the asker goes on from there; a member whose
machines run leaves that to them. An answer may hold the certificate alone.

Who is or was more than `snapshot_above` blocks behind, or gets blocks from nobody while f+1 members
say that they have them no more, fetches a snapshot of the state first (`node/snapshot/`), and then
the blocks above it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ledger.block import HEADER
from ledger.checkpoint import Certificate, parse_checkpoint, verify_certificate
from ledger.codec import Digest, Format, Natural
from ledger.errors import Malformed
from ledger.genesis import Genesis
from ledger.limits import NOTE_SIZE_MAX
from ledger.merkle_log import leaf_hash, verify_inclusion
from ledger.notes import parse_note
from ledger.quorum import weak
from node.archive import BLOCK, Archive, StoredBlock
from node.channels import CATCH_UP, SNAPSHOT, Peers, frame
from node.config import SNAPSHOT_ABOVE
from node.driver import Driver
from node.snapshot.joining import Joining
from node.snapshot.messages import MESSAGE as SNAPSHOT_MESSAGE
from node.snapshot.messages import Answer, Gone
from node.snapshot.serving import Serving

__all__ = ["CatchUp"]

log = logging.getLogger(__name__)

BLOCKS_PER_ANSWER_MAX: Final = 256
ANSWER_SIZE_MAX: Final = 4 * 1024 * 1024  # bytes of blocks in one answer; half of a frame
ANSWER_SECONDS: Final = 3.0  # a peer that has not answered by then is left for the next
ATTEMPTS_MAX: Final = 3  # rounds over all peers without progress before the engine hears of it
ANSWERS_PER_SECOND_MAX: Final = 20  # to one peer: each costs some 10 ms and up to 4 MiB
# bytes of blocks read for one peer in a second; a block costs what it weighs
BYTES_PER_SECOND_MAX: Final = 16 * 1024 * 1024
ANSWERS_KEPT: Final = 2  # encoded answers kept for whoever asks the same: 8 MiB at most
# transactions of fetched blocks that the engine is told not to wait for
DIGESTS_MAX: Final = 60_000


class _Ask(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="ask"):
    above: Natural
    epoch: Natural


class _Answer(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="answer"
):
    above: Natural
    note: Annotated[str, Meta(max_length=NOTE_SIZE_MAX)]
    blocks: Annotated[tuple[StoredBlock, ...], Meta(max_length=BLOCKS_PER_ANSWER_MAX)]
    inclusion: Annotated[tuple[Digest, ...], Meta(max_length=64)]


_MESSAGE: Final[Format[_Ask | _Answer]] = Format(_Ask | _Answer, "catch-up message")  # type: ignore[arg-type]


class CatchUp:
    """Asks for, serves, verifies and installs certified blocks."""

    def __init__(
        self,
        genesis: Genesis,
        own: str,
        archive: Archive,
        driver: Driver,
        peers: Peers,
        others: Callable[[], Sequence[str]] | None = None,
        snapshot_above: int = SNAPSHOT_ABOVE,
    ) -> None:
        """`others`: whom to ask, in order; without it the members of the present epoch.
        `snapshot_above`: blocks behind above which a snapshot is fetched.
        """
        self._origin = genesis.origin
        self._own = own
        self._archive = archive
        self._driver = driver
        self._peers = peers
        self._epochs = driver.executor.epochs
        self._others = others or self._members
        self._target = 0
        self._turn = 0
        self._failures = 0
        self._asked: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._certificate: Certificate | None = None
        self._verified_blocks: deque[StoredBlock] = deque()
        self._digests: deque[bytes] = deque(maxlen=DIGESTS_MAX)
        self._served: dict[str, tuple[int, int, int]] = {}
        self._answers: OrderedDict[tuple[int, int, int], tuple[bytes, int]] = OrderedDict()
        self.installed = 0
        self._snapshot_above = snapshot_above
        self._tried = False  # a snapshot, since the last start
        self._came = False  # by a snapshot, and has not been close to the others since
        self._executed = 0  # blocks since the last start
        self._lacking: set[str] = set()  # who said that it has not the blocks asked for
        self.serving = Serving(archive, driver, peers)
        self.joining = Joining(
            genesis.origin, archive, driver, peers, lambda: self._others(), self._joined
        )

    @property
    def is_running(self) -> bool:
        """Whether blocks are being fetched right now."""
        return self._target > 0

    def start(self, height: int) -> None:
        """Fetch up to at least `height`; a later call only raises the target."""
        running = self.is_running
        self._target = max(self._target, height)
        if not running:
            self._failures = 0
            self._certificate = None
            self._tried, self._executed = False, 0
            self._lacking.clear()
            if self._is_far(height - self._driver.executor.height):
                self._fetch_snapshot()
            else:
                self._ask()

    def deliver(self, sender: str, data: bytes) -> None:
        """Take a peer's question or answer; malformed ones are dropped."""
        try:
            message = _MESSAGE.decode(data)
        except Malformed as error:
            log.warning("catch-up message of %s refused: %s", sender, error)
            return
        if isinstance(message, _Ask):
            self._answer(sender, message)
        elif sender == self._asked and message.above == self._driver.executor.height:
            self._take(sender, message)

    def deliver_snapshot(self, sender: str, data: bytes) -> None:
        """Take a peer's message about a snapshot; malformed ones are dropped."""
        try:
            message = SNAPSHOT_MESSAGE.decode(data)
        except Malformed as error:
            log.warning("snapshot message of %s refused: %s", sender, error)
            return
        if not isinstance(message, Answer):
            self.serving.take(sender, message)
        elif self.joining.is_running:
            self.joining.deliver(sender, message)
        elif isinstance(message, Gone) and self._asked == sender:
            self._lacking.add(sender)
            self._give_up()

    def _is_far(self, behind: int) -> bool:
        """Say whether a snapshot is due: not one after the other while the others go on, because
        blocks are executed faster than they are ordered.
        """
        return behind > self._snapshot_above and not self._tried and not self._came

    def _fetch_snapshot(self) -> None:
        self._tried, self._asked = True, None
        if self._timer is not None:
            self._timer.cancel()
        self.joining.start()

    def _joined(self, certificate: Certificate | None) -> None:
        """A snapshot is in force, or could not be had: blocks do the rest."""
        if certificate is not None:
            self._certificate, self._came = certificate, True
            self._failures = 0
        if self._driver.executor.height >= self._target:
            self._finish()
        else:
            self._ask()

    def stop(self) -> None:
        """Ask and serve nothing any more: after this the store may be closed."""
        if self._timer is not None:
            self._timer.cancel()
        self.joining.stop()
        self.serving.stop()

    # Serving.

    def _answer(self, peer: str, ask: _Ask) -> None:
        certificate = self._driver.provable()
        if ask.epoch < self._epochs.current.number:
            certificate = self._epochs.certificate(ask.epoch + 1)
        above = ask.above
        if certificate is None or certificate.checkpoint.size < above or not self._may_serve(peer):
            return
        asked = (above, certificate.checkpoint.size, min(certificate.timestamps()))
        kept = self._answers.get(asked)
        if kept is None:
            kept = self._answers[asked] = self._encoded(above, certificate)
            if len(self._answers) > ANSWERS_KEPT:
                self._answers.popitem(last=False)
        framed, cost = kept
        if framed:
            second, count, spent = self._served[peer]
            self._served[peer] = (second, count, spent + cost)
            self._peers.send(peer, framed)

    def _encoded(self, above: int, certificate: Certificate) -> tuple[bytes, int]:
        """Return the framed answer (empty: nothing to send), and the bytes of blocks it took."""
        size = certificate.checkpoint.size
        blocks: list[StoredBlock] = []
        total = 0
        for height in range(above + 1, min(size, above + BLOCKS_PER_ANSWER_MAX) + 1):
            data = self._archive.block_bytes(height)
            if data is None or (blocks and total + len(data) > ANSWER_SIZE_MAX):
                break
            # Without the results: whoever executes the block makes them, and checks their root.
            blocks.append(msgspec.structs.replace(BLOCK.decode(data), results=()))
            total += len(data)
        if not blocks and above < size:
            # of a height that is missing here: who asks must not wait for it
            return frame(SNAPSHOT, SNAPSHOT_MESSAGE.encode(Gone(above + 1))), 0
        inclusion: Sequence[bytes] = ()
        if blocks:
            inclusion = self._driver.executor.log.inclusion(above + len(blocks) - 1, size)
        note = certificate.to_note(self._epochs.members(size))
        answer = _Answer(above, note, tuple(blocks), tuple(inclusion))
        return frame(CATCH_UP, _MESSAGE.encode(answer)), total

    def _may_serve(self, peer: str) -> bool:
        now = int(asyncio.get_running_loop().time())
        second, count, spent = self._served.get(peer, (now, 0, 0))
        if second != now:
            count = spent = 0
        self._served[peer] = (now, count + 1, spent)
        return count < ANSWERS_PER_SECOND_MAX and spent < BYTES_PER_SECOND_MAX

    # Fetching.

    def _ask(self) -> None:
        message = _Ask(self._driver.executor.height, self._epochs.current.number)
        ask, others = frame(CATCH_UP, _MESSAGE.encode(message)), self._others()
        while self._failures < ATTEMPTS_MAX * len(others):
            self._asked = others[self._turn % len(others)]
            if self._peers.send(self._asked, ask):
                self._arm(self._give_up)
                return
            self._failures += 1
            self._turn += 1
        if len(self._lacking) >= weak(self._epochs.current.members.n) and not self._tried:
            self._fetch_snapshot()
        else:
            self._finish()

    def _arm(self, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(ANSWER_SECONDS, then)

    def _give_up(self) -> None:
        self._failures += 1
        self._turn += 1
        self._ask()

    def _take(self, sender: str, answer: _Answer) -> None:
        if self._verified_blocks:
            return
        try:
            self._certificate = self._verified(answer)
        except Malformed as error:
            log.warning("blocks of %s refused: %s", sender, error)
            self._give_up()
            return
        if self._timer is not None:
            self._timer.cancel()
        behind = self._certificate.checkpoint.size - answer.above
        if self._is_far(self._executed + behind):
            self._fetch_snapshot()
            return
        self._verified_blocks.extend(answer.blocks)
        if answer.blocks:
            self._install_next(sender)
            return
        with self._driver.guarded():
            self._go_on(found_nothing=True)

    def _install_next(self, sender: str) -> None:
        """Execute one verified block a turn of the loop: votes and clients are heard in between."""
        if self._driver.halted is not None:
            return
        with self._driver.guarded():
            self._install(sender)

    def _install(self, sender: str) -> None:
        try:
            block = self._driver.executor.install(self._verified_blocks.popleft())
        except Malformed as error:
            self._verified_blocks.clear()
            log.warning("a block of %s refused: %s", sender, error)
            self._give_up()
            return
        self._driver.adopt(block)
        self._digests.extend(transaction.digest for transaction in block.transactions)
        self.installed += 1
        self._executed += 1
        self._failures = 0
        if self._verified_blocks:
            asyncio.get_running_loop().call_soon(self._install_next, sender)
        else:
            self._go_on(found_nothing=False)

    def _go_on(self, found_nothing: bool) -> None:
        """All of an answer is installed: hand over, ask for more, or end."""
        driver, certificate = self._driver, self._certificate
        executor = driver.executor
        if certificate is not None:
            behind = certificate.checkpoint.size - executor.height
            self._came = self._came and behind > self._snapshot_above
        if executor.next_epoch is not None and certificate is not None:
            if driver.is_seated:
                self._finish()  # the machines end their epoch
                return
            driver.hand_over(certificate)
            self._failures = 0
            self._ask()
        elif executor.height >= self._target or (found_nothing and not driver.is_seated):
            self._finish()
        elif found_nothing:
            self._give_up()
        else:
            self._ask()

    def _verified(self, answer: _Answer) -> Certificate:
        """Check that the blocks continue our chain and that the last stands under a certificate."""
        size = parse_checkpoint(parse_note(answer.note, "catch-up.note").text).size
        members = self._epochs.members(size)
        certificate = Certificate.from_note(answer.note, members)
        parent = self._driver.executor.parent
        for place, block in enumerate(answer.blocks):
            header = HEADER.decode(block.header)
            if header.height != answer.above + 1 + place or header.parent != parent:
                raise Malformed("catch-up.blocks", "do not continue the chain")
            parent = leaf_hash(block.header)
        index, checkpoint = answer.above + len(answer.blocks) - 1, certificate.checkpoint
        if not answer.blocks:
            if (size, checkpoint.root) != (answer.above, self._driver.executor.log.root()):
                raise Malformed("catch-up.blocks", "must not be empty below the certified size")
        elif not verify_inclusion(parent, index, size, answer.inclusion, checkpoint.root):
            raise Malformed("catch-up.inclusion", "does not lead to the certified root")
        verify_certificate(certificate, members, self._origin)
        return certificate

    def _members(self) -> list[str]:
        return [one.id for one in self._epochs.current.members.members if one.id != self._own]

    def _finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._target, self._asked = 0, None
        executor = self._driver.executor
        digests = tuple(self._digests)
        self._digests.clear()
        self._driver.installed(executor.height, executor.time, self._certificate, digests)
