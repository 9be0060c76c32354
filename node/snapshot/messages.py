"""What members say to each other about a snapshot: six questions, their answers, and a refusal.

All are canonical arrays with a type tag; every answer repeats what was asked, so that a late one is
known by it. Nothing in an answer is believed: `joining` verifies each against a certificate.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ledger.codec import Digest, Format, Natural
from ledger.limits import MERKLE_PATH_MAX, NOTE_SIZE_MAX
from ledger.snapshot import Chunk
from node.epoch_store import StoredHandover
from node.state_store import ID_SIZE

__all__ = [
    "HANDOVERS_AT_ONCE",
    "HEADERS_MAX",
    "IDS_MAX",
    "MESSAGE",
    "Answer",
    "AskChunk",
    "AskHeaders",
    "AskHold",
    "AskIds",
    "AskOffer",
    "AskWalk",
    "Gone",
    "Headers",
    "Holding",
    "Ids",
    "Message",
    "Offer",
    "Piece",
    "Question",
    "Walked",
    "is_answer",
]

# handovers of one answer: 10 kB each and at worst 140, a certificate checked in 1 ms
HANDOVERS_AT_ONCE: Final = 16
HEADERS_MAX: Final = 500  # headers of one answer: 120 kB, 5 ms
HEADER_SIZE_MAX: Final = 1_024  # bytes of one header; it has about 240
IDS_MAX: Final = 8_000  # consumed ids of one answer: 256 kB, checked in 30 ms


class AskOffer(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="o?"):
    """Which height above `above` could you give?"""

    above: Natural


class AskWalk(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="e?"):
    """Which epochs follow epoch `after`?"""

    after: Natural


class AskHold(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="w?"):
    """Hold this height for me, please."""

    height: Natural


class AskHeaders(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="h?"
):
    """The headers of the heights below `below`, downward, above `above`."""

    height: Natural
    below: Natural
    above: Natural


class AskChunk(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="c?"):
    """The chunk that begins at key `first`."""

    height: Natural
    first: Digest


class AskIds(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="i?"):
    """The consumed ids of a live bucket from `index` of its log on."""

    height: Natural
    bucket: Natural
    index: Natural


class Offer(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="o"):
    """A height, its header, and its certificate: the header is the last leaf of the chain log whose
    root the note certifies.
    """

    height: Natural
    header: Annotated[bytes, Meta(max_length=HEADER_SIZE_MAX)]
    note: Annotated[str, Meta(max_length=NOTE_SIZE_MAX)]
    inclusion: Annotated[tuple[Digest, ...], Meta(max_length=MERKLE_PATH_MAX)]


class Walked(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="e"):
    """The handovers of the epochs that follow epoch `after`, in order."""

    after: Natural
    handovers: Annotated[tuple[StoredHandover, ...], Meta(max_length=HANDOVERS_AT_ONCE)]


class Holding(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="w"):
    """The height is held: ask for its pieces."""

    height: Natural


class Headers(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="h"):
    """Headers downward from below − 1."""

    height: Natural
    below: Natural
    headers: Annotated[
        tuple[Annotated[bytes, Meta(max_length=HEADER_SIZE_MAX)], ...], Meta(max_length=HEADERS_MAX)
    ]


class Piece(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="c"):
    """A chunk of the state."""

    height: Natural
    chunk: Chunk


class Ids(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="i"):
    """Ids of a bucket from `index` on, joined: IDS_MAX of them, or all that are left."""

    height: Natural
    bucket: Natural
    index: Natural
    joined: Annotated[bytes, Meta(max_length=IDS_MAX * ID_SIZE)]


class Gone(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="g"):
    """That height is not, or no longer, held here: ask somebody else. 0: there is nothing to offer.
    In catch-up: the block of that height is not here.
    """

    height: Natural


Question = AskOffer | AskWalk | AskHold | AskHeaders | AskChunk | AskIds
Answer = Offer | Walked | Holding | Headers | Piece | Ids | Gone
Message = Question | Answer

MESSAGE: Final[Format[Message]] = Format(Message, "snapshot message")  # type: ignore[arg-type]


def is_answer(answer: Answer, question: Question) -> bool:
    """Say whether an answer is one to this question, and not to an earlier one."""
    match question, answer:
        case AskOffer(), Offer():
            return True
        case AskOffer(), Gone(height=height):
            return height == 0
        case AskWalk(after=asked), Walked(after=after):
            return asked == after
        case AskHold(height=asked), Holding(height=height):
            return height == asked
        case AskHeaders(height=asked, below=below), Headers():
            return (asked, below) == (answer.height, answer.below)
        case AskChunk(height=asked, first=first), Piece():
            return (asked, first) == (answer.height, answer.chunk.first)
        case AskIds(height=asked, bucket=bucket, index=index), Ids():
            return (asked, bucket, index) == (answer.height, answer.bucket, answer.index)
        case AskHold() | AskHeaders() | AskChunk() | AskIds(), Gone(height=height):
            return height == question.height
        case _:
            return False
