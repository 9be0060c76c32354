"""A chain over three epochs, and outside witnesses: honest, and with all the keys a liar needs.

Epoch 0 is m0 to m3, epoch 1 has m4 beside them, epoch 2 is m1 to m4. The donation of `stories`
happens over all three.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from ledger.checkpoint import Checkpoint
from ledger.notes import (
    COSIGNATURE_V1,
    ED25519,
    NoteLine,
    VerifierKey,
    cosign_text,
    parse_note,
    sign_text,
)
from ledger.tlog_policy import Policy, parse_policy
from tests.forger.stories import DONATION, LOT_A, donation_blocks, receipt
from tests.forger.world import World, signer

WITNESS = "witness.ngo.example"
COURT = "court.example"
NEWS = "news.example"
WITNESS_DELAY_S = 30


def three_epochs(name: str = "hubei") -> World:
    """The donation's six blocks, handed over after the second and the fourth; certified."""
    world = World(name)
    one, two, three, four, five, six = donation_blocks()
    world.grow(one)
    world.certify()
    world.hand_over(two, ["m0", "m1", "m2", "m3", "m4"])
    world.grow(three)
    world.hand_over(four, ["m1", "m2", "m3", "m4"])
    world.grow(five)
    world.grow(six)
    world.certify()
    return world


@cache
def epochs() -> World:
    """The same world for tests that only read it."""
    return three_epochs()


def forked_by_retired_keys() -> World:
    """All keys of epoch 0, kept after it ended, tell another story from the second block on."""
    false = World()
    false.grow(donation_blocks()[0])
    false.grow([receipt(DONATION, ((LOT_A, 7),), "a-firm")])
    for _ in range(4):
        false.grow([])
    false.certify()
    return false


def text_of(world: World, member: str, size: int | None = None) -> str:
    """The checkpoint's text under a member's own origin."""
    true = world.checkpoint(size)
    return Checkpoint(f"{true.origin}/{member}", true.size, true.root).text()


def witness_note(
    world: World, member: str, names: Sequence[str] = (WITNESS,), text: str | None = None
) -> str:
    """A note of a member's own origin, cosigned by witnesses in the order of their names."""
    text = text_of(world, member) if text is None else text
    time = world.certificate().timestamps()[0] + WITNESS_DELAY_S
    log = sign_text(text, text.partition("\n")[0], signer(f"{world.genesis.name}/log", member))
    lines = [cosign_text(text, time, name, signer("witness", name)) for name in sorted(names)]
    return spelt(text, [log, *lines])


def spelt(text: str, lines: Sequence[NoteLine]) -> str:
    """A note of any lines."""
    return text + "\n" + "".join(line.text() for line in lines)


def relined(note: str, *places: int) -> str:
    """A note with the lines of these places only, in this order."""
    read = parse_note(note)
    return spelt(read.text, [read.lines[place] for place in places])


def policy_text(world: World, quorum: str = "any", names: Sequence[str] = (WITNESS, COURT)) -> str:
    """A policy that pins m1's own origin and asks for one, or all, of some witnesses."""
    origin = f"{world.genesis.origin}/m1"
    log = VerifierKey(origin, ED25519, signer(f"{world.genesis.name}/log", "m1").public)
    keys = {
        f"w{place}": VerifierKey(name, COSIGNATURE_V1, signer("witness", name).public)
        for place, name in enumerate(names)
    }
    lines = [f"log {log.text()}", *(f"witness {name} {key.text()}" for name, key in keys.items())]
    return "\n".join([*lines, f"group outside {quorum} {' '.join(keys)}", "quorum outside"]) + "\n"


def policy(world: World, quorum: str = "any", names: Sequence[str] = (WITNESS, COURT)) -> Policy:
    """That policy, read."""
    return parse_policy(policy_text(world, quorum, names))
