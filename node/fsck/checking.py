"""One check of one data folder, from the marks to the ballots, in the order that explains most."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaincode.contract import Contract
from chaincode.registry import CONTRACTS
from consensus.epoch import Epoch, Seat
from ledger.checkpoint import Certificate, verify_certificate
from ledger.errors import Malformed
from ledger.genesis import Genesis
from ledger.keys import verify
from ledger.membership import MemberSet
from node.archive import (
    CERTIFIED,
    CERTIFIER_RECORD,
    ENGINE_RECORD,
    Archive,
    Gap,
    read_gap,
    read_record,
)
from node.config import ConfigError, MemberConfig
from node.epoch_store import made_mark
from node.execution import Executor
from node.fsck.ballots import check_certifier_records, check_engine_records
from node.fsck.beyond import Beyond
from node.fsck.comparing import COMPUTED, Comparison, left_over
from node.fsck.epochs import check_boundaries, read_epochs
from node.fsck.findings import FINDINGS_MAX, Finding, Findings
from node.fsck.pending import Pending
from node.fsck.replay import Replay, check_headers
from node.fsck.shadow import Shadow
from node.fsck.standing import Standing
from node.stages import Stages
from node.store import Store, StoreCorrupt, open_store, prefix_stop

__all__ = ["Outcome", "check"]

Progress = Callable[[int, int], None]

_MARKS: Final = (b"mchain", b"mstate", b"mgap", b"mtransfer", b"mmarking", b"mforgetting")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found up to `height`, up to `certified` under q cosignatures.

    All was executed again where no blocks are `missing`; else the heights below them, and what is
    above was held against headers, results and the root of the state.
    """

    findings: tuple[Finding, ...]
    count: int
    height: int
    certified: int
    missing: tuple[int, int] | None = None

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return self.count == 0


def check(
    config: MemberConfig,
    progress: Progress = lambda done, of: None,
    *,
    scratch: Path | None = None,
    limit: int = FINDINGS_MAX,
    contracts: Iterable[type[Contract]] = CONTRACTS,
) -> Outcome:
    """Check a member's data folder; changes nothing in it but what the engine does by opening it.

    `scratch`: a folder with room for a part of the data folder's size, the member's own by default;
    `progress` hears heights done and to do. Raises: ConfigError when there is no data folder,
    StoreLocked when a member runs on it.
    """
    if not (config.data / "ENGINE").exists():
        raise ConfigError(f"{config.data}: is no data folder, nothing was ever stored there")
    findings = Findings(limit)
    try:
        store = open_store(config.data, config.store_engine)
    except StoreCorrupt as error:
        findings.add("store", error.reason)
        return _outcome(findings, 0, 0)
    place = config.data.parent if scratch is None else scratch
    try:
        with tempfile.TemporaryDirectory(prefix="fsck-", dir=place) as folder:
            shadow = Shadow(Path(folder))
            try:
                return _Check(config, store, shadow, findings, contracts).run(progress)
            except StoreCorrupt as error:  # already at the first key that says where to begin
                findings.add("store", error.reason)
                return _outcome(findings, 0, 0)
            finally:
                shadow.close()
    finally:
        store.close()


def _outcome(findings: Findings, height: int, certified: int, gap: Gap | None = None) -> Outcome:
    missing = None if gap is None else (gap.first, gap.last)
    return Outcome(tuple(findings.told), findings.count, height, certified, missing)


