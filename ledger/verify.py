"""The verifier: a pure function from a bundle's bytes, a genesis and a question to a verdict.

It needs no node, no network and no clock of its own (the time is a value passed in), it trusts
nothing but the genesis file, and it never raises for any bytes. Steps, cheap ones first, signatures
last:

    1  form           size, canonical JSON, claim, base64, hex, order            integrity
    2  question       the claim is the question that was asked                   completeness
    3  logs           leaves decode, are of their entity, in order               integrity
    4  records        frontier recomputed; the record is what the last leaf left integrity
    5  state          ONE proof of all entities under the header's state root    integrity
    6  agreement      one event reads alike in all logs that it names            integrity
    7  chain          the header stands in the chain log; consistency, if shown  integrity
    8  answer         the walk from the question: all of it, nothing else        completeness
    9  authority      exactly q members of the set cosigned; the pin, if given   authority
    10 time           as of when; the asked age, if given                        time

A receipt has its own step instead of 3 to 6 (`verify_chain.check_receipt`). Within a line the first
failure counts. When integrity fails, completeness and time are not checked; when authority fails,
time is not checked: such a line is qualified "not-checked".

Source: DESIGN 2 and 4; docs/FORMATS.md; docs/decisions/0005.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger.block import NOT_FINAL, Header, Result
from ledger.bundle import Bundle
from ledger.bundle_file import decode_bundle
from ledger.checkpoint import Certificate, Checkpoint
from ledger.claims import Absence, Accesses, Claim, Entity, Extension, Receipt, Trace
from ledger.errors import Malformed
from ledger.genesis import Genesis
from ledger.instants import utc_time
from ledger.keys import Verify
from ledger.keys import verify as verify_signature
from ledger.membership import MemberSet
from ledger.paths import Path
from ledger.questions import question
from ledger.tlog_policy import Policy
from ledger.verdict import Failed, Line, LineName, Note, Report
from ledger.verdict_sentences import LINE_NAMES
from ledger.verify_answers import check_answer
from ledger.verify_chain import Instants, check_chain, check_pin, check_receipt, check_time
from ledger.verify_entities import Logs, check_agreement, check_entities
from ledger.verify_epochs import certify, check_place, read_checkpoint, read_header, walk
from ledger.verify_witnesses import check_witnesses, read_witnesses

__all__ = ["verify_bundle"]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the verifier was asked for beside the bundle."""

    about: Path | Claim | None
    now_s: int | None
    max_age_s: int | None
    pin: str | None
    policy: Policy | None


@dataclass(slots=True)
class _Findings:
    """What the steps found, line by line, until the report is written."""

    lines: dict[LineName, Line] = field(default_factory=dict)
    logs: Logs = field(default_factory=dict)
    header: Header | None = None
    result: Result | None = None
    checkpoint: Checkpoint | None = None
    instants: Instants | None = None
    notes: list[Note] = field(default_factory=list)
    is_policy_met: bool = False

    def clean(self, name: LineName, code: str, **parameters: Any) -> None:
        self.lines[name] = Line(name, "clean", code, parameters)

    def failed(self, name: LineName, error: Failed | Malformed) -> None:
        if isinstance(error, Failed):
            self.lines[name] = Line(name, "failed", error.code, error.parameters)
        else:
            parameters = {"field": error.field, "rule": error.rule}
            self.lines[name] = Line(name, "failed", "malformed", parameters)

    def unchecked(self, name: LineName, because: LineName) -> None:
        zh, _ = LINE_NAMES[because]
        parameters = {"because": because, "because_zh": zh}
        self.lines.setdefault(name, Line(name, "qualified", "not-checked", parameters))

    def is_clean(self, name: LineName) -> bool:
        return name in self.lines and self.lines[name].state == "clean"


def verify_bundle(
    data: bytes,
    genesis: Genesis,
    about: Path | Claim | None = None,
    now_s: int | None = None,
    max_age_s: int | None = None,
    pin: str | None = None,
    policy: Policy | None = None,
    verify: Verify = verify_signature,
) -> Report:
    """Verify a bundle file and return the verdict. Never raises, whatever the bytes.

    `about`: the claim that must be answered; of a path, that is its trace or its absence, and
    nothing else. `now_s`: the verifier's clock,
    seconds since 1970 UTC. `max_age_s`: the tolerated age of the checkpoint in seconds. `pin`: a
    checkpoint note saved earlier, believed as given. `policy`: which outside witnesses must have
    cosigned the chain at this size and root. `verify` checks one Ed25519 signature
    (libsodium's rule).
    """
    found = _Findings()
    asked = _Asked(about, now_s, max_age_s, pin, policy)
    try:
        bundle = decode_bundle(data)
    except Malformed as error:
        found.failed("integrity", error)
        return _report(None, found, asked)
    if isinstance(bundle.claim, Accesses):
        for grant, handle in bundle.claim.pairs:
            found.notes.append(Note("handle-asked", {"grant": grant, "handle": handle}))
    _check_question(bundle.claim, asked, found)
    _check_integrity(bundle, genesis, found, verify)
    _check_completeness(bundle, found)
    _check_authority_and_time(bundle, genesis, asked, found, verify)
    return _report(bundle, found, asked)


