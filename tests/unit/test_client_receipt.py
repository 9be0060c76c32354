"""The paper receipt: the same bytes from a bundle, a code that others read, and no lie on it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

import pytest
import zxingcpp

from client.receipt.code import QUIET, code_svg
from client.receipt.essentials import _claim_text, code_text, essentials_of
from client.receipt.page import receipt_page
from ledger.assembly import assemble
from ledger.bundle_file import encode_bundle
from ledger.canonical_json import to_base64, to_json
from ledger.claims import Absence, AsOf, Claim, EventAt, Extension, Period, claim_value
from ledger.errors import InvariantViolated, Malformed
from ledger.genesis import Genesis
from ledger.verify import verify_bundle
from tests.client_town import run
from tests.conftest import ROOT
from tests.forger.stories import event, receipt, supply
from tests.forger.world import Call, World

VECTORS = ROOT / "tests" / "vectors"
GENESIS = VECTORS / "genesis.json"
BUNDLES = sorted(path.stem for path in VECTORS.glob("bundle-*.json"))
LOT, NONE = supply("lot", "L-1"), supply("lot", "L-none")
SCALE = 4  # pixels of a module


def page_of(name: str, url: str | None = None) -> str:
    data = (VECTORS / f"{name}.json").read_bytes()
    report = verify_bundle(data, Genesis.from_json(GENESIS.read_bytes()))
    return receipt_page(essentials_of(data, report), url).decode()


def drawn(svg: str) -> memoryview:
    """Draw the path of a code as a reader of the page would: rows of grey pixels."""
    found = re.search(r'viewBox="0 0 (\d+) \1"', svg)
    assert found is not None
    side = int(found[1]) * SCALE
    rows = [bytearray(b"\xff" * side) for _ in range(side)]
    for x, y, width, back in re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", svg):
        assert width == back
        start, end = int(x) * SCALE, (int(x) + int(width)) * SCALE
        for row in rows[int(y) * SCALE : (int(y) + 1) * SCALE]:
            row[start:end] = bytes(end - start)
    return memoryview(b"".join(rows)).cast("B", (side, side))


def read_code(svg: str) -> str:
    """What another program reads from the drawing."""
    [found] = zxingcpp.read_barcodes(drawn(svg))
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    return str(found.text)


@pytest.mark.parametrize("name", BUNDLES)
def test_another_reader_finds_in_the_code_what_stands_in_the_bundle(name: str) -> None:
    data = (VECTORS / f"{name}.json").read_bytes()
    genesis = Genesis.from_json(GENESIS.read_bytes())
    essentials = essentials_of(data, verify_bundle(data, genesis))
    said = read_code(page_of(name))
    assert said == code_text(essentials)
    fields = dict(line.split(" ", 1) for line in said.splitlines()[1:])
    assert said.splitlines()[0] == "suyuan-receipt/v1"
    assert fields["bundle"] == sha256(data).hexdigest()
    assert fields["chain"] == genesis.origin
    # The pin is made of what the code says, and pins: the same bundle verified with it is clean.
    pin = f"{fields['chain']}\n{fields['size']}\n{fields['root']}\n"
    assert pin == essentials.pin
    report = verify_bundle(data, genesis, None, None, None, pin + "\n")
    assert report.authority.code == "quorum-and-pin"
    assert fields["root"] == to_base64(essentials.checkpoint.root)


@pytest.mark.parametrize("name", BUNDLES)
def test_the_page_says_what_the_verifier_says_in_both_languages(name: str) -> None:
    data = (VECTORS / f"{name}.json").read_bytes()
    report = verify_bundle(data, Genesis.from_json(GENESIS.read_bytes()))
    page = page_of(name)
    text = re.sub(r"<[^>]*>", "", page.replace("&quot;", '"').replace("&#x27;", "'"))
    for language in ("zh", "en"):
        assert report.question(language) in text
        for line in report.lines:
            assert line.text(language) in text
    assert text.index(report.question("zh")) < text.index(report.question("en"))
    assert sha256(data).hexdigest() in text
    assert report.authority.parameters["members"] in text  # who signed


def test_the_same_bundle_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "1.html", tmp_path / "elsewhere" / "2.html"
    for out in (first, second):
        said = run("receipt", VECTORS / "bundle-trace.json", "--genesis", GENESIS, "--out", out)
        assert said.status == 0
    assert first.read_bytes() == second.read_bytes() == page_of("bundle-trace").encode()


def test_nothing_on_the_page_is_loaded_or_run() -> None:
    page = page_of("bundle-accesses", "https://chain.example/verify")
    assert "default-src 'none'" in page
    assert not re.search(r"<script|<link|<img|@import|url\(|\ssrc=|\shref=|\son[a-z]+=", page)


def test_a_person_s_handles_are_not_on_the_paper_but_their_hash() -> None:
    """However few they are: with a handle anybody could ask for the person's accesses."""
    page, said = page_of("bundle-accesses"), read_code(page_of("bundle-accesses"))
    bundle = json.loads((VECTORS / "bundle-accesses.json").read_bytes())
    for _, handle in bundle["claim"]["pairs"]:
        assert handle not in page
    few = _claim_text(b'{"dataset":"o.d","kind":"accesses","pairs":[]}')
    assert few.startswith('{"kind":"accesses","sha256":"')
    claim = next(line for line in said.splitlines() if line.startswith("claim "))
    assert re.fullmatch(r'claim \{"kind":"accesses","sha256":"[0-9a-f]{64}"\}', claim)


