"""The life of a consortium's processes, with stand-ins for the members: none is left behind,
whatever happens.
"""

from __future__ import annotations

import os
import signal
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from string import Formatter

import pytest

import client.demo.consortium
from client.demo.cast import cast_file, make_keys
from client.demo.consortium import Consortium
from client.demo.signals import Signals, Stopped
from client.scenario import ACCOUNTS, MEMBERS
from client.story import phrases
from client.words import _CATALOGUE, Words, language_of, sentence_of
from ledger.errors import ClientFault, Malformed
from ledger.genesis import Account

STAND_IN = """
    import json, pathlib, signal, sys
    from http.server import BaseHTTPRequestHandler, HTTPServer
    what, folder = sys.argv[2], pathlib.Path(sys.argv[3])
    if what == "found":
        cast = json.loads(pathlib.Path(sys.argv[5]).read_text())
        if cast["name"] == "unfoundable":
            sys.exit("the cast is wrong")
        import socket
        probes = [socket.socket() for _ in cast["members"]]
        for probe, member in zip(probes, cast["members"]):
            probe.bind(("127.0.0.1", 0))
            place = folder / "members" / member
            place.mkdir(parents=True)
            port = probe.getsockname()[1]
            (place / "member.json").write_text(json.dumps({"api": f"127.0.0.1:{port}"}))
        (folder / "genesis.json").write_text("{}")
    elif folder.name == "dies":
        sys.exit("cannot open the store")
    else:
        if folder.name == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        class Health(BaseHTTPRequestHandler):
            def do_GET(self):
                status = "catching-up" if folder.name == "slow" else "ok"
                body = json.dumps({"status": status}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *_):
                pass
        host, port = json.loads((folder / "member.json").read_text())["api"].split(":")
        HTTPServer((host, int(port)), Health).serve_forever()
"""


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Consortium]:
    script = tmp_path / "stand_in.py"
    script.write_text(textwrap.dedent(STAND_IN))
    monkeypatch.setattr(client.demo.consortium, "command", lambda: [sys.executable, str(script)])
    monkeypatch.setattr(client.demo.consortium, "STOP_S_MAX", 0.3)

    def make(*members: str, name: str = "town") -> Consortium:
        folder = tmp_path / "consortium"
        return Consortium(folder, {"name": name, "members": list(members)}, Signals())

    return make


