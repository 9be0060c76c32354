"""The frame parser: what comes out does not depend on how the bytes were cut."""

from __future__ import annotations

from itertools import pairwise
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from network.frames import (
    DATA,
    HEADER_SIZE,
    PING,
    PING_BYTES,
    PONG,
    PONG_BYTES,
    FrameParser,
    header,
)

SIZE_MAX = 1000
STREAM = (
    header(3) + b"one" + PING_BYTES + header(1) + b"2" + PONG_BYTES + header(SIZE_MAX) + b"x" * 1000
)
FRAMES = [(DATA, b"one"), (PING, b""), (DATA, b"2"), (PONG, b""), (DATA, b"x" * 1000)]


def parse(pieces: list[bytes]) -> tuple[list[tuple[int, bytes]], FrameParser]:
    parser = FrameParser(SIZE_MAX)
    return [frame for piece in pieces for frame in parser.receive(piece)], parser


def test_a_stream_in_one_piece_gives_its_frames() -> None:
    frames, parser = parse([STREAM])
    assert frames == FRAMES
    assert (parser.held, parser.fault) == (0, None)


def test_a_stream_byte_by_byte_gives_the_same_frames() -> None:
    frames, parser = parse([bytes([byte]) for byte in STREAM])
    assert frames == FRAMES
    assert (parser.held, parser.fault) == (0, None)


def test_a_stream_cut_in_two_anywhere_gives_the_same_frames() -> None:
    for at in range(len(STREAM) + 1):
        assert parse([STREAM[:at], STREAM[at:]])[0] == FRAMES


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=20), st.data())
def test_any_frames_cut_anyhow_come_out_whole_and_in_order(
    payloads: list[bytes], data: st.DataObject
) -> None:
    stream = b"".join(header(len(payload)) + payload for payload in payloads)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=30)))
    edges = [0, *cuts, len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    assert parse(pieces)[0] == [(DATA, payload) for payload in payloads]


@pytest.mark.parametrize(
    ("bad", "field", "rule"),
    [
        (pack(">IB", SIZE_MAX + 1, DATA), "frame length", "1001 is not within 1 to 1000"),
        (pack(">IB", 2**32 - 1, DATA), "frame length", "4294967295 is not within 1 to 1000"),
        (pack(">IB", 0, DATA), "frame length", "0 is not within 1 to 1000"),
        (pack(">IB", 1, PING), "frame length", "a ping or pong of 1 bytes is not empty"),
        (pack(">IB", 9, PONG), "frame length", "a ping or pong of 9 bytes is not empty"),
        (pack(">IB", 0, 0), "frame kind", "0 is not known"),
        (b"GET / HTTP/1.1\r\n\r\n", "frame kind", "47 is not known"),
    ],
)
def test_a_bad_header_is_refused_by_field_and_rule_before_its_payload_comes(
    bad: bytes, field: str, rule: str
) -> None:
    good = header(3) + b"one"
    for pieces in ([good + bad], [bytes([byte]) for byte in good + bad]):
        frames, parser = parse(pieces)
        assert frames == [(DATA, b"one")]
        assert parser.fault is not None
        assert (parser.fault.field, parser.fault.rule) == (field, rule)
        assert parser.held == 0
        assert parser.receive(good) == []
        assert parser.held == 0


def test_no_more_is_held_than_the_frame_under_way_and_the_last_piece() -> None:
    parser = FrameParser(SIZE_MAX)
    most = 0
    for _ in range(50):
        for at in range(0, len(STREAM), 7):
            parser.receive(STREAM[at : at + 7])
            most = max(most, parser.held)
    assert most <= HEADER_SIZE + SIZE_MAX
