"""A member's ports are ones it can take again: no outgoing connection is ever given them."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from node import ports
from node.ports import free_ports


def test_no_port_is_one_that_the_system_gives_to_outgoing_connections() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        given = probe.getsockname()[1]
    found = free_ports(200)
    assert len(set(found)) == 200
    assert max(found) < given
    if ports.RANGE.exists():
        assert max(found) < int(ports.RANGE.read_text().split()[0])


def test_a_port_that_somebody_listens_on_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    first = free_ports(1)[0]
    monkeypatch.setattr(ports, "FIRST", first)
    monkeypatch.setattr(ports, "LEAST", 0)
    monkeypatch.setattr(ports, "_first_ephemeral", lambda: first + 1)
    assert free_ports(1) == [first], "the only one is found"
    none_left = f"fewer than 1 of the ports {first} to {first} of"
    with (
        socket.create_server(("127.0.0.1", first)),
        pytest.raises(OSError, match=none_left),
    ):
        free_ports(1)


@pytest.mark.parametrize("content", [None, "", "words here"])
def test_a_system_that_does_not_tell_its_range_is_taken_for_the_widest(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "range"
    if content is not None:
        place.write_text(content)
    monkeypatch.setattr(ports, "RANGE", place)
    assert max(free_ports(50)) < ports.EPHEMERAL


def test_a_range_that_starts_low_leaves_what_is_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "range"
    monkeypatch.setattr(ports, "RANGE", place)
    place.write_text("9000\t65000\n")
    assert all(1_024 <= port < 9_000 for port in free_ports(50))
    place.write_text("1024\t65535\n")
    assert len(free_ports(50)) == 50, "none is left below: any free one must do"


def test_another_machines_address_is_an_error() -> None:
    with pytest.raises(OSError, match="assign requested address"):
        free_ports(1, "192.0.2.1")  # TEST-NET-1, nobody's
