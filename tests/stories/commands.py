"""The commands of a story: what each means, as a table of patterns and methods.

A command is one line of plain words; `tests/stories/00-how-to-read.txt` explains them all by
example. What it is not: the text of a story (script.py), nor the machinery (consortium.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

from consensus import messages as wire
from consensus.epoch import PRE_PREPARE, PREPARE, vote_bytes
from consensus.messages import COSIGNED, Cosigned
from ledger.checkpoint import Checkpoint, cosign
from tests.simulator.member import CERTIFIER, REPLICA, Disk
from tests.simulator.stage import EPOCH_MS, SETTINGS
from tests.stories.consortium import Consortium, ToldMember
from tests.stories.script import ScriptError
from tests.stories.words import KINDS, MADE_UP

__all__ = ["Storyteller"]

NOTHING = "(nothing to see)"
WAIT_MAX = 6_000  # ticks of 10 ms after which an `until` has failed
SOME = r"m\d+(?: m\d+)*"
NAMES = rf"(?P<names>all|{SOME})"
KIND = "[a-z-]+"
PLACE = r"(?: v(?P<view>\d+))?(?: s(?P<sequence>\d+))?"
LOSE = (
    rf"lose (?P<but>all but )?(?P<kind>{KIND}(?: or {KIND})*){PLACE}"
    rf"(?: from (?P<senders>{SOME}))?(?: to (?P<targets>{SOME}))?"
)
ONE = r"(?P<name>m\d+)"
TRANSACTIONS = r"(?P<transactions>t\d+(?: t\d+)*)"


class Storyteller:
    """Runs the commands of one story, in order."""

    def __init__(self) -> None:
        self._stage: Consortium | None = None
        self.stages: list[Consortium] = []  # every one of this story; the last one is on
        self._images: dict[str, Disk] = {}  # copies of disks, by member

    def run(self, command: str) -> list[str]:
        """Carry out one command; return what happened. Raises: ScriptError."""
        for pattern, method in _COMMANDS:
            found = pattern.fullmatch(command)
            if found:
                method(self, **found.groupdict())
                stage = self.stage
                stage.teller.end_round(stage.now)
                told = stage.teller.take()
                return told if told or method not in _EVENTS else [NOTHING]
        raise ScriptError(f"no command: {command}")

    @property
    def stage(self) -> Consortium:
        if self._stage is None:
            raise ScriptError("a story begins with `members N`")
        return self._stage

    def _named(self, names: str) -> list[ToldMember]:
        stage = self.stage
        wanted = stage.teller.members if names == "all" else names.split()
        for one in wanted:
            if one not in stage.teller.members:
                raise ScriptError(f"no member {one}")
        return [stage.told(one) for one in wanted]

    # -- what happens ---------------------------------------------------------------------------

    def members(self, n: str, options: str | None) -> None:
        settings = SETTINGS
        for option in (options or "").split():
            name, _, value = option.partition("=")
            settings = replace(settings, **{name: int(value)})
        self._stage = Consortium(int(n), settings)
        self._images.clear()
        self.stages.append(self._stage)
        members = self.stage.epoch.members
        self.stage.teller.say(
            f"n = {members.n}, f = {members.f}, q = {members.q}; primary of v0 is m0"
        )

    def submit(self, transactions: str, name: str) -> None:
        (member,) = self._named(name)
        numbers = [int(one[1:]) for one in transactions.split()]
        member.submit(tuple(self.stage.transaction(number) for number in numbers))

    def join(self, name: str) -> None:
        """Somebody comes up who is in no set yet, and follows the chain."""
        stage = self.stage
        if name != f"m{len(stage.members)}":
            raise ScriptError(f"who joins is m{len(stage.members)}")
        stage.teller.members.append(name)
        stage.join(name)
        stage.teller.tell("power", name, "follows", "the chain, with no seat")

    def decide(self, transaction: str, names: str) -> None:
        """A transaction whose execution names the members of the next epoch, in this order."""
        stage = self.stage
        epoch = stage.epochs_begun() + 1
        members = stage.set_of(epoch, *[one.id for one in self._named(names)])
        stage.changes[int(transaction[1:])] = members
        stage.teller.say(
            f"epoch {epoch} would be: n = {members.n}, f = {members.f}, q = {members.q}; "
            f"primary of v0 is {members.primary(0).id}"
        )

    def deliver(self) -> None:
        self.stage.deliver()

    def settle(self) -> None:
        self.stage.settle()

    def wait(self, ms: str) -> None:
        self.stage.ticks(int(ms) // 10)

    def until(self, names: str, field: str, value: str) -> None:
        members = self._named(names)
        for _ in range(WAIT_MAX):
            if all(_has_come_to(_LOOKS[field](member), field, value) for member in members):
                return
            self.stage.ticks(1)
        raise ScriptError(f"it never came to that: {names} {field} {value}")

    def lose(self, kind: str, but: str | None, **where: str | None) -> None:
        kinds = kind.split(" or ")
        for one in kinds:
            if one not in _NAMED_MESSAGES:
                raise ScriptError(f"no message {one}: {', '.join(_NAMED_MESSAGES)}")
        types = tuple(
            named for one, named in _NAMED_MESSAGES.items() if (one in kinds) != bool(but)
        )
        senders, targets = (_list(where[side]) for side in ("senders", "targets"))
        places = {one: where[one] for one in ("sequence", "view") if where[one] is not None}

        def is_lost(sender: str, target: str, message: object) -> bool:
            return (
                isinstance(message, types)
                and (not senders or sender in senders)
                and (not targets or target in targets)
                and all(str(getattr(message, one)) == value for one, value in places.items())
            )

        self.stage.losing.append(is_lost)

    def cut(self, names: str) -> None:
        cut = [member.id for member in self._named(names)]
        self.stage.losing.append(lambda sender, target, _: sender in cut or target in cut)

    def heal(self) -> None:
        self.stage.losing.clear()

    def crash(self, names: str) -> None:
        for member in self._named(names):
            self.stage.crash(member.id)
            self.stage.teller.tell("power", member.id, "loses", "power", "lose")

    def wipe(self, name: str) -> None:
        self._down(name).wipe()
        self.stage.teller.tell("power", name, "loses", "its disk")

    def copy(self, name: str) -> None:
        """Keep an image of a member's disk as it is now."""
        (member,) = self._named(name)
        self._images[name] = deepcopy(member.disk)

    def put_back(self, name: str) -> None:
        """A member's disk becomes again what it was when it was copied; nobody tells the member."""
        if name not in self._images:
            raise ScriptError(f"no copy of the disk of {name}")
        self._down(name).put_back_disk(deepcopy(self._images[name]))
        self.stage.teller.tell("power", name, "gets", "the old copy of its disk")

    def _down(self, name: str) -> ToldMember:
        (member,) = self._named(name)
        if member.up:
            raise ScriptError(f"{name} runs: crash it first")
        return member

    def restart(self, names: str) -> None:
        for member in self._named(names):
            self.stage.teller.tell("power", member.id, "starts", "from its disk", "start")
            member.start()

    # -- lies and errors ------------------------------------------------------------------------

    def corrupt(self, name: str) -> None:
        """From now on the member's key says what the story says, and its machine nothing."""
        (member,) = self._named(name)
        self.stage.crash(name)
        member.strategy = "liar"
        self.stage.teller.tell("power", name, "is", "in the hands of a liar")

    def err(self, name: str, height: str) -> None:
        (member,) = self._named(name)
        member.strategy = "errs"  # the checkers judge honest members only
        member.diverges_at = int(height)

    def lie(self, name: str, names: str, what: str) -> None:
        message: object = self._vote(name, what) or self._cosigned(name, what)
        stage = self.stage
        to = tuple(one.id for one in self._named(names) if one.id != name and one.up)
        stage.tell_message(name, to, message, "  (a lie)")
        if isinstance(message, Cosigned):
            machine, data = CERTIFIER, COSIGNED.encode(message)
        else:
            machine, data = REPLICA, wire.encode(message)  # type: ignore[arg-type]
        for target in to:
            stage.told(target).deliver(machine, name, data)

    def _vote(self, name: str, what: str) -> wire.Message | None:
        """`pre-prepare v0 s1 [t1 t2]`, or a `prepare` or `commit` of the same form."""
        found = _VOTE.fullmatch(what)
        if not found:
            return None
        stage = self.stage
        view, sequence = int(found["view"]), int(found["sequence"])
        numbers = [int(one[1:]) for one in found["transactions"].split()]
        digests = b"".join(stage.transaction(number).digest for number in numbers)
        batch = wire.Batch(EPOCH_MS + stage.now, digests)
        stage.teller.words.batch(batch)
        digest = batch.digest()
        kind = found["kind"]
        message = vote_bytes(kind, stage.chain_id, 0, view, sequence, digest)
        signature = stage.signer(name).sign(message)
        if kind == PRE_PREPARE:
            return wire.PrePrepare(0, view, sequence, batch, signature)
        if kind == PREPARE:
            return wire.Prepare(0, view, sequence, digest, signature)
        return wire.Commit(0, view, sequence, digest, signature)

    def _cosigned(self, name: str, what: str) -> Cosigned:
        """`cosigned size 5 at 3 s`: a root that the liar made up; with `b`, another one."""
        found = _COSIGNED.fullmatch(what)
        if not found:
            raise ScriptError(f"no lie: {what}")
        stage = self.stage
        size, timestamp = int(found["size"]), EPOCH_MS // 1000 + int(found["at"])
        root = MADE_UP[1 if found["second"] else 0]
        signer = stage.keyring.signer(f"{name}/cosigner")
        line = cosign(Checkpoint(stage.origin, size, root), timestamp, name, signer)
        return Cosigned(0, size, root, timestamp, line.signature)

    # -- looking --------------------------------------------------------------------------------

    def show(self, kinds: str) -> None:
        self._set_hidden(kinds, hidden=False)

    def hide(self, kinds: str) -> None:
        self._set_hidden(kinds, hidden=True)

    def _set_hidden(self, kinds: str, *, hidden: bool) -> None:
        for kind in kinds.split():
            if kind not in {*KINDS.values(), *_OTHER_KINDS}:
                raise ScriptError(f"nothing is told of the kind {kind}")
            if hidden:
                self.stage.teller.hidden[kind] = None
            else:
                self.stage.teller.hidden.pop(kind, None)

    def status(self) -> None:
        say = self.stage.teller.say
        say("member  view  mode      executed  stable  pending")
        for member in self._named("all"):
            if not member.up:
                say(f"{member.id:<7} down")
                continue
            if not member.seated:
                say(f"{member.id:<7} -     follows   {member.height}")
                continue
            replica = member.replica
            mode = "lost" if replica.lost else replica.mode.value
            say(
                f"{member.id:<7} {replica.view:<5} {mode:<9} {replica.executed:<9} "
                f"{replica.stable:<7} {replica.pending}"
            )

    def chain(self, name: str) -> None:
        (member,) = self._named(name)
        words = self.stage.teller.words
        for block in member.disk.chain:
            what = words.transactions([one.digest for one in block.transactions])
            time = (block.time - EPOCH_MS) / 1000
            self.stage.teller.say(f"block {block.height}  {time:.3f} s  {what or 'null'}")


