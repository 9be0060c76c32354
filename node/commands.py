"""`suyuan node …`: found a consortium, make keys, run a member, check its data folder."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Annotated

import typer

from ledger.errors import Malformed, SuyuanError
from ledger.genesis import member_entry
from node.clock import Clock
from node.compose import run as run_member
from node.config import Address, ConfigError, load_member
from node.founding import found as found_consortium
from node.founding import join as make_member
from node.founding import next_keys as make_next_keys
from node.founding import read_cast
from node.fsck import Outcome, check
from node.fsck.findings import FINDINGS_MAX

__all__ = ["app"]

app = typer.Typer(
    help="运行成员节点 · Run a member's node.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

EXIT_FOUND = 1
EXIT_UNUSABLE = 2
EXIT_STOPPED = 3


@app.command()
def found(
    folder: Annotated[
        Path, typer.Argument(help="新建的联盟文件夹 · folder to create the consortium in")
    ],
    cast: Annotated[Path, typer.Option(help="参与方 JSON · who takes part, as JSON")],
    host: Annotated[str, typer.Option(help="监听地址 · address to listen on")] = "127.0.0.1",
    base_port: Annotated[
        int, typer.Option(min=0, max=65000, help="0 = 自动 · pick free ports")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="机器可读 · for programs")] = False,
) -> None:
    """创建联盟：成员密钥、创世文件、各成员文件夹 · Make members' keys, the genesis file and a
    folder a member.
    """
    try:
        founded = found_consortium(folder, read_cast(cast), Clock().wall_ms(), host, base_port)
    except (ConfigError, OSError) as error:
        typer.echo(f"错误 · error: {error}", err=True)
        raise typer.Exit(EXIT_UNUSABLE) from None
    if as_json:
        members = {
            name: {"folder": str(place), "api": str(api)}
            for name, (place, api) in founded.members.items()
        }
        typer.echo(json.dumps({"genesis": str(founded.genesis), "members": members}))
        return
    typer.echo(f"创世文件 · genesis: {founded.genesis}")
    for name, (place, api) in founded.members.items():
        typer.echo(f"  {name}: {place}  API http://{api}")


@app.command("next-keys")
def next_keys(
    folder: Annotated[Path, typer.Argument(help="成员文件夹 · the member's folder")],
) -> None:
    """为下一届成员集生成联署密钥，打印提案所需的公开条目 · Make the cosigner key of the next epoch;
    prints the member's public entry for the proposal, as JSON.
    """
    try:
        entry = make_next_keys(folder)
    except (ConfigError, OSError) as error:
        typer.echo(f"错误 · error: {error}", err=True)
        raise typer.Exit(EXIT_UNUSABLE) from None
    typer.echo(json.dumps(member_entry(entry)))


@app.command()
def join(
    folder: Annotated[Path, typer.Argument(help="新成员的文件夹 · the new member's folder")],
    name: Annotated[str, typer.Option("--id", help="成员编号 · the member's id")],
    genesis: Annotated[Path, typer.Option(help="创世文件 · the genesis file")],
    listen: Annotated[str, typer.Option(help="host:port，成员之间 · for the other members")],
    api: Annotated[str, typer.Option(help="host:port，HTTP")],
    peer: Annotated[
        list[str], typer.Option(help="ID=host:port，可重复 · each other member, repeated")
    ],
) -> None:
    """准备一个待加入的成员：全部密钥与文件夹，打印提案所需的公开条目 · Make the folder and all keys
    of a member to come; prints its public entry for the proposal, as JSON.
    """
    try:
        peers = dict(_peer(each) for each in peer)
        addresses = Address.parse(listen, "--listen"), Address.parse(api, "--api")
        entry = make_member(folder, name, genesis, *addresses, peers)
    except (ConfigError, Malformed, OSError) as error:
        typer.echo(f"错误 · error: {error}", err=True)
        raise typer.Exit(EXIT_UNUSABLE) from None
    typer.echo(json.dumps(member_entry(entry)))


def _peer(text: str) -> tuple[str, Address]:
    name, separator, address = text.partition("=")
    if not separator:
        raise Malformed("--peer", f"{text!r} must be ID=host:port")
    return name, Address.parse(address, f"--peer {name}")


@app.command()
def run(
    folder: Annotated[Path, typer.Argument(help="成员文件夹 · the member's folder")],
    log_level: Annotated[str, typer.Option(help="debug|info|warning|error")] = "info",
) -> None:
    """运行一个成员，直到收到停止信号 · Run one member until it is told to stop."""
    level = logging.getLevelNamesMapping().get(log_level.upper())
    if level is None:
        typer.echo("错误 · error: --log-level must be debug, info, warning or error", err=True)
        raise typer.Exit(EXIT_UNUSABLE)
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        run_member(load_member(folder))
    except ConfigError as error:
        typer.echo(f"错误 · error: {error}", err=True)
        raise typer.Exit(EXIT_UNUSABLE) from None
    except (SuyuanError, OSError) as error:
        typer.echo(f"停止 · stopped: {error}", err=True)
        raise typer.Exit(EXIT_STOPPED) from None


PROGRESS_SECONDS = 1.0


@app.command()
def fsck(
    folder: Annotated[Path, typer.Argument(help="成员文件夹 · the member's folder")],
    as_json: Annotated[bool, typer.Option("--json", help="机器可读 · for programs")] = False,
    scratch: Annotated[
        Path | None, typer.Option(help="临时数据的位置 · where scratch data may lie")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, help="最多列出几条 · findings told one by one")
    ] = FINDINGS_MAX,
) -> None:
    """从创世起重算数据文件夹，查出任何改动 · Recompute a data folder from genesis and find
    whatever was changed in it. Exit 0: clean. 1: something is wrong. 2: it cannot be checked.
    """
    try:
        outcome = check(load_member(folder), _Progress(), scratch=scratch, limit=limit)
    except (SuyuanError, OSError) as error:
        typer.echo(f"错误 · error: {error}", err=True)
        raise typer.Exit(EXIT_UNUSABLE) from None
    if as_json:
        value = {
            "certified": outcome.certified,
            "clean": outcome.clean,
            "count": outcome.count,
            "findings": [one.fields() for one in outcome.findings],
            "height": outcome.height,
            "missing": outcome.missing,
        }
        typer.echo(json.dumps(value, ensure_ascii=False))
    else:
        _tell(outcome)
    if not outcome.clean:
        raise typer.Exit(EXIT_FOUND)


def _tell(outcome: Outcome) -> None:
    for one in outcome.findings:
        typer.echo(one.text())
    if outcome.count > len(outcome.findings):
        typer.echo(f"… {outcome.count - len(outcome.findings)} 条未列出 · more not listed")
    word = "完好 · clean" if outcome.clean else f"{outcome.count} 处问题 · findings"
    if outcome.missing is not None:
        first, last = outcome.missing
        typer.echo(
            f"缺少高度 {first} 至 {last}，其上各块与现有状态按区块头核对，至高度 {outcome.height}，"
            f"未重新执行 · heights {first} to {last} are not held here: above them blocks and the "
            f"state were held against their headers, to height {outcome.height}, not executed again"
        )
        typer.echo(f"{word}：{outcome.certified} 有证书 · {outcome.certified} certified")
        return
    typer.echo(
        f"{word}：已重算至高度 {outcome.height}，其中 {outcome.certified} 有证书 · "
        f"executed again to height {outcome.height}, {outcome.certified} certified"
    )


class _Progress:
    """A line on standard error now and then: how far, and how fast."""

    def __init__(self) -> None:
        self._clock = Clock()
        self._began = self._told = self._clock.monotonic()

    def __call__(self, done: int, of: int) -> None:
        now = self._clock.monotonic()
        if now - self._told < PROGRESS_SECONDS and done < of:
            return
        self._told = now
        rate = done / max(now - self._began, 0.001)
        typer.echo(f"{done}/{of}  {rate:.0f} 块/秒 · blocks/s", err=True)
