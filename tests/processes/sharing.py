"""What the questions of a subject and of a warehouse are asked about: shared data, allocated goods.

One data set, two grants; under the first grant a citizen was looked at twice and a neighbour once,
under the second nobody was. One lot, of which three quantities were proposed and one rejected.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from ledger.transaction import Transaction
from tests.processes.consortium import Consortium, codes, now_ms

__all__ = ["DATASET", "GRANTS", "LOT", "allocate", "look", "pairs_file", "pairs_of", "share"]

DATASET: Final = "police.dataset-stays"
GRANTS: Final = ("police.grant-care", "police.grant-visit")
LOT: Final = "red-cross.L-0"
FIELDS: Final = (("居住社区", "general"), ("隔离状态", "sensitive"))
HOUR: Final = 3_600_000  # ms
PROVIDER, USER = "police.data", "health.doctor"


def handle(grant: str, person: str) -> bytes:
    """A person's handle under a grant: 32 opaque bytes."""
    return sha256(f"{grant}/{person}".encode()).digest()


def pairs_of(person: str) -> tuple[tuple[str, str], ...]:
    """The (grant, handle hex) of a person under every grant."""
    return tuple((grant, handle(grant, person).hex()) for grant in GRANTS)


def pairs_file(file: Path, person: str) -> Path:
    file.write_text(json.dumps(pairs_of(person)))
    return file


def share(consortium: Consortium) -> None:
    """Publish, ask, grant, and look."""
    period = {"from": now_ms() - HOUR, "until": now_ms() + 24 * HOUR}
    names = [name for name, _ in FIELDS]
    _accepted(
        consortium,
        _sharing(
            consortium,
            PROVIDER,
            "publish",
            dataset=DATASET,
            name="隔离观察名册",
            share_type="conditional",
            fields=[list(field) for field in FIELDS],
            purposes=["care"],
        ),
    )
    for grant in GRANTS:
        request = "health." + grant.removeprefix("police.")
        asked = {"request": request, "fields": names, **period}
        basis = {"dataset": DATASET, "purpose": "care", "legal_basis": "传染病防治法第十二条"}
        _accepted(consortium, _sharing(consortium, USER, "request", **asked, **basis))
        _accepted(consortium, _sharing(consortium, PROVIDER, "grant", grant=grant, **asked))
    _accepted(consortium, look(consortium, "citizen", "neighbour"), look(consortium, "citizen"))


def look(consortium: Consortium, *persons: str) -> Transaction:
    """An access under the first grant, signed by who gives the data and by who takes them."""
    return consortium.transaction(
        (PROVIDER, USER),
        "datasharing",
        "access",
        {
            "grant": GRANTS[0],
            "handles": [handle(GRANTS[0], person) for person in persons],
            "fields": [FIELDS[0][0]],
            "purpose": "care",
        },
    )


def allocate(consortium: Consortium) -> None:
    """Propose 30, 50 and 70 of a lot of 500; reject the 50."""
    for quantity in (30, 50, 70):
        asked = {"recipient": "union", "need": None, "reason": "ward"}
        _accepted(
            consortium,
            consortium.transaction(
                "red-cross.allocator",
                "supplies",
                "propose",
                {"allocation": f"red-cross.A-{quantity}", "lots": [[LOT, quantity]], **asked},
            ),
        )
    rejected = {"allocation": "red-cross.A-50", "reason": "twice"}
    _accepted(
        consortium,
        consortium.transaction("red-cross.approver", "supplies", "reject", rejected),
    )


def _sharing(consortium: Consortium, account: str, function: str, /, **given: Any) -> Transaction:
    return consortium.transaction(account, "datasharing", function, given)


def _accepted(consortium: Consortium, *transactions: Transaction) -> None:
    told = consortium.submit("m1", *transactions)
    assert codes(told) == ["accepted"] * len(transactions), told
