"""The driver's promises: order, durability before words, one sync a turn, and a loud stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from consensus.effects import (
    CertificateReady,
    Check,
    Discard,
    Halt,
    NeedState,
    Ordered,
    Refused,
    Send,
    Store,
)
from consensus.inputs import (
    Certified,
    CertifierTick,
    Checked,
    Deliver,
    Executed,
    Installed,
    Recollected,
    Rooted,
    Stored,
    Submit,
    Tick,
)
from ledger.codec import encode
from ledger.errors import ClientFault
from ledger.paths import Path as EntityPath
from node.channels import CATCH_UP, CERTIFIER, ENGINE
from node.checking import INLINE_CHECKS_MAX
from node.clock import Clock
from node.driver import TURN_INPUTS_MAX
from node.store import StoreFull
from tests.node_world import START, Node, define, make_genesis, seen

ITEM = EntityPath("supplies", "item", "red-cross.a")


class Scripted:
    """A machine that notes what it is told and answers what the test says; ticks are not noted."""

    lost, proven = False, None

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.answers: dict[type, Callable[[Any], Sequence[Any]]] = {}

    def step(self, given: Any) -> Sequence[Any]:
        if isinstance(given, Tick | CertifierTick):
            return []
        self.told.append(given)
        return self.answers.get(type(given), lambda _: [])(given)


class Puppet(Node):
    """A member whose two machines are scripted."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.engine, self.certifier = Scripted(), Scripted()
        self.driver._replica = self.engine  # type: ignore[assignment]
        self.driver._certifier = self.certifier  # type: ignore[assignment]
        self.store.batches.clear()

    def deliver(self, *datas: bytes, channel: int = ENGINE) -> None:
        for data in datas:
            self.driver.on_frame("m2", bytes([channel]) + data)

    async def quiet(self) -> None:
        """Let the loop run until nothing waits for a turn."""
        await asyncio.sleep(0)
        await seen(lambda: self.driver.halted or not self.driver.inbox)


@pytest.fixture
async def puppet(tmp_path: Path) -> AsyncIterator[Puppet]:
    made = Puppet(tmp_path / "d")
    yield made
    made.close()


def numbered() -> Callable[[Any], list[Any]]:
    """Each delivery makes the next record."""
    count = 0

    def answer(given: Deliver) -> list[Any]:
        nonlocal count
        count += 1
        return [Store(count, given.data)]

    return answer


async def test_all_records_of_a_turn_are_one_synced_write_and_then_the_machines_hear(
    puppet: Puppet,
) -> None:
    puppet.engine.answers[Deliver] = numbered()
    puppet.certifier.answers[Deliver] = numbered()
    puppet.deliver(b"a", b"b")
    puppet.deliver(b"c", channel=CERTIFIER)
    puppet.deliver(b"d")
    await puppet.quiet()
    ((batch, sync),) = puppet.store.batches
    assert sync
    assert sorted((value or b"")[8:] for value in batch.values()) == [b"a", b"b", b"c", b"d"]
    assert puppet.engine.told[-1] == Stored(3)
    assert puppet.certifier.told[-1] == Stored(1)
    assert puppet.archive.records(b"e") == [(1, b"a"), (2, b"b"), (3, b"d")]
    assert puppet.archive.records(b"f") == [(1, b"c")]


async def test_what_storing_sets_free_is_itself_stored_and_then_sent(puppet: Puppet) -> None:
    puppet.engine.answers[Deliver] = lambda _: [Store(1, b"prepare")]
    puppet.engine.answers[Stored] = lambda given: (
        [Send(("m2", "m3"), b"prepare", 1), Store(2, b"commit")]
        if given.number == 1
        else [Send(("m4",), b"commit", 2)]
    )
    puppet.deliver(b"x")
    await puppet.quiet()
    written = [[(value or b"")[8:] for value in b.values()] for b, _ in puppet.store.batches]
    assert written == [[b"prepare"], [b"commit"]]
    assert puppet.sent.frames == [
        ("m2", b"\x01prepare"),
        ("m3", b"\x01prepare"),
        ("m4", b"\x01commit"),
    ]


async def test_a_write_that_fails_halts_and_nothing_is_told_or_sent(
    puppet: Puppet, tmp_path: Path
) -> None:
    puppet.engine.answers[Deliver] = lambda _: [Store(1, b"vote")]
    puppet.engine.answers[Stored] = lambda _: [Send(("m2",), b"vote", 1)]
    puppet.store.failure = StoreFull(tmp_path, "has no space left")
    waiter = puppet.waiting.wait(define("a"))
    puppet.deliver(b"x")
    await puppet.quiet()
    assert puppet.driver.halted is not None
    assert "no space" in puppet.driver.halted
    assert puppet.engine.told == [Deliver("m2", b"x")]
    assert puppet.sent.frames == []
    assert waiter.result() is None


