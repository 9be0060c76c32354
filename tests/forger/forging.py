"""The forger's tools: the register of forgeries, and ways to change, prove and sign false bundles.

The forger holds f real cosigner keys (one of four) and recomputes every hash and signature that it
can. Most forgeries come in two strengths: *patched* (the bundle is changed, the honest certificate
kept) and *rebuilt* (a whole false chain is computed, signed with the f stolen keys, the other lines
filled with the forger's own keys, or *replayed*: with what the honest members signed for the true
checkpoint of that size).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from msgspec.structs import replace

from ledger.assembly import assemble
from ledger.bundle import Bundle, Logged
from ledger.bundle_file import encode_bundle
from ledger.checkpoint import Certificate, Checkpoint, cosign
from ledger.claims import Claim
from ledger.genesis import Genesis
from ledger.paths import Path, key
from tests.forger import stories
from tests.forger.world import Call, World, signer

HONEST = ("m0", "m1", "m2")
STOLEN = ("m0",)  # f = 1 of 4
Change = Callable[[dict[str, Any]], object]  # of a JSON object, in place


@dataclass(frozen=True)
class Attempt:
    """A forged file, the genesis that the verifier holds, and what it is asked."""

    data: bytes
    genesis: Genesis
    asked: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Forgery:
    """A way to lie, and the line and code that must name it."""

    name: str
    line: str
    code: str
    make: Callable[[], Attempt]


FORGERIES: list[Forgery] = []


def forgery(line: str, code: str) -> Callable[[Callable[[], Attempt]], Callable[[], Attempt]]:
    """Register a forgery under its function's name."""

    def register(make: Callable[[], Attempt]) -> Callable[[], Attempt]:
        FORGERIES.append(Forgery(make.__name__, line, code, make))
        return make

    return register


# -- tools of the trade ---------------------------------------------------------------------------


@cache
def donation() -> World:
    return stories.donation_world()


@cache
def accesses() -> World:
    return stories.accesses_world()


def honest(world: World, claim: Claim, pin_size: int | None = None) -> Bundle:
    return assemble(world, claim, pin_size)


def attempt(bundle: Bundle, world: World, **asked: Any) -> Attempt:
    return Attempt(encode_bundle(bundle), world.genesis, asked)


def with_logs(bundle: Bundle, path: Path, change: Callable[[list[bytes]], list[bytes]]) -> Bundle:
    """Change the leaves of one entity of a bundle, and its record to what the new last leaf hashes
    where known.
    """
    entities = tuple(
        replace(one, leaves=tuple(change(list(one.leaves))))
        if isinstance(one, Logged) and one.path == path
        else one
        for one in bundle.entities
    )
    return replace(bundle, entities=entities)


def without(bundle: Bundle, *paths: Path) -> Bundle:
    return replace(bundle, entities=tuple(one for one in bundle.entities if one.path not in paths))


def proved(bundle: Bundle, world: World, height: int | None = None) -> Bundle:
    """Give a bundle the true state proof of whatever it shows now."""
    keys = [key(one.path) for one in bundle.entities]
    return replace(bundle, state=world.tree.prove(keys, height))


def edit(bundle: Bundle, change: Change) -> bytes:
    """Change the JSON of a bundle and spell it canonically again."""
    value = json.loads(encode_bundle(bundle))
    change(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode() + b"\n"


def edited(bundle: Bundle, world: World, change: Change, **asked: Any) -> Attempt:
    """Change the JSON of a bundle, spelt canonically again, and have it judged."""
    return Attempt(edit(bundle, change), world.genesis, asked)


def of_first(change: Change) -> Change:
    """A change of the first entity's JSON."""
    return lambda value: change(value["entities"][0])


def sign_with_stolen_keys(
    world: World, checkpoint: Checkpoint, stolen: tuple[str, ...] = STOLEN
) -> str:
    """A note with q lines: the stolen keys sign truly, for the others the forger signs with keys of
    his own.
    """
    timestamp = world.certificate().timestamps()[0]
    certificate = Certificate(
        checkpoint,
        tuple(
            cosign(
                checkpoint,
                timestamp,
                name,
                world.cosigners[name] if name in stolen else signer("forger", name),
            )
            for name in HONEST
        ),
    )
    return certificate.to_note(world.genesis.members)


def rebuilt(world: World, claim: Claim) -> Attempt:
    """The bundle of a false chain, certified with the stolen keys alone; the verifier knows the
    true genesis.
    """
    bundle = honest(world, claim)
    note = sign_with_stolen_keys(world, world.certificate().checkpoint)
    return attempt(replace(bundle, checkpoint=note), world)


def replay_honest_lines(world: World, checkpoint: Checkpoint) -> str:
    """A note with q lines: the stolen keys sign truly, the other lines are the honest members' own
    cosignatures of the true checkpoint of that size. Raises: KeyError when they signed none.
    """
    true = donation().certificates[checkpoint.size]
    lines = tuple(
        cosign(checkpoint, one.timestamp, one.member, world.cosigners[one.member])
        if one.member in STOLEN
        else one
        for one in true.cosignatures
    )
    return Certificate(checkpoint, lines).to_note(world.genesis.members)


def replayed(world: World, claim: Claim) -> Attempt:
    """The bundle of a false chain, certified with the stolen keys and replayed honest lines."""
    note = replay_honest_lines(world, world.certificate().checkpoint)
    return attempt(replace(honest(world, claim), checkpoint=note), world)


def false_world(story: Callable[[World], None]) -> World:
    """A world of the same genesis in which another story happened."""
    world = World()
    story(world)
    world.certify()
    return world


def false_world_of(blocks: Sequence[Sequence[Call]]) -> World:
    """A world of the same genesis in which these blocks happened."""

    def story(world: World) -> None:
        for calls in blocks:
            world.grow(calls)

    return false_world(story)
