"""A whole state fetched from other members, verified piece by piece against a certified root.

For a member that is new, or so far behind that executing every block would take too long, or that
nobody can give the blocks any more. `messages` is what is said, `source` a certified height held
fast while execution goes on, `serving` the server's side; `joining` the joiner's, with `choosing`
of a height, the `walk` over epochs to it, `sources` of its pieces and the `buckets` of consumed
ids. What a member lacks afterwards (blocks, events) it refuses to answer by name of the gap.

Source: consensus.md R-CP-3 to R-CP-7; DESIGN 2.5. Description: docs/protocol/snapshot.md.
"""
