"""The contract class of datasharing, version 1: all its functions and kinds of entities."""

from __future__ import annotations

from chaincode.contract import Contract
from chaincode.datasharing.v1.accessing import Accessing
from chaincode.datasharing.v1.records import DATASET, GRANT, HANDLE, OPEN, REQUEST
from chaincode.datasharing.v1.sharing import Sharing

__all__ = ["DataSharing"]


class DataSharing(Contract, Sharing, Accessing):
    """From catalogue to revocation."""

    name = "datasharing"
    version = 1
    kinds = (DATASET, REQUEST, GRANT, HANDLE, OPEN)
