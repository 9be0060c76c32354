"""Imports the Wuhan Red Cross's published tables of receipts and distributions into a ledger.

What it is: a pure core. `read_receipts`/`read_distributions` turn bytes into rows, `derive_master`
turns rows into an item master with pack factors, `Importer` turns both into calls through a
`Submitter` and returns a `Report` in which every row is accepted or refused with its reason. What
it is not: it opens no file, no socket and no key.
"""

from __future__ import annotations

from client.redcross.importer import Importer, Parties
from client.redcross.master import Master, derive_master
from client.redcross.report import Finding, Report, RowOutcome
from client.redcross.tables import TableFault, read_distributions, read_receipts

__all__ = [
    "Finding",
    "Importer",
    "Master",
    "Parties",
    "Report",
    "RowOutcome",
    "TableFault",
    "derive_master",
    "read_distributions",
    "read_receipts",
]
