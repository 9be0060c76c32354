"""A member whose chain has one contract more: by it, whoever calls decides who the members are.

`python -m tests.processes.governed run FOLDER` in the place of `suyuan node run FOLDER`, and
`… fsck FOLDER` in that of `suyuan node fsck FOLDER`: a folder can be recomputed only by the
contracts that filled it. `slow FOLDER` and `liar FOLDER` run members that give snapshots in small
pieces and take their time, the second with a value of each piece changed.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import msgspec
import uvloop

import ledger.snapshot as chunks
import node.snapshot.serving as serving
from chaincode.registry import CONTRACTS
from ledger.leaf import state_value
from ledger.snapshot import Chunk, Entry
from node.compose import serve
from node.config import load_member
from node.fsck import check
from node.snapshot.source import Source
from tests.toys.governance import Dictator

__all__ = ["main"]

GOVERNED = (*CONTRACTS, Dictator)
REST = 20.0  # a piece takes some milliseconds: ten a second of each member


def main(command: str, folder: str) -> int:
    """Run or check the member in a folder."""
    config = load_member(Path(folder))
    if command in ("slow", "liar"):
        give_slowly(is_lying=command == "liar")
    if command in ("run", "slow", "liar"):
        logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        uvloop.run(serve(config, GOVERNED))
        return 0
    outcome = check(config, contracts=GOVERNED)
    print(json.dumps([one.text() for one in outcome.findings]))
    return 0 if outcome.clean else 1


def give_slowly(*, is_lying: bool) -> None:
    """Make a snapshot of some hundred entries last for seconds, so that it can be interrupted."""
    chunks.CHUNK_ENTRIES_MAX = 4  # type: ignore[misc]
    serving.REST = REST  # type: ignore[misc]
    honest = Source.chunk

    def lie(source: Source, first: bytes) -> Chunk:
        chunk = honest(source, first)
        if not chunk.entries:
            return chunk
        one, *rest = chunk.entries
        forged = Entry(one.path, state_value(b"\xc0", 0, ()))
        return msgspec.structs.replace(chunk, entries=(forged, *rest))

    if is_lying:
        setattr(Source, "chunk", lie)  # noqa: B010


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