def _check_question(claim: Claim, asked: _Asked, found: _Findings) -> None:
    """Step 2."""
    about = asked.about
    if about is None:
        return
    if isinstance(about, Path):
        answered, words = claim in (Trace(about), Absence(about)), about.text
    else:
        answered, words = claim == about, question(about)
    if not answered:
        found.failed("completeness", Failed("another-question", asked=words))


def _check_integrity(bundle: Bundle, genesis: Genesis, found: _Findings, verify: Verify) -> None:
    """Steps 3 to 7."""
    try:
        header = found.header = read_header(bundle.header)
        checkpoint = found.checkpoint = read_checkpoint(bundle.checkpoint)
        if isinstance(bundle.claim, Receipt) and bundle.receipt is not None:
            claimed = bundle.claim.transaction
            found.result = check_receipt(bundle.receipt, claimed, header, genesis, verify)
        elif not isinstance(bundle.claim, Extension):
            found.logs = check_entities(bundle, header, genesis)
            check_agreement(found.logs)
        check_chain(bundle, header, checkpoint)
    except (Failed, Malformed) as error:
        found.failed("integrity", error)
        return
    if isinstance(bundle.claim, Receipt):
        found.clean("integrity", "intact-receipt", height=header.height)
    elif isinstance(bundle.claim, Extension):
        found.clean("integrity", "intact-chain", height=header.height)
    else:
        entities = len(bundle.entities)
        found.clean(
            "integrity", "intact", entities=entities, events=bundle.events, height=header.height
        )


def _check_completeness(bundle: Bundle, found: _Findings) -> None:
    """Step 8. Only over an intact bundle: of anything else nothing can be said."""
    header, checkpoint = found.header, found.checkpoint
    if "completeness" in found.lines:
        return
    if header is None or checkpoint is None or not found.is_clean("integrity"):
        found.unchecked("completeness", "integrity")
        return
    claim = bundle.claim
    if isinstance(claim, Receipt):
        _conclude(claim, found)
        return
    try:
        if header.height != checkpoint.size:
            raise Failed("older-state", height=header.height, size=checkpoint.size)
        code, told = check_answer(bundle, claim, found.logs, header)
    except (Failed, Malformed) as error:
        found.failed("completeness", error)
        return
    found.clean("completeness", code, **told)
    if isinstance(claim, Accesses):
        found.notes.append(Note("scope-of-accesses"))
    elif isinstance(claim, Entity):
        found.notes.append(Note("scope-of-record"))


def _conclude(claim: Receipt, found: _Findings) -> None:
    """Say whether a receipt is the last word: only a result that consumed the id is."""
    code = "" if found.result is None else found.result.code
    parameters = {"code": code, "transaction": claim.transaction.hex()}
    if code in NOT_FINAL:
        found.lines["completeness"] = Line("completeness", "qualified", "not-final", parameters)
        return
    found.notes.append(Note("scope-of-receipt"))
    del parameters["code"]
    found.clean("completeness", "complete-receipt", **parameters)


def _check_authority_and_time(
    bundle: Bundle, genesis: Genesis, asked: _Asked, found: _Findings, verify: Verify
) -> None:
    """Steps 9 and 10."""
    header, checkpoint = found.header, found.checkpoint
    if header is None or checkpoint is None:
        found.unchecked("authority", "integrity")
        return
    try:
        certificate, members = _check_authority(
            bundle, header, checkpoint, genesis, asked, found, verify
        )
    except (Failed, Malformed) as error:
        found.failed("authority", error)
        return
    if found.is_clean("integrity"):
        _check_time(bundle, certificate, header, members.f, asked, found)
    else:
        found.unchecked("time", "integrity")