@pytest.mark.parametrize("error", [KeyError("a bug"), ZeroDivisionError(), RecursionError()])
async def test_what_nobody_foresaw_halts_too(puppet: Puppet, error: Exception) -> None:
    def broken(_: Any) -> Sequence[Any]:
        raise error

    puppet.engine.answers[Deliver] = broken
    puppet.deliver(b"x", b"y", b"z")
    await puppet.quiet()
    assert type(error).__name__ in str(puppet.driver.halted)
    assert len(puppet.engine.told) == 1
    assert len(puppet.driver.inbox) == 0
    puppet.deliver(b"more")
    puppet.driver.submit([define("a")])
    await asyncio.sleep(0)
    assert len(puppet.engine.told) == 1


async def test_a_machine_that_says_halt_is_obeyed_before_its_next_effect(puppet: Puppet) -> None:
    puppet.certifier.answers[Deliver] = lambda _: [
        Store(1, b"kept back"),
        Halt("q members cosigned another root"),
        Send(("m2",), b"never"),
    ]
    puppet.deliver(b"x", channel=CERTIFIER)
    await puppet.quiet()
    assert "another root" in str(puppet.driver.halted)
    assert puppet.sent.frames == []
    assert puppet.archive.records(b"f") == []


async def test_a_block_is_durable_before_its_root_is_told_and_that_comes_before_other_news(
    puppet: Puppet,
) -> None:
    puppet.engine.answers[Deliver] = lambda given: (
        [Ordered(1, 0, START + 5, (define("a"),))] if given.data == b"go" else []
    )
    puppet.certifier.answers[Rooted] = lambda given: [Store(1, b"cosigned")]
    puppet.deliver(b"go", *[b"later"] * (TURN_INPUTS_MAX + 1))
    await puppet.quiet()
    block, record = puppet.store.batches[:2]
    assert block[1], "the block itself is synced"
    assert any(key.startswith(b"b") for key in block[0])
    assert list(record[0].values()) == [(1).to_bytes(8, "big") + b"cosigned"]
    told = puppet.engine.told
    # Nothing that came in a later turn is heard before Executed.
    assert told.index(Executed(1, puppet.executor.parent, None)) <= TURN_INPUTS_MAX
    rooted = Rooted(1, puppet.executor.log.root(1), START + 5)
    assert puppet.certifier.told[:1] == [rooted]


async def test_a_flood_of_frames_does_not_keep_records_from_the_disk(puppet: Puppet) -> None:
    puppet.engine.answers[Deliver] = numbered()
    puppet.deliver(*[b"x"] * (3 * TURN_INPUTS_MAX))
    await puppet.quiet()
    sizes = [len(batch) for batch, _ in puppet.store.batches]
    assert sum(sizes) == 3 * TURN_INPUTS_MAX
    assert max(sizes) <= TURN_INPUTS_MAX


async def test_inputs_that_take_long_leave_the_loop_to_others_in_between(puppet: Puppet) -> None:
    """A peer may find inputs that cost 50 ms each: after each, others are heard."""
    now = 0.0

    class Slow(Clock):
        def monotonic(self) -> float:
            return now

    def slow(_: Any) -> list[Any]:
        nonlocal now
        now += 0.05
        heard.append("slow")
        return []

    heard: list[str] = []
    puppet.driver._clock = Slow()
    puppet.engine.answers[Deliver] = slow
    puppet.deliver(b"a", b"b", b"c")
    for _ in range(3):
        await asyncio.sleep(0)
        heard.append("others")
    assert heard == ["slow", "others"] * 3


async def test_discarded_records_go_once_and_only_those(puppet: Puppet) -> None:
    puppet.engine.answers[Deliver] = numbered()
    puppet.engine.answers[Stored] = lambda given: [Discard(given.number)]
    puppet.deliver(b"a", b"b", b"c")
    await puppet.quiet()
    assert puppet.archive.records(b"e") == [(3, b"c")]
    puppet.deliver(b"d")
    await puppet.quiet()
    assert puppet.archive.records(b"e") == [(4, b"d")]
    removed = [k for batch, _ in puppet.store.batches for k, v in batch.items() if v is None]
    assert len(removed) == len(set(removed)) == 4  # numbers 0 to 3, each once


