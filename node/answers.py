"""What became of transactions, with receipts: told at once where it is cheap, else beside.

A height in memory costs its results (15 µs each) and, for receipts, its trees (some 5 ms a thousand
transactions); it is told in the loop in short slices, of all requests together one at a time, so
that votes are heard in between. A height on disk must be read and decoded, and many receipts of one
height take long: both go to a thread. How many heights one request may reach back to is bounded
before it is ordered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ledger.block import Result
from ledger.errors import ClientFault
from node.beside import Beside
from node.blocks import Blocks
from node.clock import Clock
from node.proofs import Proofs
from node.stages import Stages

__all__ = ["Answers", "Place", "Told", "need_few_heights"]

# of transactions that stand already: two thousand submitted together stand in a few heights
HEIGHTS_MAX: Final = 64
SLICE_RESULTS: Final = 256  # results told before others are heard: 4 ms
SLICE_RECEIPTS: Final = 32  # receipts of one height made in the loop; more go to the thread
SLICE_SECONDS: Final = 0.003  # a shorter slice is followed by the next at once

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Told:
    """The result at a place, and its receipt where it was asked for."""

    result: Result
    receipt: str | None


def need_few_heights(places: Iterable[Place]) -> None:
    """Raises: ClientFault "answer-too-large" when places stand at too many heights."""
    if len({height for height, _ in places}) > HEIGHTS_MAX:
        raise ClientFault("answer-too-large", limit=HEIGHTS_MAX, what="blocks")


class Answers:
    """Tells of transactions by place."""

    def __init__(self, blocks: Blocks, proofs: Proofs, stages: Stages) -> None:
        self._blocks = blocks
        self._proofs = proofs
        self._stages = stages
        self._slice = asyncio.Lock()
        self._beside = Beside("receipts")
        self._clock = Clock()

    async def tell(
        self, places: Iterable[Place], receipts: bool = False, pin: int | None = None
    ) -> dict[Place, Told]:
        """Return for each certified place what stands there. Raises: ClientFault "pin-too-new"."""
        by_height: dict[int, list[int]] = {}
        for height, index in places:
            by_height.setdefault(height, []).append(index)
        told: dict[Place, Told] = {}
        for height, indices in by_height.items():
            if self._is_long(height, len(indices), receipts):
                told |= await self._beside.run(
                    lambda height=height, indices=indices: self._of(  # type: ignore[misc]
                        height, indices, receipts, pin
                    )
                )
                continue
            for start in range(0, len(indices), SLICE_RESULTS):
                async with self._slice:
                    begun = self._clock.monotonic()
                    told |= self._of(height, indices[start : start + SLICE_RESULTS], receipts, pin)
                    if self._clock.monotonic() - begun > SLICE_SECONDS:
                        await asyncio.sleep(0)
        return told

    def _is_long(self, height: int, count: int, receipts: bool) -> bool:
        return self._blocks.near(height) is None or (receipts and count > SLICE_RECEIPTS)

    def _of(
        self, height: int, indices: Sequence[int], receipts: bool, pin: int | None
    ) -> dict[Place, Told]:
        with self._stages.measure("receipts"):
            bundles: Sequence[bytes | None] = (
                self._proofs.receipts(height, indices, pin) if receipts else [None] * len(indices)
            )
            return {
                (height, index): Told(
                    self._blocks.result(height, index), None if bundle is None else bundle.decode()
                )
                for index, bundle in zip(indices, bundles, strict=True)
            }

    def stop(self) -> None:
        """Let go of the thread."""
        self._beside.stop()
