"""The state in force, held against the root in its header, where it cannot be executed again.

Everything the state is made of is there: keys and values lead to the root, paths to their keys, the
consumed ids of every live bucket to the frontier that the state holds. What is not: how it came to
be so, which q members vouch for.
"""

from __future__ import annotations

from chaincode.duplicates import LIVE, bucket_path, live_buckets
from ledger.errors import InvariantViolated, Malformed
from ledger.hashing import sha256, tagged
from ledger.leaf import parse_state_value
from ledger.merkle_log import Frontier, frontier_append, leaf_hash
from ledger.paths import key as path_key
from ledger.state_tree import StateTree
from node.fsck.findings import Findings
from node.state_store import ID_SIZE, joined_ids
from node.store import Reader, prefix_stop

__all__ = ["Standing"]


class Standing:
    """One state of a folder."""

    def __init__(self, store: Reader, state: int, findings: Findings) -> None:
        """`state`: its number."""
        self._store = store
        self._mark = bytes([state])
        self._findings = findings

    def check(self, height: int, root: bytes) -> None:
        """Check values and paths of the state of a height with this root."""
        entries: list[tuple[bytes, bytes]] = []
        prefix = b"s" + self._mark
        for key, value in self._store.range(prefix, prefix_stop(prefix)):
            try:
                parse_state_value(value)
            except Malformed as error:
                self._findings.add("state", str(error), key=key)
            path = self._store.get(b"p" + key[1:])
            if path is None:
                self._findings.add("path", "is missing", key=b"p" + key[1:])
            elif tagged("path", path) != key[2:]:
                self._findings.add("path", "is not of its key", key=b"p" + key[1:])
            entries.append((key[2:], sha256(value)))
        prefix = b"p" + self._mark
        for key, _ in self._store.range(prefix, prefix_stop(prefix)):
            if self._store.get(b"s" + key[1:]) is None:
                self._findings.add("path", "is left over", key=key)
        try:
            made = StateTree.build(height, entries).root()
        except InvariantViolated as error:
            self._findings.add("state", str(error), height=height)
            return
        if made != root:
            what = "a value differs, is missing or is left over: the root is not the header's"
            self._findings.add("state", what, height=height)

    def value(self, key: bytes) -> bytes | None:
        """Return the state value under a key of the state tree, or None."""
        return self._store.get(b"s" + self._mark + key)

    def consumed(self) -> set[bytes]:
        """Check the consumed ids against their buckets' logs, and return all of them."""
        found: set[bytes] = set()
        try:
            held = self.value(path_key(LIVE))
            buckets = () if held is None else live_buckets(held)
        except Malformed:
            return found  # told as a value that differs
        for bucket in buckets:
            self._check_bucket(bucket, found)
        prefix = b"d" + self._mark
        for key, _ in self._store.range(prefix, prefix_stop(prefix)):
            if int.from_bytes(key[2:10], "big") not in buckets or len(key) != 18:
                self._findings.add("consumed-ids", "is left over", key=key)
        return found

    def _check_bucket(self, bucket: int, found: set[bytes]) -> None:
        prefix = b"d" + self._mark + bucket.to_bytes(8, "big")
        frontier: Frontier = ()
        size = 0
        for key, joined in self._store.range(prefix, prefix_stop(prefix)):
            if int.from_bytes(key[10:], "big") != size or len(joined) % ID_SIZE or not joined:
                self._findings.add("consumed-ids", "does not follow the piece before", key=key)
                return
            for identity in joined_ids(joined):
                frontier = frontier_append(frontier, size, leaf_hash(identity))
                size += 1
                found.add(identity)
        try:
            logged = parse_state_value(self.value(path_key(bucket_path(bucket))) or b"")
        except Malformed:
            return  # told as a value that differs
        if (logged.size, logged.frontier) != (size, frontier):
            self._findings.add("consumed-ids", "are not those of the bucket's log", key=prefix)
