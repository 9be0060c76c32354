"""The clients of a run: they submit, ask again while they hear nothing, and watch what is ordered.

C3: nothing is executed that none of them submitted. C10: what was submitted when f+1 honest members
had reached a height is ordered above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.quorum import faulty
from ledger.transaction import SUITE, VERSION, Body, Transaction, signed
from tests.simulator.chain import Block
from tests.simulator.checkers import Violation

if TYPE_CHECKING:
    from tests.simulator.world import World

LOAD_MS = 300  # between two requests after healing, in plans with load
RETRY_MS = 1_500  # a client that has heard nothing asks another member
CHANGES = 20_000  # numbers of the transactions that change the member set begin here


class Clients:
    """Five of them, of whom nobody says which asks."""

    def __init__(self, world: World, valid_until: int) -> None:
        self.waiting: dict[bytes, Transaction] = {}  # submitted, executed nowhere honest
        self._world = world
        self._valid_until = valid_until  # ms since 1970
        self._owed: tuple[bytes, ...] = ()  # waiting when chaos ended, under load afterwards
        self._executed: dict[bytes, int] = {}  # id -> height, on the canonical chain
        self._floors: dict[bytes, int] = {}  # id -> what f+1 honest members had when it was asked

    def transaction(
        self, number: int, one: int, arguments: dict[str, Any] | None = None
    ) -> Transaction:
        """A transaction of one of them."""
        client = self._world.keyring.signer(f"client{number % 5}")
        body = Body(
            arguments=arguments or {},
            chain=self._world.chain_id,
            contract="test",
            function="do",
            nonce=number.to_bytes(8, "big") + one.to_bytes(8, "big"),
            signers=((f"org.client{number % 5}", client.public),),
            suite=SUITE,
            valid_until=self._valid_until,
            version=VERSION,
        )
        return signed(body, [client])

    def submit(self, place: int, transactions: tuple[Transaction, ...]) -> None:
        """Give transactions to a member, and to the next one when nothing is heard of them."""
        world, people = self._world, self._world.plan.people
        member = world.members[place]
        if member.strategy == "censor" or not member.seated:
            place = (place + 1) % people
            member = world.members[place]
        rest = tuple(one for one in transactions if one.id not in self._executed)
        if not rest:
            return
        for one in rest:
            self.waiting[one.id] = one
            if one.id not in self._floors:
                heights = sorted((each.height for each in world.honest), reverse=True)
                self._floors[one.id] = heights[faulty(world.plan.n)]
        if member.up:
            member.submit(rest)
        world.at(world.now + RETRY_MS, self.submit, (place + 1) % people, rest)

    def change(self, number: int) -> None:
        """Somebody asks for the next change of the member set, once the one before is decided."""
        world = self._world
        if number > world.membership.decided:
            world.at(world.now + RETRY_MS // 4, self.change, number)
            return
        arguments = world.membership.ask(number)
        transaction = self.transaction(CHANGES + number, 0, arguments)
        world.membership.asked[transaction.id] = number
        self.submit(number % world.plan.n, (transaction,))

    def go_on(self) -> None:
        """Chaos is over: go on while something from before is owed."""
        self._owed = tuple(self.waiting)
        self._load(0)

    def _load(self, number: int) -> None:
        """A censor cannot wait for silence."""
        world = self._world
        self._owed = tuple(one for one in self._owed if one in self.waiting)
        if self._owed:
            self.submit(
                number % world.plan.n,
                tuple(self.transaction(10_000 + number, one) for one in range(4)),
            )
            world.at(world.now + LOAD_MS, self._load, number + 1)

    def on_executed(self, who: str, block: Block) -> None:
        """An honest member executed a block. Raises: Violation."""
        for one in block.transactions:
            if one.id not in self.waiting and one.id not in self._executed:
                raise Violation(f"C3: {who} executed what no client submitted")
            if block.height <= self._floors[one.id]:
                raise Violation(f"C10: ordered at {block.height} before it was submitted")
            self.waiting.pop(one.id, None)
            self._executed.setdefault(one.id, block.height)
