"""PBFT as a pure state machine: ordering (`Replica`) and certification (`Certifier`), no IO.

How to read it, by the sections of Castro and Liskov, "Practical Byzantine Fault Tolerance"
(OSDI'99):

    3    system model        epoch.py (who votes, over which bytes), ledger/quorum.py (how many)
    --   membership          handover.py (from one epoch to the next), ledger/membership.py (who may
                             follow whom)
    4.1  the client          intake.py, pool.py (pending transactions), bodies.py (what is named)
    4.2  normal case         messages.py, slots.py, ordering.py
    4.3  garbage collection  certification.py (CHECKPOINT as a C2SP cosignature), Replica._adopt
    4.4  view changes        new_view.py (the safety of it, pure), view_change.py (collecting)
    4.5  liveness            patience.py (timers), watching.py (reminding, complaining)
    4.6  non-determinism     the block's time: ordering.py
    5    (state transfer)    catch_up.py
    --   crash and restart   ballots.py (the only signer), outbox.py, records.py, recovery.py,
                             recollection.py (ballots lost), old_copy.py (a store put back)
    --   blame               evidence.py, shown_words.py (inside certificates), audit.py
                             (offline); offences.py (floods)
    --   what is legal when  legality.py;  limits and tunables: settings.py
    --   the machine         replica.py (dispatch only); inputs.py, effects.py (its only doors)

Begin with tests/stories/, transcripts that read as the manual; then new_view.py and ballots.py,
where safety lives. A driver needs only what is exported
here: inputs.py and effects.py say what it tells and what it is asked; docs/PROTOCOL.md says in
which order.
"""

from __future__ import annotations

from consensus.certification import Certifier
from consensus.effects import (
    CertificateReady,
    CertifierEffect,
    Check,
    Discard,
    Effect,
    EpochEnded,
    Halt,
    NeedState,
    Ordered,
    Recollected,
    Refused,
    Report,
    Send,
    Store,
)
from consensus.epoch import Epoch
from consensus.evidence import Evidence, Finding, Statement, Suspicion, verify_evidence
from consensus.inputs import (
    Carried,
    Certified,
    CertifierInput,
    CertifierTick,
    Checked,
    Deliver,
    Executed,
    Handover,
    Input,
    Installed,
    Rooted,
    Stored,
    Submit,
    Tick,
)
from consensus.legality import Mode
from consensus.replica import Replica, Start
from consensus.settings import CertifierSettings, Settings

__all__ = [
    "CertificateReady",
    "Carried",
    "Certified",
    "Certifier",
    "CertifierEffect",
    "CertifierInput",
    "CertifierSettings",
    "CertifierTick",
    "Check",
    "Checked",
    "Deliver",
    "Discard",
    "Effect",
    "Epoch",
    "EpochEnded",
    "Evidence",
    "Executed",
    "Finding",
    "Halt",
    "Handover",
    "Input",
    "Installed",
    "Mode",
    "NeedState",
    "Recollected",
    "Ordered",
    "Refused",
    "Replica",
    "Report",
    "Rooted",
    "Send",
    "Settings",
    "Start",
    "Statement",
    "Store",
    "Stored",
    "Submit",
    "Suspicion",
    "Tick",
    "verify_evidence",
]
