"""One height of the state tree, held fast while later blocks change it: what a snapshot is proved
by.

What it is: the slots of the tree as they stood at that height, kept by noting, before each later
batch, what the batch changes for the first time. It costs a dictionary entry per changed slot and
batch, and no pause; it never holds more than the tree has slots. What it is not: a copy, nor safe
to read in one thread while another updates the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ledger.state_range import prove_range

__all__ = ["Noted", "Pin"]

Noted = Callable[[int], bytes | None]
"""What a slot was (its records, or the hash of the page below), or None: it is what it was."""


class Pin:
    """The tree at `height`, with its `root`, until it is released."""

    __slots__ = ("_hashes", "_noted", "_slot", "height", "root")

    def __init__(
        self,
        height: int,
        root: bytes,
        slot: Callable[[int, Noted], bytes],
        hashes: Callable[[int, int, Noted], Sequence[bytes]],
    ) -> None:
        self.height = height
        self.root = root
        self._slot = slot
        self._hashes = hashes
        self._noted: dict[int, bytes] = {}

    def __len__(self) -> int:
        """Number of slots noted so far."""
        return len(self._noted)

    def keep(self, undo: Mapping[int, bytes]) -> None:
        """Take what a batch noted of the slots it changed; the batches come in order."""
        noted = self._noted
        for slot, before in undo.items():
            noted.setdefault(slot, before)

    def prove_range(self, first: bytes, last: bytes) -> tuple[bytes, ...]:
        """The one proof of the range from key `first` to key `last` under `root`."""
        noted = self._noted.get
        return prove_range(
            first,
            last,
            lambda code: self._slot(code, noted),
            lambda code, depth: self._hashes(code, depth, noted),
        )
