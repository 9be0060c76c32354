"""Outside witnesses for one bundle: the serving member's checkpoint of the bundle's own size and
root, cosigned by each witness and put into the bundle.

Quorum and witnesses are tied by equal size and root, so the bundle and the member's checkpoint must
be of one height. On a chain that goes on meanwhile both are asked for again.
Source: docs/FORMATS.md 7.5.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from client.exchange import Transport
from client.faults import Unusable
from client.witness.submission import Log, fetch_log, submit
from ledger.bundle_file import decode_bundle, encode_bundle
from ledger.checkpoint import parse_checkpoint
from ledger.genesis import Genesis
from ledger.limits import WITNESS_LINES_MAX
from ledger.membership import MemberSet
from ledger.notes import Note, NoteLine, VerifierKey, parse_note
from ledger.tlog_policy import member_log_vkey

__all__ = ["ATTEMPTS_MAX", "WITNESSES_MAX", "witnessed"]

WITNESSES_MAX: Final = WITNESS_LINES_MAX
ATTEMPTS_MAX: Final = 20  # a member signs at most once a second, blocks may come far more often
SIGNS_EVERY_S: Final = 1.0  # seconds, of a member's own checkpoint (docs/TLOG.md)

Witness = tuple[str, VerifierKey]  # its submission prefix and its key


def witnessed(
    transport: Transport,
    node: str,
    member: str,
    genesis: Genesis,
    witnesses: Sequence[Witness],
    ask: Callable[[], bytes],
    sleep: Callable[[float], None] = time.sleep,
) -> bytes:
    """Return a bundle of `ask`, which gives verified ones of the member at `node`, with a line of
    every witness on the member's own checkpoint.

    Raises: Unreachable, Refused (a witness will not cosign), Unusable, also when the member's
    checkpoint and its bundles are never of one size.
    """
    for _ in range(ATTEMPTS_MAX):
        data = ask()
        bundle = decode_bundle(data)
        checkpoint = parse_checkpoint(parse_note(bundle.checkpoint).text)
        epochs = bundle.epochs
        members = MemberSet.decode(epochs[-1].members) if epochs else genesis.members
        log_key = members.members[members.index(member)].log_key
        key = member_log_vkey(genesis.origin, member, log_key)
        log = fetch_log(transport, f"{node}/tlog/{member}", key)
        seen = parse_checkpoint(log.note.text)
        if seen.size < checkpoint.size:
            sleep(SIGNS_EVERY_S)  # it shows what it signed within the last second
            continue
        if (seen.size, seen.root) != (checkpoint.size, checkpoint.root):
            continue
        note = _cosigned(transport, log, witnesses)
        return encode_bundle(msgspec.structs.replace(bundle, witnesses=(note,)))
    raise Unusable(node, "its checkpoint and its bundles were never of one size: it is too busy")


def _cosigned(transport: Transport, log: Log, witnesses: Sequence[Witness]) -> str:
    """The member's own line, and one of each witness in the order of their names."""
    own = next(
        line for line in log.note.lines if (line.name, line.key) == (log.key.name, log.key.id)
    )
    lines: dict[bytes, NoteLine] = {}
    for url, key in witnesses:
        line = parse_note(submit(transport, log, url, key)).lines[-1]
        lines[line.name.encode()] = line
    return Note(log.note.text, (own, *(lines[name] for name in sorted(lines)))).encode()
