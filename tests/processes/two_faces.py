"""A member that lies to all others: for each proposal of its own it signs a second one.

`python -m tests.processes.two_faces run FOLDER` in the place of `suyuan node run FOLDER`. All
else is the real member: what it lies with is only its key.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import uvloop

from consensus.messages import PrePrepare, decode, encode
from ledger.votes import PRE_PREPARE, vote_bytes
from node.channels import ENGINE
from node.compose import serve
from node.config import MemberConfig, load_member
from node.driver import Driver

__all__ = ["main"]

_honest: Final = Driver._send


def _lie(config: MemberConfig) -> None:
    """Let the driver of this process say everything, and then contradict its proposals."""

    def send(self: Driver, channel: int, to: Sequence[str], data: bytes) -> None:
        _honest(self, channel, to, data)
        if channel != ENGINE:
            return
        said = decode(data)
        if not isinstance(said, PrePrepare):
            return
        batch = msgspec.structs.replace(said.batch, time=said.batch.time + 1)
        place = (said.epoch, said.view, said.sequence)
        message = vote_bytes(PRE_PREPARE, config.genesis.chain_id, *place, batch.digest())
        _honest(
            self, channel, to, encode(PrePrepare(*place, batch, config.keys.vote.sign(message)))
        )

    driver: Any = Driver
    driver._send = send


def main(_run: str, folder: str) -> None:
    """Run the member in a folder."""
    config = load_member(Path(folder))
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    _lie(config)
    uvloop.run(serve(config))


if __name__ == "__main__":
    main(*sys.argv[1:])
