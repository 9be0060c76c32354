"""Refusals: how a contract or the runtime says no, and the closed list of codes it may say it with.

A refusal is a result, not an error: the transaction stands in the block with a code and typed
parameters and changes nothing (DESIGN section 4). Sentences are made at the edge from
`ledger.sentences`, never here: text from an interpreter or a library would split the chain. A
test compares this table with the sources and the catalogue.
"""

from __future__ import annotations

from typing import Final, NoReturn

from chaincode.limits import QUOTE_LENGTH_MAX
from ledger.codec import Value

__all__ = ["CODES", "RULES", "Refused", "quote", "refuse"]

CODES: Final[dict[str, tuple[str, ...]]] = {
    # the runtime: the transaction as a whole
    "expired": ("time", "valid_until"),
    "valid-until-too-far": ("time", "valid_until"),
    "replayed": (),
    "chain": (),
    "unknown-contract": ("contract",),
    "unknown-function": ("contract", "function"),
    "signer-count": ("expected", "given"),
    "repeated-signer": ("account",),
    "unknown-account": ("account",),
    "wrong-key": ("account",),
    "wrong-role": ("account", "role"),
    "unknown-argument": ("field",),
    "missing-argument": ("field",),
    "bad-argument": ("field", "rule"),
    # the runtime: what a contract did
    "unknown-entity": ("entity",),
    "already-exists": ("entity",),
    "unnamed-write": ("entity",),
    "foreign-write": ("entity",),
    "bad-path": ("entity",),
    "too-many-events": ("limit",),
    "too-many-entities": ("limit",),
    "record-too-large": ("entity", "limit"),
    "leaves-too-large": ("limit",),
    "overflow": ("limit",),
    "bad-member-set": ("field",),
    # both contracts
    "foreign-id": ("id", "organisation"),
    "wrong-organisation": ("account", "organisation"),
    "wrong-state": ("entity", "state"),
    "duplicate-entry": ("entry", "field"),
    "self-approval": ("account",),
    # supplies
    "wrong-unit": ("item", "label", "unit"),
    "mixed-units": ("other", "unit"),
    "quantity-too-large": ("limit",),
    "more-than-held": ("asked", "held", "lot"),
    "lot-expired": ("expiry", "lot"),
    "non-conformant": ("lot",),
    "not-inspected": ("lot",),
    "earmarked": ("earmark", "lot"),
    "wrong-item": ("item", "lot"),
    "wrong-recipient": ("entity", "recipient"),
    "unknown-recipient": ("recipient",),
    "self-confirmation": ("account",),
    "not-in-donation": ("donation", "lot"),
    "not-in-allocation": ("allocation", "lot"),
    "not-in-shipment": ("lot", "shipment"),
    "more-than-shipped": ("asked", "held", "lot"),
    "nothing-corrected": (),
    "already-moved": ("lot",),
    "nothing-changed": ("entity",),
    "too-many-inspections": ("limit", "lot"),
    # datasharing
    "withheld": ("dataset",),
    "outside-fields": ("field",),
    "outside-purpose": ("purpose",),
    "outside-period": ("from", "until"),
    "empty-period": ("from", "until"),
    "grant-revoked": ("grant",),
    "grant-expired": ("grant", "until"),
    "grant-not-started": ("from", "grant"),
    "too-many-requests": ("dataset", "limit", "organisation"),
}

RULES: Final[tuple[str, ...]] = (
    # what a "bad-argument" may break
    "integer", "text", "bytes", "list", "map", "range", "length", "characters", "choice",
    "date", "shape",
)  # fmt: skip


class Refused(Exception):
    """The transaction is refused: `code` from CODES, `parameters` as listed there."""

    def __init__(self, code: str, parameters: dict[str, Value]) -> None:
        super().__init__(code)
        self.code = code
        self.parameters = parameters


def refuse(code: str, /, **parameters: Value) -> NoReturn:
    """Refuse the transaction. A parameter called `from` is written `from_`.

    Raises: Refused, always.
    """
    if "from_" in parameters:
        parameters["from"] = parameters.pop("from_")
    raise Refused(code, parameters)


def quote(text: str) -> str:
    """Return a caller's word short enough to be repeated in a result."""
    return text[:QUOTE_LENGTH_MAX]
