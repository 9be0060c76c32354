"""Which message is legal in which mode, as data. What is absent is refused, silently and at no
cost.

A refused message is not a fault of its sender, who cannot know our mode. A test walks the whole
product. Source: PBFT 4.4 for CHANGING: no votes are cast there, yet VIEW-CHANGE and NEW-VIEW are
heard, state is served, and a complete commit certificate of any view is final (R-VC-9).
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from consensus.messages import (
    Batches,
    Commit,
    Committed,
    Fetch,
    Message,
    NewView,
    Overdue,
    Prepare,
    PrePrepare,
    Recall,
    Recalled,
    Settled,
    StableProof,
    Status,
    Transactions,
    ViewChange,
)

__all__ = ["LEGAL", "Mode"]


class Mode(Enum):
    """What a member is doing."""

    ACTIVE = "active"  # in a view: proposes and votes
    CHANGING = "changing"  # has promised a view and waits for its NEW-VIEW
    ENDED = "ended"  # the epoch's last height is certified: only helps others to get there
    HALTED = "halted"  # contradicted by a quorum: nothing more (R-DT-4)


# Votes are kept while CHANGING because those of the promised view may overtake its NEW-VIEW; older
# are dropped.
LEGAL: Final[dict[tuple[Mode, type[Message]], str]] = {
    (Mode.ACTIVE, PrePrepare): "on_pre_prepare",
    (Mode.ACTIVE, Prepare): "on_prepare",
    (Mode.CHANGING, Prepare): "on_prepare",
    (Mode.ACTIVE, Commit): "on_commit",
    (Mode.CHANGING, Commit): "on_commit",
    (Mode.ACTIVE, Committed): "on_committed",
    (Mode.CHANGING, Committed): "on_committed",
    (Mode.ACTIVE, ViewChange): "on_view_change",
    (Mode.CHANGING, ViewChange): "on_view_change",
    (Mode.ACTIVE, NewView): "on_new_view",
    (Mode.CHANGING, NewView): "on_new_view",
    (Mode.ACTIVE, StableProof): "on_stable_proof",
    (Mode.CHANGING, StableProof): "on_stable_proof",
    (Mode.ACTIVE, Status): "on_status",
    (Mode.CHANGING, Status): "on_status",
    (Mode.ENDED, Status): "on_status",
    (Mode.ACTIVE, Transactions): "on_transactions",
    (Mode.CHANGING, Transactions): "on_transactions",
    (Mode.ACTIVE, Overdue): "on_overdue",
    (Mode.CHANGING, Overdue): "on_overdue",
    (Mode.ACTIVE, Settled): "on_settled",
    (Mode.CHANGING, Settled): "on_settled",
    (Mode.ACTIVE, Recall): "on_recall",
    (Mode.CHANGING, Recall): "on_recall",
    (Mode.ACTIVE, Recalled): "on_recalled",
    (Mode.CHANGING, Recalled): "on_recalled",
    (Mode.ACTIVE, Fetch): "on_fetch",
    (Mode.CHANGING, Fetch): "on_fetch",
    (Mode.ACTIVE, Batches): "on_batches",
    (Mode.CHANGING, Batches): "on_batches",
}
