"""suyuan witness run | submit | check | policy: outside witnesses of a chain's log.

A witness signs that what it sees of a log only ever grows. With the genesis file it follows every
member's own origin `<chain>/<member>`, never the origin `<chain>` that all members share: a witness
believes one key per origin, and whoever shared one could poison it for the others. With a recent
bundle besides, `--bundle`, these are the members of its epoch: who joined since is followed, and
who has left no more.

Exit 0: done. 1: refused, or a conviction was found (check). 2: a file, an
option or an address cannot be used.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from client.cli.options import (
    BundleOption,
    GenesisOption,
    JsonOption,
    LanguageOption,
    needed_genesis,
    opened_bundle,
)
from client.cli.screen import EXIT_FAILED, Screen
from client.demo.signals import Signals, Stopped
from client.faults import Unreachable
from client.files import read_file, write_atomically
from client.holders import followed_logs
from client.session import clean_url
from client.transport import HttpTransport
from client.witness.blame import encode_blame
from client.witness.judge import Witness
from client.witness.service import serve
from client.witness.state import Folder, own_key
from client.witness.submission import (
    Log,
    Refused,
    fetch_log,
    fetch_witnessed,
    look_for_blame,
)
from client.witness.submission import submit as submit_to
from ledger.errors import Malformed
from ledger.genesis import Genesis
from ledger.limits import NOTE_SIZE_MAX
from ledger.notes import VerifierKey
from ledger.tlog_policy import outsiders_of

__all__ = ["app", "witness_prefix"]

app = typer.Typer(
    no_args_is_help=True,
    help="外部见证人。Outside witnesses of a chain's log.",
    rich_markup_mode=None,
)

# word -> (Chinese, English)
_WORDS: Final = {
    "witness-key": ("见证公钥", "verifier key"),
    "follows": ("见证的日志 {count} 个，地址 {url}", "follows {count} logs at {url}"),
    "convicted": ("日志自相矛盾，证据已存入 {file}", "a log contradicts itself: {file}"),
    "refused": (
        "日志未证明是此前的延续，已留存 {file}，可用 suyuan witness check --note 核对",
        "a log was not shown to follow; kept for suyuan witness check --note: {file}",
    ),
    "submitted": ("见证人已签名，高度 {size}", "the witness has cosigned size {size}"),
    "saved": ("已存入 {file}", "saved in {file}"),
    "consistent": ("与见证人所见一致，未发现矛盾", "consistent with what the witness saw"),
}

_Folder = Annotated[
    Path, typer.Argument(help="见证人的文件夹。The witness's folder.", show_default=False)
]
_Member = Annotated[str, typer.Option("--member", help="成员。The member.", show_default=False)]
_Node = Annotated[
    str, typer.Option("--node", help="该成员的地址。That member's address.", show_default=False)
]
_Witness = Annotated[
    str, typer.Option("--witness", help="见证人的地址。The witness's address.", show_default=False)
]


def _say(screen: Screen, word: str, **values: object) -> str:
    return _WORDS[word][screen.language == "en"].format(**values)


@app.command("run")
def run(
    folder: _Folder,
    genesis: GenesisOption = None,
    bundle: BundleOption = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", help="首次运行：名称。First run: its name, such as witness.ngo.example."
        ),
    ] = None,
    log: Annotated[
        list[str] | None,
        typer.Option("--log", help="其他日志的公钥。Verifier key of another log; repeatable."),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="监听地址。Address.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="端口。Port.")] = 7100,
    language: LanguageOption = None,
) -> None:
    """运行见证人，直到收到停止信号。Run a witness until it is told to stop."""
    screen = Screen(language)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    keys = [VerifierKey.parse(text, "--log") for text in log or []]
    if genesis is not None or not keys:
        keys += followed_logs(needed_genesis(genesis), opened_bundle(bundle))
    held = Folder(folder, lambda word, file: screen.note(_say(screen, word, file=file)))
    try:
        own_name, signer = own_key(folder, name)
        witness = Witness(own_name, signer, keys, held, lambda: int(time.time()))
        url = f"http://{host}:{port}"
        screen.out.print(f"{_say(screen, 'witness-key')}: {witness.key.text()}", markup=False)
        screen.note(_say(screen, "follows", count=len(witness.origins), url=url))
        serve(witness, host, port)
    finally:
        held.close()


@app.command("submit")
def submit(
    node: _Node,
    member: _Member,
    witness: _Witness,
    witness_key: Annotated[
        str,
        typer.Option("--witness-key", help="见证公钥。Its verifier key.", show_default=False),
    ],
    genesis: GenesisOption = None,
    bundle: BundleOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="存放。File for the cosigned note.")
    ] = None,
    every: Annotated[
        int | None,
        typer.Option("--every", min=1, help="每隔数秒重复。Again every so many seconds."),
    ] = None,
    json: JsonOption = False,
    language: LanguageOption = None,
) -> None:
    """把成员的检查点交给见证人签名。Bring a member's checkpoint to a C2SP witness."""
    screen = Screen(language)
    key = _member_key(needed_genesis(genesis), bundle, member)
    believed = VerifierKey.parse(witness_key, "--witness-key")
    where = witness_prefix(witness)
    with HttpTransport() as transport, _until_told():
        while True:
            try:
                log = fetch_log(transport, _prefix(node, member), key)
                note = submit_to(transport, log, where, believed)
                _show_cosigned(screen, log, note, out, json)
            except Unreachable as fault:
                # Between two rounds a member or witness may be away; asked once, it is an answer.
                if every is None and not isinstance(fault, Refused):
                    raise
                screen.note(str(fault))
                if every is None:
                    raise typer.Exit(EXIT_FAILED) from None
            if every is None:
                return
            time.sleep(every)


