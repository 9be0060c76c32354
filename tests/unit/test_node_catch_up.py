"""A member that lags fetches certified blocks; who lies to it is left for the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import node.catch_up as catch_up_module
from consensus.inputs import Installed, Rooted
from consensus.messages import Line, Stable, StableProof, encode
from ledger.block import HEADER
from ledger.checkpoint import Certificate, Checkpoint, cosign
from ledger.merkle_log import MerkleLog, leaf_hash
from node.catch_up import (
    _MESSAGE,
    ANSWERS_KEPT,
    ANSWERS_PER_SECOND_MAX,
    ATTEMPTS_MAX,
    BLOCKS_PER_ANSWER_MAX,
    _Answer,
    _Ask,
)
from node.channels import CATCH_UP, ENGINE, frame
from tests.node_world import MEMBERS, Node, define, make_genesis, seen, signer

Forge = Callable[[_Answer, Node], _Answer]


class Story:
    """m1 lags; m2 has the chain; what they say to each other passes through the test."""

    def __init__(self, folder: Path) -> None:
        self.lagging = Node(folder / "lagging", "m1")
        self.server = Node(folder / "server", "m2")
        self.told: list[Any] = []
        self.lagging.driver._tell = lambda _, given: self.told.append(given)  # type: ignore[assignment, method-assign]

    def grow(self, count: int, *, empty: bool = False) -> None:
        """Blocks and their certificate at the server."""
        for n in range(count):
            height = self.server.executor.height + 1
            self.server.block(*([] if empty else [define(f"{height}-{n}")]))
        self.server.certify()

    def asked(self) -> list[str]:
        """Whom the lagging member has asked since the last call."""
        frames, self.lagging.sent.frames = self.lagging.sent.frames, []
        return [peer for peer, _ in frames]

    def answer(self, above: int | None = None) -> _Answer:
        """The server's honest answer."""
        height = self.lagging.executor.height if above is None else above
        self.server.sent.frames.clear()
        self.server.catch_up._served.clear()
        self.server.catch_up._answer("m1", _Ask(height, 0))
        ((_, data),) = self.server.sent.frames
        answer = _MESSAGE.decode(data[1:])
        assert isinstance(answer, _Answer)
        return answer

    def give(self, answer: _Answer, sender: str = "m2") -> None:
        self.lagging.driver.on_frame(sender, frame(CATCH_UP, _MESSAGE.encode(answer)))

    async def install(self) -> None:
        member = self.lagging
        await seen(lambda: member.driver.halted or not member.catch_up._verified_blocks)

    def close(self) -> None:
        self.lagging.catch_up._target = 0
        if self.lagging.catch_up._timer is not None:
            self.lagging.catch_up._timer.cancel()
        self.lagging.close()
        self.server.close()


@pytest.fixture
async def story(tmp_path: Path) -> AsyncIterator[Story]:
    made = Story(tmp_path)
    yield made
    made.close()


async def test_fetched_blocks_are_executed_and_the_engine_hears_where_we_are(
    story: Story,
) -> None:
    story.grow(3)
    waiter = story.lagging.waiting.wait(define("2-1"))
    story.lagging.catch_up.start(3)
    assert story.lagging.catch_up.is_running
    assert story.asked() == ["m2"]
    story.give(story.answer())
    await story.install()
    mine, theirs = story.lagging.executor, story.server.executor
    assert (mine.height, mine.parent, mine.tree.root()) == (
        3,
        theirs.parent,
        theirs.tree.root(),
    )
    digests = tuple(define(f"{n + 1}-{n}").digest for n in range(3))
    certificate = story.server.driver.certificate
    assert story.told == [
        Installed(3, mine.time, certificate, digests),
        Rooted(3, mine.log.root(), mine.time),
    ]
    assert story.lagging.driver.certificate == certificate, "answers can be given at once"
    assert waiter.result() == (2, 0)
    assert not story.lagging.catch_up.is_running


