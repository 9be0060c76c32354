"""The pure core of the SDK: transactions from calls, requests to members, answers from their bytes.

What it is: functions from values to values, shared by the sync and the async client and by tests.
What it is not: it sends nothing (`transport`), chooses no member (`session`), verifies no proof
(`verify`).

An answer's shape is checked strictly, because a member may lie or be broken: what does not parse is
`Unusable`, a kind of not answering. What a member says without a receipt is that member's word
(`Outcome.receipt` None).

Source: DESIGN section 4; RFC 9457 (problem details).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

from client.calls import ACCEPTED, Call
from client.exchange import Request, Response
from client.faults import Unreachable, Unusable
from client.limits import (
    PAIRS_MAX,
    REQUEST_SIZE_MAX,
    REQUEST_TRANSACTIONS_MAX,
    VALIDITY_MS,
)
from ledger.canonical_json import to_json
from ledger.claims import (
    Accesses,
    AsOf,
    Claim,
    EventAt,
    Extension,
    History,
    ListOf,
    Period,
    Receipt,
    Trace,
)
from ledger.codec import Value, encode
from ledger.errors import ClientFault, InvariantViolated
from ledger.genesis import Genesis
from ledger.keys import Signer
from ledger.paths import Path
from ledger.transaction import SUITE, VERSION, Body, Transaction, signed

__all__ = [
    "CERTIFIED",
    "PENDING",
    "REFUSED_AT_DOOR",
    "Outcome",
    "batches",
    "build",
    "get",
    "path_of",
    "problem_of",
    "question",
    "read_json",
    "read_outcomes",
    "submission",
]

CERTIFIED: Final = "certified"
REFUSED_AT_DOOR: Final = "refused-at-door"
PENDING: Final = "pending"
_STATUSES: Final = frozenset({CERTIFIED, REFUSED_AT_DOOR, PENDING})
_PROBLEM: Final = "application/problem+json"
BUNDLE_KINDS: Final = frozenset({"application/json", "application/vnd.suyuan.bundle+json"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one transaction.

    `status` is certified, refused-at-door or pending; `code` "accepted" or a refusal code
    ("pending" while pending); `height` and `index` say where it stands when certified. `receipt`
    holds the bytes of a verified bundle, if one was asked for; then code, parameters, events,
    height and sentence are its, and there is no index, because a receipt binds none. Without it all
    of this is the word of the member asked, or of f + 1 where it is a refusal at the door.
    """

    id: str
    status: str
    code: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Any, ...] = ()
    height: int | None = None
    index: int | None = None
    sentence: str = ""
    receipt: bytes | None = field(default=None, repr=False)

    @property
    def accepted(self) -> bool:
        """Whether the rules of the contract accepted it, in a certified block."""
        return self.status == CERTIFIED and self.code == ACCEPTED


def build(
    call: Call, genesis: Genesis, keys: Mapping[str, Signer], now: int, nonce: bytes
) -> Transaction:
    """Sign a call: valid for five minutes from `now` (milliseconds since 1970 UTC), `nonce` of 16
    bytes.

    Raises: ClientFault "no-key" when an account's key is not in `keys`; Malformed for arguments
    that have no canonical form.
    """
    missing = [account for account in call.accounts if account not in keys]
    if missing:
        raise ClientFault("no-key", account=missing[0])
    signers = [keys[account] for account in call.accounts]
    pairs = zip(call.accounts, signers, strict=True)
    body = Body(
        arguments=dict(call.arguments),
        chain=genesis.chain_id,
        contract=call.contract,
        function=call.function,
        nonce=nonce,
        signers=tuple((account, signer.public) for account, signer in pairs),
        suite=SUITE,
        valid_until=now + VALIDITY_MS,
        version=VERSION,
    )
    return signed(body, signers)


def batches(transactions: Sequence[Transaction]) -> Iterator[tuple[int, Sequence[Transaction]]]:
    """Cut into runs that fit one request; yields each with the place of its first transaction."""
    start = size = 0
    for place, transaction in enumerate(transactions):
        length = len(transaction.raw) + 5  # at most five bytes announce a byte string
        full = place - start == REQUEST_TRANSACTIONS_MAX or size + length > REQUEST_SIZE_MAX
        if full and place > start:
            yield start, transactions[start:place]
            start, size = place, 0
        size += length
    if start < len(transactions):
        yield start, transactions[start:]


def submission(
    transactions: Sequence[Transaction],
    wait: str,
    receipts: bool,
    language: str,
    pin: int | None = None,
) -> Request:
    """Return the request that submits one batch. `wait` is "certified" or "none"; receipts are to
    extend the checkpoint of size `pin`.
    """
    query = {"wait": wait}
    if receipts:
        query["receipt"] = "true"
        if pin is not None:
            query["pin"] = str(pin)
    return Request(
        "POST",
        "/v1/transactions?" + urlencode(query),
        (("Content-Type", "application/msgpack"), *_asking(language)),
        encode([transaction.raw for transaction in transactions]),
    )


def get(path: str, language: str, query: Mapping[str, str | int | None] | None = None) -> Request:
    """Return a GET request; members of `query` that are None are left out."""
    asked = {name: value for name, value in (query or {}).items() if value is not None}
    return Request("GET", f"{path}?{urlencode(asked)}" if asked else path, _asking(language))


