"""COSE receipts of live members, judged by veraison/go-cose and transparency-dev/merkle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.cose import verify_cose_receipt
from ledger.merkle_log import leaf_hash
from ledger.notes import VerifierKey
from ledger.tiles import entries_of
from ledger.tlog_policy import member_log_vkey
from tests.interop.strangers import Strangers, build
from tests.processes.consortium import MEMBERS, Consortium, codes, until

pytestmark = pytest.mark.processes

BLOCKS = 3


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Strangers:
    return build(tmp_path_factory.mktemp("strangers"))


@pytest.fixture(scope="module")
def chain(strangers: Strangers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consortium]:
    with Consortium(tmp_path_factory.mktemp("chain"), "receipts.test") as consortium:
        consortium.start()
        consortium.ready()
        assert codes(consortium.submit("m1", consortium.define())) == ["accepted"]
        for number in range(1, BLOCKS):
            answers = consortium.submit("m1", consortium.receipt(f"t{number}"))
            assert codes(answers) == ["accepted"]
        yield consortium


def key_of(chain: Consortium, one: str) -> VerifierKey:
    member = chain.genesis.members.get(one)
    assert member is not None
    return member_log_vkey(chain.genesis.origin, one, member.log_key)


def fetch(chain: Consortium, one: str, height: int) -> bytes:
    """A member's receipt, once it has signed a root that holds the height."""
    path = f"/tlog/receipt/{height}.cose"
    until(lambda: chain.get(one, path).status_code == 200, f"receipt {height} of {one}")
    answer = chain.get(one, path)
    assert answer.headers["content-type"] == 'application/cose; cose-type="cose-sign1"'
    assert answer.headers["cache-control"] == "public, max-age=1"
    return answer.content


def header_of(chain: Consortium, height: int) -> bytes:
    """The leaf, from the public tiles."""
    answer = chain.get("m1", f"/tlog/tile/entries/000.p/{height}")
    assert answer.status_code == 200
    return entries_of(answer.content, height)[height - 1]


@pytest.mark.parametrize("height", range(1, BLOCKS + 1))
def test_go_cose_verifies_every_member_s_receipt_of_a_header(
    chain: Consortium, strangers: Strangers, tmp_path: Path, height: int
) -> None:
    file, leaf = tmp_path / "receipt.cose", tmp_path / "header"
    leaf.write_bytes(header_of(chain, height))
    for one in MEMBERS:
        data = fetch(chain, one, height)
        file.write_bytes(data)
        key = key_of(chain, one)
        [said] = strangers.accept("receipt", str(file), str(leaf), key.public.hex())
        index, size, _ = verify_cose_receipt(data, leaf_hash(leaf.read_bytes()), key)
        assert said == f"{index} {size} {chain.genesis.origin}/{one}"
        assert index == height - 1


def test_go_cose_refuses_another_leaf_and_another_member_s_key(
    chain: Consortium, strangers: Strangers, tmp_path: Path
) -> None:
    file, leaf = tmp_path / "receipt.cose", tmp_path / "header"
    file.write_bytes(fetch(chain, "m1", 2))
    leaf.write_bytes(header_of(chain, 3))
    arguments = ("receipt", str(file), str(leaf))
    assert strangers.run(*arguments, key_of(chain, "m1").public.hex()).returncode != 0
    leaf.write_bytes(header_of(chain, 2))
    assert strangers.run(*arguments, key_of(chain, "m2").public.hex()).returncode != 0
    assert strangers.run(*arguments, key_of(chain, "m1").public.hex()).returncode == 0


@pytest.mark.parametrize(
    "file", ["0.cose", "999999.cose", "1.tlog-proof", "1", "01.cose", "1.cose.cose", "-1.cose"]
)
def test_what_has_no_receipt_is_not_there_and_not_cached(chain: Consortium, file: str) -> None:
    answer = chain.get("m1", f"/tlog/receipt/{file}")
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"
