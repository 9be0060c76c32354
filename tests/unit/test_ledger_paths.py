"""Names of entities: one spelling, one key."""

from __future__ import annotations

import pytest

from ledger.codec import Format, encode
from ledger.errors import Malformed
from ledger.hashing import tagged
from ledger.paths import Path, key

PATH = Format(Path, "path")


def test_a_path_is_written_and_read_as_contract_kind_id() -> None:
    path = Path.parse("supplies/donation/red-cross.D-1")
    assert path == Path("supplies", "donation", "red-cross.D-1")
    assert path.text == "supplies/donation/red-cross.D-1"
    assert PATH.encode(path) == encode(["supplies", "donation", "red-cross.D-1"])
    assert PATH.decode(PATH.encode(path)) == path


def test_its_key_is_the_tagged_hash_of_its_canonical_array() -> None:
    path = Path("supplies", "lot", "L-1")
    assert key(path) == tagged("path", encode(["supplies", "lot", "L-1"]))
    assert key(path) != key(Path("supplies", "lot", "L-2"))
    assert key(Path("a", "b", "c")) != key(Path("a", "bc", "c"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a/b",
        "a/b/c/d",
        "/b/c",
        "a//c",
        "a/b/",
        "A/b/c",
        "a/B/c",
        "1a/b/c",
        "a/b/中",
        "a/b/c d",
        "a/b/c\n",
        "a\n/b/c",
        "a/b\n/c",
        "a/b/" + "x" * 97,
        "a" * 33 + "/b/c",
        "a_b/c/d",
        " a/b/c",
    ],
)
def test_other_spellings_are_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        Path.parse(text)
    if text.count("/") == 2:
        with pytest.raises(Malformed):
            PATH.decode(encode(list(text.split("/"))))


def test_the_longest_names_fit() -> None:
    path = Path.parse("a" * 32 + "/" + "b" * 32 + "/" + "Z" * 96)
    assert PATH.decode(PATH.encode(path)) == path