def _has_come_to(seen: object, field: str, value: str) -> bool:
    """Numbers only grow, except how much waits: to have come to one is to be there or beyond."""
    if isinstance(seen, int) and value.isdigit() and field != "pending":
        return seen >= int(value)
    return str(seen) == value


def _list(names: str | None) -> list[str]:
    return names.split() if names else []


_VOTE = re.compile(
    r"(?P<kind>pre-prepare|prepare|commit) v(?P<view>\d+) s(?P<sequence>\d+) "
    r"\[(?P<transactions>t\d+(?: t\d+)*)\]"
)
_COSIGNED = re.compile(r"cosigned size (?P<size>\d+)(?P<second> b)? at (?P<at>\d+) s")

_NAMED_MESSAGES: dict[str, type[object]] = {
    "transactions": wire.Transactions,
    "pre-prepare": wire.PrePrepare,
    "prepare": wire.Prepare,
    "commit": wire.Commit,
    "committed": wire.Committed,
    "view-change": wire.ViewChange,
    "new-view": wire.NewView,
    "stable": wire.StableProof,
    "status": wire.Status,
    "overdue": wire.Overdue,
    "settled": wire.Settled,
    "recall": wire.Recall,
    "recalled": wire.Recalled,
    "fetch": wire.Fetch,
    "batches": wire.Batches,
    "cosigned": wire.Cosigned,
}
_OTHER_KINDS = (
    "records", "checks", "state", "certificates", "refusals", "findings", "epochs", "halts",
    "power", "blocks", "repeats",
)  # fmt: skip