class _Check:
    """The stores, and what is known so far."""

    def __init__(
        self,
        config: MemberConfig,
        store: Store,
        shadow: Shadow,
        findings: Findings,
        contracts: Iterable[type[Contract]],
    ) -> None:
        self._config = config
        self._genesis: Genesis = config.genesis
        self._store = store
        self._findings = findings
        self._shadow = shadow
        number = store.get(b"mstate")
        self._state = 0 if number is None else int.from_bytes(number, "big")
        self._height_key = b"mheight" + bytes([self._state & 255])
        self._pending = Pending(store, self._state, findings)
        self._gap: Gap | None = None
        self._epochs = [Epoch(0, config.genesis.members)]
        self._executor = Executor(
            config.genesis,
            Archive(shadow, config.genesis.chain_id),
            Stages(),
            contracts=contracts,
        )

    def run(self, progress: Progress) -> Outcome:
        """Check everything. A block of the store that cannot be read ends the check."""
        certified = 0
        try:
            left_over(self._store, (*COMPUTED, b"c", b"e", b"f", b"k", b"m"), self._findings)
            self._epochs = read_epochs(self._store, self._genesis, self._findings)
            tip = self._check_marks()
            self._gap = self._read_gap(tip)
            self._pending.check_states()
            self._pending.check_headers(tip)
            self._check_key_marks()
            certificate = self._certificate()
            certified = 0 if certificate is None else certificate.checkpoint.size
            self._check_chain(tip, certified, progress)
            if certificate is not None:
                self._check_certified_root(certificate)
            self._check_records()
            for fault in self._config.cosigners.faults():
                self._findings.add("cosigner-key", fault)
        except StoreCorrupt as error:
            self._findings.add("store", error.reason)
        return _outcome(self._findings, self._executor.log.size, certified, self._gap)

    def members(self, height: int) -> MemberSet:
        """Return the set that certifies a height."""
        return next(one.members for one in reversed(self._epochs) if one.base < max(height, 1))

    def _check_marks(self) -> int:
        """Check the one-value keys; return the height that the folder says it has executed."""
        for key, _ in self._store.range(b"m", b"n"):
            if key not in (*_MARKS, self._height_key, *self._pending.marks):
                self._findings.add("mark", "is left over", key=key)
        chain = self._store.get(b"mchain")
        if chain != self._genesis.chain_id:
            what = "is missing" if chain is None else "is another chain's"
            self._findings.add("mark", f"the chain id {what}", key=b"mchain")
        height = self._store.get(self._height_key)
        if height is None or len(height) != 8:
            what = "is missing" if height is None else "is no number"
            self._findings.add("mark", f"the executed height {what}", key=self._height_key)
            return 0
        return int.from_bytes(height, "big")

    def _read_gap(self, tip: int) -> Gap | None:
        data = self._store.get(b"mgap")
        if data is None:
            return None
        try:
            gap = read_gap(data)
            if not 0 < gap.first <= gap.last <= tip:
                raise Malformed("gap", f"is not of heights up to {tip}")
        except Malformed as error:
            self._findings.add("mark", str(error), key=b"mgap")
            return None
        return gap

    def _check_key_marks(self) -> None:
        for key, value in self._store.range(b"k", b"l"):
            if len(key) != 33 or value != made_mark(key[1:]):
                self._findings.add("key-mark", "is not of a public key", key=key)

    def _check_chain(self, tip: int, certified: int, progress: Progress) -> None:
        replay = Replay(self._store, self._executor, self._findings, certified, self._epochs)
        if self._gap is not None:
            self._check_around(self._gap, replay, tip, certified, progress)
            return
        is_whole = replay.run(tip, lambda height: progress(height, max(tip, height)))
        height = self._executor.height
        if is_whole and height != tip:
            self._findings.add(
                "mark",
                f"the executed height is {tip}, and blocks go to {height}",
                key=self._height_key,
            )
        if not is_whole:
            check_headers(self._store, height + 1, self._executor.parent, self._findings)
        top = self._pending.top(tip)
        Comparison(self._store, self._shadow, self._findings, height, self._state, top).run(
            is_whole
        )

    def _check_around(
        self, gap: Gap, replay: Replay, tip: int, certified: int, progress: Progress
    ) -> None:
        """Execute what is below the gap, and hold what is above it against headers and roots."""
        is_whole = replay.run(tip, lambda height: progress(height, tip), gap.first - 1)
        executor, store, findings = self._executor, self._store, self._findings
        Comparison(store, self._shadow, findings, executor.height, self._state).run(False)
        if not is_whole:
            check_headers(store, executor.height + 1, executor.parent, findings)
            return
        standing = Standing(store, self._state, findings)
        beyond = Beyond(store, standing, self._pending, gap, self._epochs, findings)
        beyond.run(
            executor.log, executor.parent, tip, certified, lambda height: progress(height, tip)
        )
        check_boundaries(store, executor.log, gap.first, findings)

    def _certificate(self) -> Certificate | None:
        """Return the certificate kept, once its signatures hold.

        None kept is no finding: it is written unsynced, so a power cut may take it.
        """
        for key, _ in self._store.range(b"c", b"d"):
            if key != b"c":
                self._findings.add("certificate", "is left over", key=key)
        data = self._store.get(b"c")
        if data is None:
            return None
        try:
            kept = CERTIFIED.decode(data)
            members = self.members(kept.size)
            certificate = Certificate.from_note(kept.note, members)
            if certificate.checkpoint.size != kept.size:
                raise Malformed("certificate.size", "is not that of its note")
            verify_certificate(certificate, members, self._genesis.origin)
        except Malformed as error:
            self._findings.add("certificate", str(error), key=b"c")
            return None
        return certificate

    def _check_certified_root(self, certificate: Certificate) -> None:
        """Hold the chain against what q members signed; the same height may be missing here."""
        size, log = certificate.checkpoint.size, self._executor.log
        if size > log.size:
            what = f"is of size {size}, and blocks could be executed to {log.size}"
        elif log.root(size) != certificate.checkpoint.root:
            what = "certifies another chain"
        else:
            return
        self._findings.add("certificate", what, height=size, key=b"c")

    # Ballots.

    def _check_records(self) -> None:
        log, current = self._executor.log, self._epochs[-1].number
        seats = {one.number: seat for one in self._epochs if (seat := self._seat(one)) is not None}
        records = self._records(ENGINE_RECORD)
        if current in seats:
            check_engine_records(records, seats[current], log, self._findings)
        elif records:
            what = f"are left over: there is no seat in epoch {current}"
            self._findings.add("engine-record", what)
        check_certifier_records(self._records(CERTIFIER_RECORD), seats, log, self._findings)

    def _seat(self, epoch: Epoch) -> Seat | None:
        """Return this member's seat in an epoch, None when it had none."""
        genesis, own = self._genesis, self._config.id
        if own not in epoch.members:
            return None
        return Seat.take(own, epoch, genesis.chain_id, genesis.origin, verify)

    def _records(self, kind: bytes) -> list[tuple[int, bytes]]:
        family = "engine-record" if kind == ENGINE_RECORD else "certifier-record"
        found: list[tuple[int, bytes]] = []
        for key, stored in self._store.range(kind, prefix_stop(kind)):
            if len(key) != 9:
                self._findings.add(family, "is left over", key=key)
                continue
            try:
                number, record = read_record(key, stored)
            except Malformed as error:
                self._findings.add(family, error.rule, key=key)
                continue
            if found and number != found[-1][0] + 1:
                self._findings.add(family, f"record {found[-1][0] + 1} is missing")
            found.append((number, record))
        return found
