"""A member and the transparency-log world: what it signs, how often, and what it gives out."""

from __future__ import annotations

import pytest

from ledger.checkpoint import Certificate, Checkpoint, parse_checkpoint
from ledger.cose import verify_cose_receipt
from ledger.errors import ClientFault, InvariantViolated
from ledger.keys import Ed25519Signer
from ledger.membership import MemberSet
from ledger.merkle_log import MerkleLog, leaf_hash
from ledger.notes import open_note, parse_note
from ledger.tiles import Tile, entries_of
from ledger.tlog_policy import cosigner_vkey, log_vkey, member_log_vkey, policy_of
from ledger.tlog_proof import verify_tlog_proof
from node.tlog import Tlog
from tests.forger.stories import donation_world
from tests.forger.world import World, signer


class Counting:
    """A signer that counts."""

    def __init__(self, inner: Ed25519Signer) -> None:
        self.inner = inner
        self.count = 0

    @property
    def public(self) -> bytes:
        return self.inner.public

    def sign(self, message: bytes) -> bytes:
        self.count += 1
        return self.inner.sign(message)


class Bench:
    """A chain in hand: certificates, log and headers are what the test says."""

    def __init__(self) -> None:
        self.world: World = donation_world()
        self.height = self.world.height
        self.certified: Certificate | None = self.certificate_of(3)
        self.chain_log = MerkleLog([leaf_hash(self.world.header(h)) for h in self.heights()])
        self.trusted = True
        self.now = 100.0
        self.signer = Counting(signer("hubei/log", "m0"))
        self.tlog = Tlog(self.world.genesis, "m0", self.signer, self, self)

    def heights(self) -> range:
        return range(1, self.height + 1)

    def certificate_of(self, size: int) -> Certificate:
        checkpoint = self.world.checkpoint(size)
        lines = tuple(self.world.cosign(checkpoint, one, 7) for one in ("m0", "m1", "m2"))
        return Certificate(checkpoint, lines)

    # node.tlog.ChainLog and Monotonic.

    def certificate(self) -> Certificate | None:
        return self.certified

    def log(self) -> MerkleLog:
        return self.chain_log

    def header(self, height: int) -> bytes | None:
        return self.world.header(height)

    def members(self, size: int) -> MemberSet:
        return self.world.genesis.members

    def may_sign(self) -> bool:
        return self.trusted

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    assert bench.height >= 5
    return bench


def read(note: str) -> Checkpoint:
    return parse_checkpoint(parse_note(note).text)


def test_the_chain_s_checkpoint_carries_this_member_s_line_and_the_quorum_s(bench: Bench) -> None:
    genesis = bench.world.genesis
    note = parse_note(bench.tlog.checkpoint())
    own = log_vkey(genesis.origin, bench.signer.public)
    keys = [cosigner_vkey(genesis.origin, m.id, m.cosigner_key) for m in genesis.members.members]
    opened = open_note(note, [own, *keys])
    assert [key for key, _ in opened] == [own, *keys[:3]]
    assert policy_of(genesis.origin, genesis.members).check(note).size == 3


def test_a_checkpoint_is_signed_once_however_often_it_is_asked(bench: Bench) -> None:
    assert len({bench.tlog.checkpoint() for _ in range(50)}) == 1
    assert bench.signer.count == 1


def test_a_new_timestamp_of_the_same_size_is_a_new_note(bench: Bench) -> None:
    before = bench.tlog.checkpoint()
    checkpoint = bench.world.checkpoint(3)
    lines = tuple(bench.world.cosign(checkpoint, one, 8) for one in ("m0", "m1", "m2"))
    bench.certified = Certificate(checkpoint, lines)
    after = bench.tlog.checkpoint()
    assert after != before
    assert read(after) == read(before)


def test_the_member_s_checkpoint_is_signed_at_most_once_a_second(bench: Bench) -> None:
    first = read(bench.tlog.member_checkpoint())
    genesis = bench.world.genesis
    assert (first.origin, first.size) == (f"{genesis.origin}/m0", 3)
    for later, size in ((100.3, 4), (100.9, 5)):
        bench.now, bench.certified = later, bench.certificate_of(size)
        assert read(bench.tlog.member_checkpoint()).size == 3
    assert bench.signer.count == 1
    bench.now = 101.0
    note = bench.tlog.member_checkpoint()
    assert read(note).size == 5
    [(key, _)] = open_note(
        parse_note(note), [member_log_vkey(genesis.origin, "m0", bench.signer.public)]
    )
    assert key.name == read(note).origin
    bench.now = 500.0
    assert bench.tlog.member_checkpoint() == note
    assert bench.signer.count == 2


def test_a_root_that_is_not_our_own_log_s_is_never_signed(bench: Bench) -> None:
    bench.chain_log = MerkleLog([leaf_hash(b"other")] * bench.height)
    for ask in (bench.tlog.checkpoint, bench.tlog.member_checkpoint):
        with pytest.raises(InvariantViolated, match="not this member's"):
            ask()
    assert bench.signer.count == 0


