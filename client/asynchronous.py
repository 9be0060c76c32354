"""The client of a Suyuan chain, for programs with an event loop: the same conversations as `sdk`,
awaited.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from client.calls import Call
from client.exchange import AsyncTransport
from client.faults import Unreachable
from client.limits import ROUNDS_MAX
from client.paging import Paging
from client.protocol import CERTIFIED, Outcome
from client.session import Ask, Conversation, Progress, Session
from client.transport import AsyncHttpTransport
from ledger.claims import Claim, Period
from ledger.genesis import Genesis
from ledger.keys import Signer
from ledger.paths import Path
from ledger.transaction import Transaction

__all__ = ["AsyncClient"]

T = TypeVar("T")


class AsyncClient:
    """An asynchronous client of the members at `urls`; see `client.sdk.Client` for what each method
    returns.
    """

    def __init__(
        self,
        urls: Sequence[str],
        genesis: Genesis,
        keys: Mapping[str, Signer] | None = None,
        *,
        transport: AsyncTransport | None = None,
        language: str = "zh",
        max_age_s: int | None = None,
        patience: int = ROUNDS_MAX,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.session = Session(
            urls, genesis, keys, language=language, max_age_s=max_age_s, patience=patience
        )
        self._own: AsyncHttpTransport | None = None
        if transport is None:
            transport = self._own = AsyncHttpTransport()
        self._transport: AsyncTransport = transport
        self._sleep = sleep

    async def _run(self, conversation: Conversation[T]) -> T:
        try:
            step = next(conversation)
            while True:
                if isinstance(step, Ask):
                    try:
                        response = await self._transport.send(step.url, step.request)
                    except Unreachable as error:
                        step = conversation.throw(error)
                    else:
                        step = conversation.send(response)
                else:
                    await self._sleep(step.seconds)
                    step = conversation.send(None)
        except StopIteration as end:
            answer: T = end.value
            return answer

    def sign(self, call: Call) -> Transaction:
        """Sign a call without sending it. Raises: ClientFault "no-key", Malformed."""
        return self.session.sign(call)

    async def submit(
        self,
        transactions: Sequence[Call | Transaction],
        wait: str = CERTIFIED,
        receipts: bool = False,
        progress: Progress | None = None,
        pin: str | None = None,
    ) -> list[Outcome]:
        """Sign what is a call, submit all, and return one outcome each, in order."""
        return await self._run(self.session.submit(transactions, wait, receipts, progress, pin))

    async def entity(self, path: Path, proof: bool = False, pin: str | None = None) -> Any:
        """Return an entity's record as JSON, or with `proof` the bytes of a verified bundle."""
        return await self._run(self.session.entity(path, proof, pin))

    async def history(
        self,
        path: Path,
        proof: bool = False,
        pin: str | None = None,
        start: int | None = None,
        limit: int | None = None,
    ) -> Any:
        """Return an entity's events as JSON, or with `proof` the bytes of a verified bundle."""
        return await self._run(self.session.history(path, proof, pin, start, limit))

    async def trace(self, path: Path, proof: bool = True, pin: str | None = None) -> Any:
        """Return the verified bundle of everything downstream of an entity, or JSON without
        `proof`.
        """
        return await self._run(self.session.trace(path, proof, pin))

    async def accesses(
        self, dataset: Path, pairs: Sequence[tuple[str, str]], pin: str | None = None
    ) -> bytes:
        """Return the verified bundle of every access under the [grant id, handle hex] pairs."""
        return await self._run(self.session.accesses(dataset, pairs, pin))

    async def transaction(self, identity: str, proof: bool = False, pin: str | None = None) -> Any:
        """Return what became of a transaction (id in hex), or with `proof` its verified receipt."""
        return await self._run(self.session.transaction(identity, proof, pin))

    async def prove(self, claim: Claim, pin: str | None = None) -> bytes:
        """Return the verified bundle that answers any claim (`ledger.claims`), or proves that what
        it is about does not exist (of an absence: that it does).
        """
        return await self._run(self.session.prove(claim, pin))

    async def page(self, paging: Paging) -> bytes:
        """Return the verified bundle of the next page of a period, and stay before it."""
        return await self._run(paging.ask(self.session))

    async def pages(self, claim: Period, pin: str | None = None) -> AsyncIterator[bytes]:
        """Yield the verified bundles that prove a period together, in order."""
        paging = Paging(claim, pin)
        while not paging.done:
            page = await self.page(paging)
            paging.turn(page)
            yield page

    async def block(self, height: int) -> Any:
        """Return the block at a height as JSON."""
        return await self._run(self.session.block(height))

    async def checkpoint(self) -> str:
        """Return the newest signed checkpoint note, its certificate verified."""
        return await self._run(self.session.checkpoint())

    async def health(self) -> Any:
        """Return how the member that answers is doing."""
        return await self._run(self.session.health())

    async def close(self) -> None:
        """Close the connections this client opened itself."""
        if self._own is not None:
            await self._own.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
