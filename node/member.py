"""One member, composed: its ledger, its machines, its ways to others, its door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.checkpoint import Certificate
from node.admission import Admission
from node.answers import Answers
from node.archive import Archive
from node.beside import Beside
from node.blames import Blames
from node.blocks import Blocks
from node.catch_up import CatchUp
from node.config import MemberConfig
from node.driver import Driver
from node.execution import Executor
from node.metrics import Metrics
from node.peering import Peering
from node.proofs import Proofs
from node.seats import Seats
from node.stages import Stages
from node.tlog import Tlog
from node.waiting import Waiting

__all__ = ["Member"]


@dataclass(frozen=True)
class Member:
    """The parts that the API and the console speak to."""

    config: MemberConfig
    archive: Archive
    executor: Executor
    driver: Driver
    catch_up: CatchUp
    waiting: Waiting
    admission: Admission
    blames: Blames
    blocks: Blocks
    proofs: Proofs
    answers: Answers
    questions: Beside
    metrics: Metrics
    stages: Stages
    seats: Seats
    peering: Peering
    tlog: Tlog

    def stop(self) -> None:
        """Stop signing, then let go of every thread: after this the store may be closed."""
        self.driver.stop()
        self.catch_up.stop()
        self.admission.stop()
        self.answers.stop()
        self.questions.stop()

    def certified_place(self, identity: bytes) -> tuple[int, int] | None:
        """Return (height, index) of a transaction that stands under a certificate, else None."""
        place = self.archive.place(identity)
        certificate = self.driver.certificate
        if place is None or certificate is None or place[0] > certificate.checkpoint.size:
            return None
        return place

    def health(self) -> dict[str, Any]:
        """Return what a load balancer and an operator want to know."""
        certificate: Certificate | None = self.driver.certificate
        gap = self.archive.gap
        status = "ok"
        if self.driver.halted is not None:
            status = "halted"
        elif not self.driver.is_seated:
            status = "following"
        elif self.catch_up.is_running:
            status = "catching-up"
        elif certificate is None and self.executor.height:
            status = "starting"  # a new chain has no certificate before its first block
        return {
            "status": status,
            "reason": self.driver.halted or self.seats.trouble,
            "member": self.config.id,
            "chain": self.config.genesis.chain_id.hex(),
            "epoch": self.executor.epochs.current.number,
            "height": self.executor.height,
            "certified": 0 if certificate is None else certificate.checkpoint.size,
            "as_of": None if certificate is None else min(certificate.timestamps()),
            "waiting": len(self.waiting),
            # heights whose blocks and events this member cannot show; null: it has them all
            "missing": None if gap is None else [gap.first, gap.last],
            # lost its ballots: executes and answers, and votes for nothing yet (R-DW-4)
            "silent": self.driver.is_silent,
            "blamed": self.blames.members,
            "reports": list(self.driver.reports)[-5:],
        }
