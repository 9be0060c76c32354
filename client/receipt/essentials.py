"""What a paper receipt holds, taken from a verified bundle, and its compact spelling for a QR code.

Nothing is told that the verifier did not establish, and nothing depends on where or when the
receipt is made: the same bundle gives the same bytes. Source: docs/FORMATS.md, section 10.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from ledger.canonical_json import to_base64, to_json
from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.claims import claim_value
from ledger.errors import InvariantViolated, Malformed
from ledger.notes import parse_note
from ledger.verdict import Report

__all__ = ["Essentials", "code_text", "essentials_of"]

HEADER: Final = "suyuan-receipt/v1"
CLAIM_LENGTH_MAX: Final = 160  # characters of a claim spelt out in the code
URL_LENGTH_MAX: Final = 300  # a longer address makes a code that phones cannot read from paper
_URL: Final = re.compile(r"https?://[A-Za-z0-9._~:/?@!$&()*+,;=%\[\]-]+\Z")


@dataclass(frozen=True, slots=True)
class Essentials:
    """What stands on the paper. `block_time` in milliseconds, the other times in seconds since 1970
    UTC.
    """

    report: Report
    claim: str  # RFC 8785 JSON, or its kind and SHA-256 where it is long or of accesses
    checkpoint: Checkpoint
    height: int
    block_time: int
    complete_as_of: int
    existed_by: int
    size: int  # bytes of the bundle file
    digest: str  # SHA-256 of the bundle file, hex

    @property
    def pin(self) -> str:
        """The checkpoint's text: three lines that any later bundle must extend."""
        return self.checkpoint.text()


def essentials_of(data: bytes, report: Report) -> Essentials:
    """Take the essentials of the bundle file `data` from the verdict on it.

    Raises: InvariantViolated for a verdict that failed: whoever calls has refused it before.
    """
    bundle, height, block_time = report.bundle, report.height, report.block_time
    complete, existed = report.complete_as_of, report.existed_by
    if not report.exit_ok or bundle is None or height is None or block_time is None:
        raise InvariantViolated("a receipt of a bundle that does not verify")
    if complete is None or existed is None:
        raise InvariantViolated("a receipt of a bundle without a time")
    checkpoint = parse_checkpoint(parse_note(bundle.checkpoint).text)
    return Essentials(
        report=report,
        claim=_claim_text(to_json(claim_value(bundle.claim))),
        checkpoint=checkpoint,
        height=height,
        block_time=block_time,
        complete_as_of=complete,
        existed_by=existed,
        size=len(data),
        digest=sha256(data).hexdigest(),
    )


def _claim_text(claim: bytes) -> str:
    """A long claim is named by its kind and hash, and one of accesses always: paper that lies about
    must not hold a person's handles, under which anybody could ask. The bundle spells it out.
    """
    text = claim.decode()
    kind = json.loads(text)["kind"]
    if len(text) <= CLAIM_LENGTH_MAX and kind != "accesses":
        return text
    return to_json({"kind": kind, "sha256": sha256(claim).hexdigest()}).decode()


def code_text(essentials: Essentials, url: str | None = None) -> str:
    """Return what the QR code says: lines of ASCII, or `url` with the same lines as its fragment.

    A browser sends no fragment: the page at `url` learns what was asked only if it reads it.
    Raises: Malformed for an address that is none, has a fragment, or is too long.
    """
    lines = (
        HEADER,
        f"chain {essentials.checkpoint.origin}",
        f"claim {essentials.claim}",
        f"height {essentials.height}",
        f"as-of {essentials.complete_as_of}",
        f"size {essentials.checkpoint.size}",
        f"root {to_base64(essentials.checkpoint.root)}",
        f"bundle {essentials.digest}",
    )
    text = "\n".join(lines) + "\n"
    if not text.isascii():
        raise InvariantViolated("the code of a receipt is ASCII")
    if url is None:
        return text
    if len(url) > URL_LENGTH_MAX or not _URL.match(url):
        raise Malformed(
            "--url", f"must be an http(s) address of at most {URL_LENGTH_MAX} characters, without #"
        )
    return f"{url}#{quote(text, safe='/:,{}')}"
