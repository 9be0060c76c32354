"""Lies about form: a second spelling of the same bundle, or bytes that nothing checks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from ledger.block import HEADER
from ledger.bundle import Bundle
from ledger.bundle_file import encode_bundle
from ledger.claims import Absence, Accesses, Trace
from ledger.leaf import LEAF
from ledger.paths import key
from ledger.state_proof import PROOF
from tests.forger.forging import (
    Attempt,
    accesses,
    attempt,
    donation,
    edit,
    forgery,
    honest,
    with_logs,
)
from tests.forger.stories import (
    DATASET,
    DONATION,
    PAIRS,
    supply,
)


def _claim(value: dict[str, Any]) -> dict[str, Any]:
    claim: dict[str, Any] = value["claim"]
    return claim


def _raw(text: bytes) -> Attempt:
    return Attempt(text, donation().genesis)


def _donation() -> Bundle:
    return honest(donation(), Trace(DONATION))


@forgery("integrity", "malformed")
def an_unknown_key() -> Attempt:
    return _raw(edit(_donation(), lambda value: value.update(note="all is well")))


@forgery("integrity", "malformed")
def an_unknown_key_in_an_entity() -> Attempt:
    return _raw(edit(_donation(), lambda value: value["entities"][0].update(note="all is well")))


@forgery("integrity", "malformed")
def a_key_twice() -> Attempt:
    data = encode_bundle(_donation())
    return _raw(data.replace(b'"version":1', b'"version":1,"version":1'))


@forgery("integrity", "malformed")
def a_claim_twice() -> Attempt:
    """The first claim is what a careless reader would show, the second what it would check."""
    data = encode_bundle(_donation())
    other = b'"claim":{"kind":"trace","path":"supplies/donation/red-cross.D-2"},"claim":'
    return _raw(data.replace(b'"claim":', other))


@forgery("integrity", "malformed")
def keys_in_another_order() -> Attempt:
    value = json.loads(encode_bundle(_donation()))
    back = dict(reversed(list(value.items())))
    return _raw(json.dumps(back, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")


@forgery("integrity", "malformed")
def white_space() -> Attempt:
    return _raw(encode_bundle(_donation()).replace(b'"version":1', b'"version": 1'))


@forgery("integrity", "malformed")
def no_newline_at_the_end() -> Attempt:
    return _raw(encode_bundle(_donation())[:-1])


@forgery("integrity", "malformed")
def two_newlines_at_the_end() -> Attempt:
    return _raw(encode_bundle(_donation()) + b"\n")


@forgery("integrity", "malformed")
def escaped_characters() -> Attempt:
    return _raw(encode_bundle(_donation()).replace(b'"trace"', b'"tr\\u0061ce"'))


@forgery("integrity", "malformed")
def spare_bits_of_base64() -> Attempt:
    """A record of 1 or 2 bytes more than a multiple of 3 ends in bits that decode to nothing."""
    text = next(
        one["record"]
        for one in json.loads(encode_bundle(_donation()))["entities"]
        if one["record"].endswith("=")
    )
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body, padding = text.rstrip("="), text[len(text.rstrip("=")) :]
    spare = body[:-1] + alphabet[alphabet.index(body[-1]) | 1] + padding
    return _raw(encode_bundle(_donation()).replace(text.encode(), spare.encode()))


@forgery("integrity", "malformed")
def base64_without_padding() -> Attempt:
    def strip(value: dict[str, Any]) -> None:
        for one in value["entities"]:
            one["record"] = one["record"].rstrip("=")

    return _raw(edit(_donation(), strip))


@forgery("integrity", "malformed")
def hashes_in_upper_case() -> Attempt:
    def upper(value: dict[str, Any]) -> None:
        value["inclusion"][0] = value["inclusion"][0].upper()

    return _raw(edit(_donation(), upper))


@forgery("integrity", "malformed")
def entities_in_another_order() -> Attempt:
    return _raw(edit(_donation(), lambda value: value["entities"].reverse()))


@forgery("integrity", "malformed")
def an_entity_twice() -> Attempt:
    return _raw(edit(_donation(), lambda value: value["entities"].insert(0, value["entities"][0])))


@forgery("integrity", "malformed")
def an_entity_with_log_and_outline() -> Attempt:
    return _raw(edit(_donation(), lambda value: value["entities"][0].update(frontier=[], size=0)))


@forgery("integrity", "malformed")
def a_receipt_beside_entities() -> Attempt:
    proof = {"result": "", "result_path": [], "transaction": "", "transaction_path": []}
    return _raw(edit(_donation(), lambda value: value.update(receipt=proof)))


@forgery("integrity", "malformed")
def another_version() -> Attempt:
    return _raw(edit(_donation(), lambda value: value.update(version=2)))


@forgery("integrity", "malformed")
def a_number_as_text() -> Attempt:
    return _raw(edit(_donation(), lambda value: value.update(version="1")))


@forgery("integrity", "malformed")
def an_epoch_walk_that_nobody_knows() -> Attempt:
    return _raw(edit(_donation(), lambda value: value.update(epochs=[{}])))


@forgery("integrity", "malformed")
def a_claim_of_an_unknown_kind() -> Attempt:
    return _raw(edit(_donation(), lambda value: _claim(value).update(kind="everything")))


@forgery("integrity", "malformed")
def a_claim_with_more_than_it_needs() -> Attempt:
    return _raw(edit(_donation(), lambda value: _claim(value).update(height=1)))


@forgery("integrity", "malformed")
def pairs_out_of_order() -> Attempt:
    bundle = honest(accesses(), Accesses(DATASET, PAIRS))
    return _raw(edit(bundle, lambda value: _claim(value)["pairs"].reverse()))


@forgery("integrity", "malformed")
def a_path_that_climbs() -> Attempt:
    return _raw(
        edit(_donation(), lambda value: _claim(value).update(path="supplies/donation/../x"))
    )


@forgery("integrity", "malformed")
def deep_nesting() -> Attempt:
    return _raw(b'{"claim":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001 + b"\n")


@forgery("integrity", "malformed")
def huge_numbers() -> Attempt:
    return _raw(encode_bundle(_donation()).replace(b'"version":1', b'"version":' + b"9" * 10_000))


@forgery("integrity", "malformed")
def a_leaf_spelt_otherwise() -> Attempt:
    """The height as a 16-bit integer: the same values, other bytes."""

    def wide(leaves: list[bytes]) -> list[bytes]:
        return [leaves[0][:2] + b"\xcd\x00" + leaves[0][2:3] + leaves[0][3:], *leaves[1:]]

    return attempt(with_logs(_donation(), DONATION, wide), donation())


@forgery("integrity", "malformed")
def a_leaf_with_a_float_in_its_body() -> Attempt:
    def real(leaves: list[bytes]) -> list[bytes]:
        leaf = LEAF.decode(leaves[0])
        return [LEAF.encode(replace(leaf, body={"quantity": 0.5})), *leaves[1:]]

    return attempt(with_logs(_donation(), DONATION, real), donation())


@forgery("integrity", "malformed")
def a_leaf_of_another_version() -> Attempt:
    def newer(leaves: list[bytes]) -> list[bytes]:
        return [LEAF.encode(replace(LEAF.decode(leaves[0]), version=2)), *leaves[1:]]

    return attempt(with_logs(_donation(), DONATION, newer), donation())


@forgery("integrity", "malformed")
def a_header_of_another_suite() -> Attempt:
    bundle = _donation()
    header = replace(HEADER.decode(bundle.header), suite="none")
    return attempt(replace(bundle, header=HEADER.encode(header)), donation())


@forgery("integrity", "not-in-state")
def a_state_proof_with_an_item_too_many() -> Attempt:
    bundle = _donation()
    items = PROOF.decode(bundle.state)
    return attempt(replace(bundle, state=PROOF.encode((*items, b""))), donation())


def _closed_group(change: Callable[[int, int], int]) -> Attempt:
    """An absence whose state proof has the bits of a group changed that no queried key leads to."""
    path = supply("lot", "none")
    bundle = honest(donation(), Absence(path))
    top, *items = PROOF.decode(bundle.state)
    bitmap, own = int.from_bytes(top[:2], "big"), key(path)[0] >> 6
    group = next(g for g in range(4) if g != own and bitmap >> 4 * g & 1)
    changed = change(bitmap, 4 * group).to_bytes(2, "big") + top[2:]
    return attempt(replace(bundle, state=PROOF.encode((changed, *items))), donation())


@forgery("integrity", "not-in-state")
def a_state_proof_with_a_bit_more_in_a_group_that_no_key_leads_to() -> Attempt:
    return _closed_group(lambda bitmap, lowest: bitmap | 2 << lowest)


@forgery("integrity", "not-in-state")
def a_state_proof_with_another_bit_in_a_group_that_no_key_leads_to() -> Attempt:
    return _closed_group(lambda bitmap, lowest: bitmap ^ 3 << lowest)


def _first_leaf(**fields: Any) -> Attempt:
    def change(leaves: list[bytes]) -> list[bytes]:
        return [LEAF.encode(replace(LEAF.decode(leaves[0]), **fields)), *leaves[1:]]

    return attempt(with_logs(_donation(), DONATION, change), donation())


@forgery("integrity", "malformed")
def a_leaf_whose_contract_is_no_word() -> Attempt:
    return _first_leaf(contract="Supplies\n")


@forgery("integrity", "malformed")
def a_leaf_whose_kind_is_no_word() -> Attempt:
    return _first_leaf(kind="received\u202e")
