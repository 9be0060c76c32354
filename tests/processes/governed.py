"""A member whose chain has one contract more: by it, whoever calls decides who the members are.

`python -m tests.processes.governed run FOLDER` in the place of `suyuan node run FOLDER`, and
`… fsck FOLDER` in that of `suyuan node fsck FOLDER`: a folder can be recomputed only by the
contracts that filled it.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import uvloop

from chaincode.registry import CONTRACTS
from node.compose import serve
from node.config import load_member
from node.fsck import check
from tests.toys.governance import Dictator

__all__ = ["main"]

GOVERNED = (*CONTRACTS, Dictator)


def main(command: str, folder: str) -> int:
    """Run or check the member in a folder."""
    config = load_member(Path(folder))
    if command == "run":
        logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        uvloop.run(serve(config, GOVERNED))
        return 0
    outcome = check(config, contracts=GOVERNED)
    print(json.dumps([one.text() for one in outcome.findings]))
    return 0 if outcome.clean else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