def accesses_request(
    dataset: str, pairs: Sequence[tuple[str, str]], language: str, pin: int | None
) -> Request:
    """Return the request for a data subject's accesses: pairs of [grant id, handle hex]."""
    if len(pairs) > PAIRS_MAX:
        raise ClientFault("malformed", field="pairs", rule=f"must be at most {PAIRS_MAX}")
    body = to_json({"dataset": dataset, "pairs": [list(pair) for pair in pairs]})
    query = "" if pin is None else f"?pin={pin}"
    headers = (("Content-Type", "application/json"), *_asking(language))
    return Request("POST", f"/v1/accesses{query}", headers, body)


def question(claim: Claim) -> tuple[str, dict[str, str | int | None]]:
    """Return where a claim is asked about, and the query. Accesses are asked in a body instead
    (`accesses_request`); an absence is asked for as the record of what does not exist.
    """
    if isinstance(claim, Receipt):
        return f"/v1/transactions/{claim.transaction.hex()}", {"proof": "true"}
    if isinstance(claim, Extension):
        return "/v1/consistency", {"size": claim.size, "root": claim.root.hex()}
    if isinstance(claim, Accesses):
        raise InvariantViolated("accesses are asked about in a body")
    if isinstance(claim, Trace):
        return path_of("trace", claim.path), {"proof": "true"}
    where, query = path_of("entities", claim.path), dict[str, str | int | None]()
    if isinstance(claim, ListOf):
        return f"{where}/list", {"event": claim.event}
    if isinstance(claim, Period):
        return f"{where}/period", {"from": claim.since, "until": claim.until}
    if isinstance(claim, AsOf):
        return f"{where}/as-of/{claim.height}", query
    if isinstance(claim, EventAt):
        return f"{where}/events/{claim.index}", query
    suffix = "/history" if isinstance(claim, History) else ""
    return where + suffix, {"proof": "true"}


def path_of(prefix: str, path: Path, suffix: str = "") -> str:
    """Return /v1/<prefix>/<contract>/<kind>/<id><suffix>."""
    parts = (quote(part, safe="") for part in path)
    return f"/v1/{prefix}/" + "/".join(parts) + suffix


def problem_of(url: str, response: Response) -> ClientFault | Unreachable | None:
    """Return the fault a response speaks of, or None for a success.

    A 4xx problem is, by the word of this member, the client's fault; everything else that is no
    success is a member that cannot answer now, and another may.
    """
    if 200 <= response.status < 300:
        return None
    try:
        problem = json.loads(response.body) if response.kind == _PROBLEM else {}
    except ValueError:
        problem = {}
    code = problem.get("code") if isinstance(problem, dict) else None
    another = response.status >= 500 or response.status in (408, 429)
    if another or not isinstance(code, str):
        said = f" {code}" if isinstance(code, str) else ""
        return Unusable(url, f"HTTP {response.status}{said}")
    given = problem.get("parameters")
    parameters: dict[str, Value] = dict(given) if isinstance(given, dict) else {}
    fault = ClientFault(code)
    fault.parameters = parameters
    fault.args = (code if not parameters else f"{code} {parameters}",)
    return fault


def read_json(url: str, response: Response) -> Any:
    """Parse a success. Raises: Unusable."""
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        raise Unusable(url, "the answer is not JSON") from None


def read_bundle(url: str, response: Response) -> bytes:
    """Return the bytes of a bundle. Raises: Unusable for another media type."""
    if response.kind not in BUNDLE_KINDS:
        raise Unusable(url, f"the answer is {response.kind or 'of no kind'}, not a bundle")
    return response.body


def read_outcomes(
    url: str, response: Response, transactions: Sequence[Transaction]
) -> list[Outcome]:
    """Read the answer to a submission: one outcome per transaction, in their order. Raises:
    Unusable.
    """
    value = read_json(url, response)
    items = value.get("transactions") if isinstance(value, dict) else None
    if not isinstance(items, list) or len(items) != len(transactions):
        raise Unusable(url, "the answer does not tell of every transaction")
    found = [_outcome(url, item) for item in items]
    for outcome, transaction in zip(found, transactions, strict=True):
        if outcome.id != transaction.id.hex():
            raise Unusable(url, "the answer tells of other transactions")
    return found


def _outcome(url: str, item: Any) -> Outcome:
    if not isinstance(item, dict):
        raise Unusable(url, "an outcome is not an object")
    status, identity = item.get("status"), item.get("id")
    if status not in _STATUSES or not isinstance(identity, str):
        raise Unusable(url, "an outcome lacks its status or id")
    result = item.get("result") or {}
    if not isinstance(result, dict):
        raise Unusable(url, "an outcome's result is not an object")
    code = PENDING if status == PENDING else result.get("code", "")
    if not isinstance(code, str) or not code:
        raise Unusable(url, "an outcome lacks its code")
    parameters, events = result.get("parameters") or {}, result.get("events") or []
    if not isinstance(parameters, dict) or not isinstance(events, list):
        raise Unusable(url, "an outcome's result has another form")
    return Outcome(
        id=identity,
        status=status,
        code=code,
        parameters=parameters,
        events=tuple(events),
        height=_natural(item.get("height")),
        index=_natural(item.get("index")),
        sentence=str(item.get("sentence") or ""),
        receipt=_receipt(url, item.get("receipt")),
    )


def _receipt(url: str, value: Any) -> bytes | None:
    """A receipt travels inside the answer as the text of its bundle file."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise Unusable(url, "a receipt is not the text of a bundle")
    return value.encode()


def _natural(value: object) -> int | None:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if good and isinstance(value, int) else None


def _asking(language: str) -> tuple[tuple[str, str], ...]:
    other = "en" if language == "zh" else "zh"
    return (("Accept-Language", f"{language}, {other};q=0.5"),)
