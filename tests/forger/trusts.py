"""Who vouches, and for whom that is enough: true bundles, and a fork that no signature betrays.

Each is judged with whatever a reader may hold beside the genesis file: nothing, a checkpoint kept
earlier, a witness policy. Nothing here is malformed: what differs is what the authority line says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec.structs import replace

from ledger.assembly import assemble
from ledger.bundle_file import encode_bundle
from ledger.claims import Trace
from ledger.notes import COSIGNATURE_V1, VerifierKey, cosign_text, sign_text
from ledger.tlog_policy import cosigner_vkey, parse_policy, policy_of
from tests.forger.epochs import (
    COURT,
    NEWS,
    WITNESS,
    epochs,
    forked_by_retired_keys,
    policy,
    policy_text,
    spelt,
    text_of,
    witness_note,
)
from tests.forger.stories import DONATION, donation_world
from tests.forger.world import World, signer

__all__ = ["TRUSTS", "Trusting"]


@dataclass(frozen=True)
class Trusting:
    """A bundle file and what its reader holds: `pin`, `policy`, as in `verify_bundle`."""

    name: str
    bundle: Callable[[], bytes]
    asked: Callable[[], dict[str, Any]] = field(default=dict)


def _bundle(world: World, pin: int | None = None, *notes: str) -> bytes:
    bundle = assemble(world, Trace(DONATION), pin)
    return encode_bundle(replace(bundle, witnesses=notes) if notes else bundle)


def _note(*names: str, member: str = "m1") -> str:
    return witness_note(epochs(), member, names)


def _witnessed(*names: str, pin: int | None = None) -> bytes:
    return _bundle(epochs(), pin, _note(*names))


def _pin(size: int) -> dict[str, Any]:
    return {"pin": epochs().checkpoint(size).text()}


def _policy(quorum: str = "any", *names: str) -> dict[str, Any]:
    return {"policy": policy(epochs(), quorum, names or (WITNESS, COURT))}


def _members_policy(quorum: str, *members: str) -> dict[str, Any]:
    """A policy that knows no outsiders: it wants these members among those who certified."""
    group = f"group departments {quorum} {' '.join(members)}"
    return _read([*_keys_of(members), group, "quorum departments"])


def _either(quorum: str, outsiders: str) -> dict[str, Any]:
    """A policy of two groups: m1 with m2, and `outsiders` of two witnesses."""
    keys = [f"witness {name} {_outsider(name)}" for name in (WITNESS, COURT)]
    groups = [
        "group departments all m1 m2",
        f"group outside {outsiders} {WITNESS} {COURT}",
        f"group both {quorum} departments outside",
    ]
    return _read([*_keys_of(("m1", "m2")), *keys, *groups, "quorum both"])


def _keys_of(members: Sequence[str]) -> list[str]:
    origin = epochs().genesis.origin
    keys = {one.id: one.cosigner_key for one in epochs().members.members}
    return [f"witness {name} {cosigner_vkey(origin, name, keys[name]).text()}" for name in members]


def _outsider(name: str) -> str:
    return VerifierKey(name, COSIGNATURE_V1, signer("witness", name).public).text()


def _read(lines: Sequence[str]) -> dict[str, Any]:
    log = policy_text(epochs()).split("\n")[0]  # the own log of m1
    return {"policy": parse_policy("\n".join([log, *lines]) + "\n")}


def _retired_witness() -> tuple[bytes, dict[str, Any]]:
    """A fork whose note a fourth retired key cosigned, as the witness that a policy asks for."""
    fork = forked_by_retired_keys()
    text, name = text_of(fork, "m1"), f"{fork.genesis.origin}/m3"
    line = cosign_text(text, fork.certificate().timestamps()[0], name, fork.cosigners["m3"])
    log = sign_text(text, text.partition("\n")[0], signer(f"{fork.genesis.name}/log", "m1"))
    key = VerifierKey(name, COSIGNATURE_V1, fork.cosigners["m3"].public)
    note = spelt(text, [log, line])
    return _bundle(fork, None, note), _read([f"witness m3 {key.text()}", "quorum m3"])


TRUSTS: Final = (
    Trusting("genesis alone, no change of members", lambda: _bundle(donation_world())),
    Trusting("genesis alone, two changes of members", lambda: _bundle(epochs())),
    Trusting("a fork by retired keys, genesis alone", lambda: _bundle(forked_by_retired_keys())),
    Trusting(
        "a fork by retired keys, a pin from before it",
        lambda: _bundle(forked_by_retired_keys(), 1),
        lambda: _pin(1),
    ),
    Trusting(
        "a fork by retired keys, a pin of the true chain",
        lambda: _bundle(forked_by_retired_keys(), 2),
        lambda: _pin(2),
    ),
    Trusting(
        "a fork by retired keys, a policy", lambda: _bundle(forked_by_retired_keys()), _policy
    ),
    Trusting("a pin of an earlier epoch", lambda: _bundle(epochs(), 2), lambda: _pin(2)),
    Trusting("a pin of the newest checkpoint", lambda: _bundle(epochs()), lambda: _pin(6)),
    Trusting("witnesses and no policy", lambda: _witnessed(WITNESS)),
    Trusting("witnesses, a pin, no policy", lambda: _witnessed(WITNESS, pin=3), lambda: _pin(3)),
    Trusting("one witness of any", lambda: _witnessed(WITNESS), _policy),
    Trusting("one witness of two", lambda: _witnessed(WITNESS), lambda: _policy("all")),
    Trusting("both witnesses of two", lambda: _witnessed(COURT, WITNESS), lambda: _policy("all")),
    Trusting(
        "one witness in two notes counts once",
        lambda: _bundle(epochs(), None, _note(WITNESS), _note(WITNESS, member="m2")),
        lambda: _policy("2", WITNESS, COURT, NEWS),
    ),
    Trusting(
        "two witnesses of three",
        lambda: _witnessed(NEWS, WITNESS),
        lambda: _policy("2", WITNESS, COURT, NEWS),
    ),
    Trusting(
        "a pin and a witness",
        lambda: _witnessed(WITNESS, pin=3),
        lambda: _pin(3) | _policy(),
    ),
    Trusting("a witness the policy does not know", lambda: _witnessed(NEWS, WITNESS), _policy),
    Trusting("only a witness the policy does not know", lambda: _witnessed(NEWS), _policy),
    Trusting(
        "a log the policy does not know",
        lambda: _bundle(epochs(), None, _note(WITNESS), _note(COURT, member="m2")),
        _policy,
    ),
    Trusting(
        "a policy that asks for nobody",
        lambda: _bundle(epochs()),
        lambda: _read(["quorum none"]),
    ),
    Trusting(
        "a policy that asks for nobody, and a witness",
        lambda: _witnessed(WITNESS),
        lambda: _read(["quorum none"]),
    ),
    Trusting(
        "a fork by retired keys, the policy of their own epoch",
        lambda: _bundle(forked_by_retired_keys()),
        lambda: {"policy": policy_of(epochs().genesis.origin, epochs().genesis.members)},
    ),
    Trusting(
        "members or an outsider, and only members",
        lambda: _bundle(epochs()),
        lambda: _either("any", "any"),
    ),
    Trusting(
        "members or an outsider, and both",
        lambda: _witnessed(WITNESS),
        lambda: _either("any", "any"),
    ),
    Trusting(
        "members or two outsiders, members and one of them",
        lambda: _witnessed(WITNESS),
        lambda: _either("any", "all"),
    ),
    Trusting(
        "members or an outsider, members and one unknown",
        lambda: _witnessed(NEWS),
        lambda: _either("any", "any"),
    ),
    Trusting(
        "members and an outsider",
        lambda: _witnessed(WITNESS),
        lambda: _either("all", "any"),
    ),
    Trusting(
        "a member as the witness of its own log",
        lambda: _retired_witness()[0],
        lambda: _retired_witness()[1],
    ),
    Trusting(
        "members the policy names certified",
        lambda: _bundle(epochs()),
        lambda: _members_policy("all", "m1", "m2"),
    ),
    Trusting(
        "members the policy names certified, and a pin",
        lambda: _bundle(epochs(), 3),
        lambda: _members_policy("all", "m1", "m2") | _pin(3),
    ),
    Trusting(
        "a member the policy names did not certify",
        lambda: _bundle(epochs()),
        lambda: _members_policy("all", "m1", "m4"),
    ),
)
