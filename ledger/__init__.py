"""The formats everyone must agree on, byte for byte. No IO, no clock, no randomness.

Reading order: `codec` and `hashing` (how a value becomes bytes and a digest), `paths`, `event` and
`leaf` (what happened to whom), `merkle_log` and `state_tree` (how it is committed to),
`transaction` and `block` (how it is ordered), `membership`, `quorum` and `checkpoint` (who says
so), `bundle`, `verify` and `verdict` (how anyone checks it), `limits`, `errors`, `sentences`.

Source: DESIGN sections 2 and 4.
"""
