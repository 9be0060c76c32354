"""Every maximum of the shared formats in one place, each with its reason.

A limit is checked before allocation and before signature work (R-RS-3). Limits of one room alone
(queues of `network/`, windows of `consensus/`) stand in that room.
"""

from __future__ import annotations

from typing import Final

# browsers read the same integers as we do (IEEE 754 doubles are exact to here)
INTEGER_MAX: Final = 2**53 - 1
DEPTH_MAX: Final = 16  # nesting of any canonical value; keeps every decoder's recursion bounded
# holds "<organisation>.<64 hex>" and leaves 31 for the organisation
IDENTIFIER_LENGTH_MAX: Final = 96

MEMBERS_MAX: Final = 16  # PBFT is quadratic in members; a checkpoint stays below 3 kB
ACCOUNTS_MAX: Final = 20_000  # in a genesis file: 1,000 for a benchmark and room for a province
KEYS_PER_ACCOUNT_MAX: Final = 8
ROLES_PER_ACCOUNT_MAX: Final = 16
NAME_LENGTH_MAX: Final = 200  # characters of a human name or title
GENESIS_SIZE_MAX: Final = 16 * 1024 * 1024  # bytes of a genesis file

SIGNERS_MAX: Final = 4  # DESIGN section 4: one to four accounts sign a transaction
TRANSACTION_SIZE_MAX: Final = 64 * 1024  # bytes of one transaction with its signatures
ARGUMENTS_LENGTH_MAX: Final = 64  # names in the arguments of one call
# values in the arguments of one call, nested ones and names of maps included: 64 lots of six fields
# are 900, and 62 kB of nested lists are refused after walking over a fifteenth of them
ARGUMENTS_NODES_MAX: Final = 4_096
# the same for any plain value read or written by itself: a request of 2,000 transactions is 2,001
VALUE_NODES_MAX: Final = 65_536
VALIDITY_MS_MAX: Final = 10 * 60 * 1000  # valid_until is at most this far after the block's time
DUPLICATE_BUCKET_MS: Final = 10_000  # consumed ids are forgotten in buckets of this width

BLOCK_TRANSACTIONS_MAX: Final = 2_000  # transactions of one block
BLOCK_SIZE_MAX: Final = 4 * 1024 * 1024  # bytes of all transactions of one block
# events of one transaction: 32 lots received and their lists
EVENTS_PER_TRANSACTION_MAX: Final = 64
# entities an event names: 64 handles or lots and what goes with them
ENTITIES_PER_EVENT_MAX: Final = 160

# heights whose state can still be proved; ordering stops 64 beyond the certified height
RECENT_ROOTS: Final = 80
NOTE_SIZE_MAX: Final = 64 * 1024  # bytes of a signed note, whatever signs it
NOTE_SIGNATURES_MAX: Final = 100  # lines; C2SP asks for at least 16

BUNDLE_SIZE_MAX: Final = 64 * 1024 * 1024  # bytes of a bundle file
JSON_COMMAS_MAX: Final = 4_000_000  # in a file of JSON: about as many values does a parser make
BUNDLE_EVENTS_MAX: Final = 10_000  # events in one bundle
BUNDLE_ENTITIES_MAX: Final = 10_000  # entities in one bundle
HANDOVERS_MAX: Final = 1_024  # changes of members in one epoch walk: ten a year for a century
WITNESS_NOTES_MAX: Final = 64  # a note for each member of some sets
WITNESS_LINES_MAX: Final = 32  # outside witnesses on one note

# hashes of one Merkle path: a consistency path over 2^53 leaves, rounded up
MERKLE_PATH_MAX: Final = 106
# seconds by which a certificate may be ahead of the verifier's clock
CLOCK_TOLERANCE_S: Final = 300
