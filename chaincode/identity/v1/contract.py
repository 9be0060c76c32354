"""The contract class of identity, version 1."""

from __future__ import annotations

from chaincode.contract import Contract
from chaincode.identity.v1.records import ACCOUNT, ORGANISATION

__all__ = ["Identity"]


class Identity(Contract):
    """Organisations and accounts. They come from genesis; changing them is not offered in this
    version.
    """

    name = "identity"
    version = 1
    kinds = (ORGANISATION, ACCOUNT)
