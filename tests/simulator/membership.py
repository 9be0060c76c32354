"""The member sets of a run: what a transaction that changes them decides, and what came of it.

Deciding is a pure function of the epoch and the block, as a contract's execution would be: every
member that executes the block decides the same. The rule of succession is the ledger's own.
"""

from __future__ import annotations

from typing import Any

from consensus import Epoch
from ledger.errors import Malformed
from ledger.membership import MemberSet, check_succession
from ledger.transaction import Transaction
from tests.simulator.chain import Block
from tests.simulator.checkers import Checkers, Violation
from tests.simulator.keys import Keyring
from tests.simulator.plan import Change


class Membership:
    """The epochs of the canonical chain, and the changes asked for."""

    def __init__(
        self, genesis: Epoch, changes: tuple[Change, ...], keyring: Keyring, checkers: Checkers
    ) -> None:
        self.epochs = [genesis]
        self.asked: dict[bytes, int] = {}  # id of a transaction -> number of the change
        self.decided = 0  # changes executed, whether they were accepted or refused
        self.keys_made = 0  # the newest epoch for which anybody may have made keys
        self._changes = changes
        self._keyring = keyring
        self._checkers = checkers

    def ask(self, number: int) -> dict[str, Any]:
        """The arguments of the transaction that asks for a change, now."""
        epoch = self.epochs[-1].number
        self.keys_made = max(self.keys_made, epoch + 1)
        return {"change": number, "epoch": epoch}

    def decide(
        self, current: Epoch, height: int, transactions: tuple[Transaction, ...]
    ) -> Epoch | None:
        """What a block decides: the first change in it that is of this epoch and allowed."""
        for one in transactions:
            arguments = one.body.arguments
            if arguments and arguments["epoch"] == current.number:
                change = self._changes[arguments["change"]]
                members = self._set_after(current, change)
                past = [epoch.members for epoch in self.epochs[: current.number]]
                try:
                    check_succession(current.members, members, past)
                except Malformed:
                    self._checkers.mark("epoch/refused")
                    continue
                if change.bad:
                    raise Violation("R-MB-5: a set that must be refused was accepted")
                return Epoch(current.number + 1, members, height)
        return None

    def _set_after(self, current: Epoch, change: Change) -> MemberSet:
        """The set that a change makes of the current one."""
        gone = {f"m{place}" for place in change.removed}
        names = [one.id for one in current.members.members if one.id not in gone]
        names += [f"m{place}" for place in change.added if f"m{place}" not in current.members]
        names = names[change.turn % len(names) :] + names[: change.turn % len(names)]
        number = current.number + (0 if change.bad else 1)
        return MemberSet(tuple(self._keyring.member(name, number) for name in names))

    def on_block(self, block: Block) -> None:
        """An honest member executed a block."""
        following = block.following
        if following is not None and following.number == len(self.epochs):
            self.epochs.append(following)
        for one in block.transactions:
            number = self.asked.pop(one.id, None)
            if number is not None:
                self.decided = max(self.decided, number + 1)
