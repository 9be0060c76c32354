"""Every maximum of the contracts and their runtime, each with its reason.

The maxima of the shared formats (sizes of transactions, entities of an event) stand in
`ledger.limits`.
"""

from __future__ import annotations

from typing import Final

# of one lot or movement, in base units: ten billion yuan in fen; 9,000 of them fit a sum
QUANTITY_MAX: Final = 10**12
FACTOR_MAX: Final = 10**9  # base units in one pack
# packs in one lot; the product with the factor is checked against QUANTITY_MAX
COUNT_MAX: Final = 10**9

LOTS_PER_RECEIPT_MAX: Final = 32  # each is an event of its own (at most 64 events a transaction)
# the event names each lot and is copied into the log of each and of its day: bytes grow with the
# square
LOTS_PER_ALLOCATION_MAX: Final = 32
LOTS_PER_SHIPMENT_MAX: Final = 32  # no more than an allocation has
PACKS_PER_ITEM_MAX: Final = 64  # the Wuhan tables have 14 units for masks
# base units of one list's sums; entries in further units are counted, not summed
UNITS_PER_INDEX_MAX: Final = 64
# verdicts on one lot; after these only "non_conformant" is heard, so that the log stays provable
INSPECTIONS_PER_LOT_MAX: Final = 32

FIELDS_PER_DATASET_MAX: Final = 64  # a catalogue entry names its fields one by one
PURPOSES_PER_DATASET_MAX: Final = 64  # codes, not sentences
HANDLES_PER_ACCESS_MAX: Final = 64  # DESIGN 5: above 64 persons an access carries a root instead
# of one organisation for one data set, waiting for its provider's decision
OPEN_REQUESTS_MAX: Final = 16

UNIT_LENGTH_MAX: Final = 16  # characters of a unit ("piece", "box")
LABEL_LENGTH_MAX: Final = 64  # characters of a pack's label ("box of 50")
NAME_LENGTH_MAX: Final = 200  # characters of a name people read
# characters of a reason, a note, an explanation: copied into every log it concerns
TEXT_LENGTH_MAX: Final = 500
FIELD_LENGTH_MAX: Final = 64  # characters of the name of a field of a data set
CODE_LENGTH_MAX: Final = 64  # characters of a code word (purpose, sensitivity)
# UTF-8 bytes of an argument that is a text, per character it may have: all of the basic
# multilingual plane, so that no text costs more than Chinese does
BYTES_PER_CHARACTER_MAX: Final = 3

# bytes of all leaves of one transaction, since each entity an event names stores its own copy: 32
# lots of 32 days with ids of 40 characters and a reason of full length
LEAVES_SIZE_MAX: Final = 256 * 1024

# bytes of an entity's record: 32 lots of 96-character ids and as many items are below 10 kB
RECORD_SIZE_MAX: Final = 32 * 1024
QUOTE_LENGTH_MAX: Final = 96  # characters of a caller's word repeated in a refusal
# live buckets of consumed ids: ten minutes in steps of ten seconds, both ends
BUCKETS_MAX: Final = 62
