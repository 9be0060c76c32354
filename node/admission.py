"""The door: what can be known about a transaction before it is ordered is checked here, once.

Form, size, chain, window, accounts, keys and signatures are refused at the door with the code the
runtime would use; everything that depends on order is left to the block. A bad signature never gets
further. Checks run cheapest first, and a refused transaction costs at most one decoding and one
signature check per signer (R-RS-4): whoever is refused keeps the id that was found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from chaincode.identity.v1.records import ACCOUNT
from ledger.codec import Value
from ledger.errors import ClientFault, Malformed
from ledger.genesis import Genesis
from ledger.keys import verify
from ledger.leaf import parse_state_value
from ledger.limits import VALIDITY_MS_MAX
from ledger.paths import key as path_key
from ledger.transaction import Transaction
from node.clock import Clock
from node.execution import Executor
from node.stages import Stages

__all__ = ["Admission", "Admitted", "RefusedAtDoor"]

# bytes of a request decoded at once (the worst nesting: 0.3 ms a kB); more go to a thread
INLINE_SIZE_MAX: Final = 16 * 1024
JUDGED_AT_ONCE: Final = 128  # transactions whose accounts are looked up before others are heard
# one client's few signatures are checked at once; more go to a thread
INLINE_SIGNATURES_MAX: Final = 4
# a client's clock may run so far ahead of ours before its window is refused
CLOCK_SLACK_MS: Final = 5_000
KNOWN_KEYS_MAX: Final = 65_536  # (account, key) pairs remembered as known at the newest height


@dataclass(frozen=True, slots=True)
class RefusedAtDoor:
    """Why a transaction is not admitted; `identity` is its id, None for what has no form."""

    fault: ClientFault
    identity: bytes | None = None


Admitted = Transaction | RefusedAtDoor


class Admission:
    """Admits transactions of this member's own clients."""

    def __init__(self, genesis: Genesis, executor: Executor, clock: Clock, stages: Stages) -> None:
        self._genesis = genesis
        self._executor = executor
        self._clock = clock
        self._stages = stages
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="admission")
        self._known: set[tuple[str, bytes]] = set()

    async def admit(self, raws: Sequence[bytes]) -> list[Admitted]:
        """Return for each raw transaction, in order, the checked one or why it is refused."""
        decoded = await self._decoded(raws)
        admitted: list[Admitted] = []
        for start in range(0, len(decoded), JUDGED_AT_ONCE):
            if start:
                await asyncio.sleep(0)
            with self._stages.measure("door"):
                admitted += [self._judged(each) for each in decoded[start : start + JUDGED_AT_ONCE]]
        unchecked = [each for each in admitted if isinstance(each, Transaction)]
        if sum(len(each.signatures) for each in unchecked) <= INLINE_SIGNATURES_MAX:
            verdicts = self._verified(unchecked)
        else:
            loop = asyncio.get_running_loop()
            verdicts = await loop.run_in_executor(self._thread, self._verified, unchecked)
        holds = iter(verdicts)
        return [
            each
            if isinstance(each, RefusedAtDoor) or next(holds)
            else _refused(each, "bad-signature", account=each.body.signers[0][0])
            for each in admitted
        ]

    async def _decoded(self, raws: Sequence[bytes]) -> list[Admitted]:
        if sum(map(len, raws)) <= INLINE_SIZE_MAX:
            return self._decode_all(raws)
        # 8 MiB of the worst nesting take above a second: votes must go on meanwhile.
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._decode_all, raws)

    def _decode_all(self, raws: Sequence[bytes]) -> list[Admitted]:
        with self._stages.measure("door"):
            return [_decoded(raw) for raw in raws]

    def _judged(self, transaction: Admitted) -> Admitted:
        if isinstance(transaction, RefusedAtDoor):
            return transaction
        body = transaction.body
        now = self._clock.wall_ms()
        if body.chain != self._genesis.chain_id:
            return _refused(transaction, "chain")
        until = body.valid_until
        if until <= now:
            return _refused(transaction, "expired", time=now, valid_until=until)
        if until > now + VALIDITY_MS_MAX + CLOCK_SLACK_MS:
            return _refused(transaction, "valid-until-too-far", time=now, valid_until=until)
        for account, public in body.signers:
            if (account, public) not in self._known:
                code = self._unknown(account, public)
                if code is not None:
                    return _refused(transaction, code, account=account)
        return transaction

    def _unknown(self, account: str, public: bytes) -> str | None:
        value = self._executor.value(path_key(ACCOUNT.path(account)))
        if value is None:
            return "unknown-account"
        record = ACCOUNT.format.decode(parse_state_value(value).record)
        if not any(known.active and known.key == public for known in record.keys):
            return "wrong-key"
        if len(self._known) < KNOWN_KEYS_MAX:
            self._known.add((account, public))
        return None

    def accounts_changed(self) -> None:
        """Forget which keys are known: an account was written."""
        self._known.clear()

    def _verified(self, transactions: Sequence[Transaction]) -> list[bool]:
        with self._stages.measure("door"):
            return [transaction.check_signatures(verify) for transaction in transactions]

    def stop(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _decoded(raw: bytes) -> Admitted:
    try:
        transaction = Transaction.decode(raw)
    except Malformed as error:
        return RefusedAtDoor(ClientFault("malformed", field=error.field, rule=error.rule))
    _ = transaction.id, transaction.digest  # hashed here, which may be beside the loop
    return transaction


def _refused(transaction: Transaction, code: str, **parameters: Value) -> RefusedAtDoor:
    return RefusedAtDoor(ClientFault(code, **parameters), transaction.id)