def test_a_halted_member_signs_nothing_more(bench: Bench) -> None:
    before = bench.tlog.member_checkpoint()
    bench.trusted, bench.now, bench.certified = False, 200.0, bench.certificate_of(5)
    for ask in (bench.tlog.checkpoint, bench.tlog.member_checkpoint):
        with pytest.raises(ClientFault, match="halted"):
            ask()
    assert (bench.signer.count, read(before).size) == (1, 3)


def test_before_the_first_certificate_there_is_nothing_to_serve(bench: Bench) -> None:
    bench.certified = None
    for ask in (
        bench.tlog.checkpoint,
        bench.tlog.member_checkpoint,
        lambda: bench.tlog.tile(Tile(0, 0, 1)),
        lambda: bench.tlog.proof(1),
    ):
        with pytest.raises(ClientFault, match="not-certified"):
            ask()


def test_nothing_beyond_the_certified_size_is_given_out(bench: Bench) -> None:
    assert len(bench.tlog.tile(Tile(0, 0, 3))) == 96
    assert len(entries_of(bench.tlog.tile(Tile(None, 0, 2)), 2)) == 2
    for tile in (Tile(0, 0, 4), Tile(0, 0), Tile(None, 0, 4), Tile(1, 0, 1), Tile(0, 1, 1)):
        with pytest.raises(ClientFault, match="not-found"):
            bench.tlog.tile(tile)
    with pytest.raises(ClientFault, match="unknown-block"):
        bench.tlog.proof(4)


def test_a_full_bundle_is_read_from_the_store_once(bench: Bench) -> None:
    asked: list[int] = []
    header = b"h" * 300

    class Long:
        def certificate(self) -> Certificate:
            checkpoint = Checkpoint(bench.world.genesis.origin, 600, bytes(32))
            return Certificate(checkpoint, ())

        def log(self) -> MerkleLog:
            return bench.chain_log

        def header(self, height: int) -> bytes:
            asked.append(height)
            return header

        def members(self, size: int) -> MemberSet:
            return bench.world.genesis.members

        def may_sign(self) -> bool:
            return True

    tlog = Tlog(bench.world.genesis, "m0", bench.signer, Long(), bench)
    assert tlog.tile(Tile(None, 1)) == tlog.tile(Tile(None, 1))
    assert asked == list(range(257, 513))
    assert entries_of(tlog.tile(Tile(None, 2, 88)), 88) == [header] * 88


def test_an_exported_proof_verifies_by_the_quorum_alone(bench: Bench) -> None:
    genesis = bench.world.genesis
    leaf = leaf_hash(bench.world.header(2))
    policy = policy_of(genesis.origin, genesis.members)
    index, checkpoint = verify_tlog_proof(bench.tlog.proof(2), leaf, policy)
    assert (index, checkpoint.size) == (1, 3)


def test_a_cose_receipt_of_every_certified_header_by_one_signature(bench: Bench) -> None:
    genesis = bench.world.genesis
    key = member_log_vkey(genesis.origin, "m0", bench.signer.public)
    for height in (1, 2, 3):
        leaf = leaf_hash(bench.world.header(height))
        said = verify_cose_receipt(bench.tlog.cose_receipt(height), leaf, key)
        assert said == (height - 1, 3, bench.chain_log.root(3))
    assert bench.signer.count == 1
    for height in (0, 4):
        with pytest.raises(ClientFault) as refused:
            bench.tlog.cose_receipt(height)
        assert refused.value.code == "unknown-block"


def test_a_root_is_signed_for_receipts_at_most_once_a_second(bench: Bench) -> None:
    bench.tlog.cose_receipt(1)
    bench.now, bench.certified = 100.9, bench.certificate_of(5)
    with pytest.raises(ClientFault):
        bench.tlog.cose_receipt(5)
    assert bench.signer.count == 1
    bench.now = 101.0
    bench.tlog.cose_receipt(5)
    assert bench.signer.count == 2
    bench.now = 900.0
    bench.tlog.cose_receipt(5)
    assert bench.signer.count == 2


def test_no_receipt_of_a_foreign_root_nor_after_a_halt_nor_of_a_log_of_one(bench: Bench) -> None:
    bench.certified = bench.certificate_of(1)
    with pytest.raises(ClientFault) as refused:
        bench.tlog.cose_receipt(1)
    assert refused.value.code == "not-certified"
    bench.certified = bench.certificate_of(3)
    bench.trusted = False
    with pytest.raises(ClientFault) as refused:
        bench.tlog.cose_receipt(1)
    assert refused.value.code == "halted"
    bench.trusted = True
    bench.chain_log = MerkleLog([leaf_hash(b"other")] * bench.height)
    with pytest.raises(InvariantViolated, match="not this member's"):
        bench.tlog.cose_receipt(1)
    assert bench.signer.count == 0