@contextmanager
def _until_told() -> Iterator[None]:
    """End by a signal in order, also where SIGINT was ignored when this process was started."""
    try:
        with Signals():
            yield
    except Stopped as stopped:
        raise typer.Exit(128 + stopped.number) from None


def _show_cosigned(screen: Screen, log: Log, note: str, out: Path | None, json: bool) -> None:
    if out is not None:
        write_atomically(out, note.encode())
    if json:
        screen.json({"origin": log.key.name, "size": log.size, "note": note})
        return
    screen.out.print(_say(screen, "submitted", size=log.size), markup=False)
    if out is not None:
        screen.out.print(_say(screen, "saved", file=out), markup=False)
    else:
        screen.out.print(note, markup=False, soft_wrap=True, end="")


@app.command("check")
def check(
    node: _Node,
    member: _Member,
    witness: Annotated[
        str | None,
        typer.Option("--witness", help="溯源见证人的地址。Address of a Suyuan witness."),
    ] = None,
    note: Annotated[
        Path | None,
        typer.Option("--note", help="以前保存的成员检查点。A member's note kept earlier."),
    ] = None,
    genesis: GenesisOption = None,
    bundle: BundleOption = None,
    out: Annotated[Path, typer.Option("--out", help="证据文件。File for what convicts.")] = Path(
        "blame.json"
    ),
    language: LanguageOption = None,
) -> None:
    """比较成员现在的日志与以前的检查点。Hold a member's log of today against an earlier note."""
    screen = Screen(language)
    key = _member_key(needed_genesis(genesis), bundle, member)
    if (witness is None) == (note is None):
        raise Malformed("--witness, --note", "one of the two is needed")
    with HttpTransport() as transport:
        if witness is not None:
            earlier = fetch_witnessed(transport, witness_prefix(witness), key.name)
        else:
            earlier = read_file(note or Path(), NOTE_SIZE_MAX).decode("utf-8", "replace")
        log = fetch_log(transport, _prefix(node, member), key)
        found = look_for_blame(transport, log, earlier)
    if found is None:
        screen.out.print(_say(screen, "consistent"), markup=False)
        return
    write_atomically(out, encode_blame(found))
    screen.out.print(_say(screen, "convicted", file=out), style="red", markup=False)
    raise typer.Exit(EXIT_FAILED)


@app.command("policy")
def policy(
    witness_key: Annotated[
        list[str],
        typer.Option("--witness-key", help="所信任见证人的公钥。Key of a witness you trust."),
    ],
    genesis: GenesisOption = None,
    bundle: BundleOption = None,
    quorum: Annotated[
        int | None,
        typer.Option("--quorum", min=1, help="须有几个签名；默认全部。How many; else all."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="存放。File.", show_default=False)
    ] = None,
    language: LanguageOption = None,
) -> None:
    """写出 verify --policy 所用的策略。Write the policy that `suyuan verify --policy` asks for."""
    screen = Screen(language)
    chain = needed_genesis(genesis)
    keys = [VerifierKey.parse(text, "--witness-key") for text in witness_key]
    wanted = len(keys) if quorum is None else quorum
    if wanted > len(keys):
        raise Malformed("--quorum", f"must be at most the number of witnesses, {len(keys)}")
    text = outsiders_of(followed_logs(chain, opened_bundle(bundle)), keys, wanted).text()
    if out is None:
        screen.out.print(text, markup=False, soft_wrap=True, end="")
        return
    write_atomically(out, text.encode())
    screen.out.print(_say(screen, "saved", file=out), markup=False)


def _prefix(node: str, member: str) -> str:
    return f"{clean_url(node)}/tlog/{member}"


def witness_prefix(text: str) -> str:
    """Return a witness's submission prefix, which unlike a member's address may have a path."""
    scheme, separator, rest = text.rpartition("://")
    host, _, path = rest.partition("/")
    return clean_url(f"{scheme}{separator}{host}") + (f"/{path.strip('/')}" if path else "")


def _member_key(chain: Genesis, bundle: Path | None, member: str) -> VerifierKey:
    origin = f"{chain.origin}/{member}"
    for key in followed_logs(chain, opened_bundle(bundle)):
        if key.name == origin:
            return key
    raise Malformed("--member", f"{member} is no member; of who joined later, --bundle tells")
