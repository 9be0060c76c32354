"""Strangers on the member port, and a member that sends garbage, do no harm."""

from __future__ import annotations

import json
import random
import socket
import ssl
from contextlib import ExitStack, suppress

import pytest

from ledger.codec import encode
from network.frames import header
from network.tls import contexts, new_certificate
from node.channels import CATCH_UP, CERTIFIER, ENGINE
from node.door import CONNECTIONS_MAX
from tests.processes.consortium import Consortium, codes, until

pytestmark = pytest.mark.processes

HOST = "127.0.0.1"


def listen_port(consortium: Consortium, one: str) -> int:
    told = json.loads((consortium.members[one].folder / "member.json").read_text())
    return int(told["listen"].rpartition(":")[2])


def test_connections_without_a_members_key_are_refused_and_change_nothing(
    consortium: Consortium,
) -> None:
    port = listen_port(consortium, "m1")
    chance = random.Random(1)
    for garbage in (b"", b"GET / HTTP/1.1\r\n\r\n", chance.randbytes(5_000), b"\x16\x03\x01" * 99):
        with socket.create_connection((HOST, port)) as plain:
            plain.sendall(garbage)
    certificate, key = new_certificate("m2")  # the name of a member, the key of nobody
    pinned = consortium.genesis.members.members[0].tls_certificate
    _, dialling = contexts(certificate, key, {"m1": pinned})
    with socket.create_connection((HOST, port)) as plain:
        plain.settimeout(5)
        # In TLS 1.3 the dialler is done before the other side has looked at its certificate.
        with suppress(ConnectionError), dialling["m1"].wrap_socket(plain) as secured:
            secured.sendall(header(3) + b"\x01hi")
            with pytest.raises((ssl.SSLError, ConnectionError)):
                raise ConnectionError(secured.recv(1))
    (answer,) = consortium.submit("m1", consortium.receipt("among-strangers"))
    assert answer["result"]["code"] == "accepted"
    consortium.agree()


def test_a_member_that_sends_garbage_costs_the_others_nothing_but_time(
    consortium: Consortium,
) -> None:
    consortium.stop("m4")
    members = consortium.genesis.members
    keys = json.loads((consortium.members["m4"].folder / "keys.json").read_text())
    own = members.members[3].tls_certificate
    pin = members.members[0].tls_certificate
    _, dialling = contexts(own, keys["tls_key"].encode(), {"m1": pin})
    chance = random.Random(2)
    frames = [
        bytes([channel]) + body
        for channel in (0, ENGINE, CERTIFIER, CATCH_UP, 4, 255)
        for body in (
            b"",
            b"\xc1",
            chance.randbytes(300),
            encode(["ask", 0]),
            encode(["ask", 2**53 - 1]),
            encode(["ask", -1]),
            encode(["answer", 0, "", [], []]),
            encode(["answer", 0, "x", [[b"", [], []]], []]),
            encode([0] * 1_000),
            b"\x91" * 5_000,
        )
    ]
    frames += [frame_ for frame_ in frames if frame_[:1] == b"\x03"] * 20  # more than it serves
    with socket.create_connection((HOST, listen_port(consortium, "m1"))) as plain:
        plain.settimeout(10)
        with dialling["m1"].wrap_socket(plain) as secured:
            assert secured.recv(5)  # the first pong: m1 takes us for m4
            for frame_ in frames:
                secured.sendall(header(len(frame_)) + frame_)
            secured.sendall(header(2**24 - 1))  # a frame larger than any peer may send
            until(lambda: is_closed(secured), "m1 hangs up")
    health = consortium.health("m1")
    assert health is not None
    assert health["status"] == "ok", health
    answers = [consortium.submit(one, consortium.receipt(f"g-{one}"))[0] for one in ("m1", "m2")]
    assert codes(answers) == ["accepted", "accepted"]
    consortium.start("m4")
    consortium.agree()


def test_clients_that_do_nothing_or_read_nothing_keep_nobody_out(consortium: Consortium) -> None:
    (told,) = consortium.submit("m1", consortium.receipt("before-idle"))
    place = json.loads((consortium.members["m1"].folder / "member.json").read_text())["api"]
    address = (HOST, int(place.rpartition(":")[2]))
    block = f"GET /v1/blocks/{told['height']} HTTP/1.1\r\nhost: m\r\n\r\n".encode() * 200
    with ExitStack() as held:
        for number in range(CONNECTIONS_MAX + 100):
            client = held.enter_context(socket.create_connection(address))
            client.setblocking(False)
            with suppress(ConnectionError, BlockingIOError):  # its place may be taken already
                client.send(block if number % 10 == 0 else b"POST /v1/transactions HT")
        (answer,) = consortium.submit("m1", consortium.receipt("among-idle"))
        assert answer["result"]["code"] == "accepted"
        health = consortium.health("m1")
        assert health is not None
        assert health["status"] == "ok", health
    consortium.agree()


def is_closed(secured: ssl.SSLSocket) -> bool:
    try:
        return secured.recv(65_536) == b""
    except (ConnectionError, ssl.SSLError):
        return True