def alive(process: int) -> bool:
    """Whether a process exists, a zombie included."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def processes(consortium: Consortium) -> list[int]:
    return [member.process.pid for member in consortium._members]


def bring_up(
    consortium: Consortium, children: list[int], then: BaseException | None = None
) -> None:
    """Found, start and await a consortium, note its children, and leave it, by `then` if given."""
    with consortium:
        consortium.found()
        consortium.start()
        children += processes(consortium)
        consortium.wait_ready()
        if then is not None:
            raise then


def test_members_start_answer_and_are_gone_after_the_block(make: Callable[..., Consortium]) -> None:
    heard: list[tuple[int, int]] = []
    with make("one", "two") as consortium:
        consortium.found()
        consortium.start()
        consortium.wait_ready(lambda ready, total: heard.append((ready, total)))
        assert sorted(consortium.addresses) == ["one", "two"]
        children = processes(consortium)
        assert all(alive(child) for child in children)
    assert heard[-1] == (2, 2)
    assert not any(alive(child) for child in children)


def test_a_member_that_ignores_the_request_to_stop_is_killed(
    make: Callable[..., Consortium],
) -> None:
    children: list[int] = []
    bring_up(make("stubborn", "one"), children)
    assert len(children) == 2
    assert not any(alive(child) for child in children)


def test_a_member_that_dies_is_reported_with_the_end_of_its_log_and_the_rest_is_stopped(
    make: Callable[..., Consortium],
) -> None:
    children: list[int] = []
    with pytest.raises(ClientFault) as caught:
        bring_up(make("one", "dies"), children)
    assert caught.value.code == "consortium-failed"
    assert caught.value.parameters["member"] == "dies"
    assert "cannot open the store" in str(caught.value.parameters["tail"])
    assert len(children) == 2
    assert not any(alive(child) for child in children)


def test_a_member_that_never_becomes_ready_is_named_after_a_bounded_time(
    make: Callable[..., Consortium], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.demo.consortium, "READY_S_MAX", 0.5)
    with pytest.raises(ClientFault) as caught:
        bring_up(make("slow"), [])
    assert caught.value.code == "consortium-slow"
    assert caught.value.parameters["waiting"] == "slow"


def test_a_cast_that_founds_nothing_is_refused_with_what_was_said(
    make: Callable[..., Consortium],
) -> None:
    with pytest.raises(ClientFault) as caught:
        bring_up(make("one", name="unfoundable"), [])
    assert caught.value.code == "found-failed"
    assert caught.value.parameters["reason"] == "the cast is wrong"


def test_an_error_of_any_kind_inside_still_stops_every_member(
    make: Callable[..., Consortium],
) -> None:
    children: list[int] = []
    with pytest.raises(Stopped):
        bring_up(make("one"), children, then=Stopped(signal.SIGTERM))
    assert len(children) == 1
    assert not alive(children[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_becomes_one_exception_and_the_old_handler_returns(number: int) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as caught, Signals():
        signal.raise_signal(number)
    assert caught.value.number == number
    assert signal.getsignal(number) is before


def test_a_signal_while_held_waits_until_the_block_is_over() -> None:
    done: list[str] = []

    def work() -> None:
        with Signals() as signals:
            with signals.held():
                signal.raise_signal(signal.SIGTERM)
                done.append("inside")
            done.append("never")

    with pytest.raises(Stopped):
        work()
    assert done == ["inside"]


def test_while_everything_is_being_stopped_no_signal_interrupts() -> None:
    with Signals() as signals:
        signals.ignore()
        signal.raise_signal(signal.SIGINT)


def test_the_cast_has_a_key_for_every_account_and_no_secret_in_its_file(tmp_path: Path) -> None:
    signers = make_keys(tmp_path)
    cast = cast_file(signers)
    assert [account["id"] for account in cast["accounts"]] == [one.id for one in ACCOUNTS]
    assert cast["members"] == [member.id for member in MEMBERS]
    for account in cast["accounts"]:
        public = bytes.fromhex(account["keys"][0])
        Account(account["id"], account["organisation"], (public,), tuple(account["roles"]))
        assert public == signers[account["id"]].public
    assert len(list(tmp_path.iterdir())) == len(ACCOUNTS)


@pytest.mark.parametrize("catalogue", [_CATALOGUE, phrases._PHRASES], ids=["words", "phrases"])
def test_every_sentence_is_written_in_both_languages_with_the_same_gaps(
    catalogue: dict[str, tuple[str, str]],
) -> None:
    def gaps(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    assert [word for word, (zh, en) in catalogue.items() if gaps(zh) != gaps(en)] == []
    assert all(zh and en for zh, en in catalogue.values())


@pytest.mark.parametrize(
    ("asked", "environment", "spoken"),
    [
        (None, {}, "zh"),
        (None, {"LANG": "C.UTF-8"}, "zh"),
        (None, {"LANG": "en_US.UTF-8"}, "en"),
        (None, {"LC_ALL": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, "zh"),
        ("en", {"LANG": "zh_CN.UTF-8"}, "en"),
        ("zh", {"LANG": "en_US.UTF-8"}, "zh"),
    ],
    ids=str,
)
def test_chinese_is_spoken_unless_english_is_asked_for(
    asked: str | None, environment: dict[str, str], spoken: str
) -> None:
    assert language_of(asked, environment) == spoken


def test_a_fault_is_told_in_the_persons_language() -> None:
    assert sentence_of(ClientFault("no-key", account="a.b"), "en") == "no key for the account a.b"
    assert "a.b" in sentence_of(ClientFault("no-key", account="a.b"), "zh")
    assert sentence_of(Malformed("field", "rule"), "zh") == "field：rule"
    assert "wrong-role" not in sentence_of(
        ClientFault("wrong-role", account="a.b", role="approver"), "en"
    )


def test_a_word_that_nobody_wrote_is_our_own_bug() -> None:
    with pytest.raises(KeyError):
        Words("zh")("no such word")
