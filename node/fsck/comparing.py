"""Two stores side by side, key by key: the folder, and what re-execution made.

Both give their pairs in order of keys, so one walk finds what is missing, what is left over and
what differs, and holds one pair of each at a time. Every family that is computed is compared; what
has no family at all is left over.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from chaincode.duplicates import LIVE
from ledger.block import HEADER
from ledger.errors import Malformed
from ledger.leaf import LEAF, parse_state_value
from ledger.paths import key as path_key
from node.archive import BLOCK, read_place
from node.epoch_store import HANDOVER
from node.fsck.findings import FAMILIES, Findings
from node.fsck.shadow import DIGESTED
from node.store import Reader, prefix_stop

__all__ = ["Comparison"]

COMPUTED: Final = (b"b", b"d", b"g", b"h", b"i", b"l", b"n", b"p", b"r", b"s", b"t")
_OF_STATE: Final = (b"d", b"p", b"s")  # these name the state they are of after the family
_SHADOWS: Final = 0  # the number of the shadow's state
_MISSING, _LEFT_OVER, _DIFFERS = "is missing", "is left over", "differs"

Pair = tuple[bytes, bytes]


class Comparison:
    """Compares a folder with the shadow of it, up to a height."""

    def __init__(
        self,
        folder: Reader,
        shadow: Reader,
        findings: Findings,
        height: int,
        state: int,
        top: int | None = None,
    ) -> None:
        """`height`: how far re-execution came; `state`: the number of the state in force; `top`: up
        to here headers above it belong to a snapshot that is being fetched.
        """
        self._top = height if top is None else top
        self._folder = folder
        self._state = state
        self._shadow = shadow
        self._findings = findings
        self._height = height

    def run(self, is_whole: bool) -> None:
        """Compare all computed families.

        When re-execution ended early (`is_whole` False) the state above is unknown: then what
        belongs to a later height is passed over, and the state with it.
        """
        for family in COMPUTED:
            if is_whole or family not in _OF_STATE:
                self._compare(family, is_whole)

    def _compare(self, family: bytes, is_whole: bool) -> None:
        held = self._held(family)
        made = self._shadow.range(family, prefix_stop(family))
        if not is_whole:
            held = (pair for pair in held if not self._is_later(family, *pair))
        ours, theirs = next(held, None), next(made, None)
        while ours is not None or theirs is not None:
            if theirs is None or (ours is not None and ours[0] < theirs[0]):
                self._tell(family, _LEFT_OVER, ours or theirs)
                ours = next(held, None)
            elif ours is None or theirs[0] < ours[0]:
                self._tell(family, _MISSING, theirs)
                theirs = next(made, None)
            else:
                value = sha256(ours[1]).digest() if family in DIGESTED else ours[1]
                if value != theirs[1]:
                    self._tell(family, self._difference(family, ours, theirs[1]), ours)
                ours, theirs = next(held, None), next(made, None)

    def _held(self, family: bytes) -> Iterator[Pair]:
        """The folder's pairs; those of the state in force as if it had the shadow's number."""
        pairs = self._folder.range(family, prefix_stop(family))
        if family == b"h":
            return (p for p in pairs if not self._height < (_height(b"h", *p) or 0) <= self._top)
        if family not in _OF_STATE:
            return pairs
        mark, shown = bytes([self._state]), family + bytes([_SHADOWS])
        ours = (pair for pair in pairs if pair[0][1:2] == mark)
        return ((shown + key[2:], value) for key, value in ours)

    def _is_later(self, family: bytes, key: bytes, value: bytes) -> bool:
        """Say whether a pair belongs to a height that was not executed again."""
        if family == b"n":  # as high as the last of its leaves
            key = _last_of(key)
            family, value = b"i", self._folder.get(key) or b""
        height = _height(family, key, value)
        if height is None:
            return family == b"t" and not value  # consumed in a block that is missing here
        return height > self._height

    def _difference(self, family: bytes, ours: Pair, made: bytes) -> str:
        """Say what of a value differs, where parts of it have names."""
        try:
            if family == b"b":
                return self._block_difference(*ours)
            if family == b"l":
                LEAF.decode(ours[1])
            elif family == b"s":
                held, true = parse_state_value(ours[1]), parse_state_value(made)
                parts = [
                    n
                    for n in ("record", "size", "frontier")
                    if getattr(held, n) != getattr(true, n)
                ]
                return f"{_DIFFERS} in its {', '.join(parts)}"
        except Malformed as error:
            return f"{_DIFFERS}: {error}"
        return _DIFFERS

    def _block_difference(self, key: bytes, value: bytes) -> str:
        block = BLOCK.decode(value)
        header = self._shadow.get(b"h" + key[1:])
        if block.header != header:
            return f"{_DIFFERS} in its header"
        return f"{_DIFFERS} in its results"  # the transactions were compared before they were run

    def _tell(self, family: bytes, what: str, pair: Pair | None) -> None:
        if pair is None:
            return
        key, value = pair
        self._findings.add(
            FAMILIES[family],
            what,
            height=_height(family, key, value),
            entity=self._entity(family, key, value),
            key=key,
        )

    # Names.

    def _entity(self, family: bytes, key: bytes, value: bytes) -> str | None:
        """Return the path of the entity that a pair belongs to, when it can be told."""
        if family == b"l":
            return _leaf_path(self._folder.get(key)) or self._placed(key[1:])
        if family in (b"s", b"p"):
            return self._name(key[2:34])
        if family in (b"i", b"n"):
            return self._name(key[1:33])
        if family == b"r":
            return _leaf_path(self._folder.get(b"l" + key[1:])) or self._placed(key[1:])
        return None

    def _name(self, state_key: bytes) -> str | None:
        if state_key == path_key(LIVE):
            return LIVE.text
        # The first leaf of its log names the entity; of the two stores, the one that agrees.
        for reader in (self._shadow, self._folder):
            stands = reader.get(b"i" + state_key + bytes(8))
            leaf = None if stands is None else self._folder.get(b"l" + stands)
            try:
                path = None if leaf is None else LEAF.decode(leaf).path
            except Malformed:
                continue
            if path is not None and path_key(path) == state_key:
                return path.text
        return None

    def _placed(self, stands: bytes) -> str | None:
        """Return the entity whose leaf should stand at a place: a walk, for a missing leaf only."""
        for key, value in self._shadow.range(b"i", b"j"):
            if value == stands:
                return self._name(key[1:33])
        return None


def left_over(folder: Reader, families: tuple[bytes, ...], findings: Findings) -> None:
    """Tell of every key that begins with no known family."""
    for start, stop in _gaps(sorted(families)):
        for key, _ in folder.range(start, stop):
            findings.add("unknown", "a key of no known family", key=key)


def _gaps(families: list[bytes]) -> Iterator[tuple[bytes | None, bytes | None]]:
    start: bytes | None = None
    for family in families:
        yield start, family
        start = prefix_stop(family)
    yield start, None


def _height(family: bytes, key: bytes, value: bytes) -> int | None:
    if family in (b"b", b"h", b"l", b"r"):
        return int.from_bytes(key[1:9], "big")
    if family == b"i":
        return int.from_bytes(value[:8], "big") if len(value) == 12 else None
    try:
        if family == b"g":
            return HEADER.decode(HANDOVER.decode(value).header).height
        if family == b"t":
            stands = read_place(value)
            return None if stands is None else stands[0]
    except Malformed:
        return None
    return None


def _last_of(key: bytes) -> bytes:
    """Return the key of the place of the last leaf beneath a subtree."""
    level, number = key[33:34], int.from_bytes(key[34:], "big")
    if len(key) != 42 or level[0] > 48:
        return b""  # no subtree that a member writes
    last = (number + 1 << level[0]) - 1
    return b"i" + key[1:33] + last.to_bytes(16, "big")[-8:]


def _leaf_path(data: bytes | None) -> str | None:
    try:
        return None if data is None else LEAF.decode(data).path.text
    except Malformed:
        return None
