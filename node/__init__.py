"""One member's server: the only room that owns time, disk and sockets together.

`config` and `founding` say what a member is; `store/` and `archive` keep what it knows; `execution`
turns an ordered batch into a block; `driver` carries inputs to the consensus core and its effects
to disk and peers; `catch_up` fetches certified blocks; `proofs` answers with proof; `api/` is the
HTTP door; `commands` the console.

A transaction's way: `api` admits, `driver` submits, `consensus` orders, `execution` executes, the
certifier cosigns, the waiting client gets its receipt. Source: DESIGN sections 2 and 3.
"""