async def test_more_than_one_answer_holds_is_fetched_in_turns(story: Story) -> None:
    story.grow(BLOCKS_PER_ANSWER_MAX + 2, empty=True)
    story.lagging.catch_up.start(1)
    story.lagging.catch_up.start(BLOCKS_PER_ANSWER_MAX + 2)  # a later call raises the target
    story.asked()
    story.give(story.answer())
    await story.install()
    assert story.lagging.executor.height == BLOCKS_PER_ANSWER_MAX
    assert story.told == []
    # Its certificate is of a height that we have not: it must not be answered from yet.
    assert story.lagging.driver.certificate is None
    assert story.asked() == ["m2"]
    story.give(story.answer())
    await story.install()
    assert isinstance(story.told[0], Installed)
    assert story.told[0].height == BLOCKS_PER_ANSWER_MAX + 2


async def test_blocks_travel_without_results_which_whoever_executes_makes(story: Story) -> None:
    story.grow(1)
    (block,) = story.answer().blocks
    assert block.results == ()
    kept = story.server.archive.block(1)
    assert kept is not None
    assert kept.results != ()


def forged_certificate(answer: _Answer, server: Node, **changes: Any) -> _Answer:
    """A certificate over a root of the liar's own, cosigned by itself alone or by nobody."""
    checkpoint = Checkpoint(
        changes.get("origin", server.genesis.origin),
        server.executor.height,
        changes.get("root", server.executor.log.root()),
    )
    cosigners = changes.get("cosigners", MEMBERS[:3])
    lines = tuple(cosign(checkpoint, 1_600_000_000, c, signer(f"{c}/cosigner")) for c in cosigners)
    note = Certificate(checkpoint, lines).to_note(server.genesis.members)
    return msgspec.structs.replace(answer, note=note)


def another_chain(answer: _Answer, server: Node) -> _Answer:
    """The liar changes the first header, links the rest to it and proves it in a log of its own."""
    headers = [HEADER.decode(block.header) for block in answer.blocks]
    forged, parent = [], server.genesis.chain_id
    for header, block in zip(headers, answer.blocks, strict=True):
        data = HEADER.encode(
            type(header)(
                **{name: getattr(header, name) for name in header.__struct_fields__}
                | {"parent": parent, "time": header.time + 1}
            )
        )
        parent = leaf_hash(data)
        forged.append(msgspec.structs.replace(block, header=data))
    log = MerkleLog([leaf_hash(block.header) for block in forged])
    inclusion = tuple(log.inclusion(len(forged) - 1, len(forged)))
    lie = msgspec.structs.replace(answer, blocks=tuple(forged), inclusion=inclusion)
    return forged_certificate(lie, server, root=log.root(), cosigners=("m2",))


def with_transactions(answer: _Answer, raws: tuple[bytes, ...]) -> _Answer:
    first = msgspec.structs.replace(answer.blocks[0], transactions=raws)
    return msgspec.structs.replace(answer, blocks=(first, *answer.blocks[1:]))


