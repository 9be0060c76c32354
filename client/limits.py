"""Every maximum of the client in one place, each with its reason. Limits of the formats stand in
ledger/limits.

A client bounds what it reads from files and from members alike: it trusts neither.
"""

from __future__ import annotations

from typing import Final

from ledger.limits import BLOCK_TRANSACTIONS_MAX, BUNDLE_SIZE_MAX

REQUEST_TRANSACTIONS_MAX: Final = (
    BLOCK_TRANSACTIONS_MAX  # transactions of one request, as the API takes
)
REQUEST_SIZE_MAX: Final = (
    3 * 1024 * 1024
)  # bytes of one request: below a block's 4 MiB with all its framing
RESPONSE_SIZE_MAX: Final = BUNDLE_SIZE_MAX + 1024 * 1024  # a bundle and what stands around it
VALIDITY_MS: Final = 5 * 60 * 1000  # valid_until is so far ahead: half of what the ledger allows
MEMBERS_ASKED_MAX: Final = 16  # addresses of members one client is given
ROUNDS_MAX: Final = (
    6  # times that every member is asked before giving up: about ten seconds of pauses
)
ROUNDS_ASKING: Final = 2  # the same for a person who waits at a terminal for an answer
PAUSE_FIRST_S: Final = 0.25  # the pause between rounds begins here and doubles
PAUSE_MAX_S: Final = 4.0
SETTLING_MS: Final = (
    30_000  # after valid_until a transaction cannot enter a block any more; this is for clocks
)
CONNECT_TIMEOUT_S: Final = 5.0
ANSWER_TIMEOUT_S: Final = (
    60.0  # a member waits at most so long for the certificate before it says "pending"
)

EXCHANGE_S_MAX: Final = (
    180.0  # one request with its whole answer: 64 MiB at 3 Mbit/s; no trickle outlasts it
)
ASKING_MS_MAX: Final = 600_000  # after ten minutes on one question no further member is asked

KEY_FILE_SIZE_MAX: Final = 16 * 1024  # a key file is about 600 bytes
KEYS_IN_FOLDER_MAX: Final = 20_000  # as many as a genesis holds accounts
KDF_MEMORY_MAX: Final = 1024 * 1024 * 1024  # bytes of memory a key file may ask of whoever opens it
KDF_OPERATIONS_MAX: Final = 16
PASSPHRASE_LENGTH_MIN: Final = 8  # characters
PASSPHRASE_LENGTH_MAX: Final = 1024

ARGUMENTS_FILE_SIZE_MAX: Final = (
    1024 * 1024
)  # arguments of one call: far above a transaction's 64 KiB
PAIRS_FILE_SIZE_MAX: Final = 1024 * 1024
PAIRS_MAX: Final = 4_999  # [grant, handle] pairs of one question, as many as a claim may have
PIN_FILE_SIZE_MAX: Final = 64 * 1024  # a signed note

READY_S_MAX: Final = (
    60.0  # four members must be ready so soon after their start, on a busy machine too
)
STOP_S_MAX: Final = 10.0  # a member told to stop is killed after this
LOG_TAIL_LINES: Final = 12  # of a member's log, shown when its process ends unasked
WATCH_S: Final = 1.0  # between two looks at the members while the demonstration stays up
