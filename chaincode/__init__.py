"""The contract runtime and the contracts: what a block of transactions does to the state.
Deterministic, no IO.

Reading order: `context` (what an author of contracts sees), `contract` (how functions are
declared), `runtime` (how a block is executed), `appending` (how events reach the logs of the
entities they name), `duplicates` (exactly once), `registry` (which sources are installed); then
the contracts `identity`, `supplies` and `datasharing`, each in an immutable folder per version;
`conservation` recomputes every counter of every lot from events alone.

Source: DESIGN sections 2.1 to 2.4, 4 and 5.
"""