def _check_authority(
    bundle: Bundle,
    header: Header,
    checkpoint: Checkpoint,
    genesis: Genesis,
    asked: _Asked,
    found: _Findings,
    verify: Verify,
) -> tuple[Certificate, MemberSet]:
    """Step 9: the walk, the checkpoint, the pin, the witnesses. Raises: Failed, Malformed."""
    walked = walk(bundle.epochs, genesis, checkpoint, verify)
    if checkpoint.origin != genesis.origin:
        raise Failed("another-chain", origin=checkpoint.origin)
    check_place(walked, header, checkpoint.size)
    members = walked.members
    certificate = certify(bundle.checkpoint, members, genesis, verify)
    names = ", ".join(one.member for one in certificate.cosignatures)
    told: dict[str, Any] = {"epoch": walked.epoch, "members": names, "n": members.n, "q": members.q}
    if asked.pin is not None:
        told["size"] = check_pin(asked.pin, bundle, checkpoint, genesis)
    notes = read_witnesses(bundle.witnesses, checkpoint)
    has_pin, policy = asked.pin is not None, asked.policy
    if policy is None:
        if notes:
            code = "pin-and-witnesses-unchecked" if has_pin else "witnesses-unchecked"
            _qualify(found, code, {**told, "unchecked": len(notes)})
        else:
            # Whatever the walk: the last keys it names may be retired by now (DESIGN 2.9).
            code = "quorum-and-pin" if has_pin else "quorum-from-genesis"
            found.clean("authority", code, **told)
        return certificate, members
    seen = check_witnesses(notes, policy, certificate, members, genesis.origin, verify)
    found.is_policy_met = True
    if not seen.are_members_alone:
        told["logs"] = ", ".join(seen.logs)
    if seen.unknown:
        code = "members-alone-and-unknown" if seen.are_members_alone else "witnesses-unknown"
        _qualify(found, code, {**told, "witnesses": ", ".join(seen.unknown)})
    elif seen.are_members_alone:
        found.clean("authority", "members-alone-and-pin" if has_pin else "members-alone", **told)
    else:
        code = "quorum-pin-and-witnesses" if has_pin else "quorum-and-witnesses"
        found.clean("authority", code, **told, witnesses=", ".join(seen.counted))
    return certificate, members


def _qualify(found: _Findings, code: str, parameters: Mapping[str, Any]) -> None:
    found.lines["authority"] = Line("authority", "qualified", code, parameters)


def _check_time(
    bundle: Bundle,
    certificate: Certificate,
    header: Header,
    faulty: int,
    asked: _Asked,
    found: _Findings,
) -> None:
    try:
        instants = found.instants = check_time(certificate, header, faulty, asked.now_s)
    except Failed as error:
        found.failed("time", error)
        return
    least = instants.complete_as_of
    is_receipt = isinstance(bundle.claim, Receipt)
    # What was certified then is the checkpoint; a receipt's block may be older.
    place = {"height": certificate.checkpoint.size, "time": utc_time(least)}
    if asked.max_age_s is not None:
        _check_age(least, asked.max_age_s, asked.now_s, place, found)
    elif is_receipt:
        block_time, by = utc_time(header.time // 1000), utc_time(instants.existed_by)
        found.clean("time", "existed-by", block_time=block_time, height=header.height, time=by)
    else:
        complete = found.is_clean("completeness")
        found.clean("time", "as-of" if complete else "certified-at", **place)


def _check_age(
    least: int, limit: int, now_s: int | None, place: Mapping[str, Any], found: _Findings
) -> None:
    if now_s is None:
        found.lines["time"] = Line("time", "qualified", "no-clock", place)
        return
    age = max(0, now_s - least)
    if age > limit:
        found.failed("time", Failed("too-old", age=age, limit=limit, **place))
    else:
        found.clean("time", "fresh", age=age, limit=limit, now=utc_time(now_s), **place)


def _report(bundle: Bundle | None, found: _Findings, asked: _Asked) -> Report:
    found.unchecked("completeness", "integrity")
    found.unchecked("authority", "integrity")
    found.unchecked("time", "authority" if bundle is not None else "integrity")
    lines, header, instants = found.lines, found.header, found.instants
    met = bundle is not None and lines["completeness"].code != "another-question"
    met = met and (asked.max_age_s is None or lines["time"].code == "fresh")
    met = met and (asked.pin is None or lines["authority"].state != "failed")
    met = met and (asked.policy is None or found.is_policy_met)
    return Report(
        integrity=lines["integrity"],
        completeness=lines["completeness"],
        time=lines["time"],
        authority=lines["authority"],
        met=met,
        notes=tuple(found.notes),
        bundle=bundle,
        logs=found.logs,
        height=None if header is None else header.height,
        block_time=None if header is None else header.time,
        complete_as_of=None if instants is None else instants.complete_as_of,
        existed_by=None if instants is None else instants.existed_by,
    )