LIES: dict[str, Forge] = {
    "no blocks": lambda a, _: msgspec.structs.replace(a, blocks=()),
    "a block left out": lambda a, _: msgspec.structs.replace(a, blocks=a.blocks[1:]),
    "blocks out of order": lambda a, _: msgspec.structs.replace(a, blocks=a.blocks[::-1]),
    "other transactions": lambda a, _: with_transactions(a, (define("lie").raw,)),
    "a transaction that is none": lambda a, _: with_transactions(a, (b"\xc1",)),
    "no header": lambda a, _: msgspec.structs.replace(
        a, blocks=(msgspec.structs.replace(a.blocks[0], header=b"\x80"), *a.blocks[1:])
    ),
    "another chain": another_chain,
    "a cut proof": lambda a, _: msgspec.structs.replace(a, inclusion=a.inclusion[1:]),
    "too few cosignatures": lambda a, s: forged_certificate(a, s, cosigners=MEMBERS[:2]),
    "one member twice": lambda a, s: forged_certificate(a, s, cosigners=("m1", "m2", "m2")),
    "another origin": lambda a, s: forged_certificate(a, s, origin=make_genesis("x").origin),
    "no note": lambda a, _: msgspec.structs.replace(a, note=""),
    "a note of text": lambda a, _: msgspec.structs.replace(a, note="x\n\n— y z\n"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_who_lies_is_left_for_the_next_and_changes_nothing(story: Story, lie: str) -> None:
    """R-CP-4."""
    story.grow(4)
    story.lagging.catch_up.start(4)
    assert story.asked() == ["m2"]
    try:
        forged = LIES[lie](story.answer(), story.server)
    except Exception as error:  # noqa: BLE001  a lie that cannot even be written down
        pytest.fail(f"the lie {lie!r} has no form: {error}")
    story.give(forged)
    await story.install()
    assert story.lagging.executor.height == 0
    assert story.lagging.driver.halted is None
    assert story.lagging.driver.certificate is None
    assert story.asked() == ["m3"]
    story.give(story.answer(), "m3")
    await story.install()
    assert story.lagging.executor.height == 4


async def test_answers_that_were_not_asked_for_are_not_looked_at(story: Story) -> None:
    story.grow(3)
    answer = story.answer()
    story.give(answer)  # nothing was asked at all
    story.lagging.catch_up.start(3)
    story.give(answer, "m4")  # somebody else was asked
    story.give(story.answer(1))  # other blocks were asked for
    await story.install()
    assert story.lagging.executor.height == 0


async def test_who_is_slow_is_left_and_its_late_answer_ignored(story: Story) -> None:
    story.grow(2)
    story.lagging.catch_up.start(2)
    late = story.answer()
    story.lagging.catch_up._give_up()
    assert story.asked() == ["m2", "m3"]
    story.give(late)
    await story.install()
    assert story.lagging.executor.height == 0
    story.give(late, "m3")
    await story.install()
    assert story.lagging.executor.height == 2


async def test_when_nobody_answers_the_engine_hears_what_was_reached_and_is_not_held_for_ever(
    story: Story,
) -> None:
    story.lagging.catch_up.start(9)
    for _ in range(ATTEMPTS_MAX * 3):
        assert story.told == []
        story.lagging.catch_up._give_up()
    assert story.told == [Installed(0, story.lagging.executor.time, None, ())]
    assert story.asked() == ["m2", "m3", "m4"] * ATTEMPTS_MAX


async def test_members_that_cannot_be_reached_cost_no_time(story: Story) -> None:
    story.lagging.sent.away = {"m2", "m3"}
    story.lagging.catch_up.start(9)
    assert story.asked() == ["m4"]


@pytest.mark.parametrize("good", [0, 1])
async def test_a_certified_block_that_we_cannot_reproduce_halts_us(story: Story, good: int) -> None:
    """R-DT-4. Our own execution is wrong: here because a state value was changed on our disk."""
    story.grow(2)
    story.lagging.catch_up.start(2)
    answer = story.answer()

    def damage() -> None:
        tree = story.lagging.executor.tree
        tree.update(good + 1, {bytes(32): bytes(32)})
        tree._newest = good

    if good == 0:
        damage()
    story.give(answer)  # the first block is executed at once, the others in turns of the loop
    if good == 1:
        damage()
    await story.install()
    await seen(lambda: story.lagging.driver.halted)
    assert "differs from its certificate" in str(story.lagging.driver.halted)
    assert story.lagging.archive.executed == good
    assert story.told == []


async def test_a_member_serves_what_it_has_certified_and_nothing_else(story: Story) -> None:
    server = story.server
    server.block(define("a"))
    server.catch_up._answer("m1", _Ask(0, 0))
    assert server.sent.frames == []  # executed, not certified
    server.certify()
    server.block(define("b"))
    server.catch_up._answer("m1", _Ask(0, 0))
    server.catch_up._answer("m1", _Ask(1, 0))
    server.catch_up._answer("m1", _Ask(2**53 - 1, 0))
    answers = [(peer, _MESSAGE.decode(data[1:])) for peer, data in server.sent.frames]
    told = [(peer, len(one.blocks)) for peer, one in answers if isinstance(one, _Answer)]
    assert told == [("m1", 1), ("m1", 0)]  # who has everything hears the certificate alone


async def test_who_lags_behind_a_proof_that_only_the_engine_was_shown_is_served_with_it(
    story: Story,
) -> None:
    """R-CP-4; a liar may give the only proof of a height below which nobody votes any more."""
    server, height = story.server, story.server.executor.height
    server.block(define("a"))
    certificate = server.certificate()
    checkpoint = certificate.checkpoint
    lines = tuple(
        Line(MEMBERS.index(one.member), one.timestamp, one.signature)
        for one in certificate.cosignatures
    )
    stable = Stable(checkpoint.size, checkpoint.root, lines)
    server.driver.on_frame("m3", frame(ENGINE, encode(StableProof(0, stable))))
    await seen(lambda: server.driver.provable() is not None)
    assert server.driver.certificate is None  # no answer rests on it
    answer = story.answer(height)
    assert len(answer.blocks) == 1


async def test_a_certificate_with_a_word_from_before_its_block_is_no_ground_for_answers(
    story: Story,
) -> None:
    member = story.lagging
    block = member.block(define("a"))
    early = member.certificate(seconds=block.time // 1000 - 1)
    member.driver.installed(block.height, block.time, early)
    assert member.driver.certificate is None
    sound = member.certificate(seconds=block.time // 1000)
    member.driver.installed(block.height, block.time, sound)
    assert member.driver.certificate == sound


async def test_a_member_that_asks_without_end_is_served_so_often_a_second(story: Story) -> None:
    story.grow(1)
    for _ in range(3 * ANSWERS_PER_SECOND_MAX):
        story.server.catch_up._answer("m1", _Ask(0, 0))
    answered = len(story.server.sent.frames)
    assert answered <= 2 * ANSWERS_PER_SECOND_MAX  # a second may end meanwhile
    story.server.sent.frames.clear()
    story.server.catch_up._answer("m3", _Ask(0, 0))
    assert len(story.server.sent.frames) == 1


async def test_the_same_question_is_encoded_once_and_few_answers_are_kept(story: Story) -> None:
    story.grow(ANSWERS_KEPT + 3)
    server, read = story.server, list[int]()
    real = server.archive.block_bytes

    def noting(height: int) -> bytes | None:
        read.append(height)
        return real(height)

    server.archive.block_bytes = noting  # type: ignore[method-assign]
    for _ in range(3):
        server.catch_up._answer("m1", _Ask(3, 0))
    server.catch_up._answer("m3", _Ask(3, 0))
    assert len({data for _, data in server.sent.frames}) == 1
    assert read == [4, 5]
    for above in range(ANSWERS_KEPT + 1):
        server.catch_up._answer("m1", _Ask(above, 0))
    assert len(server.catch_up._answers) == ANSWERS_KEPT


async def test_a_peer_is_served_so_many_bytes_a_second_and_others_are_not_kept_waiting(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.grow(2)
    server = story.server
    cost = sum(len(server.archive.block_bytes(height) or b"") for height in (1, 2))
    monkeypatch.setattr(catch_up_module, "BYTES_PER_SECOND_MAX", 2 * cost)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: 7.5, raising=False)
    for _ in range(5):
        server.catch_up._answer("m1", _Ask(0, 0))
    assert len(server.sent.frames) == 2
    server.catch_up._answer("m3", _Ask(0, 0))
    assert [peer for peer, _ in server.sent.frames] == ["m1", "m1", "m3"]
