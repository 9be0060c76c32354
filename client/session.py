"""What the sync and the async client do alike: which member to ask, when to ask another, when to
give up.

A conversation is a generator: it yields `Ask` (send this to that member) or `Rest` (wait so many
seconds), is sent the response or thrown `Unreachable`, and returns its answer. Whoever drives it
owns the wire and the clock, so the rules below exist once and are tested without either.

- Any member will do: they are asked in turn, beginning with the one that answered last.
- The same signed transaction may be sent again, to the same member or another: its id is consumed
  exactly once, and whoever asks again is told the stored result. So a lost answer costs a
  repetition, never a doubt.
- A member is never believed where a proof was asked for: a bundle or receipt that does not verify
  is another way of not answering.
- What has no proof (a refusal at the door, a problem, a result that is not final) is believed when
  f + 1 addresses say it, or all that can be reached: a person who is told "refused" signs again,
  and what happens then happens twice.

Source: DESIGN sections 2 and 4.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from client import protocol, verify
from client.calls import Call
from client.exchange import Request, Response
from client.faults import Unreachable, Unusable
from client.limits import (
    ASKING_MS_MAX,
    MEMBERS_ASKED_MAX,
    PAUSE_FIRST_S,
    PAUSE_MAX_S,
    ROUNDS_MAX,
    SETTLING_MS,
)
from client.protocol import CERTIFIED, PENDING, Outcome
from client.testimony import Doubtful, Testimony
from ledger.block import NOT_FINAL
from ledger.bundle_file import decode_bundle
from ledger.canonical_json import from_hex
from ledger.claims import Accesses, Claim, Entity, Extension, History, Receipt, Trace
from ledger.errors import ClientFault, InvariantViolated, Malformed
from ledger.genesis import Genesis
from ledger.keys import Signer
from ledger.paths import Path
from ledger.transaction import NONCE_SIZE, Transaction

__all__ = ["Ask", "Conversation", "Progress", "Rest", "Session"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """Send `request` to the member at `url`; answer with its response, or throw Unreachable."""

    url: str
    request: Request


@dataclass(frozen=True, slots=True)
class Rest:
    """Wait `seconds`; answer with None."""

    seconds: float


Step = Ask | Rest
Conversation = Generator[Step, Response | None, T]
Read = Callable[[str, Response], T]
Progress = Callable[[int], None]

# That an entity does not exist has a proof: a member that only says so may be hiding it.
_ABSENCES: Final = frozenset({"no-such-entity", "not-found", "unknown-entity"})


def clean_url(text: str) -> str:
    """Return an address as "http://host:port"; a bare host:port is http. Raises: Malformed."""
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    if parts.scheme not in ("http", "https") or not host or port == 0 or not bare:
        raise Malformed("address", f"{text!r} is not http://host:port")
    if any(letter.isspace() for letter in parts.netloc) or "@" in parts.netloc:
        raise Malformed("address", f"{text!r} is not http://host:port")
    return f"{parts.scheme}://{parts.netloc}"


@dataclass(slots=True)
class _Fate:
    """What is known of one transaction that was sent."""

    words: Testimony[Outcome]
    pending: Outcome | None = None
    settled: Outcome | None = None

    def tell(self, url: str, outcome: Outcome, wait: str) -> None:
        """Take down what the member at `url` says became of it."""
        if outcome.status == PENDING:
            self.pending = outcome
            if wait != CERTIFIED:
                self.settled = outcome
            return
        if outcome.status == CERTIFIED and outcome.code not in NOT_FINAL:
            self.settled = outcome
            return
        # Members are asked in turn: who speaks twice has been reached because no other could be.
        again = url in self.words
        self.words.hear(url, f"{outcome.status} {outcome.code}", outcome)
        if self.words.agreed or (again and self.pending is None):
            self.settled = self.words.prevailing

    def outcome(self) -> Outcome:
        """What it came to; what was said, where nothing can be settled any more."""
        if self.settled is not None:
            return self.settled
        if self.words:
            return self.words.prevailing
        if self.pending is None:
            raise InvariantViolated("a transaction was sent and nothing is known of it")
        return self.pending


def _believed(words: Testimony[T | ClientFault]) -> T:
    answer = words.prevailing
    if isinstance(answer, ClientFault):
        raise answer
    return answer


def _gave_up(failures: Mapping[str, Unreachable], words: Testimony[Any]) -> Unreachable:
    reasons = [error.reason for error in failures.values()]
    if words:
        reasons.append(f"too few say {words.matter}")
    return Unreachable(", ".join(failures), "; ".join(dict.fromkeys(reasons)) or "no answer")


class Session:
    """The conversations of one client with the members of one chain. Holds no connection.

    `keys` maps account ids to signers. `max_age_s`, if given, is how old a proof's checkpoint may
    be. `clock` gives milliseconds since 1970 UTC and `chance` gives random bytes; both are
    arguments so that a test can hold them.
    """

    def __init__(
        self,
        urls: Sequence[str],
        genesis: Genesis,
        keys: Mapping[str, Signer] | None = None,
        *,
        language: str = "zh",
        max_age_s: int | None = None,
        patience: int = ROUNDS_MAX,
        clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        chance: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.urls = [clean_url(url) for url in urls]
        if not 1 <= len(self.urls) <= MEMBERS_ASKED_MAX:
            raise Malformed("addresses", f"must be 1 to {MEMBERS_ASKED_MAX}")
        self.genesis = genesis
        self.keys: Mapping[str, Signer] = keys or {}
        self.language = language
        self.max_age_s = max_age_s
        self.patience = patience
        self._clock = clock
        self._chance = chance
        self._needed = min(genesis.members.weak, len(self.urls))  # words that are believed
        self._first = 0

    def sign(self, call: Call) -> Transaction:
        """Build and sign a transaction. Raises: ClientFault "no-key", Malformed."""
        return protocol.build(
            call, self.genesis, self.keys, self._clock(), self._chance(NONCE_SIZE)
        )

    def ask(
        self, request: Request, read: Read[T], provable: frozenset[str] = frozenset()
    ) -> Conversation[T]:
        """Ask one member after another until one answers; read its answer.

        `provable` are refusals that an honest member would have proved instead: not believed.

        Raises: ClientFault when f + 1 members, or all that can be reached, say that the request is
        at fault; Unreachable when members failed `patience` times, with the last reason of each.
        """
        failures: dict[str, Unreachable] = {}
        words: Testimony[T | ClientFault] = Testimony(self._needed)
        began, pause = self._clock(), PAUSE_FIRST_S
        for round_number in range(self.patience):
            if round_number:
                yield Rest(pause)
                pause = min(2 * pause, PAUSE_MAX_S)
            for place in self._turns():
                if self._clock() - began > ASKING_MS_MAX:
                    raise _gave_up(failures, words)
                url = self.urls[place]
                try:
                    answer = self._heard(url, (yield Ask(url, request)), read, provable)
                except Unreachable as error:
                    failures[url] = error
                except Doubtful as word:
                    failures.pop(url, None)
                    words.hear(url, word.matter, word.answer)
                    if words.agreed:
                        self._first = place
                        return _believed(words)
                else:
                    self._first = place
                    return answer
            if words and not any(isinstance(error, Unusable) for error in failures.values()):
                return _believed(words)  # nobody else can be reached
        raise _gave_up(failures, words)

    def _heard(
        self, url: str, response: Response | None, read: Read[T], provable: frozenset[str]
    ) -> T:
        """Read one member's response. Raises: Doubtful (it says so without proof), Unreachable."""
        if response is None:
            raise InvariantViolated("a member was asked and the driver gave no response")
        fault = protocol.problem_of(url, response)
        if isinstance(fault, ClientFault):
            if fault.code in provable:
                raise Unusable(url, f"it says {fault.code} and proves nothing")
            raise Doubtful(fault.code, fault)
        if fault is not None:
            raise fault
        return read(url, response)

    def submit(
        self,
        transactions: Sequence[Call | Transaction],
        wait: str = CERTIFIED,
        receipts: bool = False,
        progress: Progress | None = None,
        pin: str | None = None,
    ) -> Conversation[list[Outcome]]:
        """Submit in batches and return one outcome each, in order; `progress` is told how many are
        done; receipts extend the `pin`.

        Raises: ClientFault, Malformed, Unreachable.
        """
        if wait not in (CERTIFIED, "none"):
            raise Malformed("wait", "must be certified or none")
        ready = [
            item if isinstance(item, Transaction) else self.sign(item) for item in transactions
        ]
        found: list[Outcome] = []
        for _, batch in protocol.batches(ready):
            outcomes = yield from self._submit_batch(batch, wait, receipts, pin)
            found += outcomes
            if progress is not None:
                progress(len(found))
        return found

    def _submit_batch(
        self, batch: Sequence[Transaction], wait: str, receipts: bool, pin: str | None
    ) -> Conversation[list[Outcome]]:
        """Send a batch, then again what is still open, until it is settled or can no longer be."""
        fates = [_Fate(Testimony(self._needed)) for _ in batch]
        waiting = list(range(len(batch)))
        pause = PAUSE_FIRST_S
        while True:
            answers = yield from self._send(
                [batch[place] for place in waiting], wait, receipts, pin
            )
            url = self.urls[self._first]
            for place, outcome in zip(waiting, answers, strict=True):
                fates[place].tell(url, outcome, wait)
            waiting = [place for place in waiting if fates[place].settled is None]
            if not waiting:
                break
            latest = max(batch[place].body.valid_until for place in waiting)
            if self._clock() > latest + SETTLING_MS:
                break
            self._first = (self._first + 1) % len(self.urls)
            if any(fates[place].pending is not None for place in waiting):
                yield Rest(pause)
                pause = min(2 * pause, PAUSE_MAX_S)
        return [fate.outcome() for fate in fates]

    def _send(
        self, batch: Sequence[Transaction], wait: str, receipts: bool, pin: str | None
    ) -> Conversation[list[Outcome]]:
        def read(url: str, response: Response) -> list[Outcome]:
            outcomes = protocol.read_outcomes(url, response, batch)
            if not receipts:
                return outcomes
            oldest, language = self.max_age_s, self.language
            return [
                verify.proved(url, outcome, transaction, self.genesis, oldest, language, pin)
                if outcome.status == CERTIFIED
                else outcome
                for outcome, transaction in zip(outcomes, batch, strict=True)
            ]

        request = protocol.submission(batch, wait, receipts, self.language, verify.pin_size(pin))
        return (yield from self.ask(request, read))

    def entity(self, path: Path, proof: bool = False, pin: str | None = None) -> Conversation[Any]:
        """The entity's record as JSON, or the bytes of a verified bundle with `proof`."""
        return self._prove_or_tell(protocol.path_of("entities", path), Entity(path), proof, pin)

    def history(
        self,
        path: Path,
        proof: bool = False,
        pin: str | None = None,
        start: int | None = None,
        limit: int | None = None,
    ) -> Conversation[Any]:
        """The entity's events as JSON, or the bytes of a verified bundle with `proof`."""
        where = protocol.path_of("entities", path, "/history")
        page = {} if proof else {"from": start, "limit": limit}
        return self._prove_or_tell(where, History(path), proof, pin, page)

    def trace(self, path: Path, proof: bool = True, pin: str | None = None) -> Conversation[Any]:
        """The whole graph downstream of an entity: the bytes of a verified bundle, or JSON without
        proof.
        """
        return self._prove_or_tell(protocol.path_of("trace", path), Trace(path), proof, pin)

    def accesses(
        self, dataset: Path, pairs: Sequence[tuple[str, str]], pin: str | None = None
    ) -> Conversation[bytes]:
        """Every access recorded under the (grant id, handle hex) pairs: the bytes of a verified
        bundle.

        There must be one pair for every grant of the data set: the ledger tells which are missing.
        """
        claim = verify.accesses_claim(dataset, pairs)
        size = verify.pin_size(pin)
        request = protocol.accesses_request(dataset.id, claim.pairs, self.language, size)
        return self.ask(request, self._proved(claim, pin))

    def transaction(
        self, identity: str, proof: bool = False, pin: str | None = None
    ) -> Conversation[Any]:
        """What became of a transaction (id in hex): JSON, or its verified receipt with `proof`."""
        claim = Receipt(from_hex(identity, "transaction"))
        return self._prove_or_tell(f"/v1/transactions/{identity}", claim, proof, pin)

    def prove(self, claim: Claim, pin: str | None = None) -> Conversation[bytes]:
        """The answer to any claim, or the absence of what it is about: the bytes of a verified
        bundle.
        """
        if isinstance(claim, Accesses):
            return self.accesses(claim.dataset, claim.pairs, pin)
        where, query = protocol.question(claim)
        query |= {"pin": None if isinstance(claim, Extension) else verify.pin_size(pin)}
        provable = frozenset() if isinstance(claim, Receipt) else _ABSENCES
        request = protocol.get(where, self.language, query)
        return self.ask(request, self._proved(claim, pin), provable)

    def block(self, height: int) -> Conversation[Any]:
        """The block at a height, as JSON (a member's word)."""
        return self.ask(protocol.get(f"/v1/blocks/{height}", self.language), protocol.read_json)

    def checkpoint(self) -> Conversation[str]:
        """The newest signed checkpoint note, taken from a proof: its members may be others than
        those of genesis, and only an epoch walk leads to them.
        """
        organisation = self.genesis.organisations[0].id
        data = yield from self.prove(Entity(Path("identity", "organisation", organisation)))
        return decode_bundle(data).checkpoint

    def health(self) -> Conversation[Any]:
        """How the member that answers first is doing, as JSON."""
        return self.ask(protocol.get("/v1/health", self.language), protocol.read_json)

    def _prove_or_tell(
        self,
        where: str,
        claim: Claim,
        proof: bool,
        pin: str | None,
        page: Mapping[str, int | None] | None = None,
    ) -> Conversation[Any]:
        query: dict[str, str | int | None] = dict(page or {})
        if not proof:
            return self.ask(protocol.get(where, self.language, query), protocol.read_json)
        query |= {"proof": "true", "pin": verify.pin_size(pin)}
        provable = frozenset() if isinstance(claim, Receipt) else _ABSENCES
        request = protocol.get(where, self.language, query)
        return self.ask(request, self._proved(claim, pin), provable)

    def _proved(self, claim: Claim, pin: str | None) -> Read[bytes]:
        """Return the reader that lets only a clean proof of this claim through."""

        def read(url: str, response: Response) -> bytes:
            data = protocol.read_bundle(url, response)
            report = verify.check_answer(url, data, self.genesis, claim, self.max_age_s, pin)
            if report.completeness.code == "not-final":
                raise Doubtful(str(report.completeness.parameters["code"]), data)
            return data

        return read

    def _turns(self) -> list[int]:
        count = len(self.urls)
        return [(self._first + step) % count for step in range(count)]
