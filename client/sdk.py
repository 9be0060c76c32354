"""The client of a Suyuan chain, for programs that block: connect to any members, submit, ask.

    with Client(["127.0.0.1:8101", "127.0.0.1:8102"], genesis, keys) as client:
        outcomes = client.submit([Call("supplies", "approve", {"allocation": "c.A-1"}, ("c.li",))])
        bundle = client.trace(Path("supplies", "donation", "red-cross.D-17"))  # verified

What comes with a proof has been verified before it is returned.

The rules of whom to ask and whom to believe are in `session`; this drives them over a transport.
A client may be shared by threads only if its transport may.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from client.calls import Call
from client.exchange import Transport
from client.faults import Unreachable
from client.limits import ROUNDS_MAX
from client.paging import Paging
from client.protocol import CERTIFIED, Outcome
from client.session import Ask, Conversation, Progress, Session
from client.transport import HttpTransport
from ledger.claims import Claim, Period
from ledger.genesis import Genesis
from ledger.keys import Signer
from ledger.paths import Path
from ledger.transaction import Transaction

__all__ = ["Client"]

T = TypeVar("T")


class Client:
    """A blocking client of the members at `urls`. `keys` maps account ids to signers.

    `pin` of a question is a signed checkpoint note kept from earlier: the answer must extend it.
    `max_age_s`, if given, is how old in seconds a proof's checkpoint may be by this machine's
    clock. `patience` is how many times every member is asked before `Unreachable`.
    """

    def __init__(
        self,
        urls: Sequence[str],
        genesis: Genesis,
        keys: Mapping[str, Signer] | None = None,
        *,
        transport: Transport | None = None,
        language: str = "zh",
        max_age_s: int | None = None,
        patience: int = ROUNDS_MAX,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.session = Session(
            urls, genesis, keys, language=language, max_age_s=max_age_s, patience=patience
        )
        self._own: HttpTransport | None = None
        if transport is None:
            transport = self._own = HttpTransport()
        self._transport: Transport = transport
        self._sleep = sleep

    def _run(self, conversation: Conversation[T]) -> T:
        try:
            step = next(conversation)
            while True:
                if isinstance(step, Ask):
                    try:
                        response = self._transport.send(step.url, step.request)
                    except Unreachable as error:
                        step = conversation.throw(error)
                    else:
                        step = conversation.send(response)
                else:
                    self._sleep(step.seconds)
                    step = conversation.send(None)
        except StopIteration as end:
            answer: T = end.value
            return answer

    def sign(self, call: Call) -> Transaction:
        """Sign a call without sending it. Raises: ClientFault "no-key", Malformed."""
        return self.session.sign(call)

    def submit(
        self,
        transactions: Sequence[Call | Transaction],
        wait: str = CERTIFIED,
        receipts: bool = False,
        progress: Progress | None = None,
        pin: str | None = None,
    ) -> list[Outcome]:
        """Sign what is a call, submit all, and return one outcome each, in order.

        With `receipts`, each certified outcome carries a receipt that has been verified. `progress`
        is told the number done after each batch. Raises: ClientFault, Malformed, Unreachable.
        """
        return self._run(self.session.submit(transactions, wait, receipts, progress, pin))

    def entity(self, path: Path, proof: bool = False, pin: str | None = None) -> Any:
        """Return an entity's record as JSON, or with `proof` the bytes of a verified bundle."""
        return self._run(self.session.entity(path, proof, pin))

    def history(
        self,
        path: Path,
        proof: bool = False,
        pin: str | None = None,
        start: int | None = None,
        limit: int | None = None,
    ) -> Any:
        """Return an entity's events as JSON, or with `proof` the bytes of a verified bundle."""
        return self._run(self.session.history(path, proof, pin, start, limit))

    def trace(self, path: Path, proof: bool = True, pin: str | None = None) -> Any:
        """Return the verified bundle of everything downstream of an entity, or JSON without
        `proof`.
        """
        return self._run(self.session.trace(path, proof, pin))

    def accesses(
        self, dataset: Path, pairs: Sequence[tuple[str, str]], pin: str | None = None
    ) -> bytes:
        """Return the verified bundle of every access under the [grant id, handle hex] pairs."""
        return self._run(self.session.accesses(dataset, pairs, pin))

    def transaction(self, identity: str, proof: bool = False, pin: str | None = None) -> Any:
        """Return what became of a transaction (id in hex), or with `proof` its verified receipt."""
        return self._run(self.session.transaction(identity, proof, pin))

    def prove(self, claim: Claim, pin: str | None = None) -> bytes:
        """Return the verified bundle that answers any claim (`ledger.claims`), or proves that what
        it is about does not exist (of an absence: that it does).
        """
        return self._run(self.session.prove(claim, pin))

    def page(self, paging: Paging) -> bytes:
        """Return the verified bundle of the next page of a period, and stay before it."""
        return self._run(paging.ask(self.session))

    def pages(self, claim: Period, pin: str | None = None) -> Iterator[bytes]:
        """Yield the verified bundles that prove a period together, in order: one, unless it has
        more events than a bundle holds. `client.paging.Together` judges them.
        """
        paging = Paging(claim, pin)
        while not paging.done:
            page = self.page(paging)
            paging.turn(page)
            yield page

    def block(self, height: int) -> Any:
        """Return the block at a height as JSON."""
        return self._run(self.session.block(height))

    def checkpoint(self) -> str:
        """Return the newest signed checkpoint note, its certificate verified: keep it as a pin."""
        return self._run(self.session.checkpoint())

    def health(self) -> Any:
        """Return how the member that answers is doing."""
        return self._run(self.session.health())

    def close(self) -> None:
        """Close the connections this client opened itself."""
        if self._own is not None:
            self._own.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
