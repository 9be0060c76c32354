"""A contract for tests of the runtime: some of its functions break the rules of contracts on
purpose.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from chaincode.context import Context
from chaincode.contract import Contract, transaction
from chaincode.identity.v1.records import ACCOUNT, Account
from chaincode.kinds import Kind
from ledger.codec import Digest, Identifier, Natural


class Toy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A toy's record."""

    turns: Natural
    words: str


TOY: Final = Kind("toys", "toy", Toy)


class Make(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A toy's id."""

    toy: Identifier


class Break(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A toy's id and how to misbehave with it."""

    toy: Identifier
    way: Literal[
        "unnamed-write", "unknown-entity", "foreign-write", "bad-path", "too-many-events",
        "too-many-entities", "record-too-large", "overflow", "raise", "late-refusal", "negative",
    ]  # fmt: skip


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A nested argument."""

    name: Annotated[str, Meta(min_length=1, max_length=5)]
    size: Annotated[int, Meta(ge=1, le=9)]


class Typed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One argument of each type there is."""

    choice: Literal["left", "right"]
    digest: Digest
    maybe: Annotated[int, Meta(ge=0)] | None
    pairs: Annotated[tuple[tuple[Identifier, Natural], ...], Meta(max_length=2)]
    parts: tuple[Part, ...]
    text: Identifier


class Toys(Contract):
    """Toys."""

    name = "toys"
    version = 3
    kinds = (TOY,)

    @transaction(Make)
    def make(self, context: Context, arguments: Make) -> None:
        context.absent(TOY, arguments.toy)
        context.put(TOY, arguments.toy, Toy(0, "new"))
        context.event("made", {"by": context.caller.account}, on=(TOY.path(arguments.toy),))

    @transaction(Make, signers=2)
    def turn(self, context: Context, arguments: Make) -> None:
        """Turn twice: two events, one record after the whole transaction."""
        for _ in range(2):
            toy = context.get(TOY, arguments.toy)
            context.put(TOY, arguments.toy, Toy(toy.turns + 1, toy.words))
            path = TOY.path(arguments.toy)
            context.event("turned", {}, inputs=((path, 1),), outputs=((path, 1),), on=(path,))

    @transaction(Typed)
    def typed(self, context: Context, arguments: Typed) -> None:
        context.require(arguments.text != "no", "wrong-state", {"entity": "it", "state": "no"})

    @transaction(Break)
    def misbehave(self, context: Context, arguments: Break) -> None:
        toy, way, path = arguments.toy, arguments.way, TOY.path(arguments.toy)
        if way == "raise":
            raise ZeroDivisionError("a bug")
        if way == "foreign-write":
            context.put(ACCOUNT, toy, Account((), "redcross", ("approver",)))
        if way == "unknown-entity":
            context.event("named", {}, on=(TOY.path("nothing"),))
        if way == "bad-path":
            context.put(TOY, "a/b", Toy(0, ""))
            context.event("made", {}, on=(TOY.path("a/b"),))
        if way == "too-many-entities":
            for number in range(161):
                context.put(TOY, f"t{number}", Toy(0, ""))
            context.event("made", {}, on=[TOY.path(f"t{number}") for number in range(161)])
        words = "x" * (40_000 if way == "record-too-large" else 1)
        context.put(TOY, toy, Toy(7, words))
        if way == "unnamed-write":
            return
        quantity = {"overflow": 2**53, "negative": -1}.get(way, 1)
        for _ in range(65 if way == "too-many-events" else 1):
            context.event("turned", {}, inputs=((path, quantity),), on=(path,))
        context.require(
            way != "late-refusal", "wrong-state", {"entity": path.text, "state": "late"}
        )