# What `until` can wait for.
_LOOKS: dict[str, Callable[[ToldMember], object]] = {
    "view": lambda member: member.replica.view,
    "epoch": lambda member: member.epoch.number,
    "mode": lambda member: "lost" if member.replica.lost else member.replica.mode.value,
    "executed": lambda member: member.height,
    "stable": lambda member: member.replica.stable,
    "pending": lambda member: member.replica.pending,
    "certified-as-of": lambda member: (
        min(member.disk.certificate.timestamps()) - EPOCH_MS // 1000
        if member.disk.certificate
        else "never"
    ),
}

_COMMANDS: list[tuple[re.Pattern[str], Callable[..., None]]] = [
    (re.compile(pattern), method)
    for pattern, method in (
        (r"members (?P<n>\d+)(?P<options>(?: \w+=\d+)*)", Storyteller.members),
        (rf"submit {TRANSACTIONS} to {ONE}", Storyteller.submit),
        (rf"join {ONE}", Storyteller.join),
        (rf"(?P<transaction>t\d+) decides (?P<names>{SOME})", Storyteller.decide),
        (r"deliver", Storyteller.deliver),
        (r"settle", Storyteller.settle),
        (r"wait (?P<ms>\d+) ms", Storyteller.wait),
        (
            rf"until {NAMES} (?P<field>{'|'.join(_LOOKS)}) (?P<value>\S+)",
            Storyteller.until,
        ),
        (LOSE, Storyteller.lose),
        (rf"cut {NAMES}", Storyteller.cut),
        (r"heal", Storyteller.heal),
        (rf"crash {NAMES}", Storyteller.crash),
        (rf"restart {NAMES}", Storyteller.restart),
        (rf"wipe {ONE}", Storyteller.wipe),
        (rf"copy the disk of {ONE}", Storyteller.copy),
        (rf"put back the disk of {ONE}", Storyteller.put_back),
        (rf"corrupt {ONE}", Storyteller.corrupt),
        (rf"err {ONE} at (?P<height>\d+)", Storyteller.err),
        (rf"lie {ONE} to {NAMES}: (?P<what>.+)", Storyteller.lie),
        (r"show (?P<kinds>[a-z ]+)", Storyteller.show),
        (r"hide (?P<kinds>[a-z ]+)", Storyteller.hide),
        (r"status", Storyteller.status),
        (rf"chain {ONE}", Storyteller.chain),
    )
]

# Commands after which something may happen: a story says so when nothing did.
_EVENTS = (
    Storyteller.submit,
    Storyteller.deliver,
    Storyteller.settle,
    Storyteller.wait,
    Storyteller.until,
)
