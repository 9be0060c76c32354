"""One client of the members: signs, submits, and counts only what is certified and receipted.

A transaction counts when its answer says that its block is certified and its receipt is in the
answer; one receipt in a hundred is put before the verifier (`ledger.verify`), whose verdict must be
clean. The clients sign as they go, with the SDK's own `build`; they use a leaner connection than
the SDK's (`wire`), read the answer with typed msgspec, and verify a sample instead of everything:
at 0.6 ms a receipt, full verification is a client's cost and would hide the members'.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from benchmarks.figures import Sample
from benchmarks.wire import Wire
from client import protocol
from client.calls import ACCEPTED, Call
from client.protocol import CERTIFIED, Outcome
from client.verify import proved
from ledger.genesis import Genesis
from ledger.keys import Ed25519Signer
from ledger.transaction import Transaction

__all__ = ["Client", "Tally"]


class _Result(msgspec.Struct):
    code: str
    parameters: dict[str, Any]


class _Told(msgspec.Struct):
    id: str
    status: str
    result: _Result | None = None
    height: int | None = None
    receipt: str | None = None


class _Answer(msgspec.Struct):
    transactions: list[_Told]


_ANSWER: Final = msgspec.json.Decoder(_Answer)


@dataclass(slots=True)
class Tally:
    """What the clients have counted over a whole run."""

    transactions: int = 0
    raw_bytes: int = 0
    sent_bytes: int = 0
    answer_bytes: int = 0
    verified: int = 0
    verify_seconds: float = 0.0


class Client:
    """One connection to one member, signing and submitting; stops the run at the first surprise."""

    def __init__(
        self,
        address: str,
        genesis: Genesis,
        keys: dict[str, Ed25519Signer],
        tally: Tally,
        verify_every: int,
    ) -> None:
        self.address = address
        self.wire = Wire(address)
        self._genesis = genesis
        self._keys = keys
        self._tally = tally
        self._verify_every = verify_every

    async def submit(self, calls: Iterable[Call], receipts: bool = True) -> Sample:
        """Sign, submit, wait for certificate and receipts. The clock starts before signing.

        Raises: RuntimeError when anything is not certified, accepted and receipted.
        """
        begun = time.perf_counter()
        now = time.time_ns() // 1_000_000
        built = [
            protocol.build(call, self._genesis, self._keys, now, os.urandom(16)) for call in calls
        ]
        request = protocol.submission(built, CERTIFIED, receipts, "en")
        status, body = await self.wire.ask(
            request.method, request.path, request.body, dict(request.headers)
        )
        if status != 200:
            raise RuntimeError(f"{self.address} answered {status}: {body[:300]!r}")
        told = _ANSWER.decode(body).transactions
        for one in told:
            accepted = one.result is not None and one.result.code == ACCEPTED
            if one.status != CERTIFIED or not accepted or (receipts and one.receipt is None):
                raise RuntimeError(f"{self.address}: {one.status}, {one.result}")
        ended = time.perf_counter()
        self._count(built, request.body, body)
        if receipts:
            self._verify(built, told)
        return Sample(ended, ended - begun, len(built))

    def _count(self, built: Sequence[Transaction], sent: bytes, body: bytes) -> None:
        tally = self._tally
        tally.transactions += len(built)
        tally.raw_bytes += sum(len(transaction.raw) for transaction in built)
        tally.sent_bytes += len(sent)
        tally.answer_bytes += len(body)

    def _verify(self, built: Sequence[Transaction], told: Sequence[_Told]) -> None:
        """Verify each `verify_every`-th receipt of the run, wherever in a batch it falls."""
        tally = self._tally
        first = tally.transactions - len(built)
        for place in range(-first % self._verify_every, len(built), self._verify_every):
            one = told[place]
            receipt = (one.receipt or "").encode()
            outcome = Outcome(one.id, one.status, ACCEPTED, height=one.height, receipt=receipt)
            begun = time.process_time()
            proved(self.address, outcome, built[place], self._genesis, None, "en")
            tally.verify_seconds += time.process_time() - begun
            tally.verified += 1
