"""A member that lacks much fetches the state itself, verifies it piece by piece and goes on from it
(R-CP-3 to R-CP-7).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path as Folder
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from ledger.block import HEADER, RESULT
from ledger.leaf import state_value
from ledger.paths import Path
from ledger.snapshot import LAST_KEY, Entry
from node.archive import Gap
from node.snapshot.messages import (
    Answer,
    AskChunk,
    AskHeaders,
    AskIds,
    Headers,
    Holding,
    Ids,
    Message,
    Offer,
    Piece,
    Question,
)
from node.snapshot.sources import Sources
from tests.node_snapshot import SERVERS, Town, contents, small_pieces
from tests.node_world import Node, define


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    small_pieces(monkeypatch)


@pytest.fixture
async def town(tmp_path: Folder) -> AsyncIterator[Town]:
    made = Town(tmp_path)
    yield made
    made.close()


async def test_a_new_member_holds_the_state_of_a_certified_height_and_executes_what_follows(
    town: Town,
) -> None:
    """R-CP-3: the same next blocks, the same roots."""
    town.mature()
    height = town.server.executor.height
    await town.join()
    joiner, server = town.joiner, town.server
    assert joiner.driver.halted is None
    assert (joiner.executor.height, joiner.catch_up.installed) == (height, 0)
    assert contents(joiner) == contents(server)
    assert joiner.executor.tree.root() == server.executor.tree.root()
    assert joiner.executor.log.root() == server.executor.log.root()
    assert (joiner.executor.time, joiner.executor.parent) == (
        server.executor.time,
        server.executor.parent,
    )
    assert joiner.driver.certificate == server.driver.certificate
    installed = town.installed
    assert installed is not None
    assert (installed.height, installed.time) == (height, server.executor.time)
    codes = set()
    for n in range(30):  # through the end of every bucket that travelled
        time = joiner.executor.time + 5_000
        batch = town.consumed, define("new"), define(f"then-{n}", valid_until=time + 9)
        theirs = [town.nodes[name].block(*batch, time=time) for name in SERVERS]
        ours = joiner.block(*batch, time=time)
        assert [ours.header] * 3 == [one.header for one in theirs]
        codes.add(RESULT.decode(ours.results[0]).code)
    assert codes == {"replayed", "expired"}, "what was consumed before we joined stays consumed"
    assert contents(joiner) == contents(server)


async def test_every_kind_of_piece_is_asked_of_every_server(town: Town) -> None:
    town.mature()
    await town.join()
    for kind in (AskHeaders, AskChunk, AskIds):
        assert len([one for _, one in town.asked if isinstance(one, kind)]) >= 2, kind
    assert {peer for peer, one in town.asked if isinstance(one, AskChunk)} == set(SERVERS)


async def test_servers_go_on_while_they_give_and_the_joiner_executes_the_rest(town: Town) -> None:
    town.mature()
    target = town.server.executor.height + 5

    def meanwhile(sender: str, receiver: str, message: Message) -> Message:
        if isinstance(message, Piece) and town.server.executor.height < target:
            height = town.server.executor.height
            town.grow(1)
            changed = town.joiner.catch_up.joining._transfer
            assert changed is not None
            assert changed.height <= height
        return message

    town.tamper = meanwhile
    await town.join(target)
    joiner, server = town.joiner, town.server
    transferred = joiner.executor.height - joiner.catch_up.installed
    assert 0 < transferred < joiner.executor.height == server.executor.height == target
    assert contents(joiner) == contents(server)
    assert joiner.archive.gap == Gap(1, transferred)


async def test_a_member_that_came_by_a_snapshot_follows_by_blocks_until_it_is_close(
    town: Town,
) -> None:
    """Or one snapshot would follow the other for as long as the others are quicker."""
    town.mature()
    await town.join()
    gap = town.joiner.archive.gap
    town.grow(5)  # as many as were ordered meanwhile, and more than it would execute otherwise
    await town.join()
    assert town.joiner.catch_up.installed == 5
    assert town.joiner.archive.gap == gap
    assert contents(town.joiner) == contents(town.server)


# Lies.


def other_value(piece: Piece) -> Piece:
    first, *rest = piece.chunk.entries
    forged = Entry(first.path, state_value(b"\xc0", 0, ()))
    return replace(piece, chunk=replace(piece.chunk, entries=(forged, *rest)))


def cut_short(piece: Piece) -> Piece:
    """One entry, with the proof that there is one: true, and not all that was asked for."""
    return replace(piece, chunk=replace(piece.chunk, entries=piece.chunk.entries[:1], proof=()))


def nothing_left(piece: Piece) -> Piece:
    return replace(piece, chunk=replace(piece.chunk, entries=(), last=LAST_KEY))


def another_path(piece: Piece) -> Piece:
    first, *rest = piece.chunk.entries
    forged = Entry(Path("supplies", "item", "lie"), first.value)
    return replace(piece, chunk=replace(piece.chunk, entries=(forged, *rest)))


def uncertified(offer: Offer) -> Offer:
    """A height that does not exist, with the certificate of one that does."""
    header = HEADER.decode(offer.header)
    higher = HEADER.encode(replace(header, height=header.height + 1))
    return replace(offer, height=offer.height + 1, header=higher)


def few_signatures(offer: Offer) -> Offer:
    lines = offer.note.split("\n")
    return replace(offer, note="\n".join(lines[:-2]) + "\n")


LIES: dict[str, tuple[type, Callable[[Any], Message]]] = {
    "an offer of no certificate": (Offer, lambda m: replace(m, note="")),
    "an offer of a height that does not exist": (Offer, uncertified),
    "an offer under too few signatures": (Offer, few_signatures),
    "an offer of another header": (
        Offer,
        lambda m: replace(
            m, header=HEADER.encode(replace(HEADER.decode(m.header), state=bytes(32)))
        ),
    ),
    "an offer below our own height": (Offer, lambda m: replace(m, height=0)),
    "no headers": (Headers, lambda m: replace(m, headers=())),
    "a header left out": (Headers, lambda m: replace(m, headers=m.headers[1:])),
    "headers in another order": (Headers, lambda m: replace(m, headers=m.headers[::-1])),
    "more headers than were asked for": (
        Headers,
        lambda m: replace(m, headers=m.headers + m.headers[:1]),
    ),
    "a header that is none": (Headers, lambda m: replace(m, headers=(b"\x80",) * len(m.headers))),
    "another value": (Piece, other_value),
    "another path": (Piece, another_path),
    "a chunk cut short": (Piece, cut_short),
    "a state that ends early": (Piece, nothing_left),
    "no proof": (Piece, lambda m: replace(m, chunk=replace(m.chunk, proof=()))),
    "no ids": (Ids, lambda m: replace(m, joined=b"")),
    "half an id": (Ids, lambda m: replace(m, joined=m.joined[:-1])),
    "an id changed": (Ids, lambda m: replace(m, joined=bytes(32) + m.joined[32:])),
    "ids in another order": (Ids, lambda m: replace(m, joined=m.joined[32:] + m.joined[:32])),
    "more ids than were asked for": (Ids, lambda m: replace(m, joined=m.joined + bytes(32))),
}


@pytest.mark.parametrize("lie", LIES)
async def test_who_lies_is_left_out_and_reported_and_the_others_do(
    town: Town, lie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-CP-4: a lie costs a piece, of a bucket of ids the bucket."""
    town.mature()
    kind, forge = LIES[lie]
    lies = 0
    waiting: list[tuple[str, str, Message]] | None = None if kind is Offer else []

    def tamper(sender: str, receiver: str, message: Message) -> Message | None:
        nonlocal lies, waiting
        if isinstance(message, Holding) and waiting is not None:
            # The liar is known first, however busy the machine: or others might do all the work.
            if sender != "m2":
                waiting.append((sender, receiver, message))
                return None
            for one in waiting:
                town.send_later(*one)
            waiting = None
        if sender != "m2" or not isinstance(message, kind):
            return message
        forged = forge(message)
        lies += forged != message
        return forged

    turns = Sources.by_turn
    monkeypatch.setattr(
        Sources, "by_turn", lambda self: sorted(turns(self), key=lambda peer: peer != "m2")
    )

    town.tamper = tamper
    await town.join()
    joiner = town.joiner
    assert joiner.driver.halted is None
    assert contents(joiner) == contents(town.server)
    assert joiner.catch_up.installed == 0
    most = buckets_of(joiner) if kind is Ids else 1
    assert 1 <= lies <= most
    (report,) = joiner.driver.reports
    assert report.startswith("snapshot: m2: ")


def buckets_of(node: Node) -> int:
    """Answers that the longest bucket took."""
    return max(len(ids) // 32 for key, ids in contents(node).items() if key[:1] == b"d")


@pytest.mark.parametrize("lie", LIES)
async def test_when_all_lie_nothing_of_it_is_put_in_force(town: Town, lie: str) -> None:
    town.mature()
    kind, forge = LIES[lie]
    town.tamper = lambda sender, receiver, m: forge(m) if isinstance(m, kind) else m
    await town.join()
    joiner = town.joiner
    assert joiner.driver.halted is None
    assert joiner.archive.state.number == 0, "blocks were fetched instead"
    assert joiner.archive.gap is None
    assert joiner.catch_up.installed == joiner.executor.height == town.server.executor.height


def test_every_message_stands_in_the_protocols_table_and_nothing_else(repository: Folder) -> None:
    page = (repository / "docs" / "protocol" / "snapshot.md").read_text("utf-8")
    table = page.partition("## Messages\n")[2].partition("\n## ")[0]
    told = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    types = [each for union in (Question, Answer) for each in get_args(union)]
    assert sorted(told) == sorted(str(each.__struct_config__.tag) for each in types)