@pytest.mark.parametrize("count", [1, INLINE_CHECKS_MAX + 4])
async def test_checks_say_for_each_in_order_whether_it_is_a_transaction_of_this_chain(
    puppet: Puppet, count: int
) -> None:
    good = define("a")
    foreign = define("a", genesis=make_genesis("other.test"))
    broken = encode([good.body_bytes, [bytes(64)]])
    raws = (b"", good.raw, foreign.raw, broken, good.raw + b"\x00") * count
    puppet.engine.answers[Deliver] = lambda _: [Check(9, raws)]
    puppet.deliver(b"x")
    await seen(lambda: len(puppet.engine.told) == 2)
    checked = puppet.engine.told[-1]
    assert isinstance(checked, Checked)
    assert checked.token == 9
    found = [None if each is None else each.id for each in checked.transactions]
    assert found == [None, good.id, None, None, None] * count


async def test_refusals_of_the_engine_and_reports_reach_those_concerned(puppet: Puppet) -> None:
    one = define("a")
    waiter = puppet.waiting.wait(one)
    puppet.engine.answers[Submit] = lambda _: [Refused((one.digest,), "pool-full")]
    puppet.driver.submit([one])
    await puppet.quiet()
    assert waiter.result() == "pool-full"
    assert puppet.engine.told == [Submit((one,))]


async def test_a_certificate_of_a_height_not_yet_executed_is_used_once_it_is(
    puppet: Puppet, tmp_path: Path
) -> None:
    """The others may be faster: what they certified is no answer here before we have it."""
    other = Node(tmp_path / "other", "m2")
    for name in "abc":
        other.block(define(name))
    puppet.driver.adopt(puppet.block(define("a")))
    waiter = puppet.waiting.wait(define("b"))
    first, ahead = other.certificate(1), other.certificate(2)
    for certificate in (first, ahead, other.certificate(3)):
        size = certificate.checkpoint.size
        puppet.certifier.answers[Deliver] = lambda _, c=certificate, s=size: [  # type: ignore[misc]
            CertificateReady(s, c)
        ]
        puppet.deliver(b"x", channel=CERTIFIER)
        await puppet.quiet()
    assert puppet.engine.told[-1] == Certified(3, other.certificate(3)), "the engine hears at once"
    assert puppet.driver.certificate == first
    assert puppet.proofs.height() == 1
    assert puppet.proofs.entity(ITEM)
    puppet.driver.adopt(puppet.block(define("b")))
    assert puppet.driver.certificate == ahead
    assert waiter.result() == (2, 0)
    assert puppet.archive.certificate() == (2, ahead.to_note(puppet.genesis.members))
    other.close()


async def test_the_newest_certificate_never_gets_older(puppet: Puppet) -> None:
    puppet.driver.adopt(puppet.block())
    puppet.driver.adopt(puppet.block())
    seconds = START // 1000 + 100
    newest = puppet.certify(2, seconds)
    puppet.certify(1, seconds + 50)
    puppet.certify(2, seconds - 1)
    assert puppet.driver.certificate == newest
    fresher = puppet.certify(2, seconds + 5)
    assert puppet.driver.certificate == fresher


async def test_before_the_first_certificate_answers_are_refused_and_not_invented(
    puppet: Puppet,
) -> None:
    puppet.block(define("a"))
    with pytest.raises(ClientFault, match="not-certified"):
        puppet.proofs.height()


async def test_need_state_starts_catch_up_and_installed_ends_it(puppet: Puppet) -> None:
    puppet.engine.answers[Deliver] = lambda _: [NeedState(5)]
    puppet.sent.away = {"m2", "m3", "m4"}
    puppet.deliver(b"x")
    await puppet.quiet()
    await puppet.quiet()
    assert not puppet.catch_up.is_running
    assert puppet.engine.told[-1] == Installed(0, START, None, ())


async def test_what_the_engine_learns_of_its_store_reaches_the_certifier_first(
    puppet: Puppet,
) -> None:
    """R-DW-4: before any frame that already waits for the Certifier."""
    puppet.engine.answers[Deliver] = lambda _: [Recollected(False)]
    puppet.deliver(b"recalled")
    puppet.deliver(b"word", channel=CERTIFIER)
    await puppet.quiet()
    told = [one for one in puppet.certifier.told if isinstance(one, Recollected | Deliver)]
    assert told == [Recollected(False), Deliver("m2", b"word")]


async def test_frames_of_no_machine_and_empty_frames_are_dropped(puppet: Puppet) -> None:
    for data in (b"", b"\x00x", b"\x04x", b"\xff"):
        puppet.driver.on_frame("m2", data)
    puppet.driver.on_frame("m2", bytes([CATCH_UP]) + b"\xc1")
    await puppet.quiet()
    assert puppet.engine.told == puppet.certifier.told == []
    assert puppet.driver.halted is None


async def test_a_stopped_driver_signs_and_hears_nothing(puppet: Puppet) -> None:
    puppet.driver.start()
    puppet.driver.stop()
    puppet.deliver(b"x")
    await asyncio.sleep(0)
    assert puppet.engine.told == []
