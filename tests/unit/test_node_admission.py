"""The door: checked once, cheapest first, never at the cost of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import node.admission as admission_module
from ledger.codec import encode
from ledger.keys import Ed25519Signer
from ledger.transaction import Transaction, signed
from node.admission import (
    INLINE_SIGNATURES_MAX,
    INLINE_SIZE_MAX,
    Admission,
    Admitted,
    RefusedAtDoor,
)
from node.clock import Clock
from node.stages import Stages
from tests.node_world import START, Ledger, call, define, signer


class FixedClock(Clock):
    def wall_ms(self) -> int:
        return START


@pytest.fixture
async def admission(tmp_path: Path) -> AsyncIterator[Admission]:
    ledger = Ledger(tmp_path / "d")
    made = Admission(ledger.genesis, ledger.executor, FixedClock(), Stages())
    yield made
    made.stop()
    ledger.archive.close()


def verdicts(admitted: list[Admitted]) -> list[str]:
    return [each.fault.code if isinstance(each, RefusedAtDoor) else "admitted" for each in admitted]


def broken(transaction: Transaction) -> bytes:
    return encode([transaction.body_bytes, [bytes(64)]])


@pytest.mark.parametrize("count", [1, INLINE_SIGNATURES_MAX * 3])
async def test_each_is_judged_by_itself_and_in_order_inline_or_in_a_thread(
    admission: Admission, count: int
) -> None:
    raws = [b"", define("a").raw, broken(define("b")), define("c").raw] * count
    admitted = await admission.admit(raws)
    assert verdicts(admitted) == ["malformed", "admitted", "bad-signature", "admitted"] * count
    ids = [each.id for each in admitted if isinstance(each, Transaction)]
    assert ids == [define("a").id, define("c").id] * count


@pytest.mark.parametrize(
    ("valid_until", "code"),
    [
        (START, "expired"),
        (START + 1, "admitted"),
        (START + 605_000, "admitted"),
        (START + 605_001, "valid-until-too-far"),
    ],
)
async def test_the_window_is_judged_with_a_little_slack(
    admission: Admission, valid_until: int, code: str
) -> None:
    admitted = await admission.admit([define("a", valid_until=valid_until).raw])
    assert verdicts(admitted) == [code]


async def test_no_signature_is_checked_of_what_is_refused_for_less(
    admission: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[Transaction] = []
    real = Transaction.check_signatures

    def counting(self: Transaction, *rest: object) -> bool:
        checked.append(self)
        return real(self)

    monkeypatch.setattr(Transaction, "check_signatures", counting)
    stranger = Ed25519Signer(b"x" * 32)
    body = define("a").body
    foreign = signed(
        type(body)(
            **{name: getattr(body, name) for name in body.__struct_fields__}
            | {"signers": (("red-cross.registrar", stranger.public),)}
        ),
        [stranger],
    )
    late = define("late", valid_until=START - 1)
    raws = [foreign.raw, late.raw, b"\x90", define("good").raw]
    admitted = await admission.admit(raws)
    assert verdicts(admitted) == ["wrong-key", "expired", "malformed", "admitted"]
    assert [each.id for each in checked] == [define("good").id]


@pytest.mark.parametrize("count", [1, 30])
async def test_who_is_refused_was_decoded_once_and_keeps_the_id_that_was_found(
    admission: Admission, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    decoded: list[bytes] = []
    real = Transaction.decode

    def counting(raw: bytes) -> Transaction:
        decoded.append(raw)
        return real(raw)

    late = [define(f"late-{n}", valid_until=START - 1) for n in range(count)]
    bad = define("bad")
    raws = [each.raw for each in late] + [broken(bad), b"\x90"]
    monkeypatch.setattr(Transaction, "decode", counting)
    admitted = await admission.admit(raws)
    identities = [each.identity for each in admitted if isinstance(each, RefusedAtDoor)]
    assert identities == [*(each.id for each in late), bad.id, None]
    assert decoded == raws


async def test_others_are_heard_while_many_accounts_are_looked_up(
    admission: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission_module, "JUDGED_AT_ONCE", 2)
    monkeypatch.setattr(admission_module, "INLINE_SIGNATURES_MAX", 100)
    asked = asyncio.create_task(admission.admit([define(n).raw for n in range(7)]))
    turns = 0
    while not asked.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns >= 4
    assert verdicts(asked.result()) == ["admitted"] * 7


async def test_known_keys_are_remembered_until_accounts_change(admission: Admission) -> None:
    asked: list[str] = []
    real = admission._unknown

    def noting(account: str, public: bytes) -> str | None:
        asked.append(account)
        return real(account, public)

    admission._unknown = noting  # type: ignore[method-assign]
    await admission.admit([define("a").raw, define("b").raw])
    assert asked == ["red-cross.registrar"]
    admission.accounts_changed()
    await admission.admit([define("c").raw])
    assert asked == ["red-cross.registrar"] * 2


async def test_what_is_unknown_is_not_remembered(admission: Admission) -> None:
    other = signer("union.clerk")
    for _ in range(2):
        one = call("union.clerk", "use", {}, nonce=1)
        body = type(one.body)(
            **{name: getattr(one.body, name) for name in one.body.__struct_fields__}
            | {"signers": (("union.nobody", other.public),)}
        )
        admitted = await admission.admit([signed(body, [other]).raw])
        assert verdicts(admitted) == ["unknown-account"]
    assert not admission._known


async def test_memory_of_known_keys_is_bounded(
    admission: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission_module, "KNOWN_KEYS_MAX", 0)
    assert verdicts(await admission.admit([define("a").raw])) == ["admitted"]
    assert not admission._known


async def test_a_large_request_is_decoded_beside_the_loop(admission: Admission) -> None:
    """Votes must be heard while megabytes of nonsense are refused."""
    nonsense = [b"\xdc\xff\xff" + b"\x00" * 65_000] * (2 * INLINE_SIZE_MAX // 65_000 + 2)
    asked = asyncio.create_task(admission.admit(nonsense))
    turns = 0
    while not asked.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 2  # inline it would be done after the first
    assert set(verdicts(asked.result())) == {"malformed"}
