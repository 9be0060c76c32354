"""Whose a key is: looked up in the member sets of every epoch that the evidence at hand leads to.

Genesis names the first members; the handovers of any bundle of the chain lead to the later ones,
each certified by the set before it (docs/FORMATS.md 7.4). Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.bundle import Bundle
from ledger.errors import Malformed
from ledger.genesis import Genesis
from ledger.keys import verify
from ledger.membership import MemberSet
from ledger.notes import VerifierKey
from ledger.tlog_policy import cosigner_vkey, log_vkey, member_log_vkey
from ledger.verdict import Failed
from ledger.verify_epochs import read_checkpoint, walk

__all__ = ["followed_logs", "log_holder", "log_keys", "member_sets"]


def member_sets(genesis: Genesis, bundle: Bundle | None = None) -> tuple[MemberSet, ...]:
    """Return the set of each epoch, oldest first: genesis's, and those a bundle's handovers prove.

    Raises: Malformed when the handovers do not follow from genesis.
    """
    if bundle is None:
        return (genesis.members,)
    try:
        return walk(bundle.epochs, genesis, read_checkpoint(bundle.checkpoint), verify).sets
    except Failed as failure:
        raise Malformed("bundle.epochs", f"do not follow from genesis ({failure.code})") from None


def followed_logs(genesis: Genesis, bundle: Bundle | None = None) -> list[VerifierKey]:
    """Return the key of each member's own log, under its origin `<chain>/<member>`: of genesis, or
    of the newest set that a bundle proves. Who has left is in it no longer: what it signs from then
    on nobody needs, and a witness that still cosigned it would lend itself to another past.

    An origin keeps the first key it ever had (a witness believes one per origin): a member that
    came with another key under a name of before is left out.
    Raises: Malformed when the handovers do not follow from genesis.
    """
    sets = member_sets(genesis, bundle)
    first: dict[str, bytes] = {}
    for members in sets:
        for one in members.members:
            first.setdefault(one.id, one.log_key)
    return [
        member_log_vkey(genesis.origin, one.id, one.log_key)
        for one in sets[-1].members
        if first[one.id] == one.log_key
    ]


def log_keys(origin: str, sets: Sequence[MemberSet]) -> Iterator[tuple[VerifierKey, str]]:
    """Every key that signs or cosigns checkpoints in these sets, with its holder's id."""
    for members in sets:
        for one in members.members:
            yield log_vkey(origin, one.log_key), one.id
            yield member_log_vkey(origin, one.id, one.log_key), one.id
            yield cosigner_vkey(origin, one.id, one.cosigner_key), one.id


def log_holder(origin: str, sets: Sequence[MemberSet], key: VerifierKey) -> str:
    """Return the member whose key it is. Raises: Malformed for a key of nobody in these sets."""
    for known, member in log_keys(origin, sets):
        if known == key:
            return member
    raise Malformed("blame.key", "is not a log key of this chain's members")
