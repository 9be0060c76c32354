"""Every maximum of the importer in one place, each with its reason."""

from __future__ import annotations

from typing import Final

FILE_SIZE_MAX: Final = (
    32 * 1024 * 1024
)  # bytes; a hundred times the largest table published in 2020
ROWS_MAX: Final = 100_000  # rows of one table; all outcomes are held in memory for the report
FIELD_LENGTH_MAX: Final = 500  # characters of one cell; the longest published one has 40
BATCH_CALLS: Final = (
    500  # calls of one submission; a node takes 2,000, and progress should be visible
)
LOTS_PER_DRAW_MAX: Final = 32  # lots of one allocation, as supplies takes; more make a further one
PACKS_PER_ITEM_MAX: Final = (
    64  # pack factors of one item, as supplies takes; a pack beyond is a wrong unit there
)
UNIT_LENGTH_MAX: Final = 16  # characters of a unit, as supplies takes
LABEL_LENGTH_MAX: Final = 64  # characters of a pack's label, as supplies takes
NAME_LENGTH_MAX: Final = 200  # characters of an item's name, as supplies takes
SOURCE_LENGTH_MAX: Final = 500  # characters of a source or reason, as supplies takes
QUANTITY_MAX: Final = 10**12  # base units of one lot, as supplies takes
COUNT_MAX: Final = 10**9  # packs of one lot, as supplies takes
ROWS_BEHIND_MAX: Final = 50  # receipts listed with a finding; their number is always given in full
PLACED_CACHE: Final = (
    16_384  # item texts with spec and unit whose reading is remembered; the tables have 2,400
)
