"""`suyuan node fsck`: does a data folder hold what its blocks make of genesis?

Everything is made anew from the genesis file and the transactions of the stored blocks, by the same
runtime and executor that a running member has, into a scratch store; then both are compared key by
key. So there is one rule for every family of keys, and nothing to forget: what is missing, left
over or different is a finding. What cannot be recomputed is checked by its signatures: the newest
certificate by the member set of its height, the consensus records by this member's own keys.

`findings` is what is said, `shadow` the scratch store, `replay` the execution, `comparing` the walk
over both, `ballots` the consensus records, `checking` all of it in order. Where a snapshot was
installed the blocks before it are missing and nothing above can be executed: `beyond` and
`standing` hold it against headers and the state's root; `pending` knows a snapshot under way.

What it is not: a repair. A damaged folder is deleted and fetched again from the others; a member
that deletes its records speaks again only when that is harmless (docs/PROTOCOL.md, lost ballots).
Source: DESIGN section 2; R-DW-3, R-CP-6.
"""

from __future__ import annotations

from node.fsck.checking import Outcome, check
from node.fsck.findings import Finding

__all__ = ["Finding", "Outcome", "check"]
