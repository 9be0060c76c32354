"""Files that convict a log: by its own proofs and tiles, and by nothing that somebody made up."""

from __future__ import annotations

import pytest

from client.witness.blame import (
    Blame,
    convict,
    convict_by_tiles,
    decode_blame,
    encode_blame,
    verify_blame,
)
from ledger.errors import Malformed
from ledger.merkle_log import MerkleLog, leaf_hash
from ledger.tiles import TileReader, tile_hashes
from tests.client_logs import HONEST, KEY1, KEY2, M2, REWRITTEN, note_of


def reader_of(log: MerkleLog, size: int) -> TileReader:
    return TileReader(size, lambda tile: tile_hashes(log, tile))


@pytest.mark.parametrize("size", [1, 4, 7, 8, 16, 39])
def test_the_tiles_of_a_rewritten_log_convict_it_at_any_size(size: int) -> None:
    earlier = note_of(HONEST, size)
    later = note_of(REWRITTEN, 40)
    blame = convict_by_tiles(KEY1, earlier, later, reader_of(REWRITTEN, 40))
    if size <= 3:
        assert blame is None  # leaf 3 came later: the early checkpoint is honest
        return
    assert blame is not None
    assert verify_blame(decode_blame(encode_blame(blame)))
    assert convict_by_tiles(KEY1, earlier, note_of(HONEST, 40), reader_of(HONEST, 40)) is None


@pytest.mark.parametrize("size", [1, 4, 7, 8, 39])
def test_tiles_of_another_log_show_nothing_and_are_not_taken_for_agreement(size: int) -> None:
    earlier = note_of(HONEST, size)
    junk = MerkleLog([leaf_hash(b"junk %d" % number) for number in range(40)])
    for later, tiles in ((REWRITTEN, HONEST), (REWRITTEN, junk), (HONEST, junk)):
        with pytest.raises(Malformed, match="not those of the checkpoint of size 40"):
            convict_by_tiles(KEY1, earlier, note_of(later, 40), reader_of(tiles, 40))


def test_a_blame_file_that_shows_no_contradiction_convicts_nobody() -> None:
    first, second = note_of(HONEST, 7), note_of(REWRITTEN, 40)
    blame = convict(KEY1, first, second, REWRITTEN.consistency(7, 40))
    assert blame is not None
    assert convict(KEY1, second, first, REWRITTEN.consistency(7, 40)) == blame
    honest = tuple(HONEST.consistency(7, 40))
    other = note_of(HONEST, 40, M2, KEY2)
    for innocent in (
        Blame(KEY1, first, first, None, ()),
        Blame(KEY1, first, note_of(HONEST, 40), HONEST.root(7), honest),
        Blame(KEY1, first, note_of(HONEST, 40), REWRITTEN.root(7), blame.proof),
        Blame(KEY1, first, note_of(HONEST, 40), None, ()),
        Blame(KEY1, second, first, blame.prefix, blame.proof),
        Blame(KEY1, first, second, blame.prefix, blame.proof[:-1]),
        Blame(KEY1, first, other, REWRITTEN.root(7), blame.proof),
        Blame(KEY2, first, second, blame.prefix, blame.proof),
    ):
        with pytest.raises(Malformed):
            verify_blame(decode_blame(encode_blame(innocent)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"kind":"suyuan', b'"kind":"xuyuan'),
        (b'{"first"', b'{"extra":1,"first"'),
        (b'"prefix":"', b'"prefix":"AA'),
        (b'"proof":["', b'"proof":["AAAA","'),
        (b'"proof":[', b'"proof":[1,'),
        (b"\n", b""),
        (b'{"first"', b'{ "first"'),
    ],
)
def test_a_blame_file_spelt_otherwise_is_malformed(old: bytes, new: bytes) -> None:
    blame = convict(KEY1, note_of(HONEST, 7), note_of(REWRITTEN, 40), REWRITTEN.consistency(7, 40))
    assert blame is not None
    data = encode_blame(blame)
    head, separator, tail = data.rpartition(old) if old == b"\n" else data.partition(old)
    assert separator
    with pytest.raises(Malformed):
        decode_blame(head + new + tail)