def test_an_address_carries_the_same_lines_where_no_server_sees_them() -> None:
    url = "https://chain.example/verify?lang=zh"
    said = read_code(page_of("bundle-trace", url))
    address, _, fragment = said.partition("#")
    assert address == url
    assert unquote(fragment) == read_code(page_of("bundle-trace"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "chain.example",
        "ftp://chain.example/",
        "javascript:alert(1)",
        "https://",
        "https://chain.example/#there",
        "https://chain.example/ x",
        "https://chain.example/\n",
        'https://chain.example/"><script>',
        "https://例.example/",
        "https://chain.example/" + "x" * 300,
    ],
)
def test_what_is_no_address_is_refused_by_name(tmp_path: Path, url: str) -> None:
    out = tmp_path / "receipt.html"
    bundle = VECTORS / "bundle-trace.json"
    said = run("receipt", bundle, "--genesis", GENESIS, "--out", out, "--url", url)
    assert said.status == 2
    assert "--url" in said.err
    assert not out.exists()


def test_a_bundle_that_does_not_verify_gets_no_paper(tmp_path: Path) -> None:
    forged, out = tmp_path / "forged.json", tmp_path / "receipt.html"
    data = (VECTORS / "bundle-trace.json").read_bytes()
    forged.write_bytes(data.replace(b'"checkpoint":"hubei', b'"checkpoint":"henan'))
    assert forged.read_bytes() != data
    said = run("receipt", forged, "--genesis", GENESIS, "--out", out, "--language", "en")
    assert said.status == 1
    assert "no receipt is written" in said.err
    assert "failed" in said.err
    assert not out.exists()


def test_a_verdict_that_failed_is_our_own_bug_when_it_comes_to_the_page() -> None:
    data = b"{}\n"
    report = verify_bundle(data, Genesis.from_json(GENESIS.read_bytes()))
    with pytest.raises(InvariantViolated):
        essentials_of(data, report)


def test_a_receipt_that_is_not_final_says_so_on_paper() -> None:
    page = page_of("receipt-not-final")
    assert "△" in page
    assert "有保留" in page


def test_text_from_the_ledger_is_text_on_the_page() -> None:
    from client.receipt.page import _text

    assert _text('<b onclick="x">\u202e') == "&lt;b onclick=&quot;x&quot;&gt;\ufffd"


def test_a_code_too_fine_for_paper_is_refused() -> None:
    with pytest.raises(Malformed, match="paper"):
        code_svg("x" * 1_500, "QR")
    svg = code_svg("x" * 900, "QR")
    assert read_code(svg) == "x" * 900
    assert f"M{QUIET} {QUIET}h7v1h-7z" in svg


@pytest.mark.parametrize("end", ["\n", "", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_the_three_lines_typed_from_the_paper_are_a_pin(
    tmp_path: Path, start: str, end: str
) -> None:
    """Ten years on: whatever an editor does to the ends of lines, the typed lines are the pin."""
    found = re.search(r"<pre>(.*?)</pre>", page_of("bundle-trace"), re.DOTALL)
    assert found is not None
    newline = end or "\n"
    typed, bundle = tmp_path / "pin.txt", VECTORS / "bundle-trace.json"
    typed.write_bytes((start + newline.join(found[1].splitlines()) + end).encode())
    said = run("verify", bundle, "--genesis", GENESIS, "--pin", typed, "--json")
    assert said.status == 0
    assert said.json["lines"]["authority"]["code"] == "quorum-and-pin"
    # One letter of the root read wrongly, and the pin is contradicted instead of passed over.
    *before, root = found[1].splitlines()
    wrong = ("B" if root[0] == "A" else "A") + root[1:]
    typed.write_bytes((start + newline.join([*before, wrong]) + end).encode())
    said = run("verify", bundle, "--genesis", GENESIS, "--pin", typed, "--json")
    assert said.status == 1
    assert said.json["lines"]["authority"]["code"] == "pin-contradicted"


@pytest.mark.parametrize(
    "claim",
    [AsOf(LOT, 2), EventAt(LOT, 1), Period(LOT, 0, 2**50), Extension(2, bytes(32)), Absence(NONE)],
    ids=lambda claim: type(claim).__name__,
)
def test_every_kind_of_answer_has_a_receipt(claim: Claim) -> None:
    world = World()
    world.grow([receipt(supply("donation", "D-1"), ((LOT, 10),), "a-firm")])
    for shelf in range(3):
        world.grow([Call([event("inspected", on=(LOT,), note=f"shelf {shelf}")], {LOT: {}})])
    world.certify()
    if isinstance(claim, Extension):
        claim = replace(claim, root=world.chain.root(claim.size))
    size = claim.size if isinstance(claim, Extension) else None
    data = encode_bundle(assemble(world, claim, size))
    report = verify_bundle(data, world.genesis)
    assert report.clean
    paper = essentials_of(data, report)
    said = read_code(receipt_page(paper).decode())
    assert f"claim {to_json(claim_value(claim)).decode()}\n" in said
    assert report.question("zh") in receipt_page(paper).decode()
